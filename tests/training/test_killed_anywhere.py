"""train.py killed in any step, write and push of a run that publishes its snapshots, and resumed each time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import count, islice
from random import Random

import pytest

from benchmarks import machine, promises
from dcgan.checkpoints import newest_state
from support.killing import AIMS, STEPS, Killed, Victim, kill_again_and_again, victim

pytestmark = pytest.mark.slow

NAMES = ["epoch-0001", "epoch-0002", "epoch-0003"]
NETWORKS = ("model.safetensors", "discriminator/model.safetensors")
KILLS_OF_A_RUN = 4  # at most, before it is left to come to its end
MAX_RUNS = 100


def assert_same(run: Victim, straight: Victim) -> None:
    """The run has what the other has, bit for bit, and so has its repository, each snapshot once."""
    assert newest_state(run.folder) == f"step-{STEPS}"
    tops = ["", *(f"epochs/{name}/" for name in NAMES)]
    for path in [f"state/step-{STEPS}/state.safetensors", *(top + name for top in tops for name in NETWORKS)]:
        assert (run.folder / path).read_bytes() == (straight.folder / path).read_bytes(), path
    assert not list(run.folder.rglob("*.partial"))
    hub = run.hub
    titles = [[commit.title for commit in hub.commits(each.repository)] for each in (run, straight)]
    assert titles[0] == titles[1]
    assert sorted(hub.tags(run.repository)) == NAMES
    for revision in (*NAMES, "main"):
        for path in NETWORKS:
            assert hub.read(run.repository, revision, path) == hub.read(straight.repository, revision, path)


@pytest.fixture
def kill(hub, tmp_path, picture_cache) -> Callable[..., list[Killed]]:
    """Kills runs so many times, at least so often in a write and in a push; each ends like one that is not killed."""

    def kill_runs(kills: int, in_a_write: int, in_a_push: int, seed: int) -> list[Killed]:
        straight = victim(hub, tmp_path, "straight", picture_cache)
        assert straight.go_on()
        rng, killed = Random(seed), []
        for number in islice(count(), MAX_RUNS):
            run = victim(hub, tmp_path, f"run-{number}", picture_cache)
            kill_again_and_again(run, rng, rng.choices(AIMS, k=KILLS_OF_A_RUN), straight.seconds / 2)
            assert_same(run, straight)
            killed += run.killed
            written, pushed = (sum(each) for each in zip(*((k.in_a_write, k.in_a_push) for k in killed), strict=True))
            if len(killed) >= kills and written >= in_a_write and pushed >= in_a_push:
                break
        return killed

    return kill_runs


def test_runs_killed_wherever_they_are_go_on_and_end_like_one_that_was_not(kill):
    assert len(kill(5, in_a_write=1, in_a_push=1, seed=15)) >= 5


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_runs_killed_at_fifty_moments_go_on_and_end_like_one_that_was_not(kill):
    began, seed = machine.now(), 50
    killed = kill(50, in_a_write=10, in_a_push=5, seed=seed)
    positions = Counter(each.position for each in killed)
    promises.leave(
        "kills",
        command="python -m pytest -m long tests/training/test_killed_anywhere.py",
        seed=seed,
        began=began,
        counts={"kills": len(killed), "in a write": sum(k.in_a_write for k in killed),
                "in a push": sum(k.in_a_push for k in killed), **positions, "lost": 0},
    )  # fmt: skip
    assert len(killed) >= 50
