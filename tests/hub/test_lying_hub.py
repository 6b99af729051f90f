"""A Hub that dies, hangs or lies while something is fetched: what is wrong is never taken, kept or drawn from."""

from collections.abc import Callable
from itertools import cycle
from math import inf

import pytest

from support.fetching import SCRIPT, assert_intact, summary
from support.hub_client import REPO, python
from support.hub_faults import LIES, flip_a_bit, trickle
from support.hub_server import lie

WEIGHTS = "/resolve/.*/model.safetensors"
NONSENSE = [
    b"", b"{", b"[]", b"{}", b"null", b"7", b'"x"', b'[{"type": "file"}]', b"[" * 100_000, b'{"sha": "../../x"}',
    b'{"branches": [], "tags": [], "converts": []}', b"\xff\xfe",
]  # fmt: skip


@pytest.fixture
def client(hub, tmp_path) -> Callable[..., list]:
    """Runs lines of Python with a cache that starts empty."""
    return lambda script, **options: python(hub, tmp_path / "home", SCRIPT + script, **options)


@pytest.mark.parametrize("told", LIES)
def test_a_lie_about_weights_is_seen_and_asking_again_mends_it(told, client, pushed_run, hub, tmp_path):
    hub.fail("GET|HEAD", WEIGHTS, LIES[told], times=2)
    first, *later = client("tell(fetched())\ntell(fetched())\ntell(fetched(local_files_only=True))")
    assert first in (summary(pushed_run), f"model.safetensors of {REPO} arrives damaged")
    assert later == [summary(pushed_run)] * 2
    assert_intact(tmp_path / "home" / "hub")


@pytest.mark.parametrize("told", LIES)
def test_whoever_lies_on_costs_a_sentence_and_leaves_nothing_damaged(told, client, pushed_run, hub, tmp_path):
    hub.fail("GET|HEAD", WEIGHTS, LIES[told], times=inf)
    assert client("tell(fetched())") == [f"model.safetensors of {REPO} arrives damaged"]
    assert_intact(tmp_path / "home" / "hub")
    assert not list(tmp_path.rglob("*stolen*"))


@pytest.mark.parametrize("path", ["/revision/|/faces$", "/tree/", "/refs"])
def test_answers_that_make_no_sense_cost_a_sentence(path, client, pushed_run, hub, tmp_path):
    answers = cycle(NONSENSE)
    hub.fail("GET", path, lie(lambda _: next(answers)), times=inf)
    told = client(f"""
from dcgan.hub import Repository
for _ in range({len(NONSENSE)}):
    tell(fetched())
    try:
        tell(sorted(Repository("alice/faces").refs().branches))
    except InputError as error:
        tell(str(error))
""")
    for words in told:
        assert words in (["main"], summary(pushed_run)) or "\n" not in words
    hub.rules.clear()
    assert client("tell(fetched())") == [summary(pushed_run)]
    assert_intact(tmp_path / "home" / "hub")


@pytest.mark.parametrize("path", ["/revision/|/faces$", "/tree/", WEIGHTS])
def test_an_answer_that_comes_byte_by_byte_is_given_up_in_time(path, client, pushed_run, hub, tmp_path):
    hub.fail("GET", path, trickle, times=inf)
    words, seconds = client("""
import time
began = time.monotonic()
tell(fetched(patience=Patience(timeout=1)))
tell(time.monotonic() - began)
""")
    assert words == f"the Hub ({hub.url}) answers too slowly"
    assert seconds < 10
    hub.rules.clear()
    assert client("tell(fetched())") == [summary(pushed_run)]
    assert_intact(tmp_path / "home" / "hub")


def test_names_of_what_is_no_file_may_be_anything(client, pushed_run, hub):
    hub.fail("GET", "^/api/", lie(bytes, etag='W/"1c4-5/Bqx+u/KcY="'), times=inf)
    assert client("tell(fetched())") == [summary(pushed_run)]


def test_a_page_that_has_a_checkpoint_keeps_serving_it_while_the_hub_lies_about_a_newer_one(
    client, pushed_run, hub, tmp_path
):
    opening = """
from pathlib import Path
import torch
from dcgan.gallery import open_catalog

def opened():
    catalog = open_catalog("alice/faces", None, [Path("checkpoints/adventurer-96")], torch.device("cpu"))
    catalog._asking.join()
    return catalog

def drawn(catalog):
    return [catalog.notice, hashlib.sha256(faces(catalog.generator(), [1, 2, 3]).tobytes()).hexdigest()]
"""
    client(f"{opening}\nopened()")
    early = hub.read(REPO, "epoch-0001", "model.safetensors")
    hub._repository(REPO).commit("main", "alice", "newer", {"model.safetensors": early})
    hub.fail("GET|HEAD", WEIGHTS, lie(flip_a_bit), times=inf)
    script = f"""{opening}
import contextlib, io
with contextlib.redirect_stderr(io.StringIO()) as log:
    catalog = opened()
tell(drawn(catalog))
tell(log.getvalue())
"""
    shown, log = client(script)
    assert shown == ["", summary(pushed_run)]
    assert log == f"{REPO}: model.safetensors of {REPO} arrives damaged\n"
    hub.rules.clear()
    assert client(script) == [["", summary(pushed_run, "epoch-0001")], ""]
    assert_intact(tmp_path / "home" / "hub")
