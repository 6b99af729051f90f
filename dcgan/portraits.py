"""Composes anime portraits, as many as wanted, from the layers of https://github.com/V-ktor/pixel-art-portraits.

python -m dcgan.portraits pixel-art-portraits portraits/ --count 1000
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dcgan.cli import DONE, Parser, command
from dcgan.config import PORTRAIT_BACKGROUNDS
from dcgan.data import Attribution, Composer, compose_many, open_art
from dcgan.errors import InputError
from dcgan.files import path_of, with_home
from dcgan.images import save_png


def _credit_line(attribution: Attribution) -> str:
    if not attribution.licence_text:
        return "The licence of these layers is unknown."
    return f"{attribution.licence_text}. Changed: {attribution.changes}."


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write a folder of PNGs, with the art's licence beside them."""
    parser = Parser(prog="python -m dcgan.portraits", description=__doc__.split("\n")[0])
    parser.add_argument("layers", type=with_home, help="a clone of the art, or a .zip of it")
    parser.add_argument("folder", type=path_of, help="where the PNGs go")
    parser.add_argument("--count", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--first", type=int, default=0, help="index of the first one (default 0)")
    parser.add_argument("--size", type=int, default=96, help="pixels a side (default 96)")
    parser.add_argument("--portrait-crop", default="head", help="head or bust (default head)")
    parser.add_argument(
        "--background", default=",".join(PORTRAIT_BACKGROUNDS), help="colours to take turns (six pale ones)"
    )
    options = parser.parse_args(argv)
    if options.count < 1 or options.first < 0 or not 8 <= options.size <= 1024:
        raise InputError("--count must be from 1 up, --first from 0 up and --size from 8 to 1024.")

    art = open_art(options.layers)
    composer = Composer(art, options.size, options.portrait_crop, options.background.split(","))
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(compose_many(composer, options.count, options.first), start=options.first):
            save_png(pixels, options.folder / f"portrait-{index:06d}.png")
        credit = _credit_line(art.attribution)
        (options.folder / "LICENCE.txt").write_text(credit + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write to {options.folder}: {error.strerror or error}.") from None
    print(f"{options.count} pictures in {options.folder}. {credit}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
