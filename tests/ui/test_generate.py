"""The first tab: what its buttons give, without a browser."""

import base64
import io
import re
import shutil
from dataclasses import replace
from itertools import pairwise

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from dcgan.errors import InputError
from dcgan.expressions import parse, spelled_out, to_latent
from dcgan.gallery import LocalCatalog, PictureSpec, Renderer, Studio, of_one_face, to_query
from dcgan.latents import slerp
from dcgan.layout import DIRECTIONS_NAME
from dcgan.limits import MAX_ECHOED_CHARACTERS
from dcgan.ui.generate import GenerateTab
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import shown_link, spec_of
from dcgan.ui.mix import next_to
from dcgan.ui.texts import CHINESE


@pytest.fixture
def renderer(trained_run, tmp_path):
    return Renderer(LocalCatalog(trained_run, torch.device("cpu")), tmp_path)


@pytest.fixture
def tab(renderer):
    with gr.Blocks():
        return GenerateTab(renderer, gr.Dropdown())


def test_more_like_a_face_are_nine_others_each_time_drawn_as_it_is(tab, renderer):
    face = PictureSpec(checkpoint="tiny@epoch-0001", face="7-12+42", psi=0.7, scaling="smooth")
    links = []
    for _ in range(2):
        gallery, link = tab._more_like("en", to_query(face))
        assert len(gallery["faces"]) == 9
        links.append(spec_of(link))
    first, second = links
    assert (first.checkpoint, first.psi, first.scaling) == (face.checkpoint, face.psi, face.scaling)
    assert all(re.fullmatch(r"7-12\+42:[0-9]+@0.2", one) for one in first.shown)
    assert len({*first.shown, *second.shown}) == 18
    _, again = renderer.faces(second)
    assert len({one.pixels.tobytes() for one in again}) == 9


def test_more_like_a_face_of_a_checkpoint_that_is_gone_is_refused_with_a_sentence(tab):
    with pytest.raises(InputError, match="nobody"):
        tab._more_like("en", to_query(PictureSpec(checkpoint="nobody", seed=7, count=1)))


def test_what_is_too_long_for_a_link_is_said_in_the_visitors_language_and_stays_in_the_page(monkeypatch):
    toasts = []
    monkeypatch.setattr(gr, "Info", lambda text, **_: toasts.append(text))
    face = spelled_out(torch.zeros(512)).face
    spec = PictureSpec("walk", seeds=tuple(f"{face}~hair_long={i}" for i in range(6)))
    assert shown_link(CHINESE, replace(spec, seeds=spec.seeds[:5])) == to_query(replace(spec, seeds=spec.seeds[:5]))
    assert toasts == []
    assert spec_of(shown_link(CHINESE, spec)).seeds == spec.seeds
    [toast] = toasts
    assert toast.startswith("内容太长")


def frames_of(value) -> np.ndarray:
    data = base64.b64decode(value["frames"].partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).reshape(-1, value["side"], value["side"], 3)


def test_the_frames_of_a_mix_go_from_one_face_to_the_other_and_each_can_be_taken(tab, renderer):
    face = to_query(PictureSpec(checkpoint="tiny", face="3", psi=0.7, scaling="smooth"))
    gallery = to_query(PictureSpec(checkpoint="tiny", seed=2, count=3))
    *_, first, value, second, other = tab.mix._open("en", face, gallery)
    assert (first, second, other, value["title"]) == (face, "4", "4", "Between 3 and 4")
    frames = frames_of(value)
    assert len(frames) == value["last"] + 1 == 33
    assert np.array_equal(frames[[0, -1]], renderer.pixels("tiny", [3, 4], 0.7))
    assert all(np.any(one != next_one) for one, next_one in pairwise(frames))
    for index, expression in ((0, 3), (8, "3:4@0.25"), (32, 4), (99, 4)):
        taken = tab.mix.taken(index, first, second)
        assert (taken.shown, taken.psi, taken.scaling) == ([expression], 0.7, "smooth")
        assert np.array_equal(frames[min(index, 32)], renderer.pixels("tiny", taken.shown, 0.7)[0])
        assert "" in tab._take("en", index, first, second)


def test_while_faces_are_mixed_a_pick_is_the_other_face_and_shows_nothing_large(tab):
    face, gallery = (to_query(PictureSpec(checkpoint="tiny", seed=seed)) for seed in (3, 20))
    value, *_ = tab.mix._mix_picked("zh-CN", 5, gallery, face)
    assert value["title"] == "在 3 与 25 之间"
    assert tab._pick("en", 5, gallery, face) == [gr.skip() for _ in tab.panel]
    assert tab.mix._mix_picked("en", 5, gallery, "") == [gr.skip() for _ in tab.mix.drawn]
    of_another = to_query(PictureSpec(checkpoint="tiny@epoch-0001"))
    with pytest.raises(RefusedError, match="mix two of one checkpoint"):
        tab.mix._mix_picked("en", 5, of_another, face)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("3", "both are 3"), ("", "The seed is empty"), ("-1", "The seed is -1"), ("7:42", "is no face"),
        ("7~nose=1", "no direction nose"), ("7-7", "length 0"), ("9" * 10_000, "is 999"), ("7:" * 5000, "4,000"),
    ],
)  # fmt: skip
def test_a_face_that_cannot_be_mixed_is_refused_with_a_sentence(tab, typed, sentence):
    with pytest.raises(InputError, match=sentence) as refusal:
        tab.mix._mix_typed("en", typed, to_query(PictureSpec(checkpoint="tiny", face="3")))
    assert len(str(refusal.value)) < 300


def test_a_face_is_mixed_with_the_next_of_the_gallery_or_any_where_there_is_none():
    three = PictureSpec(checkpoint="tiny", seed=3, count=3)
    assert [next_to(of_one_face(three, seed), three) for seed in (3, 4, 5, 9)] == [4, 5, 3, 3]
    alone = of_one_face(three, 3)
    assert next_to(alone, alone) != 3
    assert next_to(alone, PictureSpec(checkpoint="another", seed=3)) not in range(3, 19)


def test_faces_between_are_even_steps_on_the_arc_whatever_the_two_are(renderer):
    studio = Studio(renderer.catalog, "tiny")
    assert studio.between(7, 42, 5) == [7, "7:42@0.25", "7:42@0.5", "7:42@0.75", 42]
    first, *inner, last = studio.between("1:2@0.5", "3:4@0.5", 4)
    assert (first, last) == ("1:2@0.5", "3:4@0.5")
    ends = [to_latent(parse(face), {}, 8).double() for face in (first, last)]
    for face, share in zip(inner, (0.3333, 0.6667), strict=True):
        assert torch.equal(to_latent(parse(face), {}, 8), slerp(*ends, share).half().float())


@pytest.fixture
def steerable(trained_run, tmp_path):
    """The tab on a checkpoint with two directions."""
    folder = shutil.copytree(trained_run, tmp_path / "tiny")
    directions = {"hair_long": torch.arange(8).float(), "own_one": torch.ones(8)}
    save_file(directions, folder / DIRECTIONS_NAME, metadata={"format": "pt"})
    with gr.Blocks():
        return GenerateTab(Renderer(LocalCatalog(folder, torch.device("cpu")), tmp_path / "files"), gr.Dropdown())


def test_steering_is_offered_only_where_a_checkpoint_has_directions(tab, steerable):
    face = PictureSpec(checkpoint="tiny", seed=3, count=1)
    for each, is_offered in ((tab, False), (steerable, True)):
        shown = zip(each.panel, each._large("en", face), strict=True)
        [button] = [value for control, value in shown if control is each.steer_button]
        assert button.visible is is_offered


def test_each_direction_has_a_slider_named_in_the_visitors_language(steerable):
    face = to_query(PictureSpec(checkpoint="tiny", seed=3, count=1))
    *_, link, frames, value = steerable.steer._open("en", face)
    assert (link, frames) == (face, None)
    assert [one["words"] for one in value["directions"]] == ["Longer hair", "own one"]
    assert np.array_equal(frames_of(value), steerable.renderer.pixels("tiny", [3], 1.0))
    *_, value = steerable.steer._open("zh-CN", face)
    assert [one["words"] for one in value["directions"]] == ["头发更长", "own one"]


def test_the_frames_of_a_slider_go_along_its_direction_with_the_others_where_they_stand(steerable):
    face = to_query(PictureSpec(checkpoint="tiny", face="3:4@0.5", psi=0.7))
    moves = [["own_one", 1.5], ["hair_long", 0]]
    others = "x" * MAX_ECHOED_CHARACTERS
    [drawn] = steerable.steer._draw("en", {"name": "hair_long", "moves": moves, "others": others + "y"}, face)
    frames = frames_of(drawn | {"side": 24})
    ends = ["3:4@0.5~own_one=1.5~hair_long=-3", "3:4@0.5~own_one=1.5", "3:4@0.5~own_one=1.5~hair_long=3"]
    assert len(frames) == 33
    assert np.array_equal(frames[[0, 16, 32]], steerable.renderer.pixels("tiny", ends, 0.7))
    assert (drawn["name"], drawn["others"]) == ("hair_long", others)
    taken = steerable.steer.steered([["own_one", 1.5], ["hair_long", -0.375]], face)
    assert (taken.face, taken.psi) == ("3:4@0.5~own_one=1.5~hair_long=-0.375", 0.7)
    assert np.array_equal(frames[14], steerable.renderer.pixels("tiny", [taken.face], 0.7)[0])
    assert steerable.steer.steered([["own_one", 0.0]], face).face == "3:4@0.5"


@pytest.mark.parametrize(
    "moves", [None, 7, "x", [None, [1], ["hair_long"]], [["hair_long", "x"]], [["hair_long", [1]]]]
)
def test_what_else_a_browser_may_send_is_left_out(steerable, moves):
    face = to_query(PictureSpec(checkpoint="tiny", seed=3, count=1))
    [drawn] = steerable.steer._draw("en", {"name": "hair_long", "moves": moves}, face)
    assert len(frames_of(drawn | {"side": 24})) == 33


def test_a_direction_that_is_not_there_is_refused_with_a_sentence(steerable, tab):
    face = to_query(PictureSpec(checkpoint="tiny", seed=3, count=1))
    with pytest.raises(InputError, match="no direction nose; it has hair_long, own_one"):
        steerable.steer._draw("en", {"name": "nose"}, face)
    with pytest.raises(InputError, match="tiny came without directions"):
        tab.steer._open("en", face)
