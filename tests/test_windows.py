"""What writes files, by Windows' rules for them."""

import os
import sys
from pathlib import Path

import pytest
import torch

import train
from dcgan.checkpoints import load_state
from dcgan.checkpoints.__main__ import main as checkpoints_main
from dcgan.gallery import LocalCatalog, PictureSpec, Renderer
from support.tiny import TINY
from support.windows import keep_windows_rules

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="open files are read from /proc")


@pytest.fixture(autouse=True)
def by_windows_rules(monkeypatch):
    keep_windows_rules(monkeypatch)


def test_the_rules_are_kept(tmp_path):
    taken = tmp_path / "a"
    taken.touch()
    (tmp_path / "b").touch()
    with open(taken), pytest.raises(PermissionError):
        (tmp_path / "b").replace(taken)
    with pytest.raises(FileExistsError):
        (tmp_path / "b").rename(taken)
    with open(tmp_path / "b") as file, pytest.raises(OSError, match="Bad file descriptor"):
        os.fsync(file.fileno())


@pytest.mark.slow
def test_a_run_that_is_resumed_bundled_and_shown_moves_nothing_that_is_open(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train.main([*TINY, "--epochs", "2", "--snapshot-epochs", "1,2"]) == 0
    [run] = Path("checkpoints").iterdir()
    catalog = LocalCatalog(run, torch.device("cpu"))
    renderer = Renderer(catalog, tmp_path / "files")
    renderer.faces(PictureSpec(count=1))
    assert train.main(["--resume", "--output-dir", str(run), "--epochs", "3", "--save-every", "3"]) == 0
    assert load_state(run).facts.step == 15
    assert checkpoints_main(["bundle", str(run), str(tmp_path / "bundle")]) == 0
    renderer.walk(PictureSpec("walk", seeds=(1, 2), frames=8))
