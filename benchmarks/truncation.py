"""Whether truncation is honest: at each psi, how sound a checkpoint's faces are, and how much they differ.

python -m benchmarks.truncation checkpoints/adventurer-96 checkpoints/micah-96
python -m benchmarks.truncation checkpoints/portraits-96 --portraits pixel-art-portraits

Truncation would be worth a slider where every smaller psi draws faces that differ less, by 5 % or more, and are as
sound: their precision among as many held-out pictures at least 0.9 of that at 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch

from benchmarks.results import data_of
from dcgan.checkpoints import load_generator, read_training
from dcgan.cli import DONE, Parser, command
from dcgan.evaluation import Extractor, features_of, held_out_pictures, open_extractor, overlap, spread
from dcgan.files import path_of
from dcgan.latents import seeds_from
from dcgan.sampling import faces

PSIS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
FACES = 2_000
PRECISION_KEPT, SPREAD_LOST = 0.9, 0.05  # of precision at 1, at least; of the spread, from psi to psi


@dataclass(frozen=True)
class Measured:
    """What truncation at `psi` does to faces: their precision, and their spread in grey levels."""

    psi: float
    precision: float
    spread: float


def measure(folder: Path, extractor: Extractor, art: str | None = None, count: int = FACES) -> list[Measured]:
    """Draw `count` faces at each of PSIS, from the largest, and compare them with as many held-out pictures."""
    settings, generator = read_training(folder).settings(), load_generator(folder)
    reals = held_out_pictures(data_of(folder, art), settings.image_size, settings.portrait_crop, settings.background)
    real_features, found = features_of(reals, 0, count, extractor), []
    for psi in PSIS:
        fakes = faces(generator, seeds_from(0, count), psi)
        precision = overlap(extractor.features(fakes), real_features)["precision"]
        found.append(Measured(psi, precision, spread(fakes)))
    return found


def is_honest(measured: Sequence[Measured]) -> bool:
    """Tell whether every smaller psi keeps the precision of the first, and has less spread than the one before."""
    sound = all(each.precision >= PRECISION_KEPT * measured[0].precision for each in measured)
    return sound and all(after.spread <= (1 - SPREAD_LOST) * before.spread for before, after in pairwise(measured))


def row(name: str, measured: Sequence[Measured]) -> str:
    """Write a row of the table: precision / spread at each psi, and whether truncation is honest."""
    cells = [f"{each.precision:.3f} / {each.spread:.1f}" for each in measured]
    return f"| {name} | {' | '.join(cells)} | {'yes' if is_honest(measured) else 'no'} |"


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.truncation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=path_of, metavar="FOLDER", help="a checkpoint")
    parser.add_argument("--portraits", metavar="ART", help="the layers that portraits are composed from")
    options = parser.parse_args(argv)
    extractor = open_extractor("efficientnet-lite0", None, torch.device("cpu"))
    print(f"| precision / spread at psi | {' | '.join(map(str, PSIS))} | honest |")
    print("|---" * (len(PSIS) + 2) + "|")
    for folder in options.folders:
        print(row(folder.name, measure(folder, extractor, options.portraits)), flush=True)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
