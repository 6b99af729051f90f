"""A link, a face and a walk that the version of file format 0 made: they draw what they drew."""

import shutil
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from dcgan.gallery import LocalCatalog, PictureSpec, Renderer, from_file, from_query
from support.paths import FIXTURES

OLDER = FIXTURES / "older-files"


@pytest.fixture
def renderer(tmp_path) -> Renderer:
    folder = shutil.copytree(OLDER / "tiny", tmp_path / "tiny")
    return Renderer(LocalCatalog(folder, torch.device("cpu")), tmp_path)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.stack([np.asarray(frame.convert("RGB"), np.int16) for frame in ImageSequence.Iterator(picture)])


def assert_alike(path: Path, older: Path) -> None:
    assert pixels(path).shape == pixels(older).shape
    assert np.abs(pixels(path) - pixels(older)).max() <= 1


def test_an_older_link_draws_its_faces(renderer):
    spec = from_query(dict(parse_qsl((OLDER / "link.txt").read_text().strip())))
    assert spec == PictureSpec(model="tiny", checkpoint="tiny", commit="77655efd35e3", seed=7, count=3, psi=0.8)
    signed, made = renderer.faces(spec)
    assert signed == spec
    assert_alike(made[1].path, OLDER / "face.png")


def test_an_older_face_draws_itself(renderer):
    spec = from_file(OLDER / "face.png")
    assert (spec.seed, spec.count, spec.psi) == (8, 1, 0.8)
    signed, made = renderer.faces(spec)
    assert signed == spec
    assert_alike(made[0].path, OLDER / "face.png")


def test_an_older_walk_draws_itself(renderer):
    spec = from_file(OLDER / "walk.gif")
    assert (spec.kind, spec.seeds, spec.frames, spec.size, spec.format) == ("walk", (7, 42), 8, 96, "GIF")
    signed, walk = renderer.walk(spec)
    assert signed == spec
    here, older = pixels(walk.path), pixels(OLDER / "walk.gif")
    assert here.shape == older.shape
    assert np.abs(here[0] - older[0]).max() <= 3  # the palette is of all frames
    assert np.abs(here - older).mean() < 0.1  # the way between is measured otherwise since then
