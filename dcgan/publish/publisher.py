"""A run on its way to the Hub: what is missing there is pushed, beside the training."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dcgan.checkpoints import (
    FORMAT,
    PLACEHOLDER,
    StateFacts,
    Training,
    copy_state,
    newest_state,
    published_files,
    read_training,
    snapshot_folder,
    snapshot_names,
)
from dcgan.errors import HubError, OccupiedError
from dcgan.files import write_json
from dcgan.hub import MAIN, Repository, retry
from dcgan.layout import CARD_NAME, METRICS_NAME, STATE_FACTS_NAME, STATE_PREFIX, STATES, TRAINING_NAME

Contents = dict[str, Path | bytes]  # of a commit, by path
LONGEST_STOP = 20.0  # seconds that a stopped run waits for the Hub; torchrun, for one, ends it after 30
STATE_BRANCH = "state"  # of the repository, with what --resume needs; never on main


class Publisher:
    """Brings a repository up to date with a checkpoint folder, by `push_all` or in the background.

    Each snapshot is one commit to main and its tag, in order; at the end main gets the folder as it is, which shows the
    best of them. What the Hub has already is left out, so a push can stop anywhere and be repeated. In the background:
    `start`, `wake` whenever there is something new, `close`.
    """

    def __init__(
        self,
        folder: Path,
        repository: Repository,
        run_id: str | None,
        tell: Callable[[str], object],
        private: bool = False,
        with_state: bool = False,
    ):
        self.folder, self.repository, self.run_id = folder, repository, run_id
        self.private, self.with_state = private, with_state
        self._tell = tell
        self._settled: set[str] = set()  # snapshots that need no push any more
        self._ours: dict[str, int] = {}  # the step of commits that were found to be this run's
        self._rollbacks: dict[str, int] = {}  # of the run up to those that hold its state
        self._state_pushed: str | None = None
        self._news, self._hurry = threading.Event(), threading.Event()
        self._closing = self._ended = False
        self._problem: HubError | None = None
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)

    def prepare(self) -> None:
        """Raises HubError where pushing can't work, soon; creates the repository."""
        self._persistently(lambda: self.repository.prepare(self.private, self.run_id), tries=3)
        if self.with_state:
            self._persistently(self._state_head, tries=3)

    def push_all(self) -> None:
        """Push what is missing: snapshots, the folder itself, and the resume state where that is wanted.

        Raises:
            HubError: what came before it is on the Hub.
        """
        self._push(with_folder=True)

    def command(self, repository: str | None = None) -> str:
        """The command that pushes what is missing, for people to copy; to another repository, if one is named."""
        words = ["python", "-m", "dcgan.hub", "push", str(self.folder), repository or self.repository.id]
        return shlex.join(words + ["--private"] * self.private + ["--push-state"] * self.with_state)

    def missing(self) -> list[str]:
        """Snapshots that aren't known to be on the Hub."""
        return [name for name in snapshot_names(self.folder) if name not in self._settled]

    # In the background

    def start(self) -> None:
        self._thread.start()
        self._news.set()

    def wake(self) -> None:
        """There is something new in the folder. Returns at once."""
        self._news.set()

    def close(self, ended: bool) -> HubError | None:
        """Push what is left, and wait for that; gives what stood in the way.

        Of a run that has `ended` main gets the folder as it is; one that was stopped is in a hurry: nothing is tried
        twice or waited for long, and what its snapshots don't say waits for the run to go on.
        """
        if self._thread.ident is None:
            return None  # the run failed before it began
        if self.missing():
            self._tell(f"pushing to {self.repository.id}: {', '.join(self.missing())} to go")
        self._ended, self._closing = ended, True
        if not ended:
            self._hurry.set()
        self._news.set()
        self._thread.join(None if ended else LONGEST_STOP)
        return HubError("there was no more time for it") if self._thread.is_alive() else self._problem

    def _work(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            closing = self._closing
            try:
                self._push(with_folder=self._ended or (closing and not snapshot_names(self.folder)))
                self._problem = None
            except HubError as error:
                self._problem = error
                if not closing:
                    self._tell(f"{self.repository.id}: {error}; the next snapshot is another occasion")
            except Exception as error:  # a fault of ours or of the disk costs the push, never the training
                self._problem = HubError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
            if closing:
                return

    def _push(self, with_folder: bool) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            # Taken before the snapshots are looked at, so that the state pushed is never ahead of those.
            state = self._take_state(Path(scratch)) if self.with_state else None
            problem = None
            try:
                for name in self.missing():
                    self._persistently(lambda name=name: self._push_snapshot(name))
                if with_folder:
                    self._persistently(self._push_folder)
            except HubError as error:
                if error.temporary or not state:
                    raise
                problem = error  # trying again won't help, but the run must be able to go on elsewhere
            if state:
                self._persistently(lambda: self._push_state(Path(scratch), state))
            if problem:
                raise problem

    # One thing each, an attempt at a time

    def _push_snapshot(self, name: str) -> None:
        refs = self.repository.refs()
        if name in refs.tags:
            self._check_owner(refs.tags[name])
        else:
            self._push_new_snapshot(name, refs.branches[MAIN])
        self._settled.add(name)

    def _push_new_snapshot(self, name: str, head: str) -> None:
        contents = self._contents(snapshot_folder(self.folder, name))
        commit = self._landed(name)
        if commit is None and self._is_behind(self._step_of(contents), self._check_owner(head), name):
            return
        self.repository.tag(name, commit or self._commit(contents, name, head))
        self._tell(f"pushed {name} to {self.repository.id}")

    def _landed(self, title: str) -> str | None:
        """The commit with this title, where an earlier attempt made it but didn't hear or live to tag it."""
        history = self.repository.history(MAIN)
        return next((c.oid for c in history if c.title == title and self._description in c.message), None)

    def _push_folder(self) -> None:
        """Make main what the folder shows now; nothing is committed where it is that already, or further."""
        head, contents = self.repository.refs().branches[MAIN], self._contents(self.folder)
        if self._is_behind(self._step_of(contents), self._check_owner(head), str(self.folder)):
            return
        if self._commit(contents, self._title_of_folder(contents), head) != head:
            self._tell(f"pushed {self.folder} to {self.repository.id}")

    def _title_of_folder(self, contents: Contents) -> str:
        best = self._told_by(contents).best
        if best and best.snapshot and snapshot_names(self.folder)[-1:] != [best.snapshot]:
            return f"Back to {best.snapshot}, the best"
        return "The folder as it is"

    def _is_behind(self, step: int, step_there: int, what: str) -> bool:
        """Whether the run went on elsewhere, so that a push would take the Hub back; that is told."""
        if behind := bool(step and step < step_there):
            self._tell(f"{self.repository.id} is at step {step_there} already; {what} (step {step}) is left out")
        return behind

    def _contents(self, folder: Path) -> Contents:
        """What of a folder is pushed; in the model card its own path becomes the repository's name."""
        contents: Contents = dict(published_files(folder))
        if CARD_NAME in contents:
            card = (folder / CARD_NAME).read_text(encoding="utf-8")
            contents[CARD_NAME] = card.replace(PLACEHOLDER, self.repository.id).encode()
        if TRAINING_NAME not in contents and self.run_id:  # a slim copy: it must still say which run this is
            told = read_training(self.folder).to_json()
            kept = {key: told[key] for key in ("format", "run_id", "command", "data")}
            contents[TRAINING_NAME] = json.dumps(kept).encode()
        return contents

    def _commit(self, contents: Contents, title: str, head: str) -> str:
        commit = self.repository.commit(contents, title, self._description, head)
        self._ours[commit] = self._step_of(contents)
        return commit

    def _check_owner(self, commit: str) -> int:
        """The step of a commit that is made sure to be of no other run."""
        if commit not in self._ours:
            self._ours[commit] = self.repository.check_owner(commit, self.run_id)
        return self._ours[commit]

    def _step_of(self, contents: Contents) -> int:
        return self._told_by(contents).step or 0

    def _told_by(self, contents: Contents) -> Training:
        told = contents.get(TRAINING_NAME, b"")
        return Training.glean(told if isinstance(told, bytes) else told.read_bytes())

    def _take_state(self, scratch: Path) -> str | None:
        """Copy the newest resume state, if it is new: the run deletes its states as it goes on."""
        if newest_state(self.folder) == self._state_pushed:
            return None
        name = copy_state(self.folder, scratch)
        if name is None:
            return None
        facts_file = scratch / STATES / name / STATE_FACTS_NAME
        facts = StateFacts.read(facts_file)
        config = {**facts.config, "data": facts.data_name}  # a path of this machine helps nobody
        write_json(facts_file, replace(facts, format=FORMAT, config=config).to_json())
        if (self.folder / METRICS_NAME).is_file():
            shutil.copyfile(self.folder / METRICS_NAME, scratch / METRICS_NAME)
        return name

    def _push_state(self, scratch: Path, name: str) -> None:
        files = {path.relative_to(scratch).as_posix(): path for path in scratch.rglob("*") if path.is_file()}
        facts = StateFacts.read(scratch / STATES / name / STATE_FACTS_NAME)
        step, rollbacks = facts.step, facts.rollbacks
        head = self._state_head()
        taken_back = rollbacks > self._rollbacks.get(head, 0)  # an earlier step of the run, and yet a later state
        if taken_back or not self._is_behind(step, self._ours[head], f"the resume state {name}"):
            there = self.repository.files(head)
            old = [path for path in there if path.startswith(f"{STATES}/{STATE_PREFIX}") and path not in files]
            commit = self.repository.commit(files, name, self._description, head, STATE_BRANCH, delete=old)
            self._ours[commit], self._rollbacks[commit] = step, rollbacks
        self._state_pushed = name

    def _state_head(self) -> str:
        """The newest commit of the state's branch, made sure to be no other run's; the branch is created if need be."""
        head = self.repository.refs().branches.get(STATE_BRANCH)
        if head is None:
            head = self.repository.history(MAIN)[-1].oid  # the oldest: what is on main doesn't belong there
            self.repository.branch(STATE_BRANCH, head)
        if head not in self._ours:
            kept = next((path for path in self.repository.files(head) if path.endswith(STATE_FACTS_NAME)), None)
            facts = StateFacts.glean(self.repository.read(kept, head) if kept else b"")
            if kept and facts.run_id != self.run_id:
                raise OccupiedError(
                    f"{self.repository.id} keeps the resume state of another run; push to another repository."
                )
            self._ours[head], self._rollbacks[head] = facts.step or 0, facts.rollbacks
        return head

    @property
    def _description(self) -> str:
        return f"run {self.run_id}"

    def _persistently(self, attempt: Callable[[], None], tries: int | None = None) -> None:
        waits = retry.PATIENCE.waits if tries is None else retry.PATIENCE.waits[: tries - 1]
        retry.persistently(attempt, waits, self._hurry.wait, lambda words: self._tell(f"{self.repository.id}: {words}"))
