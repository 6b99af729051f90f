"""Fixtures that several test files share. Everything is written below pytest's temporary folders."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

import train
from dcgan.config import TrainConfig
from dcgan.data import Pictures, load_pictures
from dcgan.training import run_folder
from support import hub_client, warm
from support.hub_server import HubServer
from support.paths import ROOT
from support.pictures import SIZE
from support.runs import draw_no_losses
from support.served import Served, served
from support.tiny import TINY

SLOW_FIXTURES = {"hub", "pushed_store", "serve", "serve_app", "browser"}


def pytest_configure() -> None:
    """Hear the signals that whoever started the tests may have ignored, as nohup does; seldom search for garbage."""
    gc.set_threshold(*warm.SELDOM)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow whatever needs the tests' Hub, the app as a process or a browser."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _only_slow_tests_start_processes(request, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("this test starts a process: mark it slow")

    if not request.node.get_closest_marker("slow"):
        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)


@pytest.fixture(scope="session", autouse=True)
def picture_cache(tmp_path_factory):
    """Decoded pictures of all tests share one cache, as a user's runs do, but never the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("DCGAN_CACHE", str(folder))
        yield folder


@pytest.fixture
def cache(tmp_path) -> Path:
    """A cache of decoded pictures that belongs to one test."""
    return tmp_path / "cache"


@pytest.fixture
def load(cache) -> Callable[..., Pictures]:
    """Opens a source at the tests' size, through that cache."""
    return lambda source, **options: load_pictures(str(source), SIZE, cache=cache, **options)


@pytest.fixture(scope="session")
def tiny_config():
    """Makes the TrainConfig of a tiny run, with changes."""

    def make(**changes) -> TrainConfig:
        settings = {
            "data": "avatars:adventurer", "data_size": 40, "image_size": 24, "batch_size": 8, "latent_dim": 8,
            "generator_feature_maps": 4, "discriminator_feature_maps": 4,
        }  # fmt: skip
        return TrainConfig(**settings | changes)

    return make


@pytest.fixture
def no_plots(monkeypatch):
    """For tests that don't look at a run's plot of losses."""
    monkeypatch.setattr(run_folder, "draw_losses", draw_no_losses)


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory) -> Path:
    """A finished tiny run with snapshots at epochs 1 and 2; read it, don't change it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    assert train.main([*TINY, "--epochs", "2", "--snapshot-epochs", "1,2", "--output-dir", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def several_runs(trained_run, tmp_path_factory) -> list[Path]:
    """Two checkpoints: `trained_run`, and "early" without snapshots that draws as it did at epoch 1."""
    early = tmp_path_factory.mktemp("runs") / "early"
    shutil.copytree(trained_run / "epochs" / "epoch-0001", early)
    return [trained_run, early]


@pytest.fixture
def hub(tmp_path) -> Iterator[HubServer]:
    """An empty Hub; what it stores is in tmp_path / "hub"."""
    with HubServer(tmp_path / "hub") as server:
        yield server


@pytest.fixture(scope="session")
def pushed_store(trained_run, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pushed")
    with HubServer(folder / "hub") as server:
        pushed = hub_client.run(server, folder / "home", "dcgan.hub", "push", str(trained_run), hub_client.REPO)
        assert pushed.returncode == 0, pushed.stderr
    return folder / "hub"


@pytest.fixture
def pushed_run(hub, pushed_store, trained_run, tmp_path) -> Path:
    """`trained_run`, which this Hub has as alice/faces."""
    shutil.copytree(pushed_store, tmp_path / "hub")
    return trained_run


@pytest.fixture(scope="session")
def serve(tmp_path_factory) -> Iterator[Callable[..., Served]]:
    """Starts `python app.py ARGUMENTS` on a free port; all are stopped at the end.

    `python` are options of the interpreter, as in ["-i"], which starts anew then; `folder` is where it is started.
    """

    def start(
        *arguments: str,
        environment: Mapping[str, str] = os.environ,
        python: Sequence[str] = (),
        folder: Path = ROOT,
    ) -> Served:
        script = str(ROOT / "app.py")
        program = [sys.executable, *python, script] if python else warm.python(script)
        words = [*program, *arguments]
        return running.enter_context(served(tmp_path_factory.mktemp("app"), words, environment, folder=folder))

    with ExitStack() as running:
        yield start


@pytest.fixture(scope="session")
def serve_app(serve) -> Callable[..., str]:
    """Does as `serve`, and gives the address."""
    return lambda *arguments, **options: serve(*arguments, **options).url


@pytest.fixture(scope="session")
def tiny_page(serve, trained_run) -> Served:
    """The page of `trained_run`, for tests that leave it as it was."""
    return serve("--model", str(trained_run))
