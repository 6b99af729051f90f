"""What is fetched from the Hub, and what isn't: the real client against the Hub of the tests, faults included."""

import json
from functools import partial
from math import inf
from pathlib import Path

import pytest
from safetensors.torch import save

from dcgan import Discriminator, Generator
from dcgan.checkpoints import load_generator
from dcgan.errors import HubError
from dcgan.hub import Patience, is_repo_id, persistently, repo_id_in
from dcgan.hub import Repository as Remote
from support.hub_client import REPO, python
from support.hub_server import HubServer, Repository, cut_download, hang, status

SETTINGS = {"latent_dim": 8, "image_size": 24, "image_channels": 3, "feature_maps": 4}
SUMMARY = """
import hashlib
from dcgan import Generator, InputError, faces

def summary(name="alice/faces", **options):
    return hashlib.sha256(faces(Generator.from_pretrained(name, **options), [1, 2, 3]).tobytes()).hexdigest()

def refusal(name="alice/faces", **options):
    try:
        return "no refusal, but " + summary(name, **options)
    except InputError as error:
        return str(error)
"""


@pytest.fixture
def client(hub, tmp_path):
    """Runs lines of Python with a cache that starts empty."""
    return lambda script, **options: python(hub, tmp_path / "home", SUMMARY + script, **options)


@pytest.fixture
def repository(hub, tmp_path):
    """Makes a repository that holds these files, whatever they are."""

    def make(name: str, files: dict[str, bytes], private: bool = False) -> None:
        store = Repository(tmp_path / "hub" / f"{name}.git")
        store.create(private)
        store.commit("main", name.split("/")[0], "files", files)

    return make


def summary(folder: Path, snapshot: str | None = None) -> str:
    scope = {}
    exec(SUMMARY, scope)
    scope["Generator"] = type("Local", (), {"from_pretrained": lambda *_: load_generator(folder, snapshot)})
    return scope["summary"]()


def config(**changes) -> bytes:
    return json.dumps(SETTINGS | changes).encode()


def weights(**changes) -> bytes:
    return save(Generator(**SETTINGS | changes).state_dict(), metadata={"format": "pt"})


def fetched(hub: HubServer) -> set[str]:
    return {path.rpartition("/")[2] for method, path in hub.requests if method == "GET" and "/resolve/" in path}


def cached_weights(home: Path) -> Path:
    (path,) = home.glob("hub/models--alice--faces/snapshots/*/model.safetensors")
    return path.resolve()


# What works


def test_main_and_every_tag_draw_what_the_local_folder_draws_and_need_nothing_but_two_files(client, pushed_run, hub):
    page = "https://huggingface.co/alice/faces/"
    script = f'tell([summary(), summary(revision="epoch-0001"), summary("{page}", revision="epoch-0002")])'
    assert client(script) == [[summary(pushed_run, name) for name in (None, "epoch-0001", "epoch-0002")]]
    assert fetched(hub) == {"config.json", "model.safetensors"}


def test_the_discriminator_comes_from_its_subfolder(client, pushed_run):
    (found,) = client("""
from dcgan import Discriminator
parameters = Discriminator.from_pretrained("alice/faces", subfolder="discriminator", revision="epoch-0001").parameters()
tell(sum(parameter.double().sum().item() for parameter in parameters))
""")
    local = Discriminator.from_pretrained(pushed_run / "epochs" / "epoch-0001", subfolder="discriminator")
    assert found == sum(parameter.double().sum().item() for parameter in local.parameters())


def test_a_private_repository_opens_with_its_owners_token_and_not_without(client, repository, hub):
    repository("alice/secret", {"config.json": config(), "model.safetensors": weights()}, private=True)
    (refused,) = client('tell(refusal("alice/secret"))', token=None)
    assert refused == (
        "alice/secret is not on the Hub, or is private; for a private one log in with `hf auth login`, or set HF_TOKEN."
    )
    assert client('tell(summary("alice/secret"))')


def test_a_cached_commit_is_served_without_a_request_and_a_cached_name_without_the_hub(client, pushed_run, hub):
    (first,) = client("tell(summary())")
    commit = hub.commits(REPO)[0].oid
    hub.requests.clear()
    assert client(f'tell(summary(revision="{commit}"))') == [first]
    assert hub.requests == []
    hub.down()
    assert client("tell([summary(), summary(local_files_only=True)])") == [[first, first]]


@pytest.mark.parametrize("damage", ["flip a bit", "truncate"])
def test_damaged_weights_in_the_cache_are_fetched_again_once(damage, client, pushed_run, hub, tmp_path):
    (first,) = client("tell(summary())")
    file = cached_weights(tmp_path / "home")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content if damage == "flip a bit" else content[:-50])
    hub.requests.clear()
    assert client("tell([summary(), summary()])") == [[first, first]]
    assert sum("model.safetensors" in path and method == "GET" for method, path in hub.requests) == 1


def test_a_cut_download_is_mended_by_the_next_attempt(client, pushed_run, hub):
    hub.fail("GET", "/resolve/.*/model.safetensors", cut_download)
    assert client("tell(summary())") == [summary(pushed_run)]


# What can't be had: a clear sentence each, an InputError, and nothing fetched that needn't be


def test_each_repository_that_is_no_checkpoint_gets_a_sentence_of_its_own(client, repository, hub):
    repository("alice/text", {"README.md": b"# Words"})
    repository("alice/pickle", {"config.json": config(), "pytorch_model.bin": b"\x80\x04"})
    repository("alice/absurd", {"config.json": config(feature_maps=100_000), "model.safetensors": weights()})
    repository("alice/foreign", {"config.json": b'{"architectures": ["Bert"]}', "model.safetensors": weights()})
    repository("alice/endless", {"config.json": b" " * 100_000, "model.safetensors": weights()})
    repository("alice/broken", {"config.json": b"{", "model.safetensors": weights()})
    repository("alice/deep", {"config.json": b"[" * 60_000, "model.safetensors": weights()})
    repository("alice/too-big", {"config.json": config(), "model.safetensors": bytes(200_000)})
    repository("alice/too-small", {"config.json": config(), "model.safetensors": b"tiny"})
    misfit = {"config.json": config(latent_dim=4, feature_maps=4), "model.safetensors": weights(latent_dim=5)}
    repository("alice/misfit", misfit)
    names = [
        "missing",
        "text",
        "pickle",
        "absurd",
        "foreign",
        "endless",
        "broken",
        "deep",
        "too-big",
        "too-small",
        "misfit",
    ]
    told = dict(zip(names, *client(f'tell([refusal("alice/" + name) for name in {names}])'), strict=True))
    for name, words in {
        "missing": "alice/missing is not on the Hub, or is private",
        "text": "alice/text is no checkpoint of this project: it has no config.json.",
        "pickle": "alice/pickle holds only a pickle (pytorch_model.bin), which is never loaded.",
        "absurd": "config.json of alice/absurd: feature_maps is 100000; it must be from 1 to 512.",
        "foreign": "config.json of alice/foreign has the unknown key 'architectures'",
        "endless": "alice/endless has a config.json of 100,000 bytes",
        "broken": "alice/broken/config.json can't be read as JSON",
        "deep": "alice/deep/config.json can't be read as JSON",
        "too-big": "alice/too-big: model.safetensors has 200,000 bytes, but its config.json calls for",
        "too-small": "alice/too-small: model.safetensors has 4 bytes, but its config.json calls for",
        "misfit": "alice/misfit/model.safetensors: the tensor main.0.weight is (5, 8, 4, 4), but its config.json calls",
    }.items():
        assert words in told[name], (name, told[name])
        assert "\n" not in told[name]
    weights_fetched = {path.split("/")[2] for method, path in hub.requests if "model.safetensors" in path}
    assert weights_fetched == {"misfit"}
    assert "pytorch_model.bin" not in fetched(hub)


def test_a_missing_revision_is_named(client, pushed_run):
    (refused,) = client('tell(refusal(revision="epoch-0009"))')
    assert refused == "alice/faces has no revision epoch-0009; its snapshots are tags such as epoch-0010."


def test_without_the_hub_or_a_cache_the_sentence_says_so(client, hub):
    offline, here = client("tell(refusal())\ntell(refusal(local_files_only=True))", HF_HUB_OFFLINE="1")
    assert offline == "HF_HUB_OFFLINE is set, and alice/faces is not in the cache"
    assert here == "alice/faces is not in the cache"
    hub.down()
    assert client("tell(refusal())") == [f"the Hub ({hub.url}) can't be reached (ConnectionRefusedError)"]


def test_a_hub_that_answers_with_errors_or_not_at_all_is_given_up_in_time(client, pushed_run, hub):
    hub.fail("GET", "/api/models/alice/faces", status(503), times=1)
    assert client("tell(refusal())") == ["the Hub answers 503"]
    hub.fail("GET", "/api/models/alice/faces", hang(30), times=inf)
    refused, seconds = client("""
import time
from dcgan.hub import Patience
began = time.monotonic()
tell(refusal(patience=Patience(timeout=1)))
tell(time.monotonic() - began)
""")
    assert refused == f"the Hub ({hub.url}) doesn't answer"
    assert seconds < 20


def test_a_full_disk_costs_a_sentence_and_leaves_nothing_half_loaded(client, repository):
    big = {"latent_dim": 100, "feature_maps": 16}
    repository("alice/big", {"config.json": config(**big), "model.safetensors": weights(**big)})
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY)); "
    (refused,) = client(limit + 'tell(refusal("alice/big"))')
    assert "alice/big can't be stored in" in refused
    assert "File too large); make room there, or set HF_HOME" in refused
    assert client('tell(summary("alice/big"))')


def test_a_bad_token_is_named_as_the_reason(client, pushed_run):
    (refused,) = client("tell(refusal())", token="hf_nonsense")
    assert "the Hub refuses the token (401)" in refused
    assert "hf auth login" in refused


@pytest.mark.parametrize(
    "text", ["faces", "a/b/c", "/faces", "alice/", "alice/fa ces", "a--b/c", "a/..", "a/b.git", "é/b"]
)
def test_what_is_no_repository_id_is_told_apart(text):
    assert not is_repo_id(text)
    assert is_repo_id("alice/my_faces-96.v2")


@pytest.mark.parametrize(
    "text",
    [
        " alice/faces\n", "https://huggingface.co/alice/faces", "https://huggingface.co/alice/faces/",
        "http://huggingface.co/alice/faces/tree/main", "huggingface.co/alice/faces?x=1", "https://hf.co/alice/faces#files",
    ],
)  # fmt: skip
def test_a_repository_may_be_named_by_the_address_of_its_page_and_with_blanks_around(text):
    assert repo_id_in(text) == "alice/faces"
    assert Remote(text).id == "alice/faces"


@pytest.mark.parametrize("text", ["alice/faces", "https://example.org/alice/faces", "huggingface.co/alice", "faces"])
def test_what_is_no_such_address_stays_as_it_is(text):
    assert repo_id_in(text) == text


# Patience


def failing(times: int, **options) -> partial:
    left = [times]

    def attempt() -> str:
        if left[0]:
            left[0] -= 1
            raise HubError(f"failure {times - left[0]}", **options)
        return "done"

    return attempt


def test_temporary_failures_are_tried_again_after_each_wait_in_turn():
    slept, told = [], []
    assert persistently(failing(2, temporary=True), (1, 5, 9), slept.append, told.append) == "done"
    assert slept == [1, 5]
    assert told == ["failure 1; trying again in 1 s", "failure 2; trying again in 5 s"]


def test_a_wait_that_the_hub_asks_for_is_heeded_within_reason():
    slept = []
    persistently(failing(1, temporary=True, after=30), (1,), slept.append, print)
    persistently(failing(1, temporary=True, after=86_400), (1,), slept.append, print)
    assert slept == [30, 300]


@pytest.mark.parametrize(("times", "options"), [(1, {"temporary": False}), (4, {"temporary": True})])
def test_what_waiting_cannot_mend_or_did_not_is_raised(times, options):
    with pytest.raises(HubError, match=f"failure {times}"):
        persistently(failing(times, **options), (0, 0, 0), lambda seconds: None, print)


def test_whoever_is_in_a_hurry_waits_for_nothing():
    with pytest.raises(HubError, match="failure 1"):
        persistently(failing(3, temporary=True), (60, 60), lambda seconds: True, print)


def test_the_default_patience_outlasts_an_outage_of_a_minute():
    assert sum(Patience().waits) > 60
