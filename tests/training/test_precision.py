"""What `--precision auto` comes to, and when."""

import pytest
import torch

import train
from benchmarks import records
from dcgan.checkpoints import load_state
from dcgan.sampling import has_bfloat16
from dcgan.training import plan, with_precision
from support.tiny import TINY

CPU = torch.device("cpu")


@pytest.mark.parametrize("given", [{}, {"precision": "auto"}], ids=["the default", "auto"])
@pytest.mark.parametrize(("has", "comes_to"), [(True, "bfloat16"), (False, "float32")])
def test_auto_takes_bfloat16_where_the_device_has_it(monkeypatch, has, comes_to, given):
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: has)
    assert with_precision(given | {"seed": 3}, CPU, resumes=False) == {"precision": comes_to, "seed": 3}


@pytest.mark.parametrize("given", [{"precision": "float32"}, {"precision": "bfloat16"}])
def test_a_precision_that_was_named_stays(monkeypatch, given):
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: True)
    assert with_precision(given, CPU, resumes=False) == given


@pytest.mark.parametrize("given", [{}, {"precision": "auto"}], ids=["the default", "auto"])
def test_a_run_that_is_resumed_keeps_its_own(monkeypatch, given):
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: True)
    assert with_precision(given | {"seed": 3}, CPU, resumes=True) == {"seed": 3}


def test_faces_learned_in_bfloat16_are_as_near_to_pictures_as_those_in_float32():
    """What makes auto the default: two records of 64,000 pictures that differ in nothing else."""
    runs = {record.arm: record for record in records.read() if record.kind == "round 1"}
    one, other = (runs[arm].command.rpartition(" --precision ") for arm in ("base", "float32"))
    assert (one[0], one[2], other[0], other[2]) == (other[0], "bfloat16", one[0], "float32")
    measured = zip(runs["base"].measures, runs["float32"].measures, strict=True)
    nearer = [first.found.kid_x_1000 < second.found.kid_x_1000 for first, second in measured]
    assert set(nearer) == {True, False}  # first one is ahead, then the other


def test_apples_gpu_is_given_float32():
    assert not has_bfloat16(torch.device("mps"))


@pytest.mark.parametrize("instructions", [True, False])
def test_a_cpu_has_it_where_the_processor_has_its_instructions(monkeypatch, instructions):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    assert has_bfloat16(CPU) == instructions


@pytest.mark.slow
def test_a_run_keeps_what_auto_came_to_and_goes_on_with_it_elsewhere(monkeypatch, tmp_path, no_plots):
    folder = ["--output-dir", str(tmp_path / "run"), "--precision", "auto"]
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: True)
    assert train.main([*TINY, *folder, "--max-steps", "2"]) == 0
    monkeypatch.setattr(plan, "has_bfloat16", lambda device: False)
    assert train.main(["--resume", *folder, "--max-steps", "3"]) == 0
    facts = load_state(tmp_path / "run").facts
    assert (facts.step, facts.config["precision"]) == (3, "bfloat16")
