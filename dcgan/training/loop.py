"""The loop: one step after another, with the pictures in an order that can be repeated."""

from __future__ import annotations

from collections.abc import Iterator

from dcgan.config import TrainConfig
from dcgan.data import Pictures, epoch_order
from dcgan.training.schedule import Schedule
from dcgan.training.state import Metrics, TrainState
from dcgan.training.step import train_step

IN_SHORT = {"loss_d": "D", "loss_g": "G", "d_real": "D(x)", "d_fake": "D(G(z))"}


def train(state: TrainState, config: TrainConfig, pictures: Pictures) -> Iterator[Metrics]:
    """Train from `state.step` to the end of the schedule, yielding each finished step's metrics.

    Between two steps `state` is whole: it can be saved or taken back to an earlier one, and the run can be left at any
    yield. Pictures come in an order that depends only on (seed, epoch, rollbacks), so a resumed run sees what an
    uninterrupted one would have seen. Of several processes each reads its rows of every batch and yields the metrics of
    those.
    """
    schedule = Schedule.of(config, len(pictures))
    ordered = None
    while state.step < schedule.total_steps:
        epoch, position = divmod(state.step, schedule.steps_per_epoch)
        if ordered != (epoch, state.rollbacks):
            order = epoch_order(len(pictures), config.seed, epoch, state.rollbacks)
            ordered = epoch, state.rollbacks
        indices = order[position * config.batch_size : (position + 1) * config.batch_size]
        state.set_rates(schedule.rate(state.step))
        yield train_step(state, config, pictures.batch(state.world.rows(indices)))


def in_short(metrics: dict[str, float]) -> dict[str, str]:
    """Say the loop's latest metrics as a progress bar shows them."""
    found = {short: f"{metrics[name]:.3f}" for name, short in IN_SHORT.items() if name in metrics}
    rate = metrics.get("images_per_second")
    return found if rate is None else found | {"img/s": f"{rate:.0f}"}
