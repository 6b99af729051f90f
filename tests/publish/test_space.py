"""The page as a Space: the real client against the Hub of the tests, pushed three times over by one process."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dcgan.errors import InputError, OccupiedError
from dcgan.hub import Repository as Remote
from dcgan.layout import BUNDLED
from dcgan.publish.space import contents_of_space, needed_code, push_space
from support import hub_client
from support.hub_server import HubServer
from support.paths import ROOT

pytestmark = pytest.mark.slow

SPACE = "spaces/alice/page"
PUSHED_THRICE = """
import sys
from pathlib import Path
from dcgan.hub import __main__ as hub

hub.PROJECT = Path({project!r})

def push():
    assert hub.main(["space", "alice/page"]) == 0

push()
push()
(hub.PROJECT / "LICENSE").write_text("another")
(hub.PROJECT / "dcgan" / "ui" / "page.css").unlink()
push()
"""


class Pushed(NamedTuple):
    hub: HubServer
    first: str  # commit
    project: Path


@pytest.fixture(scope="module")
def project(trained_run, tmp_path_factory) -> Path:
    """A copy of the repository with tiny checkpoints, and with what else lies around in one."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "dcgan", folder / "dcgan")
    (folder / "docs").mkdir()
    for name in ("app.py", "train.py", "README.md", "LICENSE", "requirements.txt", "docs/social-card.png"):
        shutil.copyfile(ROOT / name, folder / name)
    for name in (*BUNDLED, "mine"):
        shutil.copytree(trained_run, folder / "checkpoints" / name)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_a.py").touch()
    return folder


@pytest.fixture(scope="module")
def pushed(project, tmp_path_factory) -> Iterator[Pushed]:
    folder = tmp_path_factory.mktemp("space")
    with HubServer(folder / "hub") as hub:
        hub_client.python(hub, folder / "home", PUSHED_THRICE.format(project=str(project)))
        yield Pushed(hub, hub.commits(SPACE)[1].oid, project)


def test_a_space_gets_what_the_page_needs_and_nothing_else(pushed):
    files = set(pushed.hub.files(SPACE, pushed.first))
    needed = {"app.py", "requirements.txt", "README.md", "LICENSE", "docs/social-card.png", "dcgan/__init__.py"}
    needed |= {
        "dcgan/gallery/renderer.py",
        "dcgan/ui/page.css",
        "dcgan/ui/page.js",
        "dcgan/checkpoints/card_template.md",
    }
    needed |= {f"checkpoints/{name}/epochs/epoch-0001/model.safetensors" for name in BUNDLED}
    assert files > needed
    rooms = {path.split("/")[1] for path in files if path.startswith("dcgan/")}
    assert not rooms & {"training", "data", "evaluation", "publish"}
    assert {path.split("/")[0] for path in files} == {".gitattributes", "app.py", "requirements.txt", "README.md",
                                                      "LICENSE", "docs", "dcgan", "checkpoints"}  # fmt: skip
    assert not [path for path in files if "/state/" in path or "mine" in path or "__pycache__" in path]


def test_the_page_can_be_built_from_what_a_space_has(pushed, tmp_path):
    for path in pushed.hub.files(SPACE, pushed.first):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(pushed.hub.read(SPACE, pushed.first, path))
    code = (
        "import app, torch\n"
        "catalog = app.open_catalog(None, None, app.BUNDLED_FOLDERS, torch.device('cpu'))\n"
        "app.build_app(catalog, app.FILES)\n"
        "print(len(catalog.names), app.__file__)\n"
    )
    built = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert built.stdout == f"{3 * len(BUNDLED)} {tmp_path / 'app.py'}\n", built.stderr


def test_the_readme_of_a_space_shows_its_own_thumbnail(pushed):
    readme = pushed.hub.read(SPACE, "main", "README.md").decode()
    [thumbnail] = re.findall(r"^thumbnail: (.*)$", readme, re.MULTILINE)
    assert thumbnail == "https://huggingface.co/spaces/alice/page/resolve/main/docs/social-card.png"
    assert readme.replace("alice/page/resolve", "user/name/resolve") == (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_push_sends_only_what_changed_and_takes_away_what_the_page_needs_no_more(pushed):
    assert len(pushed.hub.commits(SPACE)) == 3  # the Hub's own, the first and the third
    sent = [method for method, path in pushed.hub.requests if method == "PUT" or "/commit/" in path]
    assert sent[-2:] == ["POST", "POST"]  # all binary files went before the first of two commits
    changed = set(pushed.hub.files(SPACE, pushed.first)) ^ set(pushed.hub.files(SPACE))
    assert changed == {"dcgan/ui/page.css"}
    assert pushed.hub.read(SPACE, "main", "LICENSE") == b"another"


def test_the_way_by_git_brings_all_that_the_page_needs_and_keeps_what_is_binary_in_lfs(project):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [brought] = re.findall(r"^git archive HEAD (.*) \| tar", readme, re.MULTILINE)
    [tracked] = re.findall(r"^git -C \.\./space lfs track (.*)$", readme, re.MULTILINE)
    contents = contents_of_space(project, SPACE)
    assert all(path.startswith(tuple(brought.split())) for path in contents)
    binary = {
        Path(path).suffix for path, file in contents.items() if isinstance(file, Path) and b"\0" in file.read_bytes()
    }
    assert {f'"*{ending}"' for ending in binary} == set(tracked.split())


def test_the_code_that_is_needed_holds_every_module_of_a_room_that_the_page_reaches(project):
    code = {path.relative_to(project).as_posix() for path in needed_code(project)}
    assert {"dcgan/hub/explain.py", "dcgan/ui/texts/__init__.py", "dcgan/latents.py"} <= code
    assert not code & {"app.py", "train.py", "dcgan/config.py.orig", "dcgan/hub/__main__.py", "dcgan/social_card.py"}


def test_a_part_of_the_repository_is_no_space(project, tmp_path):
    shutil.copytree(project, tmp_path / "part")
    shutil.rmtree(tmp_path / "part" / "checkpoints" / BUNDLED[1])
    with pytest.raises(InputError, match=f"there is no checkpoints/{BUNDLED[1]} in .*make the Space from a whole copy"):
        contents_of_space(tmp_path / "part", "alice/page")


class AnothersSpace(Remote):
    def create(self, private):
        pass

    def refs(self):
        return type("Refs", (), {"branches": {"main": "0" * 40}})

    def files(self, revision):
        return {"app.py": 10, "README.md": 10}


def test_another_app_is_never_overwritten(project):
    with pytest.raises(OccupiedError, match="alice/theirs holds another app already; name another Space"):
        push_space(project, AnothersSpace("alice/theirs", kind="space"), private=False)
