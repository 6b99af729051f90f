"""A disk that is full at any kind of write: what to do is said, nothing that was saved is lost, and doing it helps."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from fnmatch import fnmatch
from itertools import count
from pathlib import Path

import pytest

import train
from benchmarks import machine, promises
from dcgan.checkpoints import load_generator, newest_state
from support import hub_client
from support.full_disk import full_disk
from support.hub_client import REPO
from support.paths import PYTHONPATH
from support.tiny import TINY

pytestmark = pytest.mark.slow

RUN = [*TINY, "--epochs", "2", "--snapshot-epochs", "1,2"]
RESULTS = ("model.safetensors", "discriminator/model.safetensors", "state/step-10/state.safetensors",
           "epochs/epoch-0001/model.safetensors", "epochs/epoch-0002/model.safetensors")  # fmt: skip
KINDS = {
    "a state's tensors": "state/step-*/.state.safetensors.*",
    "a state's facts": "state/step-*/.state.json.*",
    "the pointer to it": "state/.last.*",
    "a snapshot's weights": "epochs/.*/.model.safetensors.*",
    "its discriminator": "epochs/.*/discriminator/.model.safetensors.*",
    "its samples": "epochs/.*/samples/*",
    "its time-lapse": "epochs/.*/samples/.timelapse.gif.*",
    "its plot": "epochs/.*/.losses.png.*",
    "its card": "epochs/.*/.README.md.*",
    "its record": "epochs/.*/.training.json.*",
    "the metrics": "metrics.jsonl",
    "the weights on top": ".model.safetensors.*",
    "the card on top": ".README.md.*",
}


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("disks") / "straight"
    assert train.main([*RUN, "--output-dir", str(folder)]) == 0
    return folder


@pytest.fixture
def survive(tmp_path, straight, capsys) -> Callable[..., bool]:
    """Trains on a disk that gets full, does what it is told to do then, and ends as if nothing had been.

    False if the disk never got full.
    """

    def train_and_mend(is_full: Callable[[Path, Path], bool], name: str = "run") -> bool:
        folder = tmp_path / name
        arguments = [*RUN, "--output-dir", str(folder)]
        with full_disk(lambda path: path.is_relative_to(folder) and is_full(path.relative_to(folder), folder)):
            status = train.main(arguments)
        if status == 0:
            return False
        told = capsys.readouterr().err.splitlines()[-1]
        assert status == 1
        assert "No space left on device" in told
        saved = newest_state(folder) if folder.exists() else None
        kept = f"everything up to step {saved.split('-')[1]} is kept" if saved else "nothing was saved yet"
        assert kept in told
        assert train.main(shlex.split(told.partition("python train.py ")[2])) == 0
        capsys.readouterr()
        for each in RESULTS:
            assert (folder / each).read_bytes() == (straight / each).read_bytes(), (name, told, each)
        assert not list(folder.rglob("*.partial"))
        return True

    return train_and_mend


@pytest.mark.parametrize("kind", KINDS)
def test_a_disk_that_is_full_costs_nothing_that_was_saved(kind, survive, request):
    if kind != "its plot":
        request.getfixturevalue("no_plots")

    def is_full(path: Path, folder: Path) -> bool:
        return newest_state(folder) == "step-5" and fnmatch(path.as_posix(), KINDS[kind])

    assert survive(is_full), "there is no such write"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_disk_that_is_full_at_any_write_of_a_run_costs_nothing_that_was_saved(survive):
    began = machine.now()
    for number in count():
        writes = count()
        if not survive(lambda path, folder, n=number, w=writes: next(w) >= n, f"run-{number}"):
            break
    assert number > 40
    promises.leave(
        "disk full",
        command="python -m pytest -m long tests/training/test_full_disk.py",
        seed=0,
        began=began,
        counts={"writes of a run, each without room": number, "lost": 0},
    )


def test_a_disk_without_room_for_decoded_pictures_costs_a_sentence_and_no_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "cache"))
    arguments = [*TINY, "--max-steps", "1", "--output-dir", str(tmp_path / "run")]
    for name in ("pictures.u8", "pictures.json"):
        with full_disk(lambda path, name=name: path.name == name):
            assert train.main(arguments) == 2
        told = capsys.readouterr().err.splitlines()[-1]
        assert (
            f"the decoded pictures can't be kept in {tmp_path}/cache: No space left on device. Set DCGAN_CACHE" in told
        )
        assert list(tmp_path.iterdir()) == [tmp_path / "cache"]
        assert list((tmp_path / "cache").iterdir()) == []
    assert train.main(arguments) == 0


# What goes to the Hub, and comes from there


@pytest.fixture
def script(hub, tmp_path, picture_cache) -> Callable[[str, str], list]:
    """Runs lines of Python on a disk that has no room for files that fit a pattern, below `tmp_path`."""

    def run(pattern: str, lines: str) -> list:
        opening = f"""
from fnmatch import fnmatch
from support.full_disk import full_disk
import contextlib, io, train
from dcgan.hub.__main__ import main as hub_main
def told_by(main, *arguments):
    with contextlib.redirect_stderr(io.StringIO()) as told:
        status = main(arguments)
    tell([status, told.getvalue().splitlines()[-1:]])
with full_disk(lambda path: fnmatch(path, {f"{tmp_path}/{pattern}"!r})):
    {lines}
"""
        variables = {"DCGAN_CACHE": str(picture_cache), "PYTHONPATH": PYTHONPATH, "TMPDIR": str(tmp_path)}
        return hub_client.python(hub, tmp_path / "home", opening, **variables)

    return run


def test_a_disk_without_room_to_push_from_costs_the_push_alone_which_comes_later(script, hub, tmp_path, straight):
    push = ["--push-to-hub", REPO, "--push-state"]
    [[status, [told]]] = script(
        "tmp*/state/*", f"told_by(train.main, *{[*RUN, *push, '--output-dir', f'{tmp_path}/run']})"
    )
    assert status == 1
    assert "No space left on device" in told
    again = told.partition("push it later with: python -m dcgan.hub ")[2]
    assert again == f"push {tmp_path}/run {REPO} --push-state"
    for name in RESULTS:
        assert (tmp_path / "run" / name).read_bytes() == (straight / name).read_bytes(), name
    assert script("nothing", f"told_by(hub_main, *{shlex.split(again)})") == [[0, []]]
    state = "state/step-10/state.safetensors"
    assert hub.read(REPO, "state", state) == (straight / state).read_bytes()
    assert hub.read(REPO, "epoch-0002", "model.safetensors") == (straight / "model.safetensors").read_bytes()


def test_a_disk_without_room_for_a_run_from_the_hub_costs_a_sentence_and_no_file(script, hub, tmp_path, straight):
    push = [str(straight), REPO, "--push-state"]
    assert script("nothing", f"told_by(hub_main, 'push', *{push})") == [[0, []]]
    resume = ["--resume", REPO, "--epochs", "3", "--output-dir", f"{tmp_path}/there"]
    [[status, [told]]] = script("there/*", f"told_by(train.main, *{resume})")
    assert status == 2
    assert f"{REPO} can't be stored in {tmp_path}/there/" in told
    assert "(No space left on device); make room there." in told
    assert not (tmp_path / "there").exists()
    script("nothing", f"told_by(train.main, *{resume})")
    assert load_generator(tmp_path / "there", "epoch-0003")
