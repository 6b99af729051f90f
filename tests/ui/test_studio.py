"""The Studio tab: what its tools give, without a browser."""

import base64
import io
import re

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.gallery import LocalCatalog, Renderer, finding, from_file
from dcgan.sampling import faces
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import spec_of
from dcgan.ui.studio import Search, StudioTab, _stop


@pytest.fixture
def renderer(trained_run, tmp_path):
    return Renderer(LocalCatalog(trained_run, torch.device("cpu")), tmp_path / "files")


@pytest.fixture
def tab(renderer, monkeypatch):
    monkeypatch.setattr(finding, "STEPS", 40)
    monkeypatch.setattr(finding, "SEEDS_TRIED", 64)
    with gr.Blocks():
        return StudioTab(renderer, gr.Dropdown(), gr.Textbox())


def pictures_in(html: str) -> list[np.ndarray]:
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        for data in re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    ]


def test_a_picture_and_the_nearest_face_stand_side_by_side_and_the_upload_is_gone(tab, renderer, tmp_path):
    [face] = faces(renderer.catalog.generator("tiny"), [5_000_000])
    upload = tmp_path / "upload" / "face.png"
    upload.parent.mkdir()
    Image.fromarray(face).save(upload)
    steps = []
    for step in tab._find("en", Search(), str(upload), "tiny"):
        assert not upload.parent.exists()
        steps.append(step)
    assert "Looking: 0%" in steps[0][1]
    emptied, pair, link, take, stop = steps[-1]
    assert emptied is None
    yours, found = pictures_in(pair)
    assert np.array_equal(yours, face)
    spec = spec_of(link)
    assert np.array_equal(renderer.pixels(spec.checkpoint, spec.shown, spec.psi)[0], found)
    assert "grey levels on average" in pair
    assert (take.visible, stop.visible) == (True, False)


def test_the_step_after_a_stop_is_the_last_one_and_shows_what_was_found_so_far(tab, monkeypatch, tmp_path):
    monkeypatch.setattr(finding, "STEPS", 60)
    upload = tmp_path / "upload" / "face.png"
    upload.parent.mkdir()
    Image.new("RGB", (24, 24)).save(upload)
    search = Search(is_stopped=True)  # the search before was stopped
    steps = tab._find("en", search, str(upload), "tiny")
    next(steps)
    _, pair, _, take, stop = next(steps)
    assert "Looking: 33%" in pair
    assert (take.visible, stop.visible) == (True, True)
    _stop("en", search)
    [(_, pair, _, take, stop)] = list(steps)
    assert "grey levels on average" in pair
    assert "Looking" not in pair
    assert (take.visible, stop.visible) == (True, False)


def test_an_upload_that_is_no_picture_is_deleted_too(tab, tmp_path):
    upload = tmp_path / "upload" / "notes.txt"
    upload.parent.mkdir()
    upload.write_text("Dear all,")
    with pytest.raises(ValueError, match="no picture that can be read"):
        list(tab._find("en", Search(), str(upload), "tiny"))
    assert not upload.parent.exists()


def test_nothing_uploaded_is_nothing_to_look_for(tab):
    assert list(tab._find("en", Search(), None, "tiny")) == []


def test_a_sum_shows_its_three_faces_and_what_they_come_to(tab, renderer):
    html, link, take = tab._add_up("en", "7", "12", "42", "tiny")
    spec = spec_of(link)
    assert spec.shown == ["7-12+42"]
    expected = renderer.pixels("tiny", [7, 12, 42, "7-12+42"], 1.0)
    assert all(np.array_equal(*pair) for pair in zip(pictures_in(html), expected, strict=True))
    assert take.visible


def test_a_table_has_each_face_at_its_corner_of_the_diagonal_and_is_symmetric(tab, renderer):
    html, download = tab._make_table("en", "3, 9, 27", "tiny")
    [table] = pictures_in(html)
    side, gap = 48, 4
    cells = [
        [table[y : y + side, x : x + side] for x in range(gap, 3 * (side + gap), side + gap)]
        for y in range(gap, 3 * (side + gap), side + gap)
    ]
    alone = renderer.pixels("tiny", [3, 9, 27], 1.0)
    for place, face in enumerate(alone):
        large = Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS)
        assert np.array_equal(cells[place][place], np.asarray(large))
    assert np.abs(cells[0][2].astype(int) - cells[2][0]).max() <= 1
    assert not np.array_equal(cells[0][1], cells[0][2])
    assert from_file(download.value["path"] if isinstance(download.value, dict) else download.value).seeds == (3, 9, 27)


@pytest.mark.parametrize("faces", ["", "1 2 3 4 5 6"])
def test_a_table_of_none_or_of_too_many_faces_is_refused(tab, faces):
    with pytest.raises(RefusedError, match="takes 1 to 5 faces"):
        tab._make_table("en", faces, "tiny")


def test_where_no_checkpoint_is_chosen_it_is_the_default(tab, tmp_path):
    upload = tmp_path / "upload" / "face.png"
    upload.parent.mkdir()
    Image.new("RGB", (24, 24)).save(upload)
    _, link, _ = tab._add_up("en", "7", "12", "42", None)
    assert spec_of(link).checkpoint == "tiny"
    assert tab._make_table("en", "7, 12", None)[0] == tab._make_table("en", "7, 12", "tiny")[0]
    assert spec_of(next(tab._find("en", Search(), str(upload), None))[2]).checkpoint == "tiny"


def test_a_sum_of_something_that_is_no_face_is_refused_with_a_sentence(tab):
    with pytest.raises(ValueError, match="seed"):
        tab._add_up("en", "seven", "12", "42", "tiny")
