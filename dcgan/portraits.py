"""Composes anime portraits, as many as wanted, from the layers of https://github.com/V-ktor/pixel-art-portraits.

python -m dcgan.portraits pixel-art-portraits portraits/ --count 1000
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dcgan.cli import DONE, Parser, command
from dcgan.config import PORTRAIT_BACKGROUNDS
from dcgan.data import Attribution, Composer, compose_many, open_art, picture_folder
from dcgan.files import with_home


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write a folder of PNGs, with the art's licence beside them."""
    parser = Parser(prog="python -m dcgan.portraits", description=__doc__.split("\n")[0])
    parser.add_argument("layers", type=with_home, help="a clone of the art, or a .zip of it")
    picture_folder.add_arguments(parser, ",".join(PORTRAIT_BACKGROUNDS), "by default six pale ones")
    parser.add_argument("--portrait-crop", default="head", help="head or bust (default head)")
    options = parser.parse_args(argv)
    picture_folder.check(options)
    art = open_art(options.layers)
    composer = Composer(art, options.size, options.portrait_crop, options.background.split(","))
    faces = compose_many(composer, options.count, options.first)
    picture_folder.write_folder(options, faces, "portrait", _licence(art.attribution))
    return DONE


def _licence(attribution: Attribution) -> str:
    if not attribution.licence_text:
        return "The licence of these layers is unknown."
    return f"{attribution.licence_text}. Changed: {attribution.changes}."


if __name__ == "__main__":
    sys.exit(main())
