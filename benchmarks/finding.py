"""How well the Studio finds faces: generated ones again, and something near to pictures that nobody trained on.

python -m benchmarks.finding checkpoints/micah-96
python -m benchmarks.finding checkpoints/portraits-96 --data portraits:pixel-art-portraits
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from dcgan.checkpoints import load_discriminator, load_generator, read_training
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.evaluation import held_out_pictures
from dcgan.gallery.finding import MAX_SECONDS, SEEDS_TRIED, find
from dcgan.models import Discriminator, Generator
from dcgan.sampling import faces

FIRST_SEED = 3_000_000  # of the generated faces; no search starts near them
NEAR = 8.0  # grey levels, mean absolute difference


@dataclass(frozen=True)
class Hit:
    """What a search came to: how far its face is, how far the nearest seed's was, and how long it took."""

    distance: float
    nearest_seed: float
    seconds: float


def search(generator: Generator, discriminator: Discriminator | None, picture: np.ndarray) -> Hit:
    """Look for a picture `(S, S, 3)`, uint8."""
    began = time.perf_counter()
    *_, last = find(generator, discriminator, picture)
    seconds = time.perf_counter() - began
    seeds = faces(generator, list(range(SEEDS_TRIED))).astype(np.int16)
    return Hit(last.distance, float(np.abs(seeds - picture).mean((1, 2, 3)).min()), seconds)


def in_words(what: str, hits: list[Hit]) -> str:
    """Say what came of searches for one kind of picture."""
    near = sum(hit.distance <= NEAR for hit in hits)
    nearer = sum(hit.distance < hit.nearest_seed for hit in hits)
    distances, seconds = [hit.distance for hit in hits], [hit.seconds for hit in hits]
    return (
        f"{what}: {near} of {len(hits)} within {NEAR:g} grey levels "
        f"(median {statistics.median(distances):.1f}, at most {max(distances):.1f}); "
        f"{nearer} nearer than the best of {SEEDS_TRIED:,} seeds; "
        f"{statistics.median(seconds):.1f} s each, at most {max(seconds):.1f}"
    )


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.finding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder")
    parser.add_argument("--data", help="where its held-out pictures come from (default: as it was trained on)")
    parser.add_argument("--generated", type=int, default=50, help="generated faces to look for (50)")
    parser.add_argument("--held-out", type=int, default=20, help="held-out pictures to look for (20)")
    options = parser.parse_args(argv)
    if options.generated < 1 or options.held_out < 1:
        raise InputError("--generated and --held-out must be from 1 up.")
    training = read_training(options.checkpoint)
    generator = load_generator(options.checkpoint)
    discriminator = load_discriminator(options.checkpoint, torch.device("cpu"))
    settings = training.settings()
    reals = held_out_pictures(
        options.data or settings.data, generator.image_size, settings.portrait_crop, settings.background or ("white",)
    )
    pictures = {
        "generated faces": faces(generator, list(range(FIRST_SEED, FIRST_SEED + options.generated))),
        "held-out pictures": reals.pixels(0, options.held_out),
    }
    print(f"{options.checkpoint.name}, {torch.get_num_threads()} threads, at most {MAX_SECONDS:g} s a search")
    for what, wanted in pictures.items():
        print(in_words(what, [search(generator, discriminator, picture) for picture in tqdm(wanted, desc=what)]))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
