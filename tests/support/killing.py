"""A run of train.py that is killed at moments that nobody chose, and resumed until it has ended."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from dcgan.checkpoints import newest_state, snapshot_names
from dcgan.files import held
from dcgan.layout import SNAPSHOTS, STATES, epoch_of
from support import hub_client, warm
from support.hub_server import HubServer
from support.paths import ROOT
from support.tiny import TINY, TINY_STEPS_PER_EPOCH

EPOCHS, SAVE_EVERY = 3, 2
OPTIONS = [*TINY, "--epochs", str(EPOCHS), "--snapshot-epochs", "1,2,3", "--save-every", str(SAVE_EVERY)]
STEPS = EPOCHS * TINY_STEPS_PER_EPOCH
BEGINNING = "pictures used at"  # what train.py says just before it opens the run
# The requests of a push, from the first that sends something to the last before the tag, with which it is over
PUSHING = ("preupload", "objects/batch", "objects/upload", "objects/verify", "commit")
AIMS = ANYWHERE, IN_A_WRITE, IN_A_PUSH = "anywhere", "in a write", "in a push"
MAX_SECONDS = 100.0
Entries = set[tuple[str, int]]  # paths in a run's folder, and when they were changed


@dataclass(frozen=True)
class Killed:
    """Where a process was when it was killed, as its folder and the Hub tell."""

    saved: str | None  # the state that --resume goes on from
    unfinished: tuple[str, ...]  # what it was writing: a file, and the folder that waits for it
    request: str  # the last that reached the Hub

    @property
    def in_a_write(self) -> bool:
        return bool(self.unfinished)

    @property
    def in_a_push(self) -> bool:
        return is_of_a_push(self.request)

    @property
    def position(self) -> str:
        """Say in a few words what it did."""
        written = " and ".join(sorted({_kind(path) for path in self.unfinished}))
        pushed = next((f"push, {part}" for part in PUSHING if f"/{part}/" in f"{self.request}/"), "")
        return "; ".join(filter(None, [f"writing {written}" if written else "", pushed])) or "between two writes"


def is_of_a_push(request: str) -> bool:
    return any(f"/{part}/" in f"{request}/" for part in PUSHING)


def _kind(path: str) -> str:
    return {STATES: "a state", SNAPSHOTS: "a snapshot"}.get(path.split("/")[0], "what shows")


@dataclass
class Victim:
    """A run with a folder and a repository of its own."""

    hub: HubServer
    folder: Path
    repository: str
    environment: dict[str, str]
    killed: list[Killed] = field(default_factory=list)
    seconds: float = 0.0  # that it took at last, from its beginning to its end

    def go_on(self, aim: str | None = None, delay: float = 0.0) -> bool:
        """Train on; with an aim, until it is killed, `delay` seconds after its beginning or at the next such place.

        Returns whether it came to its end.
        """
        saved, left = newest_state(self.folder), self._unfinished()
        log = self.folder.with_suffix(".log")
        with open(log, "wb") as output, self._process(output, resumed=saved is not None) as process:
            began = self._beginning(process, log)
            if aim:
                self._kill(process, aim, delay, left)
            status = process.wait(MAX_SECONDS)
            self.seconds = time.monotonic() - began
        told = log.read_text(encoding="utf-8")
        assert "Traceback" not in told, told
        assert status in ((0, -signal.SIGKILL) if aim else (0,)), told
        if saved and (shown := re.search(rf"(\d+)/{STEPS} ", told)):
            assert f"step-{shown[1]}" == saved, (saved, told)
        if status == 0:
            return True
        self._wait_until_dead()
        self._note(step_of(saved), left)
        return False

    def _process(self, output: object, resumed: bool) -> subprocess.Popen:
        options = ["--resume"] if resumed else OPTIONS
        command = ["train.py", *options, "--push-to-hub", self.repository, "--output-dir", str(self.folder)]
        return subprocess.Popen(warm.python(*command), cwd=ROOT, env=self.environment, stdout=output, stderr=output)

    def _beginning(self, process: subprocess.Popen, log: Path) -> float:
        while process.poll() is None and BEGINNING not in log.read_text(encoding="utf-8"):
            time.sleep(0.01)
        return time.monotonic()

    def _kill(self, process: subprocess.Popen, aim: str, delay: float, left: Entries) -> None:
        time.sleep(delay)
        there = {
            ANYWHERE: lambda: True,
            IN_A_WRITE: lambda: self._unfinished() - left,
            IN_A_PUSH: lambda: is_of_a_push(self.request),
        }
        while process.poll() is None and not there[aim]():
            time.sleep(0.0005)
        process.kill()

    def _wait_until_dead(self) -> None:
        """Wait for the system to let go of the folder: the process that was killed stands for another (warm.py)."""
        give_up = time.monotonic() + MAX_SECONDS
        while self.folder.is_dir():
            try:
                with held(self.folder):
                    return
            except BlockingIOError:
                assert time.monotonic() < give_up
                time.sleep(0.01)

    def _note(self, saved_before: int, left: Entries) -> None:
        saved = newest_state(self.folder)
        unfinished = tuple(sorted(path for path, _ in self._unfinished() - left))
        self.killed.append(Killed(saved, unfinished, self.request))
        done = max((epoch_of(name) for name in snapshot_names(self.folder)), default=0) * TINY_STEPS_PER_EPOCH
        assert step_of(saved) >= max(saved_before, done - SAVE_EVERY), self.killed[-1]

    def _unfinished(self) -> Entries:
        """Find what is half written: files and folders."""
        found = set()
        with suppress(FileNotFoundError):  # it goes on while it is looked at
            for path in self.folder.rglob("*.partial"):
                found.add((path.relative_to(self.folder).as_posix(), path.stat().st_mtime_ns))
        return found

    @property
    def request(self) -> str:
        return next((path for _, path in reversed(self.hub.requests) if self.repository in path), "")


def step_of(state: str | None) -> int:
    return int(state.split("-")[1]) if state else 0


def victim(hub: HubServer, scratch: Path, name: str, cache: Path) -> Victim:
    environment = hub_client.environment(hub, scratch / "home", DCGAN_CACHE=str(cache))
    return Victim(hub, scratch / name, f"alice/{name}", environment)


def kill_again_and_again(run: Victim, rng: Random, aims: list[str], seconds: float) -> None:
    """Kill a run with each of the aims in turn, at any time within so many seconds, and then let it come to its end."""
    for aim in aims:
        if run.go_on(aim, rng.uniform(0, seconds)):
            return
    assert run.go_on()
