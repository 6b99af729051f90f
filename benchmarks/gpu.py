"""What a GPU makes of a training: steps taken plainly and recorded as CUDA graphs, and a face against the CPU's.

python -m benchmarks.gpu        takes a minute; on a machine without a GPU it says so
"""

from __future__ import annotations

import copy
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.machine import ROOT
from dcgan.checkpoints import load_generator
from dcgan.cli import DONE, Parser, command
from dcgan.config import TrainConfig, config_of
from dcgan.data import Pictures, Report
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.sampling import faces
from dcgan.training import TrainState, train

PICTURES = 2_048  # of noise: what is in them costs no time
WARM_UP, TIMED = 17, 48  # steps: until all kinds of step are recorded, and then
FACES = 256
HEAD = "| batch | D's feature maps | precision | steps | pictures a second | ms a step |\n" + "|---" * 6 + "|"


@dataclass(frozen=True)
class Case:
    """One way to train, of the loss and the penalties that made the bundled checkpoints."""

    batch: int
    feature_maps: int  # of the discriminator
    precision: str
    compiled: bool

    def config(self, **changes: Any) -> TrainConfig:
        """Configure it; `changes` win."""
        settings = {"loss": "relativistic", "d_norm": "none", "r2_gamma": 1.0, "generator_feature_maps": 48}
        settings |= {"batch_size": self.batch, "precision": self.precision, "data": "noise"}
        return config_of(settings | {"discriminator_feature_maps": self.feature_maps} | changes)

    def row(self, rate: float) -> str:
        """Say what was measured, as a row of a table; `rate` is in pictures a second."""
        steps = "recorded" if self.compiled else "plain"
        rest = f"{rate:,.0f} | {1000 * self.batch / rate:.2f}"
        return f"| {self.batch} | {self.feature_maps} | {self.precision} | {steps} | {rest} |"


CASES = [
    Case(64, 32, "float32", compiled=False),
    Case(64, 32, "float32", compiled=True),
    Case(64, 32, "bfloat16", compiled=True),
    Case(16, 32, "float32", compiled=True),
    Case(64, 64, "float32", compiled=True),
    Case(128, 64, "float32", compiled=True),
]


def noise(config: TrainConfig) -> Pictures:
    """Make pictures of noise, as many as are trained on here."""
    size = config.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (PICTURES, size, size, 3), np.uint8)
    return Pictures(pixels, config.data, "", Report(found=PICTURES), None)


def pictures_per_second(case: Case, config: TrainConfig, device: torch.device, timed: int = TIMED) -> float:
    """Measure the speed of a run's steps, without the first ones."""
    steps = train(TrainState(config, device), config, noise(config), case.compiled)
    _wait(list(itertools.islice(steps, WARM_UP)))
    began = time.perf_counter()
    _wait(list(itertools.islice(steps, timed)))
    return timed * config.batch_size / (time.perf_counter() - began)


def largest_difference(device: torch.device) -> int:
    """Draw the same seeds here and on the CPU; give by how many of 255 levels a value differs at most."""
    generator = load_generator(ROOT / CHECKPOINTS / BUNDLED[0])
    seeds = list(range(FACES))
    on_cpu, there = faces(generator, seeds), faces(copy.deepcopy(generator).to(device), seeds)
    return int(np.abs(on_cpu.astype(int) - there).max())


def _wait(steps: list[dict[str, torch.Tensor]]) -> None:
    steps[-1]["loss_g"].item()


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Print what was measured."""
    Parser(prog="python -m benchmarks.gpu", description=__doc__.partition("\n")[0]).parse_args(argv)
    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured")
        return DONE
    device = torch.device("cuda")
    print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}\n\n{HEAD}")
    for case in CASES:
        print(case.row(pictures_per_second(case, case.config(epochs=1000), device)), flush=True)
    print(f"\nof {FACES} faces no value differs from the CPU's by more than {largest_difference(device)} of 255")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
