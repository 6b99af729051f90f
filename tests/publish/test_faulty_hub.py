"""A Hub that does anything wrong at any time: a fetch gives what is right or a sentence, and every push gets there."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from pathlib import Path
from random import Random

import pytest

from benchmarks import machine, promises
from dcgan.checkpoints import load_state
from support import hub_client
from support.fetching import SCRIPT, assert_intact, summary
from support.hub_client import REPO
from support.hub_faults import any_fault
from support.hub_server import HubServer
from support.tiny import TINY

pytestmark = pytest.mark.slow

NAMES = ["epoch-0001", "epoch-0002"]
RUN = [*TINY, "--epochs", "2", "--snapshot-epochs", "1,2"]
SHARE = 0.2  # of all requests
MAX_TRIES = 40
SECONDS = 1200


@pytest.fixture
def hurried(hub, tmp_path, picture_cache) -> Callable:
    """Runs a program with short waits, twice each, for a Hub that does anything wrong; refused is what made it end."""

    def run(program: str, *arguments: str):
        done = hub_client.run(
            hub, tmp_path / "home", program, *arguments, DCGAN_CACHE=str(picture_cache), IMPATIENCE="0.05 0.05 2"
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 1, 2), done.stderr
        return done

    return run


def assert_pushed(hub: HubServer, repository: str, folder: Path) -> None:
    """The repository has each snapshot once, as it is in the folder."""
    titles = [commit.title for commit in hub.commits(repository)]
    assert [titles.count(name) for name in NAMES] == [1, 1], titles
    assert sorted(hub.tags(repository)) == NAMES
    for name in NAMES:
        for file in ("config.json", "model.safetensors", "discriminator/model.safetensors", "training.json"):
            assert hub.read(repository, name, file) == (folder / "epochs" / name / file).read_bytes(), (name, file)
    assert hub.read(repository, "main", "model.safetensors") == (folder / "model.safetensors").read_bytes()


def push_through_faults(hub: HubServer, hurried: Callable, folder: Path, repository: str, seed: int) -> int:
    """Push a run until all of it is there; gives how many tries that took."""
    hub.fail(".*", "", any_fault(Random(seed), SHARE), times=inf)
    tries = 1
    while hurried("dcgan.hub", "push", str(folder), repository).returncode != 0:
        tries += 1
        assert tries < MAX_TRIES
    hub.rules.clear()
    assert_pushed(hub, repository, folder)
    return tries


def train_through_faults(
    hub: HubServer, hurried: Callable, out: Path, straight: Path, repository: str, seed: int
) -> None:
    """Train a run that pushes, whatever the Hub does, and push what is missing then."""
    hub.fail(".*", "", any_fault(Random(seed), SHARE), times=inf)
    push = ["--push-to-hub", repository, "--output-dir", str(out)]
    for _ in range(MAX_TRIES):
        status = hurried("train.py", *RUN, *push).returncode
        if status != 2:  # which says that the Hub was no good before there was a run
            break
        assert not out.exists()
    hub.rules.clear()
    assert load_state(out).facts.step == 10
    for name in ("model.safetensors", "discriminator/model.safetensors", "state/step-10/state.safetensors"):
        assert (out / name).read_bytes() == (straight / name).read_bytes(), name
    if status == 1:
        assert hurried("dcgan.hub", "push", str(out), repository).returncode == 0
    assert_pushed(hub, repository, out)


def fetch_through_faults(hub: HubServer, folder: Path, scratch: Path, count: int, seed: int) -> int:
    """Fetch so often, each time into a cache of its own; gives how often a sentence came instead of the right faces."""
    caches = scratch / "caches"
    script = f"{SCRIPT}\nfor i in range({count}): tell(fetched(cache_dir={str(caches)!r} + f'/{{i}}'))"
    hub.fail("GET|HEAD|POST", "", any_fault(Random(seed), SHARE), times=inf)
    told = hub_client.python(hub, scratch / "home", script, timeout=SECONDS)
    hub.rules.clear()
    right = summary(folder)
    refused = [words for words in told if not re.fullmatch("[0-9a-f]{64}", words)]
    assert len(told) == count
    assert set(told) - set(refused) <= {right}
    assert not [words for words in refused if "\n" in words]
    assert_intact(caches)
    assert hub_client.python(hub, scratch / "home", script, timeout=SECONDS) == [right] * count
    return len(refused)


def test_whatever_goes_wrong_a_fetch_gives_the_right_faces_or_a_sentence(hub, pushed_run, tmp_path):
    assert 0 < fetch_through_faults(hub, pushed_run, tmp_path, 12, seed=1) < 12


def test_whatever_goes_wrong_a_push_that_is_repeated_gets_there(hub, hurried, trained_run):
    assert push_through_faults(hub, hurried, trained_run, REPO, seed=2) > 1


def test_whatever_goes_wrong_a_run_ends_as_it_would_without_a_hub(hub, hurried, trained_run, tmp_path):
    train_through_faults(hub, hurried, tmp_path / "run", trained_run, REPO, seed=3)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_whatever_goes_wrong_a_thousand_times(hub, hurried, pushed_run, trained_run, tmp_path):
    began, fetches, pushes, runs, seed = machine.now(), 300, 15, 5, 100
    refused = fetch_through_faults(hub, pushed_run, tmp_path, fetches, seed)
    tries = sum(
        push_through_faults(hub, hurried, trained_run, f"alice/push-{number}", seed + number)
        for number in range(pushes)
    )
    for number in range(runs):
        out = tmp_path / f"run-{number}"
        train_through_faults(hub, hurried, out, trained_run, f"alice/run-{number}", seed + 50 + number)
    promises.leave(
        "faulty Hub",
        command="python -m pytest -m long tests/publish/test_faulty_hub.py",
        seed=seed,
        began=began,
        counts={"fetches through faults": fetches, "refused with a sentence": refused, "wrong faces": 0,
                "pushes": pushes, "tries that they took": tries, "runs that pushed": runs, "lost": 0},
    )  # fmt: skip
