"""A token is told to nobody: not printed, logged, kept, pushed, or shown on the page."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from benchmarks import promises
from benchmarks.machine import now
from support import hub_client
from support.hub_client import REPO
from support.hub_server import USERS, HubServer, User, status
from support.odd_inputs import API
from support.tiny import TINY

MARK = "hf_markedTokenThatNobodyMaySee"
UNKNOWN = "hf_markedTokenThatNobodyKnows"
pytestmark = pytest.mark.slow


@pytest.fixture
def hub(tmp_path) -> Iterator[HubServer]:
    """A Hub where the marked token is alice's."""
    with HubServer(tmp_path / "hub", {**USERS, MARK: User("alice", "write")}) as server:
        yield server


class Searched:
    """Everything that was looked through for a token."""

    def __init__(self) -> None:
        self.places = self.found = 0

    def text(self, *contents: str | bytes) -> None:
        for content in contents:
            self.places += 1
            data = content.encode() if isinstance(content, str) else content
            for token in (MARK, UNKNOWN):
                self.found += token.encode() in data
                assert token.encode() not in data, data[max(0, data.find(token.encode()) - 300) :][:600]

    def files(self, folder: Path) -> None:
        """Look through all files of a folder, and through all that was ever committed to repositories in it."""
        for path in sorted(folder.rglob("*")):
            self.text(str(path))
            if path.is_file():
                self.text(path.read_bytes())
        for repository in folder.rglob("*.git"):
            objects = ["git", "-C", str(repository), "cat-file", "--batch-all-objects", "--batch"]
            self.text(subprocess.run(objects, capture_output=True, check=True).stdout)


def search_a_run(hub: HubServer, folder: Path, cache: Path) -> Searched:
    """Train, push, go on, push again to a Hub that fails or refuses, and look through all that this leaves."""
    searched, home = Searched(), folder / "home"
    training = [*TINY, "--epochs", "2", "--snapshot-epochs", "1,2", "--push-to-hub", REPO, "--push-state"]
    options = {"DCGAN_CACHE": str(cache)}

    def run(program: str, *words: str, token: str = MARK) -> subprocess.CompletedProcess:
        done = hub_client.run(hub, home, program, *words, token=token, **options)
        searched.text(done.stdout, done.stderr)
        return done

    run_folder = str(folder / "run")
    assert run("train.py", *training, "--output-dir", run_folder).returncode == 0
    assert run("train.py", "--resume", REPO, "--epochs", "3", "--output-dir", str(folder / "again")).returncode == 0
    hub.fail("POST", "commit|lfs", status(403), times=float("inf"))
    assert run("dcgan.hub", "push", run_folder, "alice/other").returncode != 0
    hub.rules.clear()
    assert run("dcgan.hub", "push", run_folder, REPO, token=UNKNOWN).returncode != 0
    assert run("train.py", *training, "--output-dir", str(folder / "refused"), token=UNKNOWN).returncode != 0
    searched.files(folder)
    return searched


def search_the_page(hub: HubServer, serve, folder: Path) -> Searched:
    """Serve a private model of the Hub, and look through the page, what describes it, and its log."""
    searched = Searched()
    for token in (MARK, UNKNOWN):
        environment = hub_client.environment(hub, folder / f"home-{len(token)}", token)
        page = serve("--model", REPO, environment=environment)
        with httpx2.Client(base_url=page.url) as client:
            for path in ("", "config", f"{API}/info", f"{API}/openapi.json", f"{API}/nowhere", "?model=x&commit=y"):
                answer = client.get(path)
                searched.text(answer.content, str(answer.headers))
        searched.files(page.folder)
    return searched


def test_no_token_is_in_anything_that_a_run_leaves(hub, tmp_path, picture_cache):
    assert search_a_run(hub, tmp_path, picture_cache).places > 100


def test_no_token_is_in_the_page_or_its_log(hub, serve, pushed_store, tmp_path):
    shutil.copytree(pushed_store, tmp_path / "hub", dirs_exist_ok=True)
    assert search_the_page(hub, serve, tmp_path).places > 10


def test_a_token_that_is_somewhere_is_found(tmp_path):
    (tmp_path / "card.md").write_text(f"by {MARK}")
    with pytest.raises(AssertionError, match="by hf_marked"):
        Searched().files(tmp_path)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_secrets_are_looked_for_and_the_count_is_left(hub, serve, tmp_path, picture_cache):
    began = now()
    searched = [search_a_run(hub, tmp_path, picture_cache), search_the_page(hub, serve, tmp_path)]
    promises.leave(
        "secrets", command="python -m pytest tests/test_secrets.py -m long", seed=0, began=began,
        counts={
            "places searched": sum(each.places for each in searched), "found": sum(each.found for each in searched),
        },
    )  # fmt: skip
