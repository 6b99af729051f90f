"""Resume states that were damaged, or that another run or version left: named, and the one before them offered."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch

import train
from benchmarks import machine, promises
from dcgan.checkpoints import SavedState, load_state, write_facts
from support.tiny import TINY

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_plots")]

RUN = [*TINY, "--snapshot-epochs", "1,2,3"]
RESULTS = ("model.safetensors", "discriminator/model.safetensors", "state/step-15/state.safetensors")
SAVED = ("state.safetensors", "state.json")


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """A run of three epochs."""
    folder = tmp_path_factory.mktemp("states") / "straight"
    assert train.main([*RUN, "--epochs", "3", "--output-dir", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory) -> Path:
    """The same run, up to its second epoch: it can go on from step-10, and keeps step-5."""
    folder = tmp_path_factory.mktemp("states") / "two"
    assert train.main([*RUN, "--epochs", "2", "--output-dir", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def others(tmp_path_factory) -> Path:
    """Another run, which differs in nothing but its seed."""
    folder = tmp_path_factory.mktemp("states") / "others"
    assert train.main([*RUN, "--epochs", "2", "--seed", "1", "--output-dir", str(folder)]) == 0
    return folder


@pytest.fixture
def run(two_epochs, tmp_path) -> Path:
    return shutil.copytree(two_epochs, tmp_path / "run")


@pytest.fixture
def resume(run, straight, capsys) -> Callable[[], str]:
    """Goes on with the run to its end, which has to be that of the straight one; gives what was told."""

    def go_on() -> str:
        capsys.readouterr()
        status = train.main(["--resume", "--epochs", "3", "--output-dir", str(run)])
        told = capsys.readouterr()
        assert status == 0, told.err
        for name in RESULTS:
            assert (run / name).read_bytes() == (straight / name).read_bytes(), name
        return told.out

    return go_on


@pytest.fixture
def refusal(run, capsys) -> Callable[[], str]:
    """Tries to go on with the run, and gives the line that refuses it."""

    def refused() -> str:
        capsys.readouterr()
        assert train.main(["--resume", "--epochs", "3", "--output-dir", str(run)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1, error
        return error

    return refused


def cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content))]


def flip_a_bit(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]


def blank_a_page(content: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(content))
    return content[:at] + bytes(len(content[at : at + 4096])) + content[at + 4096 :]


DAMAGES = (cut, flip_a_bit, blank_a_page)


# Damage


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_state_is_named_and_the_run_goes_on_from_the_one_before_to_the_same_end(damage, name, run, resume):
    file = run / "state" / "step-10" / name
    file.write_bytes(damage(file.read_bytes(), Random(1)))
    told = resume()
    assert f"{run}/state/step-10 is damaged (" in told or f"{run}/state/step-10/state.json can't be read (" in told
    assert "; going on from step-5, which was saved before it\n" in told


@pytest.mark.parametrize("pointer", [b"", b"step-1", b"step-99\n", b"\xff\x00\n", b"../step-10\n"], ids=str)
def test_a_damaged_pointer_costs_nothing(pointer, run, resume):
    (run / "state" / "last").write_bytes(pointer)
    assert "going on from step-10" in resume()


def check_damage(run: Path, seed: int) -> None:
    """Damage one file of the newest state, which is never taken for what was saved then."""
    rng = Random(seed)
    state, sound = run / "state", load_state(run)
    name, damage = rng.choice([f"step-10/{name}" for name in SAVED] + ["last"]), rng.choice(DAMAGES)
    before = (state / name).read_bytes()
    (state / name).write_bytes(after := damage(before, rng))
    found = load_state(run)
    (state / name).write_bytes(before)
    if name == "last" or after == before or found.name == sound.name:
        assert same(found, sound), (seed, name, damage)
    else:
        assert found.name == "step-5"
        assert "step-10" in found.passed_over[0]


def same(one: SavedState, other: SavedState) -> bool:
    tensors = one.tensors.keys() == other.tensors.keys() and all(
        torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items()
    )
    return tensors and one.facts == other.facts


def test_no_damage_to_a_state_is_overlooked(run):
    for seed in range(100):
        check_damage(run, seed)


# Other runs and versions


def test_a_state_of_another_run_is_named_and_passed_over(run, resume, others):
    shutil.rmtree(run / "state" / "step-10")
    shutil.copytree(others / "state" / "step-10", run / "state" / "step-10")
    theirs, ours = (json.loads((folder / "training.json").read_text())["run_id"] for folder in (others, run))
    told = resume()
    assert f"{run}/state/step-10 is damaged (it is of the run {theirs}, and training.json of {ours})" in told
    assert "going on from step-5" in told


def test_tensors_of_another_run_are_not_taken_for_its_own(run, resume, others):
    shutil.copyfile(others / "state/step-10/state.safetensors", run / "state/step-10/state.safetensors")
    assert "state/step-10 is damaged (its bytes aren't those that were saved); going on from step-5" in resume()


def test_nothing_but_states_of_another_run_is_refused(run, refusal, others):
    shutil.rmtree(run / "state")
    shutil.copytree(others / "state", run / "state")
    error = refusal()
    assert f"no state of the run in {run} can be gone on from: {run}/state/step-10 is damaged (it is of" in error
    assert "Start one in a new --output-dir." in error


def test_a_state_of_a_newer_format_is_refused_with_the_way_to_the_one_before(run, refusal, resume):
    file = run / "state" / "step-10" / "state.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 9}))
    error = refusal()
    assert f"{file} is of format 9" in error
    assert "update this one" in error
    assert f"To go on from step-5 instead, which can be read, delete {file.parent}." in error
    shutil.rmtree(file.parent)
    assert "going on from step-5" in resume()


def test_a_state_with_an_option_of_another_version_is_refused_with_the_way_to_the_one_before(run, refusal, resume):
    facts = load_state(run).facts
    facts.config["colour"] = "blue"
    write_facts(run / "state" / "step-10", facts)
    error = refusal()
    assert f"step-10 of the run in {run} was saved by another version or is damaged (" in error
    assert "colour" in error
    assert f"To go on from step-5 instead, which can be read, delete {run}/state/step-10." in error
    shutil.rmtree(run / "state" / "step-10")
    resume()


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_none_of_thousands_of_damages_to_a_state_is_overlooked(run):
    began, seeds = machine.now(), range(100, 5100)
    for seed in seeds:
        check_damage(run, seed)
    promises.leave(
        "damaged states",
        command="python -m pytest -m long tests/training/test_damaged_states.py",
        seed=seeds[0],
        began=began,
        counts={"files cut, flipped or blanked": len(seeds), "overlooked": 0},
    )
