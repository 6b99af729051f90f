"""What people are told when a run ends, however it does: what was kept, and the command that works next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dcgan.cli import STOPPED
from dcgan.errors import GaveUpError
from dcgan.training.launch import Launch
from dcgan.training.run import Run


@dataclass(frozen=True)
class NextCommands:
    """The commands that go on with a run, and that begin it anew where nothing of it was kept."""

    go_on: str
    again: str

    @classmethod
    def of(
        cls, launch: Launch, folder: Path, trackers: Sequence[str], repository: str | None, arguments: Sequence[str]
    ) -> NextCommands:
        """Spell them for people to copy; `arguments` are those that the run was begun by."""
        words = ["--resume", "--output-dir", str(folder)]
        words += ["--compile"] if launch.compile else []
        words += ["--report-to", ",".join(trackers)] if trackers else []
        words += ["--push-to-hub", repository] if repository else []
        words += ["--push-state"] if repository and launch.push_state else []
        return cls(_spelled(words), _spelled(arguments))

    @classmethod
    def anew(cls, arguments: Sequence[str]) -> NextCommands:
        """Of a run of which nothing is kept: the same command goes on with it."""
        return cls(_spelled(arguments), _spelled(arguments))


def report(run: Run, status: int, commands: NextCommands) -> None:
    """Say how a run ended that was told to stop, or came to its end."""
    if status in STOPPED:
        print(f"stopped after step {run.state.step:,}, everything saved. Continue with: {commands.go_on}")
    elif run.state.step == run.schedule.total_steps:
        print(f"done: {run.images_seen:,} pictures seen in {run.metrics_log.seconds / 60:.1f} minutes")
        print(f"see it with: python app.py --model {shlex.quote(str(run.folder))}")


def giving_up_in_words(error: GaveUpError, commands: NextCommands) -> str:
    """Say what helps where a run went wrong again and again."""
    return (
        f"error: {error} Lower --lr-discriminator or raise --r1-gamma in a new run, or try other orders with: "
        f"{commands.go_on}"
    )


def failure_in_words(error: Exception, run: Run, commands: NextCommands) -> str:
    """Say what stopped a run that nobody stopped, as a full disk does, or a device out of memory."""
    what = f"error: step {run.state.step} failed ({type(error).__name__}: {' '.join(str(error).split())})"
    if run.saved_step is None:
        return f"{what}; nothing was saved yet. Mend that, then begin again with: {commands.again}"
    return f"{what}; everything up to step {run.saved_step} is kept. Mend that, then continue with: {commands.go_on}"


def _spelled(words: Sequence[str]) -> str:
    return shlex.join(["python", "train.py", *words])
