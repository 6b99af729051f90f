"""A folder of rendered pictures, with their licence beside them: what the commands avatars and portraits write."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

import numpy as np

from dcgan.cli import Parser
from dcgan.errors import InputError
from dcgan.files import path_of
from dcgan.images import save_png

MIN_SIZE, MAX_SIZE = 8, 1024  # pixels a side


def add_arguments(parser: Parser, background: str, words: str) -> None:
    """Add what both commands take; `words` say which the default backgrounds are."""
    parser.add_argument("folder", type=path_of, help="where the PNGs go")
    parser.add_argument("--count", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--first", type=int, default=0, help="index of the first one (default 0)")
    parser.add_argument("--size", type=int, default=96, help="pixels a side (default 96)")
    parser.add_argument("--background", default=background, help=f"colours to take turns, {words}")


def check(options: argparse.Namespace) -> None:
    """Raise an InputError for a number outside its range."""
    if options.count < 1 or options.first < 0 or not MIN_SIZE <= options.size <= MAX_SIZE:
        raise InputError(
            f"--count must be from 1 up, --first from 0 up and --size from {MIN_SIZE} to {MAX_SIZE} pixels."
        )


def write_folder(options: argparse.Namespace, pictures: Iterable[np.ndarray], name: str, licence: str) -> None:
    """Write pictures `(S, S, 3)` as NAME-000000.png and so on, and LICENCE.txt; print what was written.

    Raises:
        InputError: the folder can't be written to.
    """
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(pictures, start=options.first):
            save_png(pixels, options.folder / f"{name}-{index:06d}.png")
        (options.folder / "LICENCE.txt").write_text(licence + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write to {options.folder}: {error.strerror or error}.") from None
    print(f"{options.count} pictures in {options.folder}. {licence.splitlines()[0]}")
