"""The Hub of the tests against the real client, which reads its address at import and so runs as a process."""

import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any

import pytest

from support import hub_client, hub_server
from support.hub_client import ALICE, BOB, READ_ONLY, REPO
from support.hub_server import HubServer, cut_download, cut_upload, hang, lose_reply, status

WEIGHTS = bytes(range(256)) * 400

PREAMBLE = """
import time
from pathlib import Path
from huggingface_hub import *

REPO = "alice/faces"
WEIGHTS = bytes(range(256)) * 400
api = HfApi()

def failure(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except Exception as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        return {"type": type(error).__name__, "status": status, "message": str(error)}

def timed_failure(call, *arguments):
    started = time.monotonic()
    return failure(call, *arguments), time.monotonic() - started

def commit(message, contents, **options):
    operations = [CommitOperationAdd(path, content) for path, content in contents.items()]
    return api.create_commit(REPO, operations, commit_message=message, **options).oid
"""


def run_client(hub: HubServer, home: Path, script: str, token: str | None = ALICE, **variables: str) -> list[Any]:
    """Run lines of Python with the real client, logged in, and give what they `tell`."""
    return hub_client.python(hub, home, PREAMBLE + script, token, **variables)


@pytest.fixture
def run(hub, tmp_path) -> Callable[..., list[Any]]:
    return partial(run_client, hub, tmp_path / "home")


@pytest.fixture(scope="session")
def published_store(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    with HubServer(folder / "hub") as hub:
        script = 'api.create_repo(REPO); commit("one", {"model.safetensors": WEIGHTS, "config.json": b"{}"})'
        run_client(hub, folder / "home", script)
    return folder / "hub"


@pytest.fixture
def published(hub, published_store, tmp_path) -> str:
    """Puts weights and a configuration on the Hub; gives that commit, which has the Hub's own before it."""
    shutil.copytree(published_store, tmp_path / "hub")
    return hub.commits(REPO)[0].oid


def arrived(hub: HubServer, method: str, part: str) -> int:
    return sum(part in path for used, path in hub.requests if used == method)


# What works


def test_each_tag_gives_back_the_bytes_that_were_published_under_it(run, hub):
    first, second, refs, resolved, file, snapshot = run("""
api.create_repo(REPO)
api.create_repo(REPO, exist_ok=True)
first = commit("one", {"model.safetensors": WEIGHTS, "config.json": b"{}", "samples/1.txt": b"one"})
api.create_tag(REPO, tag="epoch-0001", revision=first)
second = commit("two", {"model.safetensors": WEIGHTS[::-1], "config.json": b"{}"})
api.create_tag(REPO, tag="epoch-0002", tag_message="annotated", revision=second, exist_ok=True)
tell(first)
tell(second)
tell({tag.name: tag.target_commit for tag in api.list_repo_refs(REPO).tags})
tell(api.resolve_revision(REPO, revision="epoch-0001").resolved)
tell(Path(hf_hub_download(REPO, "model.safetensors", revision="epoch-0001")).read_bytes().hex())
folder = Path(snapshot_download(REPO, revision="epoch-0001"))
tell({path.relative_to(folder).as_posix(): path.read_bytes().hex() for path in folder.rglob("*") if path.is_file()})
""")
    assert refs == hub.tags(REPO) == {"epoch-0001": first, "epoch-0002": second}
    assert resolved == first
    assert bytes.fromhex(file) == WEIGHTS == hub.read(REPO, "epoch-0001", "model.safetensors")
    assert hub.files(REPO, "epoch-0001") == [".gitattributes", "config.json", "model.safetensors", "samples/1.txt"]
    assert snapshot == {path: hub.read(REPO, first, path).hex() for path in hub.files(REPO, first)}
    assert hub.read(REPO, "main", "model.safetensors") == WEIGHTS[::-1]
    assert [commit.title for commit in hub.commits(REPO)] == ["two", "one", "initial commit"]


def test_large_and_binary_files_go_by_lfs_and_the_rest_into_git(run, hub):
    files, info, folder, found = run("""
api.create_repo(REPO)
card = b"---\\ntags: [faces]\\nlicense: mit\\ndate: 2020-01-01\\n---\\n# Faces"
commit("large", {"model.safetensors": b"w", "faces.png": b"\\x89PNG\\0", "big.txt": b"a" * 1_000_001})
commit("small", {"empty.safetensors": b"", "folder/ü.txt": "ü".encode(), "README.md": card})
tree = api.list_repo_tree(REPO, recursive=True)
tell({entry.path: [entry.size, entry.lfs and entry.lfs.sha256] for entry in tree if isinstance(entry, RepoFile)})
info = api.model_info(REPO, files_metadata=True)
siblings = {s.rfilename: [s.size, s.lfs and s.lfs.sha256] for s in info.siblings}
tell([info.sha, info.private, info.tags, info.card_data.license, siblings])
tell([entry.path for entry in api.list_repo_tree(REPO, "folder")])
tell([[type(entry).__name__, entry.path] for entry in api.get_paths_info(REPO, ["folder", "folder/ü.txt", "nowhere"])])
""")
    by_lfs = {path: [len(content), sha256(content).hexdigest()] for path, content in
              {"model.safetensors": b"w", "faces.png": b"\x89PNG\0", "big.txt": b"a" * 1_000_001}.items()}  # fmt: skip
    assert {path: facts for path, facts in files.items() if facts[1]} == by_lfs
    assert files["folder/ü.txt"] == [2, None]
    assert files["empty.safetensors"] == [0, None]
    assert info == [hub.commits(REPO)[0].oid, False, ["faces"], "mit", files]
    assert folder == ["folder/ü.txt"]
    assert found == [["RepoFolder", "folder"], ["RepoFile", "folder/ü.txt"]]


def test_a_space_needs_an_sdk_and_is_told_apart_from_a_model_of_its_name(run, hub):
    without, read, binary = run("""
import json
from base64 import b64encode
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status
from huggingface_hub import constants

def post(path, **content):
    reply = get_session().post(constants.ENDPOINT + path, headers=build_hf_headers(), **content)
    hf_raise_for_status(reply)

api.create_repo(REPO)
tell(failure(post, "/api/repos/create", json={"name": "faces", "organization": None, "type": "space"}))
api.create_repo(REPO, repo_type="space", space_sdk="gradio")
commit = api.create_commit(REPO, [CommitOperationAdd("app.py", b"1")], commit_message="one", repo_type="space")
tell(Path(hf_hub_download(REPO, "app.py", repo_type="space")).read_text())
file = {"path": "a.png", "content": b64encode(b"\\x89PNG\\0").decode(), "encoding": "base64"}
lines = [{"key": "header", "value": {"summary": "two", "description": ""}}, {"key": "file", "value": file}]
tell(failure(post, f"/api/spaces/{REPO}/commit/main", content="\\n".join(map(json.dumps, lines)).encode()))
""")
    assert (without["status"], read, binary["status"]) == (400, "1", 400)
    assert "rejected because it contains binary files: a.png" in binary["message"]
    assert hub.files("spaces/alice/faces") == [".gitattributes", "app.py"]
    assert hub.files(REPO) == [".gitattributes"]


def test_the_same_files_again_make_no_commit_and_send_nothing(run, hub, published):
    [again] = run('tell(commit("two", {"model.safetensors": WEIGHTS, "config.json": b"{}"}))')
    assert again == published
    assert arrived(hub, "POST", "/preupload/") == 1
    assert arrived(hub, "POST", "/commit/") == arrived(hub, "PUT", "/lfs/") == 0


def test_files_and_folders_can_be_deleted_but_not_twice(run, hub, published):
    folder_as_file, twice = run("""
commit("two", {"samples/1.txt": b"1", "samples/more/2.txt": b"2"})
tell(failure(api.delete_file, "samples/more", REPO))
deletions = [CommitOperationDelete("samples/"), CommitOperationDelete("config.json")]
api.create_commit(REPO, [*deletions, CommitOperationAdd("a.txt", b"a")], commit_message="three")
tell(failure(api.delete_file, "config.json", REPO))
""")
    assert hub.files(REPO) == [".gitattributes", "a.txt", "model.safetensors"]
    assert "config.json" in hub.files(REPO, published)
    assert (folder_as_file["type"], twice["type"]) == ("RemoteEntryNotFoundError", "RemoteEntryNotFoundError")


def test_a_stale_parent_is_refused_and_the_present_one_accepted(run, hub, published):
    stale, oid = run(f"""
commit("two", {{"a.txt": b"a"}})
tell(failure(commit, "three", {{"b.txt": b"b"}}, parent_commit="{published}"))
tell(commit("three", {{"b.txt": b"b"}}, parent_commit=api.model_info(REPO).sha))
""")
    assert stale["status"] == 412
    assert "A commit has happened since" in stale["message"]
    assert [commit.title for commit in hub.commits(REPO)] == ["three", "two", "one", "initial commit"]
    assert hub.commits(REPO)[0].oid == oid


def test_a_branch_may_have_a_slash_in_its_name_and_leaves_main_alone(run, hub, published):
    twice, branches, text, history = run(f"""
api.create_branch(REPO, branch="epochs/2", revision="{published}")
tell(failure(api.create_branch, REPO, branch="epochs/2"))
commit("branched", {{"a.txt": b"a"}}, revision="epochs/2")
tell([branch.name for branch in api.list_repo_refs(REPO).branches])
tell(Path(hf_hub_download(REPO, "a.txt", revision="epochs/2")).read_text())
tell([commit.title for commit in api.list_repo_commits(REPO, revision="epochs/2")])
""")
    assert twice["status"] == 409
    assert branches == ["epochs/2", "main"]
    assert text == "a"
    assert history == ["branched", "one", "initial commit"]
    assert "a.txt" not in hub.files(REPO)


def test_what_is_not_there_is_named_by_the_type_of_the_error(run, published):
    errors = run(f"""
api.create_tag(REPO, tag="epoch-0001")
tell(failure(api.create_tag, REPO, tag="epoch-0001"))
api.delete_tag(REPO, tag="epoch-0001")
tell(failure(api.delete_tag, REPO, tag="epoch-0001"))
tell(failure(api.resolve_revision, REPO, revision="epoch-0001"))
tell(failure(hf_hub_download, REPO, "config.json", revision="0" * 40))
tell(failure(hf_hub_download, REPO, "nothing.json", revision="{published}"))
tell(failure(api.model_info, "alice/nothing"))
tell(failure(api.upload_file, repo_id="alice/nothing", path_in_repo="a.txt", path_or_fileobj=b"a"))
""")
    assert [(error["type"], error["status"]) for error in errors] == [
        ("HfHubHTTPError", 409), ("RevisionNotFoundError", 404), ("RevisionNotFoundError", 404),
        ("RevisionNotFoundError", 404), ("RemoteEntryNotFoundError", 404), ("RepositoryNotFoundError", 404),
        ("RepositoryNotFoundError", 404),
    ]  # fmt: skip


def test_a_long_history_comes_page_by_page(run, hub, published, monkeypatch):
    monkeypatch.setattr(hub_server, "COMMITS_PER_PAGE", 2)
    [titles] = run("""
for number in (2, 3, 4):
    commit(str(number), {"a.txt": str(number).encode()})
tell([commit.title for commit in api.list_repo_commits(REPO)])
""")
    assert titles == ["4", "3", "2", "one", "initial commit"]
    assert arrived(hub, "GET", "/commits/main") == 3


def test_a_card_with_broken_metadata_is_refused_before_anything_is_sent(run, hub, published):
    [error] = run('tell(failure(commit, "two", {"README.md": b"---\\ntags: [a\\n---\\n"}))')
    assert error["type"] == "ValueError"
    assert "Invalid metadata in README.md" in error["message"]
    assert len(hub.commits(REPO)) == 2


# Who may


def test_a_token_decides_who_may_write(run, hub, published):
    attempt = """
tell(failure(commit, "two", {"a.txt": b"a"}))
tell(failure(api.create_repo, "alice/more"))
tell(failure(api.auth_check, REPO, write=True))
"""
    for token, code in ((READ_ONLY, 403), (BOB, 403), ("hf_unknown", 401), (None, 401)):
        assert [error["status"] for error in run(attempt, token)] == [code] * 3, token
    assert len(hub.commits(REPO)) == 2


def test_creating_what_exists_says_nothing_of_the_right_to_write_but_checking_does(run, published):
    look = "tell(failure(api.create_repo, REPO, exist_ok=True)); tell(failure(api.auth_check, REPO, write=True))"
    assert run(look, ALICE) == [None, None]
    created, checked = run(look, READ_ONLY)
    assert created is None
    assert checked["status"] == 403


def test_a_token_says_whose_it_is_and_what_it_may(run):
    script = 'me = api.whoami(); tell([me["name"], me["auth"]["accessToken"]["role"]])'
    assert run(script, READ_ONLY) == [["alice", "read"]]
    [error] = run("tell(failure(api.whoami))", "hf_unknown")
    assert error["status"] == 401


def test_a_private_repository_is_not_there_for_strangers(run):
    run('api.create_repo(REPO, private=True); commit("one", {"config.json": b"{}"})')
    look = 'tell(failure(api.model_info, REPO)); tell(failure(hf_hub_download, REPO, "config.json"))'
    for stranger in (BOB, None):
        assert [(e["type"], e["status"]) for e in run(look, stranger)] == [("RepositoryNotFoundError", 404)] * 2
    assert run(look, READ_ONLY) == [None, None]


# Faults


def test_every_status_reaches_the_client_once_and_then_all_is_well(run, hub, published):
    codes = [401, 403, 404, 409, 412, 429, 500, 503]
    for code in codes:
        hub.fail("GET", "/refs$", status(code))
    hub.fail("GET", "/refs$", status(404, x_error_code="RevisionNotFound"))
    outcomes = run(f"for _ in range({len(codes) + 2}): tell(failure(api.list_repo_refs, REPO))")
    assert [error["status"] for error in outcomes[:-2]] == codes
    assert outcomes[-2]["type"] == "RevisionNotFoundError"
    assert outcomes[-1] is None


def test_a_client_that_is_told_to_wait_waits_and_goes_on(run, hub, published):
    hub.fail("POST", "/preupload/", status(429, retry_after="1"))
    [outcome] = run('tell(timed_failure(commit, "two", {"a.txt": b"a"}))')
    assert outcome[0] is None
    assert outcome[1] > 1
    assert arrived(hub, "POST", "/preupload/") == 2
    assert hub.read(REPO, "main", "a.txt") == b"a"


def test_a_storm_passes_when_its_time_is_over(hub, published):
    def refs() -> int:
        try:
            with urllib.request.urlopen(f"{hub.url}/api/models/{REPO}/refs", timeout=10) as reply:
                return reply.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.status

    started = time.monotonic()
    hub.fail(".*", "", status(503), times=inf, seconds=0.5)
    assert refs() == 503
    while refs() == 503:
        assert time.monotonic() - started < 10
    assert time.monotonic() - started > 0.5


def test_a_cut_upload_is_sent_again_and_arrives_whole(run, hub, published):
    hub.fail("PUT", "/lfs/", cut_upload)
    run('commit("two", {"model.safetensors": WEIGHTS * 50})')
    assert arrived(hub, "PUT", "/lfs/") == 2
    assert hub.read(REPO, "main", "model.safetensors") == WEIGHTS * 50


def test_a_cut_download_is_taken_up_where_it_stopped(run, hub, published):
    hub.fail("GET", "/resolve/", cut_download)
    [content] = run('tell(Path(hf_hub_download(REPO, "model.safetensors")).read_bytes().hex())')
    assert bytes.fromhex(content) == WEIGHTS
    assert arrived(hub, "GET", "/resolve/") == 2


def test_a_commit_whose_reply_was_lost_is_there_and_not_made_again(run, hub, published):
    hub.fail("POST", "/commit/", lose_reply)
    error, again = run("""
tell(failure(commit, "two", {"a.txt": b"a"}))
tell(commit("two", {"a.txt": b"a"}))
""")
    assert error["type"] == "RemoteProtocolError"
    assert [commit.title for commit in hub.commits(REPO)] == ["two", "one", "initial commit"]
    assert hub.commits(REPO)[0].oid == again


def test_a_hang_costs_the_client_its_timeout_before_it_asks_again(run, hub, published):
    hub.fail("HEAD", "/resolve/", hang(30))
    [(error, seconds)] = run('tell(timed_failure(hf_hub_download, REPO, "config.json"))', HF_HUB_ETAG_TIMEOUT="1")
    assert error is None
    assert 1 <= seconds < 20
    assert arrived(hub, "HEAD", "/resolve/") == 2


def test_a_call_without_a_timeout_waits_for_a_hanging_hub(run, hub, published):
    hub.fail("GET", "/refs$", hang(1.5))
    [(error, seconds)] = run("tell(timed_failure(api.list_repo_refs, REPO))")
    assert error is None
    assert seconds >= 1.5


def test_switched_off_it_refuses_connections_and_switched_on_it_is_back_at_its_address(run, hub, published):
    address = hub.url
    hub.down()
    [error] = run("tell(failure(api.list_repo_refs, REPO))")
    assert error["type"] == "ConnectError"
    hub.up()
    assert hub.url == address
    assert run("tell(failure(api.list_repo_refs, REPO))") == [None]


def test_switching_off_closes_connections_and_waits_for_no_hanging_request(hub):
    hub.fail("GET", "/api/whoami-v2", hang(60))
    with socket.create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET /api/whoami-v2 HTTP/1.1\r\nHost: hub\r\n\r\n")
        while not hub.requests:
            time.sleep(0.01)
        started = time.monotonic()
        hub.down()
        assert time.monotonic() - started < 10
        connection.settimeout(10)
        assert connection.recv(1) == b""


def test_a_range_gives_that_part_and_one_outside_the_file_is_refused(run, hub, published):
    url = f"{hub.url}/{REPO}/resolve/main/model.safetensors"
    part, outside = (urllib.request.Request(url, headers={"Range": f"bytes={span}"}) for span in ("10-19", "200000-"))
    with urllib.request.urlopen(part, timeout=10) as reply:
        assert reply.status == 206
        assert reply.read() == WEIGHTS[10:20]
        assert reply.headers["Content-Range"] == f"bytes 10-19/{len(WEIGHTS)}"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(outside, timeout=10)
    error.value.close()
    assert error.value.status == 416
