"""The running page under inputs that nobody should send: an answer or a clear refusal each, and nothing that grows."""

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks import promises
from benchmarks.machine import now
from dcgan.limits import MAX_SESSIONS
from support.odd_inputs import Asker, inputs_to

SEED = 15
MEGABYTE = 2**20


@pytest.fixture(scope="module")
def asker(serve, trained_run):
    asker = Asker(serve("--model", str(trained_run)))
    yield asker
    asker.client.close()


def put(asker: Asker, count: int, first: int) -> None:
    """Put so many odd inputs to the page, others for each `first`."""

    @seed(first)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(inputs_to(asker.endpoints()))
    def put_one(odd):
        odd.put(asker)

    put_one()


def fill_sessions(asker: Asker) -> None:
    """Be as many visitors as the page keeps in mind."""
    [lists] = [each for each in asker.endpoints() if each.name == "list_checkpoints"]
    for number in range(MAX_SESSIONS):
        asker.join(lists, [], session_hash=f"other-{number}")


def test_the_page_describes_all_that_it_can_be_asked(asker):
    named = [each.name for each in asker.endpoints() if each.name]
    assert {"generate", "avatar", "interpolate", "list_checkpoints"} <= set(named)
    assert len(asker.endpoints()) > 40


def test_500_odd_inputs_get_an_answer_or_a_clear_refusal(asker):
    put(asker, 500, SEED)
    assert 0 < asker.refused < asker.asked


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_10_000_odd_inputs_get_an_answer_or_a_clear_refusal_and_nothing_grows(asker):
    began, files = now(), asker.page.open_files()
    fill_sessions(asker)  # which the page keeps in memory, and no more than so many
    put(asker, 3000, SEED)
    memory = asker.page.memory()
    put(asker, 7000, SEED + 1)
    grown = asker.page.memory() - memory
    assert grown < 64 * MEGABYTE
    assert asker.page.open_files() <= files + 8
    promises.leave(
        "odd inputs", command="python -m pytest tests/test_odd_inputs.py -m long", seed=SEED, began=began,
        counts={
            "inputs": 10_000, "requests": asker.asked, "refused": asker.refused,
            "tracebacks": asker.page.log.count("Traceback"), "MB grown": max(0, grown >> 20),
        },
    )  # fmt: skip
