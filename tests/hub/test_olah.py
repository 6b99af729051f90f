"""What we publish, read back through olah: a mirror that nobody here wrote, between the Hub and the real client."""

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from dcgan import faces
from dcgan.checkpoints import load_generator
from support import hub_client
from support.hub_client import REPO
from support.hub_server import HubServer
from support.olah import mirror

SNAPSHOTS = ["epoch-0001", "epoch-0002"]
DRAW = """
from hashlib import sha256
from dcgan import Generator, faces

def draw(revision):
    generator = Generator.from_pretrained("alice/faces", revision=revision)
    return sha256(faces(generator, [1, 2, 3]).tobytes()).hexdigest()
"""
DOWNLOAD = """
from hashlib import sha256
from pathlib import Path
from huggingface_hub import HfApi, snapshot_download

def download(revision, patterns=None):
    folder = Path(snapshot_download("alice/faces", revision=revision, allow_patterns=patterns))
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
"""


@pytest.fixture
def hub(pushed_store) -> Iterator[HubServer]:
    with HubServer(pushed_store) as hub:
        yield hub


def read(hub: HubServer, home: Path, url: str, script: str) -> list:
    """Run lines of Python as a stranger who knows the Hub by this address, and has nothing cached."""
    shutil.rmtree(home, ignore_errors=True)
    return hub_client.python(hub, home, script, token=None, HF_ENDPOINT=url)


def drawn_here(run: Path, snapshot: str | None) -> str:
    return sha256(faces(load_generator(run, snapshot), [1, 2, 3]).tobytes()).hexdigest()


def files_on(hub: HubServer, revision: str) -> dict[str, str]:
    """The hash of every file's content, by its path."""
    return {path: sha256(hub.read(REPO, revision, path)).hexdigest() for path in hub.files(REPO, revision)}


def test_a_pushed_run_and_its_snapshots_draw_the_faces_of_the_local_folder(hub, trained_run, tmp_path):
    with mirror(hub, tmp_path) as url:
        drawn = read(hub, tmp_path / "home", url, DRAW + f"for name in {[None, *SNAPSHOTS]}: tell(draw(name))")
    assert drawn == [drawn_here(trained_run, name) for name in (None, *SNAPSHOTS)]
    assert drawn[1] != drawn[2]


def test_a_download_of_each_tag_has_the_files_on_the_hub_byte_for_byte(hub, tmp_path):
    script = "tell({tag.name: download(tag.name) for tag in HfApi().list_repo_refs('alice/faces').tags})"
    with mirror(hub, tmp_path) as url:
        [downloads] = read(hub, tmp_path / "home", url, DOWNLOAD + script)
    assert downloads == {name: files_on(hub, name) for name in SNAPSHOTS}
    assert all({"README.md", "config.json", "model.safetensors"} <= set(files) for files in downloads.values())


def test_what_the_mirror_has_served_it_serves_again_without_the_hub(hub, tmp_path):
    script = DOWNLOAD + "tell(download('epoch-0001', ['config.json', 'model.safetensors']))"
    with mirror(hub, tmp_path) as url:
        [with_hub] = read(hub, tmp_path / "home", url, script)
    hub.down()
    with mirror(hub, tmp_path, offline=True) as url:
        [without_hub] = read(hub, tmp_path / "home", url, script)
    published = files_on(hub, "epoch-0001")
    assert without_hub == with_hub == {name: published[name] for name in ("config.json", "model.safetensors")}
