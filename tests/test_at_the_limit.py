"""Each limit of dcgan/limits.py: what is just as large is taken, and what is one larger is not."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from dcgan import limits
from dcgan.checkpoints import read_directions
from dcgan.data import decoding, folders
from dcgan.data.decoding import decode
from dcgan.data.picture_source import UnusablePictureError
from dcgan.errors import InputError
from dcgan.expressions import canonical, spelled_out
from dcgan.gallery import LocalCatalog, from_metadata, to_metadata
from dcgan.gallery.bounds import Faces, Text
from dcgan.gallery.file_metadata import read_metadata
from dcgan.gallery.finding import picture_in
from dcgan.gallery.spec import PictureSpec, refuse_long_query
from dcgan.latents import latent
from dcgan.layout import DIRECTIONS_NAME
from dcgan.models import Generator
from dcgan.network_config import GeneratorConfig
from dcgan.ui.favourites import links_in, read_export
from dcgan.ui.inputs import RefusedError
from support.paths import ROOT
from support.pictures import picture_bytes, png_that_says_it_is

ELSEWHERE = {
    "MAX_CONFIG_BYTES": "tests/test_hostile_files.py",
    "MAX_HEADER_BYTES": "tests/test_hostile_files.py",
    "MAX_FEATURE_MAPS": "tests/test_config.py",
    "MAX_RATIO": "tests/data/test_limits_of_memory.py",
    "MAX_UPLOAD_BYTES": "tests/test_file_route.py",
    "MAX_FORM_BYTES": "tests/ui/test_uploads.py",
    "MAX_FORM_PARTS": "tests/ui/test_uploads.py",
    "MAX_UPLOADING_BYTES": "tests/ui/test_uploads.py",
    "MAX_BODY_BYTES": "tests/ui/test_guard.py",
    "MAX_HEAD_BYTES": "tests/ui/test_connections.py",
    "MAX_SECONDS_TO_SEND": "tests/ui/test_connections.py",
    "MAX_SECONDS_TO_TAKE": "tests/ui/test_connections.py",
    "MAX_UNFINISHED": "tests/ui/test_connections.py",
    "MAX_ECHOED_CHARACTERS": "tests/ui/test_generate.py",
    "MAX_UNHEARD": "tests/test_visitors.py",
    "MAX_WAITING": "tests/test_visitors.py",
    "MAX_SESSIONS": "tests/test_odd_inputs.py",
}


def of_zeros(path: Path, size: int) -> Path:
    """Make a file of so many zeros, which take no room."""
    path.touch()
    with open(path, "r+b") as file:
        file.truncate(size)
    return path


def text_of(folder: Path, size: int) -> bool:
    Generator(latent_dim=6, image_size=24, feature_maps=3).save_pretrained(folder)
    (folder / "README.md").write_text("x" * size)
    return bool(LocalCatalog(folder, torch.device("cpu")).text("README.md"))


def directions(folder: Path, count: int) -> bool:
    save_file({f"d{number}": torch.ones(4) * (number + 1) for number in range(count)}, folder / DIRECTIONS_NAME)
    return len(read_directions(folder, 4)) == count


def directions_file(folder: Path, size: int) -> bool:
    of_zeros(folder / DIRECTIONS_NAME, size)
    with pytest.raises(InputError) as refusal:  # zeros are no directions; but were they read?
        read_directions(folder, 4)
    return "is damaged" in str(refusal.value)


def searched(folder: Path, pixels: int) -> bool:
    (folder / "a.png").write_bytes(png_that_says_it_is(pixels, 1))
    with pytest.raises(InputError) as refusal:  # it has fewer than it says; but was it opened?
        picture_in(folder / "a.png", 24)
    return "can be read" in str(refusal.value)


def opened(folder: Path, size: int) -> bool:
    with pytest.raises(InputError) as refusal:  # zeros are no picture; but were they read?
        read_metadata(of_zeros(folder / "a.png", size))
    return "is larger than" not in str(refusal.value)


def query_of(size: int) -> bool:
    refuse_long_query({"model": "x" * (size - len(urlencode({"model": ""})))})
    return True


def note_of(size: int) -> bool:
    return from_metadata(to_metadata(PictureSpec(seed=7)).ljust(size)).seed == 7


def favourites_of(folder: Path, size: int) -> bool:
    written = json.dumps([json.loads(to_metadata(PictureSpec(seed=7)))])
    (folder / "a.json").write_text(written.ljust(size))
    return len(read_export(folder / "a.json")) == 1


def faces_of(characters: int) -> bool:
    return Faces(0, 64, ()).clean("7".rjust(characters, ",")) == (7,)


CASES = {
    "MAX_TEXT_BYTES": text_of,
    "MAX_LATENT_DIM": lambda folder, size: bool(GeneratorConfig(latent_dim=size)),
    "MAX_DIRECTIONS": directions,
    "MAX_DIRECTIONS_BYTES": directions_file,
    "MAX_EXPRESSION_CHARACTERS": lambda folder, size: Faces(0, 1, ()).clean(["7".zfill(size)]) == (7,),
    "MAX_STEPS": lambda folder, size: bool(canonical("7" + "+1" * size)),
    "MAX_LATENTS": lambda folder, size: bool(canonical("+".join([str(spelled_out(latent(7, 8)))] * size))),
    "MAX_WRITTEN_DIM": lambda folder, size: bool(spelled_out(latent(7, size))),
    "MAX_QUERY_CHARACTERS": lambda folder, size: query_of(size),
    "MAX_NOTE_CHARACTERS": lambda folder, size: note_of(size),
    "MAX_VALUE_CHARACTERS": lambda folder, size: Text(2000).clean("x".rjust(size)) == "x",
    "MAX_FACES_CHARACTERS": lambda folder, size: faces_of(size),
    "MAX_WORDS": lambda folder, size: Faces(0, 64, ()).clean(["x"] * (size - 1) + ["7"]) == (7,),
    "MAX_OPENED_BYTES": opened,
    "MAX_FAVOURITES": lambda folder, size: len(links_in([f"seed={seed}" for seed in range(size)])) == size,
    "MAX_FAVOURITES_BYTES": favourites_of,
    "MAX_SEARCHED_PIXELS": searched,
}


def is_taken(take, folder: Path, size: int) -> bool:
    try:
        return take(folder, size)
    except (InputError, RefusedError, ValueError):
        return False


@pytest.mark.parametrize("name", CASES)
def test_what_is_as_large_as_the_limit_is_taken_and_what_is_one_larger_is_not(name, tmp_path):
    limit = getattr(limits, name)
    assert is_taken(CASES[name], tmp_path, limit)
    assert not is_taken(CASES[name], tmp_path, limit + 1)


def test_a_picture_to_train_on_may_have_as_many_pixels_as_the_limit_and_no_more(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 40 * 40)
    assert decode(picture_bytes(Image.new("RGB", (40, 40))), 24).pixels.shape == (24, 24, 3)
    with pytest.raises(UnusablePictureError, match="more than .* pixels"):
        decode(picture_bytes(Image.new("RGB", (40, 41))), 24)


def test_a_picture_file_may_be_as_large_as_the_limit_and_no_larger(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "MAX_PICTURE_BYTES", 2**20)
    assert len(folders.read_file(of_zeros(tmp_path / "a.png", 2**20))) == 2**20
    with pytest.raises(UnusablePictureError, match="larger than 1 MB"):
        folders.read_file(of_zeros(tmp_path / "a.png", 2**20 + 1))


def test_each_limit_has_its_test():
    here = Path(__file__).read_text(encoding="utf-8").split("\nCASES = ")[1]
    for name in (name for name in vars(limits) if name.startswith("MAX_")):
        found = (ROOT / ELSEWHERE[name]).read_text(encoding="utf-8") if name in ELSEWHERE else here
        assert name in found, f"{name} of dcgan/limits.py has no test"
