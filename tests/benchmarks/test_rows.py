"""Every row in its tiny form: it measures something and comes to a verdict, whatever that is."""

import re

import pytest

from benchmarks.__main__ import SCRIPTS
from benchmarks.measuring import MET, MISSED, TINY

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_a_row_measures_something_and_comes_to_a_verdict(name):
    finding = SCRIPTS[name][1].found(TINY)
    assert finding.verdict in (MET, MISSED), finding
    assert re.search(r"\d", finding.measured)
