"""A run on its way to the Hub and back: what is missing there is pushed, beside the training; a run is restored."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from dcgan import hub
from dcgan.card import PLACEHOLDER
from dcgan.checkpoints import (
    CARD_NAME,
    METRICS_NAME,
    PUBLISHED,
    STATE_FACTS_NAME,
    copy_state,
    drop_snapshots_after,
    load_state,
    newest_state,
    published_files,
    read_training,
    snapshot_folder,
    snapshots,
)
from dcgan.cli import DONE, FAILED, Parser, command
from dcgan.config import TRAINING_NAME
from dcgan.hub import MAIN, HubError, Repository
from dcgan.models import read_config

Contents = dict[str, Path | bytes]  # of a commit, by path
LONGEST_STOP = 20.0  # seconds that a stopped run waits for the Hub; torchrun, for one, ends it after 30
STATE_BRANCH = "state"  # of the repository, with what --resume needs; never on main


class Publisher:
    """Brings a repository up to date with a checkpoint folder, by `push_all` or in the background.

    Each snapshot is one commit to main and its tag, in order; what the Hub has already is left out, so a push can stop
    anywhere and be repeated. In the background: `start`, `wake` whenever there is something new, `close`.
    """

    def __init__(
        self,
        folder: Path,
        repository: Repository,
        run_id: str | None,
        tell: Callable[[str], object],
        with_state: bool = False,
    ):
        self.folder, self.repository, self.run_id = folder, repository, run_id
        self.with_state = with_state
        self._tell = tell
        self._tagged: set[str] = set()
        self._ours: set[str] = set()  # commits that were found to be this run's
        self._state_pushed: str | None = None
        self._news, self._hurry = threading.Event(), threading.Event()
        self._closing = self._ended = False
        self._problem: HubError | None = None
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)

    def prepare(self, private: bool) -> None:
        """Raises HubError where pushing can't work, soon; creates the repository."""
        self._persistently(lambda: self.repository.prepare(private, self.run_id), tries=3)
        if self.with_state:
            self._persistently(self._state_head, tries=3)

    def push_all(self) -> None:
        """Push what is missing: snapshots, the folder itself, and the resume state where that is wanted.

        Raises:
            HubError: what came before it is on the Hub.
        """
        self._push_snapshots()
        self._persistently(self._push_folder)
        self._push_state_if_wanted()

    @property
    def command(self) -> str:
        """The command that pushes what is missing, for people to copy."""
        words = ["python", "-m", "dcgan.hub", "push", str(self.folder), self.repository.id]
        return shlex.join(words + ["--push-state"] * self.with_state)

    def missing(self) -> list[str]:
        """Snapshots that aren't known to be on the Hub."""
        return [name for name in snapshots(self.folder) if name not in self._tagged]

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
                if self._ended or (closing and not snapshots(self.folder)):
                    self.push_all()
                else:
                    self._push_snapshots()
                    self._push_state_if_wanted()
                self._problem = None
            except HubError as error:
                self._problem = error
                if not closing:
                    self._tell(f"{self.repository.id}: {error}; the next snapshot is another occasion")
            except Exception as error:  # a fault of ours or of the disk costs the push, never the training
                self._problem = HubError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
            if closing:
                return

    # One thing each, an attempt at a time

    def _push_snapshots(self) -> None:
        for name in self.missing():
            self._persistently(lambda name=name: self._push_snapshot(name))

    def _push_snapshot(self, name: str) -> None:
        refs = self.repository.refs()
        if name not in refs.tags:
            head = self._our_head(refs)
            commit = self._landed(name) or self._commit(self._snapshot_contents(name), name, head)
            self.repository.tag(name, commit)
            self._tell(f"pushed {name} to {self.repository.id}")
        self._tagged.add(name)

    def _landed(self, title: str) -> str | None:
        """The commit with this title, where an earlier attempt made it but didn't hear or live to tag it."""
        history = self.repository.history(MAIN)
        return next((c.oid for c in history if c.title == title and self._description in c.message), None)

    def _snapshot_contents(self, name: str) -> Contents:
        contents = self._contents(snapshot_folder(self.folder, name))
        if TRAINING_NAME not in contents and self.run_id:  # a slim copy: it must still say which run this is
            facts = read_training(self.folder)
            contents[TRAINING_NAME] = json.dumps({key: facts[key] for key in ("run_id", "command", "data")}).encode()
        return contents

    def _push_folder(self) -> None:
        """Make main what the folder shows now; nothing is committed where it is that already."""
        head = self._our_head(self.repository.refs())
        if self._commit(self._contents(self.folder), "The folder as it is", head) != head:
            self._tell(f"pushed {self.folder} to {self.repository.id}")

    def _contents(self, folder: Path) -> Contents:
        """What of a folder is pushed; in the model card its own path becomes the repository's name."""
        contents: Contents = dict(published_files(folder))
        if CARD_NAME in contents:
            card = (folder / CARD_NAME).read_text(encoding="utf-8")
            contents[CARD_NAME] = card.replace(PLACEHOLDER, self.repository.id).encode()
        return contents

    def _commit(self, contents: Contents, title: str, head: str) -> str:
        commit = self.repository.commit(contents, title, self._description, head)
        self._ours.add(commit)
        return commit

    def _our_head(self, refs: hub.Refs) -> str:
        """Main's newest commit, made sure to be no other run's."""
        head = refs.branches[MAIN]
        if head not in self._ours:
            self.repository.check_owner(head, self.run_id)
            self._ours.add(head)
        return head

    def _push_state_if_wanted(self) -> None:
        if self.with_state:
            self._persistently(self._push_state)

    def _push_state(self) -> None:
        if newest_state(self.folder) == self._state_pushed:
            return
        with tempfile.TemporaryDirectory() as scratch:
            name = copy_state(self.folder, Path(scratch))  # the run deletes its states as it goes on
            if name is None:
                return
            facts_file = Path(scratch) / "state" / name / STATE_FACTS_NAME
            facts = json.loads(facts_file.read_text(encoding="utf-8"))
            facts["config"]["data"] = facts["data_name"]  # a path of this machine helps nobody
            facts_file.write_text(json.dumps(facts), encoding="utf-8")
            if (self.folder / METRICS_NAME).is_file():
                shutil.copyfile(self.folder / METRICS_NAME, Path(scratch) / METRICS_NAME)
            files = {p.relative_to(scratch).as_posix(): p for p in Path(scratch).rglob("*") if p.is_file()}
            self._commit_state(files, name)
        self._state_pushed = name

    def _commit_state(self, files: Contents, name: str) -> None:
        head = self._state_head()
        old = [path for path in self.repository.files(head) if path.startswith("state/step-") and path not in files]
        self._ours.add(self.repository.commit(files, name, self._description, head, STATE_BRANCH, delete=old))

    def _state_head(self) -> str:
        """The newest commit of the state's branch, made sure to be no other run's; the branch is created if need be."""
        head = self.repository.refs().branches.get(STATE_BRANCH)
        if head is None:
            head = self.repository.history(MAIN)[-1].oid  # the oldest: what is on main doesn't belong there
            self.repository.branch(STATE_BRANCH, head)
        if head not in self._ours:
            kept = next((path for path in self.repository.files(head) if path.endswith(STATE_FACTS_NAME)), None)
            if kept and hub.run_id_in(self.repository.read(kept, head)) != self.run_id:
                raise HubError(
                    f"{self.repository.id} keeps the resume state of another run; push to another repository."
                )
            self._ours.add(head)
        return head

    @property
    def _description(self) -> str:
        return f"run {self.run_id}"

    def _persistently(self, attempt: Callable[[], None], tries: int | None = None) -> None:
        waits = hub.PATIENCE.waits if tries is None else hub.PATIENCE.waits[: tries - 1]
        hub.persistently(attempt, waits, self._hurry.wait, lambda words: self._tell(f"{self.repository.id}: {words}"))


def restore(repository: Repository, folder: Path) -> None:
    """Bring a run that was pushed with its state to a machine that hasn't got it, so that --resume continues it there.

    `folder` must not exist yet, or be empty; it appears whole or not at all.

    Raises:
        HubError: the repository can't be had, or keeps no state.
    """
    refs = repository.refs()
    if STATE_BRANCH not in refs.branches:
        raise HubError(
            f"{repository.id} keeps no resume state (a branch {STATE_BRANCH!r}): its run was pushed without "
            "--push-state, so it can be continued only where it was trained."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        run = Path(scratch) / folder.name
        run.mkdir()
        repository.download(refs.branches[STATE_BRANCH], ["state/*", METRICS_NAME], run)
        saved = load_state(run)
        for name in sorted(name for name in refs.tags if re.fullmatch(r"epoch-\d{4,}", name)):
            _restore_snapshot(repository, refs.tags[name], run, name, saved.facts["run_id"])
        drop_snapshots_after(run, saved.facts["step"])
        _show_newest_snapshot(run)
        if folder.exists():
            folder.rmdir()
        run.replace(folder)


def _restore_snapshot(repository: Repository, commit: str, run: Path, name: str, run_id: str) -> None:
    own = [pattern for pattern in PUBLISHED if pattern != "samples/*"]
    kept = snapshot_folder(run, name)
    repository.download(commit, [*own, "samples/latest.png", "samples/timelapse.gif", f"samples/{name}.png"], kept)
    if read_training(kept)["run_id"] != run_id:
        shutil.rmtree(kept)


def _show_newest_snapshot(run: Path) -> None:
    """Make the top of a restored folder what it was at its last snapshot."""
    names = snapshots(run)
    samples = {f"samples/{name}.png": snapshot_folder(run, name) / "samples" / f"{name}.png" for name in names}
    newest = published_files(snapshot_folder(run, names[-1])) if names else {}
    for path, file in (newest | samples).items():
        if path != METRICS_NAME and file.is_file():  # the state's own are newer
            (run / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(file, run / path)


@command
def main(argv: Sequence[str] | None = None) -> int:
    """The command line of `python -m dcgan.hub`."""
    parser = Parser(prog="python -m dcgan.hub", description=hub.__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    pushing = commands.add_parser("push", help="a checkpoint folder and its snapshots; what is there is left out")
    pushing.add_argument("folder", type=Path, help="the folder train.py wrote")
    pushing.add_argument("repository", help="user/name; it is created if need be")
    pushing.add_argument("--private", action="store_true", help="create it as a private one")
    pushing.add_argument(
        "--push-state", action="store_true", help="what --resume needs as well, on a branch of its own"
    )
    options = parser.parse_args(argv)

    hub.keep_quiet()
    folder, repository = options.folder, Repository(options.repository)
    read_config(folder)
    run_id = read_training(folder)["run_id"] if (folder / TRAINING_NAME).exists() else None
    publisher = Publisher(folder, repository, run_id, tell=print, with_state=options.push_state)
    try:
        publisher.prepare(options.private)
        publisher.push_all()
    except HubError as error:
        if not error.temporary:
            raise
        print(
            f"error: {error}. Nothing is lost: what is missing there is in {folder}, and the same command pushes it.",
            file=sys.stderr,
        )
        return FAILED
    print(f"{repository.id} has everything that is in {folder}")
    return DONE
