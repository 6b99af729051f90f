"""The resume state of a run, on a branch of its own: one is kept there, the newest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from dcgan.checkpoints import FORMAT, StateFacts, copy_state, newest_state, write_facts
from dcgan.errors import OccupiedError
from dcgan.hub import MAIN, Repository
from dcgan.layout import METRICS_NAME, STATE_FACTS_NAME, STATE_PREFIX, STATES
from dcgan.publish.ownership import description_of, is_behind

STATE_BRANCH = "state"  # of the repository, with what --resume needs; never on main


@dataclass(frozen=True)
class Progress:
    """How far a run has come: a later state may be of an earlier step, once the run was taken back."""

    step: int = 0
    rollbacks: int = 0

    @classmethod
    def of(cls, facts: StateFacts) -> Progress:
        """Read it from what a resume state says of itself."""
        return cls(facts.step or 0, facts.rollbacks)


class StatePusher:
    """Brings the branch of the state up to date with a run's folder, an attempt at a time."""

    def __init__(self, folder: Path, repository: Repository, run_id: str | None, tell: Callable[[str], object]):
        self.folder, self.repository, self.run_id, self.tell = folder, repository, run_id, tell
        self._pushed: str | None = None  # the name of the newest state that needs no push any more
        self._there: dict[str, Progress] = {}  # by commit

    def check(self) -> None:
        """Make sure that the run's state may be pushed here.

        Raises:
            HubError: the Hub can't be asked, or another run's state is there.
        """
        self._head()

    def take(self, scratch: Path) -> str | None:
        """Copy the newest state into an empty folder, if it is new, since the run deletes its states as it goes on.

        Returns its name, None where there is nothing to push.
        """
        if newest_state(self.folder) == self._pushed:
            return None
        name = copy_state(self.folder, scratch)
        if name is None:
            return None
        facts_file = scratch / STATES / name / STATE_FACTS_NAME
        facts = StateFacts.read(facts_file)
        config = {**facts.config, "data": facts.data_name}  # a path of this machine helps nobody
        write_facts(facts_file.parent, replace(facts, format=FORMAT, config=config))
        if (self.folder / METRICS_NAME).is_file():
            shutil.copyfile(self.folder / METRICS_NAME, scratch / METRICS_NAME)
        return name

    def push(self, scratch: Path, name: str) -> None:
        """Push a state that was taken, unless the run went on elsewhere; the one that was there goes."""
        ours = Progress.of(StateFacts.read(scratch / STATES / name / STATE_FACTS_NAME))
        head = self._head()
        theirs = self._there[head]
        was_taken_back = ours.rollbacks > theirs.rollbacks
        if was_taken_back or not is_behind(
            ours.step, theirs.step, f"the resume state {name}", self.repository, self.tell
        ):
            self._there[self._commit(scratch, name, head)] = ours
        self._pushed = name

    def _commit(self, scratch: Path, name: str, head: str) -> str:
        files = {path.relative_to(scratch).as_posix(): path for path in scratch.rglob("*") if path.is_file()}
        there = self.repository.files(head)
        old = [path for path in there if path.startswith(f"{STATES}/{STATE_PREFIX}") and path not in files]
        return self.repository.commit(files, name, description_of(self.run_id), head, STATE_BRANCH, delete=old)

    def _head(self) -> str:
        """Find the branch's newest commit, made sure to be no other run's; the branch is created if need be."""
        head = self.repository.refs().branches.get(STATE_BRANCH)
        if head is None:
            head = self.repository.history(MAIN)[-1].oid  # the oldest: what is on main doesn't belong there
            self.repository.branch(STATE_BRANCH, head)
        if head not in self._there:
            self._there[head] = self._progress_at(head)
        return head

    def _progress_at(self, commit: str) -> Progress:
        kept = next((path for path in self.repository.files(commit) if path.endswith(STATE_FACTS_NAME)), None)
        facts = StateFacts.glean(self.repository.read(kept, commit) if kept else b"")
        if kept and facts.run_id != self.run_id:
            raise OccupiedError(
                f"{self.repository.id} keeps the resume state of another run; push to another repository."
            )
        return Progress.of(facts)
