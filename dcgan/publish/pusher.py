"""A run on its way to the Hub: what is missing there is pushed, in order, and can be stopped anywhere."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dcgan.checkpoints import snapshot_folder, snapshot_names
from dcgan.errors import HubError, OccupiedError
from dcgan.hub import MAIN, Repository, persistently
from dcgan.publish.contents import Contents, contents_of, step_in, training_in
from dcgan.publish.ownership import Ownership, description_of, is_behind
from dcgan.publish.state import StatePusher

PREPARING_TRIES = 3  # few, as the user waits before anything has begun
Sleep = Callable[[float], object]  # waits so many seconds; may return true to have nothing tried again


class Pusher:
    """Brings a repository up to date with a checkpoint folder.

    Each snapshot is one commit to main and its tag, in order; at the end main gets the folder as it is, which shows the
    best of them. What the Hub has already is left out, so a push can stop anywhere and be repeated.
    """

    def __init__(
        self,
        folder: Path,
        repository: Repository,
        run_id: str | None,
        tell: Callable[[str], object] = print,
        private: bool = False,
        with_state: bool = False,
    ):
        self.folder, self.repository, self.run_id, self.tell = folder, repository, run_id, tell
        self.private, self.with_state = private, with_state
        self._ownership = Ownership(repository, run_id)
        self._state = StatePusher(folder, repository, run_id, tell)
        self._settled: set[str] = set()  # snapshots that need no push any more

    def prepare(self) -> None:
        """Create the repository, and make sure, before there is anything to lose, that the run can be pushed there.

        Raises:
            HubError: it can't.
        """
        waits = self.repository.patience.waits[: PREPARING_TRIES - 1]
        self._persistently(self._claim, time.sleep, waits)
        if self.with_state:
            self._persistently(self._state.check, time.sleep, waits)

    def push(self, with_folder: bool = True, sleep: Sleep = time.sleep) -> None:
        """Push what is missing: snapshots, the folder itself `with_folder`, and the resume state where it is wanted.

        Raises:
            HubError: a push failed; what was pushed before it is on the Hub.
        """
        with tempfile.TemporaryDirectory() as scratch:
            # Taken before the snapshots are looked at, so that the state pushed is never ahead of those.
            state = self._state.take(Path(scratch)) if self.with_state else None
            refusal = None
            try:
                self._push_run(with_folder, sleep)
            except HubError as error:
                if error.temporary or not state:
                    raise
                refusal = error  # trying again won't help, but the state is pushed all the same, to go on elsewhere
            if state:
                self._persistently(lambda: self._state.push(Path(scratch), state), sleep)
            if refusal:
                raise refusal

    def missing(self) -> list[str]:
        """List the snapshots that aren't known to be on the Hub."""
        return [name for name in snapshot_names(self.folder) if name not in self._settled]

    def not_pushed_in_words(self, problem: HubError) -> str:
        """Say what isn't pushed and why, where it is, and the command that pushes it later."""
        missing = ", ".join(self.missing()) or "what is newest in the folder"
        later = self.command("user/other" if isinstance(problem, OccupiedError) else None)
        return (
            f"error: not pushed to {self.repository.id}: {missing} ({problem}). Everything is in {self.folder}; "
            f"push it later with: {later}"
        )

    def command(self, repository: str | None = None) -> str:
        """Spell the command that pushes what is missing, for people to copy; to another repository, if one is named."""
        words = ["python", "-m", "dcgan.hub", "push", str(self.folder), repository or self.repository.id]
        return shlex.join(words + ["--private"] * self.private + ["--push-state"] * self.with_state)

    def _push_run(self, with_folder: bool, sleep: Sleep) -> None:
        for name in self.missing():
            self._persistently(partial(self._push_snapshot, name), sleep)
        if with_folder:
            self._persistently(self._push_folder, sleep)

    def _persistently(self, attempt: Callable[[], None], sleep: Sleep, waits: tuple[float, ...] | None = None) -> None:
        waits = self.repository.patience.waits if waits is None else waits
        persistently(attempt, waits, sleep, lambda words: self.tell(f"{self.repository.id}: {words}"))

    # One thing each, an attempt at a time

    def _claim(self) -> None:
        self.repository.create(self.private)
        self._ownership.check()

    def _push_snapshot(self, name: str) -> None:
        refs = self.repository.refs()
        if name in refs.tags:
            self._ownership.step_of(refs.tags[name])
        else:
            self._push_new_snapshot(name, refs.branches[MAIN])
        self._settled.add(name)

    def _push_new_snapshot(self, name: str, head: str) -> None:
        contents = self._contents(snapshot_folder(self.folder, name))
        commit = self._landed(name)
        if commit is None and self._is_behind(contents, head, name):
            return
        self.repository.tag(name, commit or self._commit(contents, name, head))
        self.tell(f"pushed {name} to {self.repository.id}")

    def _landed(self, title: str) -> str | None:
        """Find the commit with this title that an earlier attempt made, if that failed before it could tag it."""
        history, description = self.repository.history(MAIN), description_of(self.run_id)
        return next((c.oid for c in history if c.title == title and description in c.message), None)

    def _push_folder(self) -> None:
        """Make main what the folder shows now; nothing is committed where it is that already, or further."""
        head, contents = self.repository.refs().branches[MAIN], self._contents(self.folder)
        if self._is_behind(contents, head, str(self.folder)):
            return
        if self._commit(contents, self._title_of_folder(contents), head) != head:
            self.tell(f"pushed {self.folder} to {self.repository.id}")

    def _title_of_folder(self, contents: Contents) -> str:
        best = training_in(contents).best
        if best and best.snapshot and snapshot_names(self.folder)[-1:] != [best.snapshot]:
            return f"Back to {best.snapshot}, the best"
        return "The folder as it is"

    def _contents(self, folder: Path) -> Contents:
        return contents_of(folder, self.repository.id, self.folder if self.run_id else None)

    def _is_behind(self, contents: Contents, head: str, what: str) -> bool:
        return is_behind(step_in(contents), self._ownership.step_of(head), what, self.repository, self.tell)

    def _commit(self, contents: Contents, title: str, head: str) -> str:
        commit = self.repository.commit(contents, title, description_of(self.run_id), head)
        self._ownership.remember(commit, step_in(contents))
        return commit
