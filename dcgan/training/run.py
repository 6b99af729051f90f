"""One training run in its folder: what it records for people to look at, and what it needs to go on."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from dcgan.checkpoints import (
    Best,
    Credit,
    Data,
    Parameters,
    SavedState,
    StateFacts,
    Training,
    Watched,
    drop_snapshots_after,
    facts_of_the_shown,
    keep_snapshot,
    load_state,
    model_card,
    read_evaluation,
    read_training,
    save_network,
    save_state,
    show_best,
    snapshot_facts,
)
from dcgan.config import RESUMABLE_CHANGES, TrainConfig
from dcgan.data import Pictures
from dcgan.errors import GaveUpError, InputError
from dcgan.files import replacing, write_json, write_text
from dcgan.images import grid, save_gif, save_png
from dcgan.latents import seeds_from
from dcgan.layout import CARD_NAME, EVALUATION_NAME, NEIGHBOURS_NAME, TRAINING_NAME, WEIGHTS_NAME, snapshot_name
from dcgan.models import Generator
from dcgan.sampling import faces
from dcgan.training.distributed import ALONE, World
from dcgan.training.health import Reading, Watch, best_of, compare, fell_apart, not_finite
from dcgan.training.metrics_log import Logbook, Progress, draw_losses, read_metrics
from dcgan.training.schedule import Schedule
from dcgan.training.state import Metrics, TrainState
from dcgan.training.trackers import Tracked, Trackers

LOG_EVERY = 50  # steps a line of metrics.jsonl stands for
WATCHED_SEEDS = seeds_from(0, 128)  # the faces held against training pictures
WATCHED_PICTURES = 256
MOST_TRIES = 3  # picture orders that are tried from one state after the first
SAMPLE_SEEDS = seeds_from(0, 32)  # the faces drawn at every snapshot
SAMPLE_COLUMNS = 8
TIMELAPSE_MS = (700, 2500)  # a snapshot; the last one
VERSIONS_NAMED = ("torch", "torchvision", "safetensors")


def _by_the_main_process(method: Callable[..., None]) -> Callable[..., None]:
    @wraps(method)
    def in_this_process(run: Run, *arguments: Any) -> None:
        if run.state.world.is_main:
            method(run, *arguments)

    return in_this_process


class Run:
    """A run being trained. Made by `Run.start` or `Run.resume`; knows its folder, its state and what it has seen.

    What is learned is watched: where it turns out to be damage, the run goes back to its last good state and on from
    there with the pictures in another order. Of several processes the main one alone writes and judges.
    """

    def __init__(self, folder: Path, config: TrainConfig, pictures: Pictures, state: TrainState, run_id: str):
        self.folder, self.config, self.pictures, self.state, self.run_id = folder, config, pictures, state, run_id
        self.schedule = Schedule.of(config, len(pictures))
        self.logbook = Logbook(folder)
        self.on_saved: Callable[[], object] = lambda: None  # called when there is something new in the folder
        self.tell: Callable[[str], object] = lambda line: None  # called with what people should read in the log
        self.trackers = Trackers()
        self.saved_step: int | None = None  # the newest step that can be resumed
        self.watch = Watch()
        self.good = True  # whether the state is one to come back to
        self.gave_up = False
        self._reading: Reading | None = None  # of the faces people see at this step, where they were looked at
        self._trained_reading: Reading | None = None  # of those of the generator that learns
        self._unwatched: list[Metrics] = []
        self._published_step = -1

    @classmethod
    def start(
        cls,
        folder: Path,
        config: TrainConfig,
        pictures: Pictures,
        device: torch.device,
        run_id: str | None = None,
        world: World = ALONE,
    ) -> Run:
        """A new run in a folder that exists and is empty."""
        return cls(folder, config, pictures, TrainState(config, device, world), run_id or new_run_id())

    @classmethod
    def resume(
        cls, folder: Path, config: TrainConfig, pictures: Pictures, device: torch.device, world: World = ALONE
    ) -> Run:
        """The run in `folder` as it was when it last saved, to be continued as `config` says.

        Raises:
            InputError: nothing to resume there, or other pictures than the run began with.
        """
        saved = load_state(folder)
        with _damage_is_bad_input(folder):
            began_with = saved.facts.data_fingerprint
        if began_with != pictures.fingerprint:
            raise InputError(
                f"--data {config.data} holds other pictures now than the run in {folder} began with; "
                "restore them, or start a new run in another --output-dir."
            )
        state = TrainState(config, device, world)
        with _damage_is_bad_input(folder):
            run = cls(folder, config, pictures, state, saved.facts.run_id)
            run.logbook.seconds = saved.facts.seconds
            run._load(saved, saved.facts.rollbacks)
        if state.step >= run.schedule.total_steps:
            raise InputError(
                f"the run in {folder} is at step {state.step}, and its end is step {run.schedule.total_steps}; "
                "name a later one with --epochs or --max-steps."
            )
        if world.is_main:
            run._forget_later_steps()
        return run

    @property
    def images_seen(self) -> int:
        return self.state.step * self.config.batch_size

    @property
    def epoch(self) -> float:
        return self.state.step / self.schedule.steps_per_epoch

    @property
    def _progress(self) -> Progress:
        return {"step": self.state.step, "epoch": round(self.epoch, 4), "images": self.images_seen}

    def report_to(self, trackers: Trackers) -> None:
        """Report to `trackers`, too, what the folder gets from here on."""
        config = self.config.but(data=self.pictures.name).to_dict() | {"run_id": self.run_id}
        with self.logbook.untimed():  # some of them log in first
            trackers.start(Tracked(self.folder, self.run_id, config, self.state.step))
        self.trackers = trackers
        self.logbook.on_line = trackers.log

    def after_step(self, metrics: Metrics) -> None:
        """Record a finished step, or take the run back where it turns out to be damage. For all processes alike.

        Raises:
            GaveUpError: that was tried too often.
        """
        self._note(metrics)
        self.good = False
        if self._is_judged:
            trouble, self.good = self.state.world.from_main(self._judgement() if self.state.world.is_main else None)
            if trouble:
                self._roll_back(trouble)
                return
        if self.good:
            self.watch = self.watch.after_good_state(self._trained_reading)
        with self.logbook.untimed():
            self._record()

    @_by_the_main_process
    def _note(self, metrics: Metrics) -> None:
        self._reading = self._trained_reading = None
        self.logbook.note(metrics)
        self._unwatched.append(metrics)

    @_by_the_main_process
    def _record(self) -> None:
        """Leave a metrics line, a snapshot or a resume state where one is due."""
        step = self.state.step
        if step % LOG_EVERY == 0 or step == self.schedule.total_steps:
            self._log()
        if step in self.schedule.snapshots:
            self._snapshot(self.schedule.snapshots[step])
            self.save()
        elif step % self.config.save_every == 0:
            self.save()
        self.logbook.write_reading(self._progress)

    @_by_the_main_process
    def stop(self) -> None:
        """Leave the run so that it can be continued; without a snapshot yet, publish what there is to look at."""
        self._look_at_losses()
        self._log()
        self.save()
        self._publish_if_bare()

    @_by_the_main_process
    def finish(self) -> None:
        """Close a run that reached its end: publish that where there is no best snapshot, save its state."""
        distances = self._distances()
        if not distances:
            self._publish()
        elif self._published_step != self.state.step:
            self._tell_the_run()
        if (best := best_of(distances)) != max(distances, default=None):
            self.tell(f"the best of {len(distances)} snapshots is {best}, and shows; the newest is kept as well")
        self.save()

    @_by_the_main_process
    def save(self) -> None:
        """Keep everything that exact resume needs."""
        facts = StateFacts(
            step=self.state.step,
            run_id=self.run_id,
            seconds=self.logbook.seconds,
            data_name=self.pictures.name,
            data_fingerprint=self.pictures.fingerprint,
            config=self.config.to_dict(),
            rollbacks=self.state.rollbacks,
            good=self.good,
            watch=Watched(**self.watch.to_dict()),
        )
        save_state(self.folder, SavedState(self.state.tensors(), facts))
        self.saved_step = self.state.step
        self.on_saved()

    # Is it still sound?

    @property
    def _is_judged(self) -> bool:
        return self.state.step % LOG_EVERY == 0 or self._is_measured

    @property
    def _is_measured(self) -> bool:
        """Whether something is made of this step, for which its faces have to be looked at."""
        step = self.state.step
        return self._is_anchor or step in self.schedule.snapshots or step == self.schedule.total_steps

    @property
    def _is_anchor(self) -> bool:
        """Whether a sound and steady state of this step is one to come back to.

        That hangs on the options alone, not on where a run was stopped or ended: a resumed run must go back to where an
        uninterrupted one does.
        """
        epoch, position = divmod(self.state.step, self.schedule.steps_per_epoch)
        return self.state.step % self.config.save_every == 0 or (not position and epoch in self.config.snapshot_epochs)

    def _judgement(self) -> tuple[str | None, bool]:
        """What is wrong with the run, and whether its state is one to come back to."""
        trouble = self._trouble()
        return trouble, not trouble and self._is_anchor and self.watch.is_steady

    def _trouble(self) -> str | None:
        """What is wrong with the run, in words for people."""
        self._look_at_losses()
        if self.watch.trouble or not self._is_measured:
            return self.watch.trouble
        if trouble := not_finite(self.state.tensors()):
            return trouble
        self._reading = self._look_at_faces(self.state.published_generator())
        # What is trained collapses long before its average does; every state saved until then would hold the damage.
        averaged = self.state.ema is not None
        self._trained_reading = self._look_at_faces(self.state.trained_generator()) if averaged else self._reading
        if trouble := fell_apart(self._trained_reading, self.watch):
            return trouble
        reading = {name: round(value, 5) for name, value in self._reading.to_record().to_json().items()}
        due = {"snapshot": self._due, "best": best_of(self._distances())} if self._due else {}
        self.logbook.note_reading(reading | due)
        return None

    def _look_at_losses(self) -> None:
        self.watch = self.watch.after(_as_numbers(self._unwatched))
        self._unwatched.clear()

    def _look_at_faces(self, generator: Generator) -> Reading:
        count = len(self.pictures)
        watched = min(count, WATCHED_PICTURES)
        with self.logbook.untimed():
            reals = self.pictures.batch(torch.arange(watched) * count // watched)  # evenly spread: files may lie sorted
            return compare(reals, torch.from_numpy(faces(generator, WATCHED_SEEDS)))

    def _roll_back(self, trouble: str) -> None:
        """Take the run back to its last good state, in all processes, to go on in another order of the pictures."""
        failed_at, tries = self.state.step, self.watch.tries
        self.gave_up = tries == MOST_TRIES
        saved = load_state(self.folder, good=True)
        self.state.world.barrier()  # from here on the main process may replace what the others have read
        self._load(saved, self.state.rollbacks + 1)
        tries = 0 if self.gave_up else tries + 1  # whoever resumes may try again
        self.watch = replace(self.watch, tries=tries, trouble=None)
        self.good = True
        self._note_rollback(failed_at, trouble)
        self.save()
        if self.gave_up:
            self._publish_if_bare()
            raise GaveUpError(
                f"step {failed_at}: {trouble}. From step {self.state.step} on {MOST_TRIES + 1} orders of the pictures "
                f"came to such an end, so the run gave up. {self._what_is_kept()}"
            )

    def _load(self, saved: SavedState, rollbacks: int) -> None:
        self.state.load(saved.tensors, saved.facts.step, rollbacks)
        self.watch = Watch(**vars(saved.facts.watch))
        self.good = saved.facts.good

    @_by_the_main_process
    def _note_rollback(self, failed_at: int, trouble: str) -> None:
        """Forget what the folder has of the steps that were undone, and say so in metrics.jsonl and the log."""
        self.logbook.drop_interval()
        self._unwatched.clear()
        self._reading = self._trained_reading = None
        self._forget_later_steps()
        self.trackers.went_back(self.state.step, trouble)
        line = {"rollback": self.state.rollbacks, "failed_at": failed_at, "why": trouble, "gave_up": self.gave_up}
        self.logbook.write(self._progress, line)
        if self._distances():
            self._tell_the_run()
            self._show_best()  # what showed may have been undone
        if not self.gave_up:
            self.tell(
                f"step {failed_at}: {trouble}; back to step {self.state.step}, from where the pictures come in another "
                f"order (try {self.watch.tries} of {MOST_TRIES})"
            )

    def _forget_later_steps(self) -> None:
        self.logbook.forget_after(self.state.step, self.state.rollbacks)
        drop_snapshots_after(self.folder, self.state.step)

    def _what_is_kept(self) -> str:
        best = best_of(self._distances())
        snapshot = f" and {best}, its best snapshot, which the folder shows" if best else ""
        return f"Kept: its state at step {self.state.step}{snapshot}."

    # What people see

    def _snapshot(self, epoch: int) -> None:
        samples = self.folder / "samples"
        samples.mkdir(exist_ok=True)
        sheet = self._draw_samples(samples / f"{snapshot_name(epoch)}.png")
        self.trackers.image("samples", sheet, self.state.step)
        self._draw_timelapse()
        self._publish()
        keep_snapshot(self.folder, snapshot_name(epoch))
        self._show_best()

    def _show_best(self) -> None:
        show_best(self.folder)
        self._write_card(facts_of_the_shown(read_training(self.folder)))

    @_by_the_main_process
    def _publish_if_bare(self) -> None:
        """Publish what there is to look at where nothing is yet."""
        if self.state.step and not (self.folder / WEIGHTS_NAME).exists() and not not_finite(self.state.tensors()):
            self._publish()

    def _publish(self) -> None:
        """Make the top of the folder show the generator as it is now."""
        if self._published_step == self.state.step:
            return
        self._published_step = self.state.step
        if not self.logbook.latest:
            self._log()  # too early for a whole interval, but what is published should have some
        self.logbook.write_reading(self._progress)
        generator = self.state.published_generator()
        save_network(generator, self.folder)
        save_network(self.state.discriminator, self.folder / "discriminator")
        (self.folder / "samples").mkdir(exist_ok=True)
        self._draw_samples(self.folder / "samples" / "latest.png")
        self._write_card(self._tell_the_run())

    def _write_card(self, facts: Training) -> None:
        if read_evaluation(self.folder) is None:  # of other weights than the folder shows now
            for name in (EVALUATION_NAME, NEIGHBOURS_NAME):
                (self.folder / name).unlink(missing_ok=True)
        config = self.state.generator.config.to_dict()
        write_text(self.folder / CARD_NAME, model_card(facts, config, self.folder))

    def _tell_the_run(self) -> Training:
        """Bring losses.png and training.json up to date; gives what the latter says."""
        draw_losses(read_metrics(self.folder), self.folder / "losses.png")
        facts = self._facts()
        write_json(self.folder / TRAINING_NAME, facts.to_json())
        return facts

    def _distances(self) -> dict[str, float]:
        """How far from the pictures each snapshot was that was looked at, the one that is due now included."""
        kept = snapshot_facts(self.folder)
        distances = {name: facts.reading.distance for name, facts in kept.items() if facts.reading}
        return distances | ({self._due: self._reading.distance} if self._due else {})

    @property
    def _due(self) -> str | None:
        """The snapshot that this step becomes, once its faces were looked at."""
        epoch = self.schedule.snapshots.get(self.state.step)
        return snapshot_name(epoch) if epoch and self._reading else None

    def _facts(self) -> Training:
        """What training.json says: all about the run that others may want to know, and no path of this machine."""
        config, credit = self.config.but(data=self.pictures.name), self.pictures.attribution
        facts = Training(
            run_id=self.run_id,
            command=config.command(),
            recipe=config.recipe,
            config=config.to_dict(),
            data=Data(
                name=self.pictures.name,
                pictures=len(self.pictures),
                fingerprint=self.pictures.fingerprint,
                attribution=Credit(**credit) if credit else None,
            ),
            step=self.state.step,
            epoch=self.epoch,
            images_seen=self.images_seen,
            seconds=round(self.logbook.seconds, 1),
            metrics=self.logbook.latest,
            reading=self._reading.to_record() if self._reading else None,
            rollbacks=self.state.rollbacks,
            parameters=Parameters(
                generator=_parameter_count(self.state.generator),
                discriminator=_parameter_count(self.state.discriminator),
            ),
            hardware=_hardware(self.state.device),
            versions={name: version(name) for name in VERSIONS_NAMED},
        )
        if best := best_of(self._distances()):
            of_the_best = facts if best == self._due else snapshot_facts(self.folder)[best]
            facts = replace(facts, best=Best.of(best, of_the_best))
        return facts

    def _log(self) -> None:
        self.logbook.close_interval(self._progress, self.config.batch_size)

    def _draw_samples(self, path: Path) -> np.ndarray:
        sheet = grid(faces(self.state.published_generator(), SAMPLE_SEEDS), SAMPLE_COLUMNS)
        with replacing(path) as temporary:
            save_png(sheet, temporary)
        return sheet

    def _draw_timelapse(self) -> None:
        sheets = sorted((self.folder / "samples").glob("epoch-*.png"))
        if len(sheets) < 2:
            return
        frames = np.stack([np.asarray(Image.open(sheet).convert("RGB")) for sheet in sheets])
        each, last = TIMELAPSE_MS
        with replacing(self.folder / "samples" / "timelapse.gif") as temporary:
            save_gif(frames, temporary, [each] * (len(frames) - 1) + [last])


def new_run_id() -> str:
    return uuid.uuid4().hex


def _as_numbers(steps: list[Metrics]) -> list[dict[str, float]]:
    """The metrics of several steps, fetched from their device at once."""
    tensors = [tensor.float() for metrics in steps for tensor in metrics.values()]
    values = iter(torch.stack(tensors).tolist() if tensors else [])
    return [{name: next(values) for name in metrics} for metrics in steps]


def config_to_resume(folder: Path, given: dict[str, Any]) -> TrainConfig:
    """The configuration of the run in `folder`, with what `given` (options set beside --resume) may change.

    Raises:
        InputError: an option that would change what the run computes; names it, with both values.
    """
    saved = load_state(folder)
    with _damage_is_bad_input(folder):
        config = TrainConfig.from_dict(saved.facts.config)
    for name, value in given.items():
        if name not in RESUMABLE_CHANGES | {"data"} and value != getattr(config, name):
            raise InputError(
                f"--{name.replace('_', '-')} is {value}, but the run in {folder} has {getattr(config, name)}; "
                "leave it out to continue that run, or start another in a new --output-dir."
            )
    if "epochs" in given:
        given = {"max_steps": None} | given  # the newer total counts
    return config.but(**given)


@contextmanager
def _damage_is_bad_input(folder: Path) -> Iterator[None]:
    """Facts or tensors that aren't those of a saved run of this version: said in one line."""
    try:
        yield
    except (AttributeError, KeyError, RuntimeError, TypeError) as error:
        raise InputError(
            f"the run in {folder} was saved by another version or is damaged ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}). Start one in a new --output-dir."
        ) from None


def _parameter_count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} CPU cores ({platform.machine()})" if device.type == "cpu" else "Apple GPU (MPS)"
