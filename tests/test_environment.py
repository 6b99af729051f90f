"""The page where the machine is not what programs take for granted: proxies, shared folders, no home, a notebook."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from gradio_client import Client

from dcgan.environment import (
    keep_freed_memory,
    keep_gradios_files_in,
    made,
    provide_home,
    unused_temporary_folder,
    without_proxies,
)
from dcgan.errors import InputError
from support import warm
from support.paths import ROOT
from support.sub_path import shown_below

PROXIES = {"http_proxy": "http://127.0.0.1:9", "all_proxy": "socks5://127.0.0.1:9", "no_proxy": "[::1],fe80::/10"}


@pytest.fixture(scope="module")
def temporary(tmp_path_factory) -> Path:
    """The temporary folder of a shared machine, in which Gradio's usual place belongs to somebody else."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "gradio").write_text("not a folder that anything can be put in")
    return folder


@pytest.fixture(scope="module")
def working_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("working")


@pytest.fixture(scope="module")
def client(serve_app, trained_run, temporary, working_folder, tmp_path_factory):
    """A client of the page as `python -i app.py` serves it: main has returned, and somebody is at the prompt.

    Another web server shows it below /faces.
    """
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    environment |= PROXIES | {"TMPDIR": str(temporary), "GRADIO_ROOT_PATH": "/faces"}
    url = serve_app("--model", str(trained_run), environment=environment, python=["-i"], folder=working_folder)
    with shown_below("/faces", url) as address:
        client = Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))
        yield client
        client.close()


def test_the_page_serves_at_a_prompt_behind_proxies_that_do_not_know_it_and_beside_other_users(client):
    assert Path(client.predict(seed=7, api_name="/avatar")).stat().st_size


def test_the_folder_that_the_page_is_started_in_may_be_read_only(client, working_folder):
    assert Path(client.predict(seeds="1, 2", frames=8, api_name="/interpolate")).stat().st_size
    assert not [*working_folder.iterdir()]


def test_all_that_the_page_needs_lies_below_the_path_that_another_server_shows_it_at(client):
    assert client.config["root"] == client.src.rstrip("/")
    html = httpx.get(client.src).text
    addresses = re.findall(r'(?:src|href)="([^"#]+\.(?:js|css)(?:\?[^"]*)?)"', html)
    assert addresses
    for address in addresses:
        assert httpx.get(urljoin(client.src, address)).is_success, address


def test_the_page_outlives_a_cleaner_of_temporary_folders(client, temporary, tmp_path):
    kept = shutil.copy(client.predict(seed=7, api_name="/avatar"), tmp_path / "face.png")
    for path in temporary.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    assert Path(client.predict(seed=8, api_name="/avatar")).stat().st_size
    assert Path(client.predict(seeds="1，2", frames=8, api_name="/interpolate")).stat().st_size
    uploaded = httpx.post(f"{client.src}gradio_api/upload", files={"files": Path(kept).read_bytes()})
    assert uploaded.is_success, uploaded.text


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "socks://127.0.0.1:9/"])
@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"])
def test_no_proxy_stands_between_this_process_and_its_own_page(name, proxy, monkeypatch):
    monkeypatch.setenv(name, proxy)
    with without_proxies(), httpx.Client() as client:
        assert not any(client._mounts.values())


@pytest.mark.parametrize("listed", ["", "*", "localhost, 127.0.0.1", "[::1]", "::1/128", "fe80::/10", ".internal:8080"])
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_what_is_excepted_from_proxies_may_be_written_in_any_way_and_stays(name, listed, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv(name, listed)
    before = dict(os.environ)
    with without_proxies(), httpx.Client() as client:
        assert not any(client._mounts.values())
    assert dict(os.environ) == before


STUBS_THAT_ARE_MADE = """
import jinja2
made, make = [], jinja2.Template.__new__
jinja2.Template.__new__ = lambda *given, **named: made.append(given[1]) or make(*given, **named)
import app, inspect
from gradio.component_meta import INTERFACE_TEMPLATE
print(made.count(INTERFACE_TEMPLATE) < 5, inspect.getfile(app.gr.HTML) == app.gr.components.html.__file__)
"""


@pytest.mark.slow
def test_no_stubs_for_editors_are_made_at_each_start():
    command = warm.python("-c", STUBS_THAT_ARE_MADE)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "True True\n", done.stderr


def test_gradio_keeps_its_files_where_it_is_told_first(monkeypatch, tmp_path):
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    keep_gradios_files_in(tmp_path / "ours")
    keep_gradios_files_in(tmp_path / "another")
    assert os.environ["GRADIO_TEMP_DIR"] == str(tmp_path / "ours" / "gradio")


def test_a_processes_own_files_are_its_users_alone_and_go_with_it(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = unused_temporary_folder("test-")
    assert folder != unused_temporary_folder("test-")
    with made(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "a.txt").touch()
    assert list(tmp_path.iterdir()) == []


def test_no_place_for_temporary_files_is_said_with_the_variable_that_mends_it(tmp_path):
    with pytest.raises(InputError, match="set TMPDIR to a folder with room"), made(tmp_path / "no" / "where"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows a home for every user")
@pytest.mark.parametrize("occupied", [False, True])
def test_a_user_whom_the_machine_does_not_know_gets_a_home_that_is_nobody_elses(occupied, monkeypatch, tmp_path):
    def unknown(number):
        raise KeyError(number)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("HOME", "USER"):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)
    usual = tmp_path / f"dcgan-home-{os.getuid()}"
    if occupied:
        usual.write_text("somebody else's")
    provide_home()
    assert (Path.home() == usual) is not occupied
    assert Path.home().stat().st_mode & 0o777 == 0o700
    assert os.environ["USER"] == str(os.getuid())


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_a_c_library_that_cannot_be_told_about_memory_is_left_alone(error, monkeypatch):
    def refuse(_):
        raise error

    monkeypatch.setattr("ctypes.CDLL", refuse)
    assert not keep_freed_memory()
