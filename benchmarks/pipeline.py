"""How fast pictures come out of the data pipeline once they are decoded, beside ImageFolder with two workers.

python -m benchmarks.pipeline
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from benchmarks.loops import CPU, DEFAULT_NETWORKS, configured, steps_of
from benchmarks.machine import ROOT
from benchmarks.measuring import Effort, Finding, Row, Spread, in_turns, run_rows
from dcgan.checkpoints import load_generator
from dcgan.cli import command
from dcgan.data import Pictures, epoch_order, load_pictures
from dcgan.images import to_float
from dcgan.latents import seeds_from
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.sampling import faces
from dcgan.training.feed import Feed

BATCH, SIZE = 64, 96
JPEG_QUALITY = 95
MAX_PERCENT = 3.0  # of a step


def pictures_a_second(effort: Effort) -> Finding:
    """Read an epoch of pictures that both have read before, to float batches `(N, 3, S, S)` in [-1, 1]."""
    count = effort.of(2048, 64)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        _write_faces(folder / "all", count)
        ours = load_pictures(str(folder), SIZE, cache=Path(scratch) / "cache")
        loader = _usual_loader(folder)
        contestants = {"ImageFolder": partial(_read, loader), "ours": partial(_read_ours, ours, effort.of(10, 1))}
        seconds = in_turns(effort.rounds, contestants)
        del loader, ours  # before their files
    a_picture = [each / effort.of(10, 1) / count for each in seconds["ours"]]
    ratio = Spread.of_ratios([each / count for each in seconds["ImageFolder"]], a_picture)
    percent = 100 * Spread.of(a_picture).median / _seconds_a_picture_trained(effort)
    rate = 1 / Spread.of(a_picture).median
    return Finding(
        f"{ratio.words(digits=0)}; {rate:,.0f} pictures/s, {percent:.1f} % of a step of the default recipe",
        ratio.median >= 20 and percent < MAX_PERCENT,
    )


def _write_faces(folder: Path, count: int) -> None:
    """Write JPEGs of faces, as pictures that people have are."""
    folder.mkdir(parents=True)
    generator = load_generator(ROOT / CHECKPOINTS / BUNDLED[0])
    for seed, pixels in zip(range(count), faces(generator, seeds_from(0, count)), strict=True):
        Image.fromarray(pixels).save(folder / f"{seed}.jpg", quality=JPEG_QUALITY)


def _usual_loader(folder: Path) -> DataLoader[tuple[torch.Tensor, torch.Tensor]]:
    steps = [v2.Resize(SIZE), v2.CenterCrop(SIZE), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    dataset = ImageFolder(str(folder), v2.Compose([*steps, v2.Normalize([0.5] * 3, [0.5] * 3)]))
    return DataLoader(dataset, BATCH, shuffle=True, num_workers=2, persistent_workers=True, drop_last=True)


def _read(loader: DataLoader[tuple[torch.Tensor, torch.Tensor]]) -> None:
    for _ in loader:
        pass


def _read_ours(pictures: Pictures, epochs: int) -> None:
    feed = Feed(pictures, CPU)
    for epoch in range(epochs):
        for indices in epoch_order(len(pictures), 0, epoch, 0).split(BATCH):
            to_float(feed.batch(indices))


def _seconds_a_picture_trained(effort: Effort) -> float:
    config = configured(effort, **DEFAULT_NETWORKS)
    steps = effort.of(8, 1)
    [seconds] = in_turns(effort.of(3, 1), {"steps": partial(steps_of(config), steps)}).values()
    return float(np.median(seconds)) / steps / config.batch_size


ROWS = [
    Row(
        "pipeline",
        "pictures/s out of the data pipeline in epoch 2, beside ImageFolder with PIL and 2 workers",
        ">= 20x, < 3 % of a step",
        pictures_a_second,
    )
]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the row."""
    return run_rows(ROWS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
