"""How fast the CPU trains: beside a loop as everybody writes it, and beside oneDNN's own convolutions.

python -m benchmarks.training_rate
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import nn

from benchmarks.convolutions import seconds_a_step
from benchmarks.loops import CPU, DEFAULT_NETWORKS, configured, everybodys_steps, in_the_plain_layout, noise, steps_of
from benchmarks.measuring import Effort, Finding, Row, Spread, in_turns, run_rows
from dcgan.cli import command
from dcgan.config import TrainConfig
from dcgan.training import Run, train

RELATIVISTIC = {"loss": "relativistic", "d_norm": "none", "r2_gamma": 1.0}  # with the penalties that go with it


def beside_everybodys(effort: Effort, precision: str, target: float) -> Finding:
    """Hold the plain recipe against the loop that everybody writes, which computes in float32."""
    config = configured(effort, recipe="plain", batch_size=64)
    steps = effort.of(4, 1)
    contestants = {
        "everybody's": partial(everybodys_steps(config), steps),
        "ours": partial(steps_of(config.but(precision=precision)), steps),
    }
    return _compared(effort, contestants, steps * config.batch_size, "everybody's", "ours", target)


def default_recipe(effort: Effort) -> Finding:
    """Hold the default recipe of small networks against itself without what was done for its speed."""
    config = configured(effort, **DEFAULT_NETWORKS)
    relativistic = configured(effort, **DEFAULT_NETWORKS | RELATIVISTIC)
    steps, in_bfloat16 = effort.of(16, 1), {"precision": "bfloat16"}
    contestants = {
        "itself then": partial(steps_of(config, in_the_plain_layout), steps),
        "float32": partial(steps_of(config), steps),
        "bfloat16": partial(steps_of(config.but(**in_bfloat16)), steps),
        "relativistic, bfloat16": partial(steps_of(relativistic.but(**in_bfloat16)), steps),
    }
    return _compared(effort, contestants, steps * config.batch_size, "itself then", "bfloat16", 1.5)


def _compared(
    effort: Effort,
    contestants: Mapping[str, Callable[[], object]],
    pictures: int,
    beside: str,
    ours: str,
    target: float,
) -> Finding:
    seconds = in_turns(effort.rounds, contestants)
    ratio = Spread.of_ratios(seconds[beside], seconds[ours])
    rates = {name: pictures / Spread.of(times).median for name, times in seconds.items()}
    words = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
    return Finding(f"{ratio.words()}; images/s: {words}", ratio.median >= target)


def share_of_the_rest(effort: Effort) -> Finding:
    """Measure how much of a step of a whole run is spent neither in the networks nor in Adam."""
    shares = []
    for _ in range(effort.rounds):
        with tempfile.TemporaryDirectory() as folder:
            config = configured(effort, **DEFAULT_NETWORKS)
            run = Run.start(Path(folder), config, noise(config.image_size), CPU)
            metrics = train(run.state, config, run.pictures)
            with _clock(run) as clock:
                for _ in range(effort.of(4, 1)):
                    run.after_step(next(metrics))
                clock.seconds, began = 0.0, time.perf_counter()
                for _ in range(effort.of(24, 2)):
                    run.after_step(next(metrics))
                shares.append(100 * (1 - clock.seconds / (time.perf_counter() - began)))
    share = Spread.of(shares)
    return Finding(f"{share.words(' %', 1)} of a step of the default recipe, 48/32", share.median <= 5)


class _Clock:
    """Adds up the seconds that functions take; what one calls within another counts once."""

    def __init__(self) -> None:
        self.seconds, self._depth = 0.0, 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            self._depth += 1
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.seconds += time.perf_counter() - began

        return run


@contextmanager
def _clock(run: Run) -> Iterator[_Clock]:
    """Time the networks' passes, forwards and backwards, and the optimizers' steps."""
    clock = _Clock()
    places: list[tuple[Any, str]] = [(torch.Tensor, "backward"), (torch.autograd, "grad")]
    places += [(optimizer, "step") for optimizer in run.state.optimizers.values()]
    networks: list[nn.Module] = [run.state.generator, run.state.discriminator]
    places += [(network, "forward") for network in networks]
    patches = [patch.object(owner, name, clock.timed(getattr(owner, name))) for owner, name in places]
    for each in patches:
        each.start()
    try:
        yield clock
    finally:
        for each in patches:
            each.stop()


def share_of_the_machine(effort: Effort) -> Finding:
    """Hold a step against the time that its convolutions alone take in oneDNN, in the better of both layouts."""
    parts, met = [], True
    for precision in ("float32", "bfloat16"):
        config = configured(effort, recipe="plain", batch_size=64, precision=precision)
        share = _machine_share(effort, config)
        parts.append(f"{precision} {share.words('', 2)}")
        met = met and share.median >= 0.85
    return Finding("; ".join(parts), met)


def _machine_share(effort: Effort, config: TrainConfig) -> Spread:
    take, shares = steps_of(config), []
    steps = effort.of(3, 1)
    take(steps)
    for _ in range(effort.of(3, 1)):
        began = time.perf_counter()
        take(steps)
        a_step = (time.perf_counter() - began) / steps
        shares.append(seconds_a_step(config, effort.of(2, 1)) / a_step)
    return Spread.of(shares)


ROWS = [
    Row(
        "train-float32",
        "training, 64/64, batch 64, float32, beside a loop as everybody writes it",
        ">= 1.35x",
        partial(beside_everybodys, precision="float32", target=1.35),
    ),
    Row(
        "train-bfloat16",
        "the same in bfloat16, beside that loop in float32",
        ">= 2.2x",
        partial(beside_everybodys, precision="bfloat16", target=2.2),
    ),
    Row(
        "default-recipe",
        "the default recipe, 48/32, in bfloat16, beside itself in float32 with plain layout and Adam",
        ">= 1.5x",
        default_recipe,
    ),
    Row(
        "rest-of-a-step",
        "share of a step that is neither network nor optimizer",
        "<= 5 %",
        share_of_the_rest,
    ),
    Row(
        "machine-share",
        "share of the rate of oneDNN's own convolutions, 64/64, batch 64",
        ">= 0.85",
        share_of_the_machine,
    ),
]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the rows that are named, or all."""
    return run_rows(ROWS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
