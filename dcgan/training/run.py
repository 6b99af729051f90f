"""One training run in its folder: what it records for people to look at, and what it needs to go on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import torch

from dcgan.checkpoints import (
    SavedState,
    StateFacts,
    Watched,
    drop_states_after,
    load_state,
    older_state_in_words,
    save_state,
)
from dcgan.config import RESUMABLE_CHANGES, TrainConfig
from dcgan.data import Pictures
from dcgan.environment import keep_freed_memory
from dcgan.errors import EndedError, GaveUpError, InputError
from dcgan.training.distributed import SINGLE_PROCESS, World
from dcgan.training.health import best_of
from dcgan.training.listeners import NOBODY, Listeners
from dcgan.training.metrics_log import MetricsLog
from dcgan.training.recorder import Recorder
from dcgan.training.state import Metrics, TrainState
from dcgan.training.supervisor import MAX_TRIES, Look, Rollback, Supervisor
from dcgan.training.trackers import Tracked


def _by_the_main_process(method: Callable[..., None]) -> Callable[..., None]:
    @wraps(method)
    def in_this_process(run: Run, *arguments: Any) -> None:
        if run.state.world.is_main:
            method(run, *arguments)

    return in_this_process


class Run:
    """A run being trained. Made by `Run.start` or `Run.resume`; records in its folder what becomes of its state.

    Where its supervisor finds that what was learned is damage, the run goes back to its last sound state and on from
    there with the pictures in another order. Of several processes the main one alone writes.
    """

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        pictures: Pictures,
        state: TrainState,
        run_id: str,
        listeners: Listeners = NOBODY,
    ):
        keep_freed_memory()
        self.folder, self.config, self.pictures, self.state, self.run_id = folder, config, pictures, state, run_id
        self.listeners = listeners
        self.recorder = Recorder(folder, config, pictures, state, run_id, listeners)
        self.schedule = self.recorder.schedule
        self.supervisor = Supervisor(state, config, self.schedule, pictures, self.metrics_log.untimed)
        self.saved_step: int | None = None  # the newest step that can be resumed
        self.gave_up = False

    @classmethod
    def start(
        cls,
        folder: Path,
        config: TrainConfig,
        pictures: Pictures,
        device: torch.device,
        run_id: str | None = None,
        world: World = SINGLE_PROCESS,
        listeners: Listeners = NOBODY,
    ) -> Run:
        """Begin a new run in a folder that exists and is empty."""
        run = cls(folder, config, pictures, TrainState(config, device, world), run_id or new_run_id(), listeners)
        run.announce()
        return run

    @classmethod
    def resume(
        cls,
        folder: Path,
        config: TrainConfig,
        pictures: Pictures,
        device: torch.device,
        world: World = SINGLE_PROCESS,
        listeners: Listeners = NOBODY,
    ) -> Run:
        """Open the run in `folder` as it was when it last saved, to be continued as `config` says.

        Raises:
            InputError: nothing to resume there, or other pictures than the run began with.
            EndedError: it is at its end.
        """
        saved = load_state(folder)
        _refuse_other_pictures(folder, saved, config, pictures)
        state = TrainState(config, device, world)
        with _misfit_is_bad_input(folder, saved):
            run = cls(folder, config, pictures, state, saved.facts.run_id, listeners)
            run.metrics_log.seconds = saved.facts.seconds
            run.supervisor.load(saved, saved.facts.rollbacks)
        run.saved_step = state.step
        if state.step >= run.schedule.total_steps:
            raise EndedError(
                f"the run in {folder} is at step {state.step}, and its end is step {run.schedule.total_steps}; "
                "name a later one with --epochs or --max-steps."
            )
        if world.is_main:
            run.tell_of_damage(saved)
            run.recorder.clear_up()
            drop_states_after(folder, saved)
        run.announce()
        return run

    @property
    def metrics_log(self) -> MetricsLog:
        return self.recorder.metrics_log

    @property
    def images_seen(self) -> int:
        return self.recorder.images_seen

    def announce(self) -> None:
        """Tell the trackers which run this is, and from which step on they will hear of it."""
        config = self.config.but(data=self.pictures.name).to_dict() | {"run_id": self.run_id}
        with self.metrics_log.untimed():  # some of them log in first
            self.listeners.trackers.start(Tracked(self.folder, self.run_id, config, self.state.step))

    @_by_the_main_process
    def tell_of_damage(self, saved: SavedState) -> None:
        """Say which later states a run can't go on from, and from which one it does."""
        for damage in saved.passed_over:
            self.listeners.tell(f"{damage}; going on from {saved.name}, which was saved before it")

    def after_step(self, metrics: Metrics) -> None:
        """Record a finished step, or take the run back where it turns out to be damage. For all processes alike.

        Raises:
            GaveUpError: it was taken back too often.
        """
        if self.state.world.is_main:
            self.metrics_log.note(metrics)
        verdict = self.supervisor.judge(metrics)
        if verdict.trouble:
            self._roll_back(verdict.trouble)
        else:
            self._record(verdict.look)

    @_by_the_main_process
    def stop(self) -> None:
        """Leave the run so that it can be continued; without a snapshot yet, show what there is to look at."""
        self.supervisor.read_losses()
        self.recorder.close_interval()
        self.save()
        self.recorder.show_if_bare(self.supervisor.look)

    @_by_the_main_process
    def finish(self) -> None:
        """Close a run that reached its end."""
        distances = self.recorder.distances()
        if (best := best_of(distances)) != max(distances, default=None):
            self.listeners.tell(
                f"the best of {len(distances)} snapshots is {best}, and shows; the newest is kept as well"
            )
        self.save()

    @_by_the_main_process
    def save(self) -> None:
        """Keep everything that exact resume needs."""
        facts = StateFacts(
            step=self.state.step,
            run_id=self.run_id,
            seconds=self.metrics_log.seconds,
            data_name=self.pictures.name,
            data_fingerprint=self.pictures.fingerprint,
            config=self.config.to_dict(),
            rollbacks=self.state.rollbacks,
            good=self.supervisor.is_anchor,
            watch=Watched(**self.supervisor.health.to_dict()),
        )
        save_state(self.folder, SavedState(self.state.tensors(), facts))
        self.saved_step = self.state.step
        if self.listeners.on_saved:
            self.listeners.on_saved()

    @_by_the_main_process
    def _record(self, look: Look | None) -> None:
        """Leave what is due after a sound step: what people see, and then the resume state."""
        step = self.state.step
        with self.metrics_log.untimed():
            self.recorder.record(look)
            if step in self.schedule.snapshots or step % self.config.save_every == 0:
                self.save()

    def _roll_back(self, trouble: str) -> None:
        """Take the run back to its last sound state, in all processes, to go on in another order of the pictures."""
        saved = load_state(self.folder, good=True)
        self.state.world.barrier()  # only now may the main process replace the state that all have read
        self.tell_of_damage(saved)
        rollback = self.supervisor.take_back(saved, trouble)
        self.gave_up = rollback.gave_up
        self._note_rollback(rollback)
        if self.gave_up:
            raise GaveUpError(
                f"step {rollback.failed_at}: {trouble}. From step {self.state.step} on {MAX_TRIES + 1} orders of the "
                f"pictures came to such an end, so the run gave up. {self._what_is_kept()}"
            )

    @_by_the_main_process
    def _note_rollback(self, rollback: Rollback) -> None:
        self.recorder.note_rollback(rollback)
        if not rollback.gave_up:
            self.listeners.tell(
                f"step {rollback.failed_at}: {rollback.why}; back to step {self.state.step}, from where the pictures "
                f"come in another order (try {rollback.tries} of {MAX_TRIES})"
            )
        self.save()
        if rollback.gave_up:
            self.recorder.show_if_bare(self.supervisor.look)

    def _what_is_kept(self) -> str:
        best = best_of(self.recorder.distances())
        snapshot = f" and {best}, its best snapshot, which the folder shows" if best else ""
        return f"Kept: its state at step {self.state.step}{snapshot}."


def new_run_id() -> str:
    return uuid.uuid4().hex


def _refuse_other_pictures(folder: Path, saved: SavedState, config: TrainConfig, pictures: Pictures) -> None:
    if saved.facts.data_fingerprint != pictures.fingerprint:
        raise InputError(
            f"--data {config.data} holds other pictures now than the run in {folder} began with; "
            "restore them, or start a new run in another --output-dir."
        )


def config_to_resume(folder: Path, given: dict[str, Any]) -> TrainConfig:
    """Give the configuration of the run in `folder`, with what `given` (options set beside --resume) may change.

    Raises:
        InputError: an option that would change what the run computes; names it, with both values.
    """
    saved = load_state(folder)
    with _misfit_is_bad_input(folder, saved):
        config = TrainConfig.from_dict(saved.facts.config)
    for name, value in given.items():
        if name not in RESUMABLE_CHANGES | {"data"} and value != getattr(config, name):
            raise InputError(
                f"--{name.replace('_', '-')} is {value}, but the run in {folder} has {getattr(config, name)}; "
                "leave it out to continue that run, or start another in a new --output-dir."
            )
    if "epochs" in given:
        given = {"max_steps": None} | given  # --epochs replaces an earlier --max-steps
    return config.but(**given)


@contextmanager
def _misfit_is_bad_input(folder: Path, saved: SavedState) -> Iterator[None]:
    """Say in one line that facts or tensors aren't those of a state of this version, and which state can be read."""
    try:
        yield
    except (AttributeError, LookupError, RuntimeError, TypeError) as error:
        raise InputError(
            f"{saved.name} of the run in {folder} was saved by another version or is damaged ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}).{older_state_in_words(folder, saved.name)} Or start a run in a new "
            "--output-dir."
        ) from None
