"""Tell a checkpoint to draw its faces without grain from now on (see denoising.py), and draw its samples so.

python -m dcgan.denoise checkpoints/adventurer-96
python -m dcgan.denoise checkpoints/adventurer-96 --levels 0        as its learned layers leave them, as before
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from dcgan.checkpoints import set_denoising
from dcgan.cli import DONE, Parser, command
from dcgan.denoising import LEVELS
from dcgan.errors import InputError
from dcgan.files import path_of
from dcgan.training import redraw_samples


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    folder = options.checkpoint
    try:
        set_denoising(folder, options.levels)
        redraw_samples(folder)
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror or error}.") from None
    print(f"{folder} draws other faces now; measure them with: python -m dcgan.evaluation {folder} --data DATA")
    return DONE


def build_parser() -> Parser:
    """Make the parser of the command line."""
    parser = Parser(
        prog="python -m dcgan.denoise", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=path_of, help="a checkpoint folder")
    parser.add_argument(
        "--levels", type=float, default=LEVELS, help=f"how strongly, of 255 ({LEVELS:g}); 0 for not at all"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
