"""The game, and what the discriminator says: without a browser."""

import base64
import io
import json

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.gallery import LocalCatalog, Renderer
from dcgan.gallery.looking import look
from dcgan.images import save_png
from dcgan.layout import BUNDLED, HELD_OUT_NAME
from dcgan.ui.inputs import RefusedError
from dcgan.ui.judging import tinted
from dcgan.ui.real_or_made import PAIRS, held_out_of
from dcgan.ui.studio import StudioTab
from dcgan.ui.style_picker import picked, pictures_of, styles_in
from support.paths import ROOT


@pytest.fixture
def catalog(trained_run, tmp_path):
    (tmp_path / "tiny").mkdir()
    for path in trained_run.iterdir():
        (tmp_path / "tiny" / path.name).symlink_to(path) if path.name != "samples" else None
    (tmp_path / "tiny" / "samples").mkdir()
    return LocalCatalog(tmp_path / "tiny", torch.device("cpu"))


@pytest.fixture
def reals(catalog):
    """Held-out pictures: each of one grey, by which it is known again."""
    pictures = np.stack([np.full((24, 24, 3), 5 * number, np.uint8) for number in range(15)])
    save_png(np.concatenate(pictures), catalog.folder / HELD_OUT_NAME)
    return pictures


@pytest.fixture
def tab(catalog, tmp_path):
    with gr.Blocks():
        return StudioTab(Renderer(catalog, tmp_path / "files"), gr.Radio(), gr.Textbox())


def test_each_pair_has_a_held_out_picture_and_the_face_of_its_seed_on_the_side_that_is_said(tab, reals):
    game, credit, play = tab.real_or_made._play("en", "tiny")
    assert len(game["made"]) == len(game["seeds"]) == PAIRS
    assert set(game["made"]) <= {0, 1}
    strip = np.asarray(Image.open(io.BytesIO(base64.b64decode(game["frames"].partition(",")[2]))))
    pairs = strip.reshape(PAIRS, 2, 24, 24, 3)
    made = tab.renderer.pixels("tiny", game["seeds"], 1.0)
    shown = set()
    for place, side in enumerate(game["made"]):
        assert np.array_equal(pairs[place, side], made[place])
        real = pairs[place, 1 - side]
        assert any(np.array_equal(real, each) for each in reals)
        shown.add(real.tobytes())
    assert len(shown) == PAIRS
    assert "Lisa Wischofsky" in credit
    assert not play.visible
    assert "[right] of 10" in game["over"]
    json.dumps(game)


def test_a_game_is_there_only_with_pictures_that_fit(tab, catalog, reals):
    column, *_ = tab.real_or_made.offered("tiny")
    assert column.visible
    path = catalog.folder / HELD_OUT_NAME
    for pictures in (np.zeros((24 * PAIRS, 25, 3), np.uint8), np.zeros((24 * 9, 24, 3), np.uint8)):
        save_png(pictures, path)
        assert held_out_of(catalog) is None
    path.write_bytes(b"\x89PNG")
    assert not tab.real_or_made.offered("tiny")[0].visible
    with pytest.raises(RefusedError, match="without pictures to compare"):
        tab.real_or_made._play("en", "tiny")


@pytest.mark.parametrize("name", BUNDLED)
def test_held_out_pictures_come_with_those_bundles_whose_art_may_be_shown(name):
    catalog = LocalCatalog(ROOT / "checkpoints" / name, torch.device("cpu"))
    held_out = held_out_of(catalog)
    assert (held_out is None) == name.startswith("portraits")
    if held_out is not None:
        assert len(np.unique(held_out, axis=0)) == 40


def test_the_discriminator_is_asked_about_the_face_at_hand_and_is_not_there_without_one(tab, catalog):
    [html] = tab.judging._look("en", "face=5:6@0.5&checkpoint=tiny")
    assert html.count("<img") == 2
    assert "of 64 other faces" in html
    assert tab.judging.offered("tiny")[0].visible
    (catalog.folder / "discriminator").unlink()
    catalog._discriminators.clear()
    assert not tab.judging.offered("tiny")[0].visible
    with pytest.raises(RefusedError, match="without a discriminator"):
        tab.judging._look("en", "seed=5")


class OfOnePlace(torch.nn.Module):
    """Judges by how bright the upper left corner is alone."""

    def __init__(self):
        super().__init__()
        self.config = type("Config", (), {"image_channels": 3})
        self.factor = torch.nn.Parameter(torch.ones(()))

    def forward(self, images):
        return self.factor * images[:, :, :4, :4].mean((1, 2, 3))


def test_where_the_discriminator_looks_is_warm_where_covering_costs_and_cold_where_it_helps():
    bright, dark = np.full((24, 24, 3), 255, np.uint8), np.zeros((24, 24, 3), np.uint8)
    for face, sign, less in ((bright, 1, 3), (dark, -1, 0)):
        seen = look(OfOnePlace(), face, np.stack([np.full_like(face, grey) for grey in (20, 100, 200)]))
        assert seen.heat[0, 0] == pytest.approx(sign)
        assert np.abs(seen.heat[8:, 8:]).max() < 1e-6
        assert (seen.less_real, seen.others) == (less, 3)
        tint = tinted(seen).astype(int)
        assert sign * (tint[0, 0, 0] - tint[0, 0, 2]) > 100
        assert np.array_equal(tint[12:, 12:], face[12:, 12:])


def test_what_nothing_changes_is_neither_warm_nor_cold():
    grey = np.full((24, 24, 3), 128, np.uint8)
    assert not look(OfOnePlace(), grey, grey[None]).heat.any()


def test_each_style_has_a_face_on_its_button_and_snapshots_are_chosen_only_by_links(trained_run, tmp_path):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    assert styles_in(catalog) == ["tiny"]
    assert 'label[data-testid="tiny-radio-label"] { --face: url(data:image/png;base64,' in pictures_of(catalog)
    assert not picked(catalog, "tiny")["visible"]
    assert picked(catalog, "tiny@epoch-0001")["visible"]
