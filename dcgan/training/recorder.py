"""Writes what people look at of a run: metrics lines, snapshots, what is told of it, and what its folder shows."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from dcgan.checkpoints import (
    Best,
    Credit,
    Data,
    Parameters,
    Training,
    drop_snapshots_after,
    remove_unfinished,
    snapshot_facts,
)
from dcgan.config import TrainConfig
from dcgan.data import Pictures
from dcgan.layout import snapshot_name
from dcgan.training import run_folder
from dcgan.training.health import Reading, best_of, not_finite
from dcgan.training.listeners import NOBODY, Listeners
from dcgan.training.metrics_log import MetricsLog, Position
from dcgan.training.schedule import Schedule
from dcgan.training.state import TrainState
from dcgan.training.supervisor import Look, Rollback

VERSIONS_NAMED = ("torch", "torchvision", "safetensors")


class Recorder:
    """Writes in a run's folder what becomes of its `state`, for people to look at. Only the main process uses one.

    What was found of a step is handed in: between two calls nothing is kept but the folder and `metrics_log`.
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
        self.folder, self.config, self.pictures, self.state, self.run_id = folder, config, pictures, state, run_id
        self.listeners = listeners
        self.schedule = Schedule.of(config, len(pictures))
        self.metrics_log = MetricsLog(folder, listeners.trackers.log)

    @property
    def images_seen(self) -> int:
        return self.state.step * self.config.batch_size

    @property
    def epoch(self) -> float:
        return self.state.step / self.schedule.steps_per_epoch

    def record(self, look: Look | None) -> None:
        """Write what is due after a sound step: a metrics line, a snapshot, or both.

        `look` is at the step's faces; None where none was taken, and so no snapshot is due.
        """
        if look is None:  # at most a line is due
            self._write_line()
            return
        epoch = self.schedule.snapshots.get(self.state.step)
        due = snapshot_name(epoch) if epoch else None
        best = best_of(self.distances() | ({due: look.reading.distance} if due else {}))
        self._write_line(look, due, best)
        if due and best:
            self._snapshot(due, best, look)
        elif self.state.step == self.schedule.total_steps:
            self._show_end(best, look)

    def close_interval(self, reading: dict[str, Any] | None = None) -> None:
        """Write a metrics line of the steps since the last one."""
        self.metrics_log.close_interval(self._position, self.config.batch_size, reading)

    def show_if_bare(self, look: Callable[[], Look]) -> None:
        """Show the generator as it is, where the folder shows none yet."""
        if self.state.step and run_folder.is_bare(self.folder) and not not_finite(self.state.tensors()):
            self._show_without_snapshot(look())

    def note_rollback(self, rollback: Rollback) -> None:
        """Forget what the folder has of the steps that were undone, and say so in metrics.jsonl."""
        self.metrics_log.drop_interval()
        self._forget_later_steps()
        self.listeners.trackers.went_back(self.state.step, rollback.why)
        line = {"rollback": self.state.rollbacks, "failed_at": rollback.failed_at, "why": rollback.why}
        self.metrics_log.write(self._position, line | {"gave_up": rollback.gave_up})
        if best := best_of(self.distances()):
            self._show_again(best)  # what showed may have been undone

    def clear_up(self) -> None:
        """Make the folder what it was when the run last saved its state: it may have been killed at any time since."""
        remove_unfinished(self.folder)
        self._forget_later_steps()
        best = best_of(self.distances())
        if best and not run_folder.shows_best(self.folder, best):
            self._show_again(best)

    def distances(self) -> dict[str, float]:
        """Give how far from the pictures each snapshot is that was looked at, earliest first."""
        kept = snapshot_facts(self.folder)
        return {name: facts.reading.distance for name, facts in kept.items() if facts.reading}

    @property
    def _position(self) -> Position:
        return {"step": self.state.step, "epoch": round(self.epoch, 4), "images": self.images_seen}

    def _write_line(self, look: Look | None = None, due: str | None = None, best: str | None = None) -> None:
        reading = {name: round(value, 5) for name, value in look.reading.to_record().to_json().items()} if look else {}
        if due:
            reading |= {"snapshot": due, "best": best}
        too_early = due and not self.metrics_log.latest  # for a whole interval, but a snapshot has to have metrics
        if self.schedule.is_logged(self.state.step) or too_early:
            self.close_interval(reading)
        elif reading:
            self.metrics_log.write(self._position, reading)

    def _snapshot(self, name: str, best: str, look: Look) -> None:
        facts = self._facts(look.reading, best, name)
        sheet = run_folder.write_snapshot(self.folder, name, self.state, look.pixels, facts)
        run_folder.show(self.folder, best, name, self.state)
        self.listeners.trackers.image("samples", sheet, self.state.step)

    def _show_end(self, best: str | None, look: Look) -> None:
        """Tell of a run that ends between two snapshots; where it has no snapshot at all, show its generator."""
        if best is None:
            self._show_without_snapshot(look)
        else:
            run_folder.tell(self.folder, self._facts(look.reading, best))

    def _show_without_snapshot(self, look: Look) -> None:
        run_folder.show_without_snapshot(self.folder, self.state, look.pixels, self._facts(look.reading))

    def _show_again(self, best: str) -> None:
        run_folder.show_again(self.folder, best, self.state, self._facts(None, best))

    def _forget_later_steps(self) -> None:
        self.metrics_log.forget_after(self.state.step, self.state.rollbacks)
        drop_snapshots_after(self.folder, self.state.step)

    def _facts(self, reading: Reading | None, best: str | None = None, due: str | None = None) -> Training:
        """Give what training.json says: all about the run that others may want to know, and no path of this machine.

        `reading` is of the faces as they are now, `best` the best snapshot, `due` the one that this step becomes.
        """
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
            seconds=round(self.metrics_log.seconds, 1),
            metrics=self.metrics_log.latest,
            reading=reading.to_record() if reading else None,
            rollbacks=self.state.rollbacks,
            parameters=Parameters(
                generator=_parameter_count(self.state.generator),
                discriminator=_parameter_count(self.state.discriminator),
            ),
            hardware=_hardware(self.state.device),
            versions={name: version(name) for name in VERSIONS_NAMED},
        )
        if best:
            facts = replace(facts, best=Best.of(best, facts if best == due else snapshot_facts(self.folder)[best]))
        return facts


def _parameter_count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} CPU cores ({platform.machine()})" if device.type == "cpu" else "Apple GPU (MPS)"
