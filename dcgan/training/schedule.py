"""When things happen in a run."""

from __future__ import annotations

from dataclasses import dataclass

from dcgan.config import TrainConfig
from dcgan.errors import InputError

LEAST_BATCH = 2
LOG_EVERY = 50  # steps a line of metrics.jsonl stands for


@dataclass(frozen=True)
class Schedule:
    """When things happen in a run on `pictures` pictures, in steps. A step is one batch of reals."""

    steps_per_epoch: int
    total_steps: int
    decay_steps: int  # the last of all, in which learning rates fall
    snapshots: dict[int, int]  # step -> epoch

    @classmethod
    def of(cls, config: TrainConfig, pictures: int) -> Schedule:
        """Say when things happen by this configuration.

        Raises:
            InputError: the pictures don't fill one batch.
        """
        steps_per_epoch = pictures // config.batch_size  # an incomplete last batch would upset BatchNorm
        if pictures < LEAST_BATCH:
            raise InputError(
                f"{pictures} usable picture{'s are' if pictures != 1 else ' is'} too few for --batch-size "
                f"{config.batch_size}, and for any other: a batch has at least {LEAST_BATCH}; add pictures."
            )
        if not steps_per_epoch:
            raise InputError(
                f"--batch-size {config.batch_size} is more than the {pictures} usable pictures; "
                f"use --batch-size {pictures} or less, or more pictures."
            )
        total = config.epochs * steps_per_epoch
        if config.max_steps is not None:
            total = min(total, config.max_steps)
        epochs = {*config.snapshot_epochs, config.epochs}  # the end of a run is always worth keeping
        return cls(
            steps_per_epoch,
            total,
            round(total * config.lr_decay),
            {epoch * steps_per_epoch: epoch for epoch in sorted(epochs) if epoch * steps_per_epoch <= total},
        )

    def is_logged(self, step: int) -> bool:
        """Whether a line of metrics.jsonl is due after this step."""
        return step % LOG_EVERY == 0 or step == self.total_steps

    def rate(self, step: int) -> float:
        """Give the share of its learning rates at which a step learns: 1, and towards the end down to nearly 0."""
        left = self.total_steps - step
        return left / self.decay_steps if left < self.decay_steps else 1.0
