"""Named directions: the file beside a generator, and what every catalog makes of it."""

import json
import re
import shutil

import pytest
import torch
from safetensors.torch import save, save_file

from dcgan.checkpoints import read_directions, save_directions
from dcgan.checkpoints.bundle import bundle
from dcgan.errors import InputError
from dcgan.gallery import LocalCatalog, open_catalog
from dcgan.layout import DIRECTIONS_NAME
from dcgan.limits import MAX_DIRECTIONS, MAX_DIRECTIONS_BYTES
from dcgan.publish.contents import contents_of

DIM = 8
HAIR = torch.arange(DIM).float()


def written(folder, **directions):
    save_file(directions or {"hair_hue": HAIR}, folder / DIRECTIONS_NAME, metadata={"format": "pt"})
    return folder


@pytest.fixture
def run(trained_run, tmp_path):
    """A finished run with directions."""
    return written(shutil.copytree(trained_run, tmp_path / "run"))


def test_directions_are_read_by_name_and_a_folder_without_has_none(tmp_path):
    assert read_directions(tmp_path, DIM) == {}
    [(name, direction)] = read_directions(written(tmp_path), DIM).items()
    assert (name, direction.dtype) == ("hair_hue", torch.float32)
    assert torch.equal(direction, HAIR)


def test_directions_are_saved_in_place_of_those_that_are_there_and_none_leave_no_file(tmp_path):
    slanted = torch.stack([HAIR, -HAIR], dim=1)  # of columns whose numbers lie apart
    for directions in ({"hair": slanted[:, 0]}, {"smile": slanted[:, 1].double()}, {}, {}):
        save_directions(directions, tmp_path)
        found = read_directions(tmp_path, DIM)
        assert found.keys() == directions.keys()
        assert all(torch.equal(found[name], directions[name].float()) for name in directions)
    assert not list(tmp_path.iterdir())


def refusal(folder) -> str:
    with pytest.raises(InputError) as error:
        read_directions(folder, DIM)
    return str(error.value).removeprefix(str(folder / DIRECTIONS_NAME))


@pytest.mark.parametrize(
    ("directions", "words"),
    [
        ({"Hair": HAIR}, ": 'Hair' is no direction's name, which has up to 24 of a-z, 0-9 and _."),
        ({"a-b": HAIR}, ": 'a-b' is no direction's name, which has up to 24 of a-z, 0-9 and _."),
        ({"a" * 50: HAIR}, f": '{'a' * 40}' is no direction's name, which has up to 24 of a-z, 0-9 and _."),
        ({"hair": HAIR[:5].clone()}, ": the direction hair is (5,) float32; it must be (8,) float32."),
        ({"hair": HAIR[None]}, ": the direction hair is (1, 8) float32; it must be (8,) float32."),
        ({"hair": HAIR.half()}, ": the direction hair is (8,) float16; it must be (8,) float32."),
        ({"hair": HAIR / 0}, ": the direction hair has numbers that are none. Copy or compute it again."),
        ({f"d{i}": HAIR + i for i in range(MAX_DIRECTIONS + 1)}, " has 65 directions; there can be 64."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_directions_is_named(directions, words, tmp_path):
    assert refusal(written(tmp_path, **directions)) == words


def test_there_may_be_as_many_directions_and_bytes_as_the_limits_say_and_no_more(tmp_path):
    many = {f"d{i}": HAIR + i for i in range(MAX_DIRECTIONS)}
    assert len(read_directions(written(tmp_path, **many), DIM)) == MAX_DIRECTIONS
    spare = MAX_DIRECTIONS_BYTES - len(save({"hair": HAIR}, {"x": ""}))
    largest = save({"hair": HAIR}, {"x": "x" * spare})
    (tmp_path / DIRECTIONS_NAME).write_bytes(largest)
    assert len(read_directions(tmp_path, DIM)) == 1
    (tmp_path / DIRECTIONS_NAME).write_bytes(largest + b" ")
    assert refusal(tmp_path) == " is larger than 1,000,000 bytes, so it wasn't read."


def empty(shape: list[int], type_: str = "F32") -> bytes:
    """A file of one direction without numbers."""
    header = json.dumps({"hair": {"dtype": type_, "shape": shape, "data_offsets": [0, 0]}}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"\xff" * 100,
        (2**60).to_bytes(8, "little") + b"{}",
        empty([0], "F8_E8M0"),
        empty([0, 2**63]),
        empty([0, 2**40, 2**24 - 1]),
    ],
)
def test_a_damaged_file_costs_a_sentence(content, tmp_path):
    (tmp_path / DIRECTIONS_NAME).write_bytes(content)
    words = r" is damaged or no safetensors file \(.+\)\. Copy or download it again\."
    assert re.fullmatch(words, refusal(tmp_path))


def test_a_folders_snapshots_draw_by_its_directions(run, several_runs):
    catalog = LocalCatalog(run, torch.device("cpu"))
    for name in catalog.names:
        assert torch.equal(catalog.directions(name)["hair_hue"], HAIR)
    with pytest.raises(InputError, match="no checkpoint 'other'"):
        catalog.directions("other")
    combined = open_catalog(None, None, [several_runs[1], run], torch.device("cpu"))
    assert (list(combined.directions()), list(combined.directions("run"))) == ([], ["hair_hue"])


def test_directions_travel_in_a_push_and_in_a_bundle(run, tmp_path):
    assert DIRECTIONS_NAME in contents_of(run, "alice/faces", run)
    training = json.loads((run / "training.json").read_text())
    training["data"]["attribution"]["licence"] = "CC0 1.0"
    (run / "training.json").write_text(json.dumps(training))
    bundle(run, tmp_path / "slim")
    assert (tmp_path / "slim" / DIRECTIONS_NAME).read_bytes() == (run / DIRECTIONS_NAME).read_bytes()
