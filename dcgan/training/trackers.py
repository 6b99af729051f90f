"""What a run reports to beside its folder: trackio, TensorBoard, Weights & Biases. Each is an optional package.

All of them queue what they are given and write or send it from threads or processes of their own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, Protocol

import numpy as np

from dcgan.errors import InputError
from dcgan.layout import TENSORBOARD

PROJECT = "dcgan"  # where a tracker keeps runs by projects
FLUSH_SECONDS = 10  # of its TensorBoard files a killed run loses at most so much
CLOSE_TIMEOUT = 60.0  # seconds for what is left to send once a run has ended
HURRIED_CLOSE_TIMEOUT = 8.0  # the same for one that was stopped; with publishing, within the 30 that torchrun grants

Values = dict[str, Any]  # numbers and words


@dataclass(frozen=True)
class Tracked:
    """What trackers are told of a run as it begins, or goes on from `step`."""

    folder: Path
    run_id: str
    config: Values
    step: int

    @property
    def name(self) -> str:
        return self.folder.resolve().name


class Tracker(Protocol):
    """One tracker. Making it, without arguments, imports its package; what it raises later is caught by `Trackers`."""

    def start(self, run: Tracked) -> None: ...

    def log(self, values: Values, step: int) -> None: ...

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """Show `pixels` (H, W, 3), uint8."""

    def went_back(self, step: int, why: str) -> None:
        """Take note that all that was reported of later steps was undone."""

    def close(self) -> None: ...


class Trackio:
    """Keeps runs where TRACKIO_DIR says, or sends them to TRACKIO_SPACE_ID. Undone steps stay beside the new ones."""

    def __init__(self) -> None:
        import trackio

        self._trackio = trackio

    def start(self, run: Tracked) -> None:
        resume = "allow" if run.step and self._would_resume(run) else "never"
        # In a context of its own, as trackio would finish the current run of this one again when Python exits.
        self._run = copy_context().run(
            self._trackio.init, PROJECT, name=run.name, config=run.config, resume=resume, embed=False
        )

    def _would_resume(self, run: Tracked) -> bool:
        """Tell whether the newest run of its name is this one: trackio resumes by name, and folders may share one."""
        try:
            alike = [kept for kept in self._trackio.Api().runs(PROJECT) if kept.name == run.name]
        except ValueError:  # there is nothing of the project here, but a Space may have it
            return True
        return not alike or (alike[-1].config or {}).get("run_id") == run.run_id

    def log(self, values: Values, step: int) -> None:
        self._run.log(values, step=step)

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        self._run.log({name: self._trackio.Image(pixels)}, step=step)

    def went_back(self, step: int, why: str) -> None:
        self._run.alert(f"Taken back to step {step}", why, step=step)

    def close(self) -> None:
        self._run.finish()


class TensorBoard:
    """Writes to the run's folder. Words are texts; undone steps are hidden."""

    def __init__(self) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from torch.utils.tensorboard import SummaryWriter

        self._new_writer = SummaryWriter
        self._restart = Event(session_log=SessionLog(status=SessionLog.START))

    def start(self, run: Tracked) -> None:
        self._writer = self._new_writer(
            str(run.folder / TENSORBOARD), purge_step=run.step + 1, flush_secs=FLUSH_SECONDS
        )
        config = json.dumps(run.config, indent=2, ensure_ascii=False)
        self._writer.add_text("config", f"{run.name}\n\n```json\n{config}\n```", run.step)

    def log(self, values: Values, step: int) -> None:
        for name, value in values.items():
            add = self._writer.add_text if isinstance(value, str) else self._writer.add_scalar
            add(name, value, step)

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        self._writer.add_image(name, pixels, step, dataformats="HWC")

    def went_back(self, step: int, why: str) -> None:
        self._writer.file_writer.add_event(self._restart, step + 1)  # as purge_step does for a new writer

    def close(self) -> None:
        self._writer.close()


class WandB:
    """Sends runs as WANDB_PROJECT, WANDB_MODE and its other variables say. Undone steps stay beside the new ones."""

    def __init__(self) -> None:
        import wandb

        self._wandb = wandb

    def start(self, run: Tracked) -> None:
        project = os.environ.get("WANDB_PROJECT", PROJECT)
        self._run = self._wandb.init(project=project, name=run.name, id=run.run_id, resume="allow", config=run.config)
        # W&B's own steps may never go back, but those of a run that was taken back do.
        self._run.define_metric("*", step_metric="step")

    def log(self, values: Values, step: int) -> None:
        self._run.log(values | {"step": step})

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        self._run.log({name: self._wandb.Image(pixels), "step": step})

    def went_back(self, step: int, why: str) -> None:
        self._run.alert(f"Taken back to step {step}", why, level="WARN")

    def close(self) -> None:
        self._run.finish()


TRACKERS: dict[str, type[Tracker]] = {"trackio": Trackio, "tensorboard": TensorBoard, "wandb": WandB}  # by package


class Trackers:
    """The trackers that a run reports to; none by default. One that fails is left out from then on, as `tell` says.

    Raises:
        InputError: one that isn't known, or whose package is missing.
    """

    def __init__(self, names: Iterable[str] = (), tell: Callable[[str], object] = print):
        self._trackers = {name: _tracker(name) for name in names}
        self._tell = tell

    @property
    def names(self) -> list[str]:
        """Name those that are reported to, in their order."""
        return list(self._trackers)

    def start(self, run: Tracked) -> None:
        self._each(lambda tracker: tracker.start(run))

    def log(self, line: Values) -> None:
        """Report a line of metrics.jsonl."""
        values = {name: value for name, value in line.items() if name != "step"}
        self._each(lambda tracker: tracker.log(values, line["step"]))

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        self._each(lambda tracker: tracker.image(name, pixels, step))

    def went_back(self, step: int, why: str) -> None:
        self._each(lambda tracker: tracker.went_back(step, why))

    def close(self, timeout: float = CLOSE_TIMEOUT) -> None:
        """Let all send what they still have, beside each other and for no longer than `timeout` seconds."""
        closing = {
            name: Thread(target=self._contained, args=(name, tracker.close), daemon=True)
            for name, tracker in self._trackers.items()
        }
        for thread in closing.values():
            thread.start()
        enough = monotonic() + timeout
        for name, thread in closing.items():
            thread.join(max(0.0, enough - monotonic()))
            if thread.is_alive():
                self._tell(f"{name}: still not done after {timeout:.0f} seconds; its last values may be missing there")
        self._trackers = {}

    def _each(self, report: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            self._contained(name, partial(report, tracker))

    def _contained(self, name: str, report: Callable[[], None]) -> None:
        try:
            report()
        except Exception as error:  # other people's code, which a training must not depend on
            self._trackers.pop(name, None)
            self._tell(f"{name}: {_in_one_line(error)}; the run goes on without reporting there")


def _tracker(name: str) -> Tracker:
    if name not in TRACKERS:
        raise InputError(f"--report-to is {name!r}; it must be one of {', '.join(TRACKERS)}, or several with commas.")
    try:
        return TRACKERS[name]()
    except Exception as error:  # a package that doesn't fit the others raises nearly anything when it is imported
        raise InputError(
            f"--report-to {name} needs the package {name}, which can't be used here ({_in_one_line(error)}). "
            f"Get it with: pip install {name}"
        ) from None


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
