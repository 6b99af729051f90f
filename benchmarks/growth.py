"""How the cost grows as work grows, as a figure, and two processes beside one.

python -m benchmarks.growth        draws docs/growth.png
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from benchmarks.loops import CPU, configured, steps_of
from benchmarks.machine import ROOT
from benchmarks.measuring import Effort, Finding, Row, Spread, in_turns, run_rows
from dcgan.checkpoints import load_generator
from dcgan.cli import command
from dcgan.data import Pictures, Report, epoch_order
from dcgan.gallery.walks import render_walk
from dcgan.images import to_float
from dcgan.latents import latents
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.training.feed import Feed

FIGURE = ROOT / "docs" / "growth.png"
MAX_KNEE = 1.3  # times as much for a unit of work as where it takes least
BATCHES = 32  # that are read from data of each size
SMALL = {"generator_feature_maps": 16, "discriminator_feature_maps": 16}
Costs = dict[int, float]  # units of work -> seconds


def cost_of_growth(effort: Effort) -> Finding:
    """Time work of several sizes, draw a figure of it, and tell where a unit of it gets dearer."""
    measured = {
        "batch (pictures a step)": _costs(effort, (4, 8, 16, 32, 64, 128), (2, 4), _step_of_batch),
        "picture (pixels)": _by_pixels(_costs(effort, (48, 64, 96, 128, 192), (24, 48), _step_of_size)),
        "walk (frames)": _costs(effort, (12, 24, 48, 96, 192), (8, 16), _walk_of_frames),
        "data (pictures)": _epochs(_costs(effort, (1_000, 10_000, 50_000, 200_000), (8, 16), _read_from)),
    }
    knees = {name: _knee(costs) for name, costs in measured.items()}
    if not effort.tiny:
        draw(measured, FIGURE)
    two = _two_processes(effort)
    words = ", ".join(f"{name} {knee:.2f}x" for name, knee in knees.items())
    return Finding(
        f"a unit of the largest work costs, beside where it costs least: {words}; "
        f"two gloo processes {two.words()} the pictures/s of one with two threads",
        max(knees.values()) <= MAX_KNEE and two.median >= 0.9,
    )


def _costs(effort: Effort, whole: Sequence[int], tiny: Sequence[int], make: Callable[[int], object]) -> Costs:
    """Time one piece of work of each size: the median of a few."""
    costs: Costs = {}
    for size in tiny if effort.tiny else whole:
        work = make(size)
        assert callable(work)
        [seconds] = in_turns(effort.of(3, 1), {"": work}).values()
        costs[size] = Spread.of(seconds).median
    return costs


def _step_of_batch(batch: int) -> Callable[[], None]:
    return partial(steps_of(configured(Effort(), **SMALL, batch_size=batch, r1_every=1)), 1)


def _step_of_size(size: int) -> Callable[[], None]:
    return partial(steps_of(configured(Effort(), **SMALL, image_size=size, r1_every=1)), 1)


def _walk_of_frames(frames: int) -> Callable[[], object]:
    generator = load_generator(ROOT / CHECKPOINTS / BUNDLED[0])
    return partial(render_walk, generator, latents([7, 42, 99], generator.latent_dim), frames)


def _read_from(count: int, size: int = 24) -> Callable[[], None]:
    """Make what reads a few batches out of so many pictures in a file, in the order of an epoch."""
    with tempfile.TemporaryFile() as file:
        pixels = np.memmap(file, np.uint8, "w+", shape=(count, size, size, 3))
    pixels[:] = np.arange(size, dtype=np.uint8)[:, None, None]
    pictures = Pictures(pixels, "noise", "", Report(found=count), None)
    feed, first = Feed(pictures, CPU), epoch_order(count, 0, 0, 0)[: 16 * BATCHES]

    def read() -> None:
        for indices in first.split(16):
            to_float(feed.batch(indices))

    return read


def _by_pixels(costs: Costs) -> Costs:
    return {size**2: seconds for size, seconds in costs.items()}


def _epochs(costs: Costs) -> Costs:
    """Reckon a whole epoch from a few batches of it."""
    return {count: seconds * max(1.0, count / (16 * BATCHES)) for count, seconds in costs.items()}


def _knee(costs: Costs) -> float:
    """Tell how many times as much a unit of the largest work costs as one where it costs least."""
    per_unit = [seconds / units for units, seconds in costs.items()]
    return per_unit[-1] / min(per_unit)


def draw(measured: dict[str, Costs], path: Path) -> None:
    """Plot seconds over units of work, a panel for each kind; a line through the origin is what linear means."""
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    for axes, (name, costs) in zip(figure.subplots(1, len(measured)), measured.items(), strict=True):
        units, seconds = list(costs), list(costs.values())
        axes.plot(units, seconds, marker="o")
        axes.plot([0, units[-1]], [0, seconds[-1]], color="grey", linewidth=0.8, linestyle=":")
        axes.set(xlabel=name, ylabel="seconds" if name.startswith("batch") else "", xlim=0, ylim=0)
        axes.xaxis.set_major_formatter(EngFormatter())
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _two_processes(effort: Effort) -> Spread:
    """Train as two processes with a thread each, and as one with two, in turns: the ratio of pictures/s."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(effort.of(3, 1)):
        for processes, found in rates.items():
            found.append(_pictures_per_second(processes, effort.tiny))
    return Spread.of_ratios(rates[2], rates[1])


def training_in(processes: int) -> list[str]:
    """Give the command that trains in so many processes."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] if processes > 1 else []
    return [sys.executable, *launcher, "-m", "benchmarks.one_process"]


def _pictures_per_second(processes: int, tiny: bool) -> float:
    words = [*training_in(processes), *(["--tiny"] if tiny else [])]
    environment = os.environ | {"OMP_NUM_THREADS": str(2 // processes)}
    told = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return float(told.stdout.split()[-1])


ROWS = [
    Row(
        "growth",
        "cost as work grows: batch, image size 48 to 192, frames, data 1k to 200k; processes 1 and 2",
        "no unit > 1.3x the cheapest; two gloo processes >= 0.9x of one with two threads",
        cost_of_growth,
        seconds=300,
    )
]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the row."""
    return run_rows(ROWS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
