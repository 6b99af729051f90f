"""The loop: one step after another, with the pictures in an order that can be repeated."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import torch

from dcgan.config import TrainConfig
from dcgan.data import Pictures, epoch_order
from dcgan.training.cuda_graphs import RecordedLearning
from dcgan.training.distributed import World
from dcgan.training.feed import Feed
from dcgan.training.schedule import Schedule
from dcgan.training.state import Metrics, TrainState
from dcgan.training.step import learn, train_step

IN_SHORT = {"loss_d": "D", "loss_g": "G", "d_real": "D(x)", "d_fake": "D(G(z))"}


def train(state: TrainState, config: TrainConfig, pictures: Pictures, compile: bool = False) -> Iterator[Metrics]:
    """Train from `state.step` to the end of the schedule, yielding each finished step's metrics.

    Between two steps `state` is whole: it can be saved or taken back to an earlier one, and the run can be left at any
    yield. Pictures come in an order that depends only on (seed, epoch, rollbacks), so a resumed run sees what an
    uninterrupted one would have seen. Of several processes each reads its rows of every batch and yields the metrics of
    those. With `compile` a GPU's steps are recorded as CUDA graphs; it does nothing for what `can_compile` denies.
    """
    learning = RecordedLearning() if compile and can_compile(state.device, state.world) else learn
    feed = Feed(pictures, state.device)
    schedule = Schedule.of(config, len(pictures))
    ordered = None
    while state.step < schedule.total_steps:
        epoch, position = divmod(state.step, schedule.steps_per_epoch)
        if ordered != (epoch, state.rollbacks):
            order = epoch_order(len(pictures), config.seed, epoch, state.rollbacks)
            ordered = epoch, state.rollbacks
        indices = order[position * config.batch_size : (position + 1) * config.batch_size]
        state.set_rates(schedule.rate(state.step))
        yield train_step(state, config, feed.batch(state.world.rows(indices)), learning)


def can_compile(device: torch.device, world: World) -> bool:
    """Tell whether steps can be recorded: on one GPU alone, since several processes talk within a step."""
    return device.type == "cuda" and world.size == 1


def note_if_not_compiled(device: torch.device, world: World) -> None:
    """Say on stderr that --compile has no effect, where that is so."""
    if not can_compile(device, world):
        print("note: --compile has no effect here: it records the steps of a single GPU.", file=sys.stderr)


def in_short(metrics: dict[str, float]) -> dict[str, str]:
    """Say the loop's latest metrics as a progress bar shows them."""
    found = {short: f"{metrics[name]:.3f}" for name, short in IN_SHORT.items() if name in metrics}
    rate = metrics.get("images_per_second")
    return found if rate is None else found | {"img/s": f"{rate:.0f}"}
