"""How well the Studio finds faces: generated ones again, and something near to pictures that nobody trained on.

python -m benchmarks.finding checkpoints/micah-96
python -m benchmarks.finding checkpoints/portraits-96 --data portraits:pixel-art-portraits

Where other work shares the machine, a search is cut short by the clock that would not be on two free cores. There
`OMP_NUM_THREADS=1` with `--seconds 600` lets each take all its steps, and the seconds of a processor tell how long one
free core would take.
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
    processor: float  # seconds of one


@dataclass(frozen=True)
class Searcher:
    """The networks of a checkpoint, the faces `(N, S, S, 3)` of its first seeds, and how long a search may take."""

    generator: Generator
    discriminator: Discriminator | None
    seeds: np.ndarray  # int16
    max_seconds: float

    def search(self, picture: np.ndarray) -> Hit:
        """Look for a picture `(S, S, 3)`, uint8."""
        began, worked = time.perf_counter(), time.process_time()
        *_, last = find(self.generator, self.discriminator, picture, self.max_seconds)
        seconds, processor = time.perf_counter() - began, time.process_time() - worked
        nearest_seed = float(np.abs(self.seeds - picture).mean((1, 2, 3)).min())
        return Hit(last.distance, nearest_seed, seconds, processor)


def in_words(what: str, hits: list[Hit]) -> str:
    """Say what came of searches for one kind of picture."""
    near = sum(hit.distance <= NEAR for hit in hits)
    nearer = sum(hit.distance < hit.nearest_seed for hit in hits)
    distances, seconds = [hit.distance for hit in hits], [hit.seconds for hit in hits]
    processor = [hit.processor for hit in hits]
    return (
        f"{what}: {near} of {len(hits)} within {NEAR:g} grey levels "
        f"(median {statistics.median(distances):.1f}, at most {max(distances):.1f}); "
        f"{nearer} nearer than the best of {SEEDS_TRIED:,} seeds; "
        f"{statistics.median(seconds):.1f} s each, at most {max(seconds):.1f} "
        f"({statistics.median(processor):.1f} and {max(processor):.1f} s of a processor)"
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
    parser.add_argument(
        "--seconds", type=float, default=MAX_SECONDS, help=f"that a search may take ({MAX_SECONDS:g}, as on the page)"
    )
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
    seeds = faces(generator, list(range(SEEDS_TRIED))).astype(np.int16)
    searcher = Searcher(generator, discriminator, seeds, options.seconds)
    print(f"{options.checkpoint.name}, {torch.get_num_threads()} threads, at most {options.seconds:g} s a search")
    for what, wanted in pictures.items():
        print(in_words(what, [searcher.search(picture) for picture in tqdm(wanted, desc=what)]), flush=True)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
