"""The app on a repository of the Hub: what serves when, and what it says when it can't."""

import shutil
from math import inf

import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image
from safetensors.torch import save

from dcgan import InputError, faces
from dcgan.checkpoints import load_generator, snapshot_names
from dcgan.gallery import LocalCatalog, open_catalog
from dcgan.layout import DIRECTIONS_NAME
from support import hub_client
from support.hub_client import REPO, python
from support.hub_faults import trickle
from support.hub_server import HubServer, Repository, hang
from support.paths import ADVENTURER

BUNDLED = ADVENTURER
OPEN = """
import time
from pathlib import Path
import torch
from dcgan import InputError, faces
from dcgan.gallery import Renderer, hub_catalog, open_catalog

def open_hub(name="alice/faces", revision=None):
    return open_catalog(name, revision, [Path("checkpoints/adventurer-96")], torch.device("cpu"))

def face(opened, name=None):
    return faces(opened.generator(name), [1]).tolist()

def stages(opened):
    settle(opened)
    return Renderer(opened, Path(".")).stages()

def settle(opened):
    opened._asked_at = -1e9
    opened.refresh()
    opened._asking.join()
"""


@pytest.fixture
def client(hub, tmp_path):
    return lambda script, **options: python(hub, tmp_path / "home", OPEN + script, **options)


def local_face(folder, snapshot=None):
    return faces(load_generator(folder, snapshot), [1]).tolist()


def test_the_repository_and_its_tags_can_be_chosen_latest_first(client, pushed_run):
    names, notice, *drawn = client("""
opened = open_hub()
tell(opened.names)
tell(opened.notice)
for name in (None, *opened.names):
    tell(face(opened, name))
""")
    assert names == [REPO, f"{REPO}@epoch-0002", f"{REPO}@epoch-0001"]
    assert notice == ""
    assert drawn == [local_face(pushed_run, name) for name in (None, None, "epoch-0002", "epoch-0001")]


def test_a_revision_comes_first_and_its_name_tells_it(client, pushed_run):
    names, drawn = client('opened = open_hub(revision="epoch-0001"); tell(opened.names); tell(face(opened))')
    assert names == [f"{REPO}@epoch-0001", f"{REPO}@epoch-0002"]
    assert drawn == local_face(pushed_run, "epoch-0001")


def test_the_stages_of_training_are_the_tags_in_their_order_whatever_comes_first_or_later(client, pushed_run, tmp_path):
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    store.commit("main", "alice", "another card", {"README.md": b"# Faces"})
    store.git("tag", "v1", "main")
    assert client("""
for revision in (None, "main", "epoch-0001", "epoch-0002"):
    tell(stages(open_hub(revision=revision)))
""") == [[f"{REPO}@epoch-0001", f"{REPO}@epoch-0002"]] * 4  # fmt: skip


def test_stages_are_in_the_order_of_their_epochs_beyond_four_digits_too(client, pushed_run, tmp_path):
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    for name in ("epoch-9999", "epoch-10000"):
        store.git("tag", name, "main")
    names, stages = client("opened = open_hub(); tell(opened.names); tell(stages(opened))")
    assert [stage.rpartition("-")[2] for stage in stages] == ["0001", "0002", "9999", "10000"]
    assert names[1:] == stages[::-1]


def test_a_repository_without_tags_is_its_only_stage_and_one_that_is_away_has_those_of_the_fallback(
    client, pushed_run, hub, tmp_path
):
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    store.git("tag", "--delete", "epoch-0001", "epoch-0002")
    assert client("tell(stages(open_hub()))") == [[REPO]]
    [missing] = client('tell(stages(open_hub("alice/missing")))')
    assert [stage.partition("@")[2] for stage in missing] == snapshot_names(BUNDLED)


def test_a_tag_that_moves_between_two_requests_never_gives_its_old_commit_the_weights_of_the_new_one(
    client, pushed_run, tmp_path
):
    store = tmp_path / "hub" / f"{REPO}.git"
    before, moved, after = client(f"""
import subprocess
opened = open_hub()
settle(opened)
_, late, early = opened.names
def drawn():
    return [opened.commit(early) == listed, opened.commit(early) == opened.commit(late), face(opened, early)]
listed = opened.commit(early)
move = ["git", "--git-dir", {str(store)!r}, "tag", "--force", "epoch-0001", "epoch-0002"]
opened._cached_snapshot = lambda commit: None
subprocess.run(move, check=True, stdout=subprocess.DEVNULL)
tell(drawn())
tell(drawn())
settle(opened)
tell(drawn())
""")
    assert before == moved == [True, False, local_face(pushed_run, "epoch-0001")]
    assert after == [False, True, local_face(pushed_run, "epoch-0002")]


def test_networks_that_can_no_longer_be_chosen_are_let_go_of(client, pushed_run):
    [kept] = client("""
opened = open_hub()
opened.discriminator(opened.names[-1])
for networks in (opened._generators, opened._discriminators):
    networks["0" * 40] = None
settle(opened)
tell([[commit in opened._commits.values() for commit in networks] for networks in
      (opened._generators, opened._discriminators)])
""")
    assert kept == [[True], [True]]


def test_what_is_cached_serves_at_once_whatever_the_hub_does(client, pushed_run, hub):
    client(f'opened = open_hub(); face(opened, "{REPO}@epoch-0001")')
    timed = """
began = time.monotonic()
opened = open_hub()
tell(time.monotonic() - began)
tell(opened.names)
tell([face(opened), face(opened, opened.names[1])])
"""
    for fault in (hang(60), trickle, None):
        hub.rules.clear()
        if fault:
            hub.fail("GET|HEAD", "", fault, times=inf)
        else:
            hub.down()
        seconds, names, drawn = client(timed)
        assert seconds < 2
        assert names == [REPO, f"{REPO}@epoch-0001"]
        assert drawn == [local_face(pushed_run), local_face(pushed_run, "epoch-0001")]


def test_what_is_new_on_the_hub_serves_as_soon_as_it_is_here(client, pushed_run, hub, tmp_path):
    client("open_hub()")
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    weights = hub.read(REPO, "epoch-0001", "model.safetensors")
    new = store.commit("main", "alice", "epoch-0003", {"model.safetensors": weights})
    store.git("tag", "epoch-0003", new)
    before, names, after = client("""
hold, hub_catalog.Repository.resolve = hub_catalog.Repository.resolve, lambda *_: time.sleep(60)
opened = open_hub()
tell(face(opened))
hub_catalog.Repository.resolve = hold
settle(opened)
tell(opened.names)
tell(face(opened))
""")
    assert before == local_face(pushed_run)
    assert names[:2] == [REPO, f"{REPO}@epoch-0003"]
    assert after == local_face(pushed_run, "epoch-0001")


def test_without_a_cache_a_slow_hub_is_waited_for_briefly_and_comes_in_later(client, pushed_run, hub):
    hub.fail("GET|HEAD", "", hang(4))
    seconds, notice, early, names, late = client("""
hub_catalog.FIRST_WAIT = 1
began = time.monotonic()
opened = open_hub()
tell(time.monotonic() - began)
tell(opened.notice)
tell(face(opened) == face(opened, "adventurer-96"))
while opened.notice:
    time.sleep(0.1)
tell(opened.names)
tell([face(opened), face(opened, "adventurer-96")])
""")
    assert seconds < 3
    assert notice == "alice/faces can't be shown: it is still on its way. These faces are of adventurer-96."
    assert early
    assert names[0] == REPO
    assert late == [local_face(pushed_run), local_face(BUNDLED)]  # the second for a page that was opened before


def test_a_repository_that_cannot_be_had_leaves_the_bundled_checkpoint_and_the_reason(client, hub, tmp_path):
    def store(name: str, files: dict[str, bytes], private: bool = False) -> None:
        Repository(tmp_path / "hub" / f"{name}.git").create(private)
        Repository(tmp_path / "hub" / f"{name}.git").commit("main", "alice", "files", files)

    store("alice/pickle", {"config.json": b"{}", "pytorch_model.bin": b"\x80"})
    store("alice/text", {"README.md": b"# Words"})
    store("alice/secret", {"config.json": b"{}"}, private=True)
    names = ["missing", "secret", "pickle", "text"]
    reasons = client(
        f"""
for name in {names}:
    opened = open_hub("alice/" + name)
    assert opened.names[0] == "adventurer-96" and face(opened)
    tell(opened.notice)
""",
        token=None,
    )
    for name, reason, words in zip(names, reasons, ["is not on the Hub, or is private", "is private", "only a pickle",
                                                    "is no checkpoint of this project"], strict=True):  # fmt: skip
        assert reason.startswith(f"alice/{name} can't be shown: alice/{name}")
        assert words in reason
        assert reason.endswith("These faces are of adventurer-96.")
    hub.down()
    (reason,) = client("tell(open_hub().notice)")
    assert reason == (
        f"alice/faces can't be shown: the Hub ({hub.url}) can't be reached (ConnectionRefusedError). "
        "These faces are of adventurer-96."
    )


def test_a_full_disk_in_the_cache_leaves_the_bundled_checkpoint_and_the_reason(client, hub, tmp_path, pushed_run):
    (notice,) = client("""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
tell(open_hub().notice)
""")
    assert "can't be stored in" in notice
    assert "make room there" in notice


def test_a_damaged_cache_is_mended_and_never_keeps_the_app_from_starting(client, pushed_run, tmp_path):
    client("open_hub()")
    (refs,) = (tmp_path / "home").glob("hub/models--alice--faces/refs")
    for damage in (b"\xff\xfe", b""):
        (refs / "main").write_bytes(damage)
        assert client("tell(face(open_hub()))") == [local_face(pushed_run)]


def test_whoever_chooses_what_is_cached_does_not_wait_for_whoever_fetches(client, pushed_run, hub):
    client(f'opened = open_hub(); face(opened, "{REPO}@epoch-0001")')
    hub.fail("GET|HEAD", "/revision/epoch-0002", hang(20), times=inf)
    (seconds,) = client(f"""
import threading
opened = open_hub()
settle(opened)
late, really = opened._commits["{REPO}@epoch-0002"], opened._cached_snapshot
opened._cached_snapshot = lambda commit: None if commit == late else really(commit)
opened._generators.clear()
threading.Thread(target=opened.generator, args=("{REPO}@epoch-0002",), daemon=True).start()
time.sleep(0.5)
began = time.monotonic()
face(opened, "{REPO}@epoch-0001")
tell(time.monotonic() - began)
import os; import sys; sys.stdout.flush(); os._exit(0)
""")
    assert seconds < 5


@pytest.fixture(scope="module")
def served(serve_app, pushed_store, tmp_path_factory):
    """An app on alice/faces, which has nothing cached but what it starts with: its Hub and a client."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(pushed_store, folder / "hub")
    with HubServer(folder / "hub") as hub:
        environment = hub_client.environment(hub, folder / "home", token=None)
        client = Client(serve_app("--model", REPO, environment=environment), verbose=False, download_files=str(folder))
        yield hub, client, folder
        client.close()


def test_the_app_serves_a_repository_and_fetches_weights_and_three_texts(served, trained_run):
    hub, client, _ = served
    assert client.predict(api_name="/list_checkpoints") == [REPO, f"{REPO}@epoch-0002", f"{REPO}@epoch-0001"]
    with Image.open(client.predict(seed=1, api_name="/avatar")) as picture:
        assert np.asarray(picture.convert("RGB")).tolist() == local_face(trained_run)[0]
    path = client.predict(seeds="1 2", frames=8, size=96, checkpoint=REPO, api_name="/interpolate")
    assert path.endswith("alice-faces_seed-1-2_8f.gif")
    files = {path.rpartition("/")[2] for _, path in hub.requests if "/resolve/" in path}
    assert files == {"config.json", "model.safetensors", "training.json", "metrics.jsonl", "README.md"}


def test_a_tag_deleted_while_the_app_runs_costs_a_sentence_and_nothing_else(served, trained_run):
    _, client, folder = served
    Repository(folder / "hub" / f"{REPO}.git").git("tag", "--delete", "epoch-0001")
    with pytest.raises(AppError, match="alice/faces has no revision epoch-0001"):
        client.predict(seed=1, checkpoint=f"{REPO}@epoch-0001", api_name="/avatar")
    for name in (REPO, f"{REPO}@epoch-0002", ""):
        with Image.open(client.predict(seed=1, checkpoint=name, api_name="/avatar")) as picture:
            assert np.asarray(picture.convert("RGB")).tolist() == local_face(trained_run)[0]


def test_what_a_checkpoint_says_of_itself_comes_from_the_hub_and_then_from_the_cache(client, pushed_run, hub):
    script = """
opened = open_hub()
settle(opened)
tell([opened.model, opened.commit()])
tell([opened.text(file) for file in hub_catalog.TEXTS])
"""
    (model, commit), (training, metrics, card) = told = client(script)
    assert model == REPO
    assert len(commit) == 12
    assert training == (pushed_run / "training.json").read_text()
    assert metrics == (pushed_run / "metrics.jsonl").read_text()
    assert f'from_pretrained("{REPO}")' in card
    hub.down()
    assert client(script) == told


def test_snapshots_have_commits_of_their_own(client, pushed_run):
    [commits] = client("""
opened = open_hub()
settle(opened)
tell([opened.commit(name) for name in opened.names])
""")
    assert commits[0] == commits[1] != commits[2]


def test_a_text_of_megabytes_is_never_fetched(client, pushed_run, hub):
    texts = client("""
from dcgan.hub import fetch
fetch.MAX_TEXT_BYTES = 50
opened = open_hub()
settle(opened)
tell([opened.text(file) for file in hub_catalog.TEXTS])
""")
    assert texts == [["", "", ""]]
    assert not any("training.json" in path for _, path in hub.requests if "/resolve/" in path)


def test_a_path_that_is_there_wins_over_the_hub(trained_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained_run, tmp_path / "alice" / "faces")
    assert isinstance(open_catalog(REPO, None, [BUNDLED], torch.device("cpu")), LocalCatalog)
    with pytest.raises(InputError, match="--revision epoch-0001 goes with a repository of the Hub"):
        open_catalog(REPO, "epoch-0001", [BUNDLED], torch.device("cpu"))
    with pytest.raises(InputError, match="there is no checkpoint folder alice/misspelled"):
        open_catalog("alice/misspelled", None, [BUNDLED], torch.device("cpu"))


def test_directions_are_fetched_when_they_are_asked_for_and_snapshots_draw_by_them(client, pushed_run, hub, tmp_path):
    written = save({"hair_hue": torch.ones(8)}, metadata={"format": "pt"})
    script = """
opened = open_hub()
settle(opened)
tell([{name: one.tolist() for name, one in opened.directions(checkpoint).items()} for checkpoint in opened.names])
"""
    assert client(script) == [[{}] * 3]
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    store.commit("main", "alice", "directions", {DIRECTIONS_NAME: written})
    client("settle(open_hub())")
    assert not any(DIRECTIONS_NAME in path for _, path in hub.requests if "/resolve/" in path)
    assert client(script) == [[{"hair_hue": [1.0] * 8}] * 3]


@pytest.mark.parametrize(
    ("content", "words"), [(b"text", f"{REPO}/{DIRECTIONS_NAME} is damaged"), (b"0" * 1_000_001, "wasn't fetched")]
)
def test_directions_that_cannot_be_read_cost_a_sentence(content, words, client, pushed_run, tmp_path):
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    store.commit("main", "alice", "directions", {DIRECTIONS_NAME: content})
    [said] = client("""
opened = open_hub()
try:
    opened.directions()
except InputError as error:
    tell(str(error))
""")
    assert words in said
