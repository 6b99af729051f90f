"""Renders faces offline, as many as wanted, from the DiceBear styles.

python -m dcgan.avatars adventurer faces/ --count 1000
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dcgan.cli import DONE, Parser, command
from dcgan.data import avatars
from dcgan.errors import InputError
from dcgan.files import path_of
from dcgan.images import save_png


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write a folder of PNGs, with the style's licence beside them."""
    parser = Parser(prog="python -m dcgan.avatars", description=__doc__.split("\n")[0])
    parser.add_argument("style", help="a DiceBear face style, such as adventurer or lorelei")
    parser.add_argument("folder", type=path_of, help="where the PNGs go")
    parser.add_argument("--count", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--first", type=int, default=0, help="index of the first one (default 0)")
    parser.add_argument("--size", type=int, default=96, help="pixels a side (default 96)")
    parser.add_argument("--background", default="white", help="colours to take turns, as in white,#b6e3f4")
    options = parser.parse_args(argv)
    if options.count < 1 or options.first < 0 or not 8 <= options.size <= 1024:
        raise InputError("--count must be from 1 up, --first from 0 up and --size from 8 to 1024.")

    pictures = avatars.render_many(
        options.style, options.count, options.size, options.background.split(","), options.first
    )
    credit = avatars.attribution(options.style)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(pictures, start=options.first):
            save_png(pixels, options.folder / f"{options.style}-{index:06d}.png")
        (options.folder / "LICENCE.txt").write_text(credit.licence_text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write to {options.folder}: {error.strerror or error}.") from None
    print(f"{options.count} pictures in {options.folder}. {credit.licence_text.splitlines()[0]}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
