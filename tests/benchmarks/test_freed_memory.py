"""Whether what tensors free is kept for the next ones, and what that gains."""

import re
import subprocess

import pytest

from benchmarks import freed_memory
from support import warm
from support.paths import ROOT

pytestmark = pytest.mark.slow

COUNT_FAULTS = """
import resource
import torch
from dcgan.environment import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        torch.ones(2**24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

given_back, _, _ = faults(), keep_freed_memory(), faults()
print(given_back, faults())
"""


def test_memory_that_tensors_free_is_not_asked_for_anew():
    told = subprocess.run(warm.python("-c", COUNT_FAULTS), capture_output=True, text=True, cwd=ROOT)
    assert told.stderr == ""
    given_back, kept = map(int, told.stdout.split())
    assert kept < given_back / 5


def test_two_processes_train_in_turns_and_their_ratio_is_printed(monkeypatch, capsys):
    monkeypatch.setattr(freed_memory, "PYTHON", warm.python())
    assert freed_memory.main(["--tiny"]) == 0
    assert re.search(r"keeps what is freed: \d\.\d\dx", capsys.readouterr().out)
