"""The pusher against a repository in memory that breaks off anywhere: the next push leaves what one would have left."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dcgan.errors import HubError
from dcgan.hub import MAIN, Patience
from dcgan.hub.client import Commit, Refs
from dcgan.publish import Pusher
from dcgan.publish.state import STATE_BRANCH

NAMES = ["epoch-0001", "epoch-0002"]


class InMemory:
    """A repository whose connection breaks at its change number `breaks_at`: before it, or after it was made."""

    id, patience = "alice/faces", Patience(waits=())

    def __init__(self, breaks_at: int | None = None, reply_is_lost: bool = False):
        self.changes, self.breaks_at, self.reply_is_lost = 0, breaks_at, reply_is_lost
        self.contents: dict[str, dict[str, bytes]] = {"first": {}}
        self.histories = {MAIN: [Commit("first", "initial commit", "")]}
        self.tags: dict[str, str] = {}

    @contextmanager
    def change(self) -> Iterator[None]:
        self.changes += 1
        breaks = self.changes == self.breaks_at
        if breaks and not self.reply_is_lost:
            raise HubError("gone", temporary=True)
        yield
        if breaks:
            raise HubError("gone", temporary=True)

    def refs(self) -> Refs:
        return Refs({branch: history[0].oid for branch, history in self.histories.items()}, dict(self.tags))

    def history(self, branch: str) -> list[Commit]:
        return self.histories[branch]

    def files(self, commit: str) -> dict[str, int]:
        return {path: len(content) for path, content in self.contents[commit].items()}

    def read(self, path: str, commit: str) -> bytes:
        return self.contents[commit][path]

    def commit(self, files, title, description, parent, branch=MAIN, delete=()) -> str:
        assert parent == self.histories[branch][0].oid
        new = {path: content.read_bytes() if isinstance(content, Path) else content for path, content in files.items()}
        contents = {path: content for path, content in self.contents[parent].items() if path not in delete} | new
        if contents == self.contents[parent]:
            return parent
        with self.change():
            oid = f"commit {len(self.contents)}"
            self.contents[oid] = contents
            self.histories[branch] = [Commit(oid, title, f"{title}\n\n{description}"), *self.histories[branch]]
        return oid

    def tag(self, name: str, commit: str) -> None:
        with self.change():
            self.tags[name] = commit

    def branch(self, name: str, commit: str) -> None:
        with self.change():
            self.histories[name] = [each for each in self.histories[MAIN] if each.oid == commit]

    def titles(self, branch: str) -> list[str]:
        return [commit.title for commit in reversed(self.histories[branch])]


def push(folder: Path, repository: InMemory) -> None:
    run_id = json.loads((folder / "training.json").read_text())["run_id"]
    Pusher(folder, repository, run_id, tell=lambda words: None, with_state=True).push()


def assert_whole(repository: InMemory) -> None:
    assert repository.titles(MAIN) == ["initial commit", *NAMES]
    assert repository.titles(STATE_BRANCH) == ["initial commit", "step-10"]
    assert repository.tags == {commit.title: commit.oid for commit in repository.histories[MAIN][:-1]}


def changes_of_a_push() -> int:
    return 2 * len(NAMES) + 2  # a commit and a tag each, the state's branch and the state


def test_a_second_push_changes_nothing(trained_run):
    repository = InMemory()
    push(trained_run, repository)
    assert repository.changes == changes_of_a_push()
    push(trained_run, repository)
    assert repository.changes == changes_of_a_push()
    assert_whole(repository)


@pytest.mark.parametrize("reply_is_lost", [False, True], ids=["before a change", "after a change"])
@pytest.mark.parametrize("number", range(1, changes_of_a_push() + 1))
def test_wherever_a_push_stops_the_next_one_leaves_each_snapshot_once(number, reply_is_lost, trained_run):
    repository = InMemory(number, reply_is_lost)
    with pytest.raises(HubError, match="gone"):
        push(trained_run, repository)
    push(trained_run, repository)
    assert_whole(repository)
