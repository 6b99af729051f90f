"""Says whether a run is sound, and which state it goes back to where it isn't. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch

from dcgan.checkpoints import SavedState
from dcgan.config import TrainConfig
from dcgan.data import Pictures
from dcgan.latents import seeds_from
from dcgan.models import Generator
from dcgan.sampling import faces
from dcgan.training.health import Health, Reading, compare, fell_apart, not_finite
from dcgan.training.schedule import Schedule
from dcgan.training.state import Metrics, TrainState

WATCHED_SEEDS = seeds_from(0, 128)  # the faces held against training pictures; people are shown the first of them
WATCHED_PICTURES = 256
MAX_TRIES = 3  # further orders of the pictures that are tried from one state


@dataclass(frozen=True)
class Look:
    """The faces of a generator, drawn once: pixels `(N, S, S, 3)`, uint8, of the watched seeds, and their reading."""

    pixels: np.ndarray
    reading: Reading


@dataclass(frozen=True)
class Verdict:
    """What was found of a step."""

    trouble: str | None = None  # what is wrong with the run, in words for people
    is_anchor: bool = False  # whether its state is one to go back to
    look: Look | None = None  # at the faces that people see, where something is made of them


@dataclass(frozen=True)
class Rollback:
    """How a run was taken back."""

    failed_at: int
    why: str
    tries: int  # from this state, this one included
    gave_up: bool  # after too many of them


class Supervisor:
    """Watches the run whose `state` it is given: the losses of all steps, tensors and faces before something is kept.

    Of several processes only the main one looks; the others are told what it found. `untimed` is entered while faces
    are looked at, which isn't training. `health` and `is_anchor` are part of the run's saved state.
    """

    def __init__(
        self,
        state: TrainState,
        config: TrainConfig,
        schedule: Schedule,
        pictures: Pictures,
        untimed: Callable[[], AbstractContextManager[None]] = nullcontext,
    ):
        self.state, self.config, self.schedule, self.pictures = state, config, schedule, pictures
        self.health = Health()
        self.is_anchor = True  # whether the state as it is now is one to go back to
        self._untimed = untimed
        self._unread: list[Metrics] = []  # on their device, since fetching them would wait for the step to end

    def judge(self, metrics: Metrics) -> Verdict:
        """Judge the step that the state has just finished. For all processes alike."""
        world = self.state.world
        if world.is_main:
            self._unread.append(metrics)
        verdict = Verdict()
        if self.schedule.is_logged(self.state.step) or self._is_measured:
            found, trained = self._examine() if world.is_main else (verdict, None)
            trouble, is_anchor = world.from_main((found.trouble, found.is_anchor))
            verdict = replace(found, trouble=trouble, is_anchor=is_anchor)
            if is_anchor:
                self.health = self.health.after_good_state(trained)
        self.is_anchor = verdict.is_anchor
        return verdict

    def read_losses(self) -> None:
        """Take in the losses of the steps since they were last read."""
        self.health = self.health.after(_as_numbers(self._unread))
        self._unread.clear()

    def look(self) -> Look:
        """Look at the faces that people see."""
        return self._look_at(self.state.published_generator())

    def take_back(self, saved: SavedState, why: str) -> Rollback:
        """Make the state this saved one again, to go on from there in another order of the pictures."""
        failed_at, tries = self.state.step, self.health.tries
        gave_up = tries == MAX_TRIES
        self.load(saved, self.state.rollbacks + 1)
        tries = 0 if gave_up else tries + 1  # whoever resumes may try again
        self.health = replace(self.health, tries=tries, trouble=None)
        self.is_anchor = True
        return Rollback(failed_at, why, tries, gave_up)

    def load(self, saved: SavedState, rollbacks: int) -> None:
        """Make the state this saved one, and know of its health what was known then."""
        self.state.load(saved.tensors, saved.facts.step, rollbacks)
        self.health = Health(**vars(saved.facts.watch))
        self.is_anchor = saved.facts.good
        self._unread.clear()

    @property
    def _is_measured(self) -> bool:
        """Whether something is made of this step, for which its faces have to be looked at."""
        step = self.state.step
        return self._may_be_anchor or step in self.schedule.snapshots or step == self.schedule.total_steps

    @property
    def _may_be_anchor(self) -> bool:
        """Whether a sound and steady state of this step is one to go back to.

        That depends on the options alone, not on where a run was stopped or ended: a resumed run must go back to where
        an uninterrupted one does.
        """
        epoch, position = divmod(self.state.step, self.schedule.steps_per_epoch)
        return self.state.step % self.config.save_every == 0 or (not position and epoch in self.config.snapshot_epochs)

    def _examine(self) -> tuple[Verdict, Reading | None]:
        """Give the verdict on this step, and the reading of the generator that learns where it was looked at."""
        self.read_losses()
        if self.health.trouble or not self._is_measured:
            return Verdict(self.health.trouble), None
        if trouble := not_finite(self.state.tensors()):
            return Verdict(trouble), None
        look = self.look()
        # The generator that learns collapses long before its average: all states saved in between would be damaged.
        averaged = self.state.ema is not None
        trained = self._look_at(self.state.trained_generator()).reading if averaged else look.reading
        if trouble := fell_apart(trained, self.health):
            return Verdict(trouble), trained
        return Verdict(None, self._may_be_anchor and self.health.is_steady, look), trained

    def _look_at(self, generator: Generator) -> Look:
        with self._untimed():
            pixels = faces(generator, WATCHED_SEEDS)
            return Look(pixels, self._read(pixels))

    def _read(self, pixels: np.ndarray) -> Reading:
        """Hold faces `(N, S, S, 3)` against some of the pictures."""
        count = len(self.pictures)
        watched = min(count, WATCHED_PICTURES)
        reals = self.pictures.batch(torch.arange(watched) * count // watched)  # evenly spread: files may lie sorted
        return compare(reals, torch.from_numpy(pixels))


def _as_numbers(steps: list[Metrics]) -> list[dict[str, float]]:
    """Give the metrics of several steps, fetched from their device at once."""
    tensors = [tensor.float() for metrics in steps for tensor in metrics.values()]
    values = iter(torch.stack(tensors).tolist() if tensors else [])
    return [{name: next(values) for name in metrics} for metrics in steps]
