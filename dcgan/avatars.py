"""Renders faces offline, as many as wanted, from the DiceBear styles.

python -m dcgan.avatars adventurer faces/ --count 1000
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dcgan.cli import DONE, Parser, command
from dcgan.data import avatars, picture_folder


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write a folder of PNGs, with the style's licence beside them."""
    parser = Parser(prog="python -m dcgan.avatars", description=__doc__.split("\n")[0])
    parser.add_argument("style", help="a DiceBear face style, such as adventurer or lorelei")
    picture_folder.add_arguments(parser, "white", "as in white,#b6e3f4 (default white)")
    options = parser.parse_args(argv)
    picture_folder.check(options)
    backgrounds = options.background.split(",")
    faces = avatars.render_many(options.style, options.count, options.size, backgrounds, options.first)
    picture_folder.write_folder(options, faces, options.style, avatars.attribution(options.style).licence_text)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
