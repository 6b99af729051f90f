"""Every row in its tiny form: it measures something and comes to a verdict, whatever that is."""

import re

import pytest

from benchmarks import growth, serving
from benchmarks.__main__ import SCRIPTS
from benchmarks.measuring import MET, MISSED, TINY
from support import warm
from support.torchrun import torchrun

pytestmark = pytest.mark.slow

STARTED_ANEW = {
    "actions",
    "first-answer",
    "first-load",
}  # half a minute each, for pages that are started again and again


def train_warm(processes: int) -> list[str]:
    words = ("-m", "benchmarks.one_process")
    return torchrun(processes, *words) if processes > 1 else warm.python(*words)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name in STARTED_ANEW)) for name in sorted(SCRIPTS)]
)
def test_a_row_measures_something_and_comes_to_a_verdict(name, monkeypatch):
    if name == "click":  # others ask how much memory the process has, or how long it takes to start
        monkeypatch.setattr(serving, "program", lambda words: warm.python(*words))
    monkeypatch.setattr(growth, "training_in", train_warm)
    finding = SCRIPTS[name][1].found(TINY)
    assert finding.verdict in (MET, MISSED), finding
    assert re.search(r"\d", finding.measured)
