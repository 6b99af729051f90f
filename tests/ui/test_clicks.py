"""What a click costs: each face is drawn once, and a GPU is lent once."""

from collections import Counter
from pathlib import Path

import gradio as gr
import pytest
import torch

from dcgan.folding import BATCH, folded
from dcgan.gallery import LocalCatalog, PictureSpec, Renderer, to_query
from dcgan.ui.api import Api
from dcgan.ui.favourites import Favourites
from dcgan.ui.generate import GenerateTab
from dcgan.ui.inputs import RefusedError
from dcgan.ui.training import TrainingTab
from dcgan.ui.walk import WalkTab

EARLY, LATE = "tiny@epoch-0001", "tiny@epoch-0002"


class Costs:
    """Counts the loans of a GPU, and the calls of each network."""

    def __init__(self, catalog: LocalCatalog):
        self.loans, self.calls = 0, Counter()
        for name in catalog.names:
            folded(catalog.generator(name)).layers.register_forward_pre_hook(self._counting(f"Generator of {name}"))
            catalog.discriminator(name).register_forward_pre_hook(self._counting(f"Discriminator of {name}"))

    def _counting(self, what: str):
        def count(_, inputs) -> None:
            assert len(inputs[0]) in (1, BATCH)
            self.calls[what] += 1

        return count

    def on_gpu(self, function):
        def on_loan(*arguments):
            self.loans += 1
            return function(*arguments)

        return on_loan


@pytest.fixture
def catalog(trained_run):
    return LocalCatalog(trained_run, torch.device("cpu"))


@pytest.fixture
def costs(catalog):
    return Costs(catalog)


@pytest.fixture
def renderer(catalog, costs, tmp_path):
    return Renderer(catalog, tmp_path, costs.on_gpu)


def tab(kind, renderer):
    with gr.Blocks():
        return kind(renderer, gr.Dropdown()) if kind is not Favourites else kind(renderer)


def assert_costs(costs, **calls: int) -> None:
    """One loan, and so many calls of each network that was needed."""
    assert costs.loans == 1
    assert sum(costs.calls.values()) == sum(calls.values())
    for network, count in calls.items():
        assert sum(n for name, n in costs.calls.items() if name.startswith(network.capitalize())) == count


def test_faces_and_the_first_of_them_large_are_drawn_once(renderer, costs):
    tab(GenerateTab, renderer)._generate("en", "tiny", False, 7, 16, 1)
    assert_costs(costs, generator=2)


def test_a_style_that_is_told_twice_is_drawn_once(renderer, costs):
    generate, settings = tab(GenerateTab, renderer), (False, 7, 16, 1)
    _, _, link, *_ = generate._restyle("en", to_query(PictureSpec(checkpoint=EARLY)), "tiny", *settings)
    again = generate._restyle("en", link, "tiny", *settings)
    assert all(output == gr.skip() for output in again)
    assert_costs(costs, generator=2)


def test_the_best_are_not_drawn_again_once_they_are_chosen(renderer, costs):
    tab(GenerateTab, renderer)._generate("en", "tiny", False, 7, 4, 4)
    assert_costs(costs, generator=2, discriminator=2)


def test_a_face_that_is_picked_is_drawn_once(renderer, costs):
    tab(GenerateTab, renderer)._pick("en", 2, to_query(PictureSpec(checkpoint="tiny")))
    assert_costs(costs, generator=1)


def test_the_faces_between_two_take_one_loan(renderer, costs):
    mix = tab(GenerateTab, renderer).mix
    face = to_query(PictureSpec(checkpoint="tiny", seed=3, count=1))
    mix._open("en", face, to_query(PictureSpec(checkpoint="tiny")))
    assert_costs(costs, generator=5)


def test_the_faces_of_a_link_are_drawn_once(renderer, costs):
    tab(GenerateTab, renderer)._show("en", to_query(PictureSpec(checkpoint="tiny", count=16)))
    assert_costs(costs, generator=2)


def test_the_api_draws_faces_once(renderer, costs):
    Api(renderer).generate(7, 16)
    assert_costs(costs, generator=2)


def test_the_api_draws_the_best_once(renderer, costs):
    Api(renderer).generate(7, 4, best_of=4)
    assert_costs(costs, generator=2, discriminator=2)


def test_a_keyframe_that_is_added_takes_one_loan(renderer, costs):
    tab(WalkTab, renderer).keyframes._add("en", 3, [{"seed": 1}, {"seed": 2}], "tiny", 1.0)
    assert_costs(costs, generator=1)


def test_a_face_that_becomes_a_keyframe_takes_one_loan(renderer, costs, monkeypatch):
    monkeypatch.setattr(gr, "Info", lambda *_, **__: None)
    face = to_query(PictureSpec(checkpoint="tiny", seed=3, count=1))
    tab(WalkTab, renderer).keyframes._accept("en", face, [{"seed": 1}, {"seed": 2}], "tiny", 1.0)
    assert_costs(costs, generator=1)


def test_keyframes_are_drawn_once_in_a_style_that_is_told_twice(renderer, costs):
    keyframes = tab(WalkTab, renderer).keyframes
    faces = keyframes.strip_of((1, 2), EARLY, 1.0)
    [change] = keyframes._redraw("en", faces, "tiny", 1.0)
    assert (
        keyframes._redraw("en", change["redrawn"], "tiny", 1.0)
        == keyframes._redraw("en", [], "tiny", 1.0)
        == [gr.skip()]
    )
    assert {name for name, calls in costs.calls.items() if calls} == {"Generator of tiny", f"Generator of {EARLY}"}
    assert costs.loans == 2


def test_a_face_of_the_gallery_goes_into_the_walk_and_out_again(renderer, costs):
    faces = tab(WalkTab, renderer).keyframes
    gallery, suggested = to_query(PictureSpec(checkpoint="tiny", seed=5)), "5 6 7"
    at_first = [{"seed": 5}, {"seed": 6}, {"seed": 7}]
    [change] = faces._toggle("en", 2, gallery, at_first, "tiny", 1.0, suggested)
    assert (change["add"]["seed"], change["psi"], change["isChosen"]) == (7, 1.0, True)
    assert_costs(costs, generator=1)
    strip = [change["add"]]
    [change] = faces._toggle("en", 9, gallery, strip, "tiny", 1.0, suggested)
    assert change["add"]["seed"] == 14
    assert faces._toggle("en", 2, gallery, [*strip, change["add"]], "tiny", 1.0, suggested) == [{"remove": "7"}]
    with pytest.raises(RefusedError, match="at most; remove one first"):
        faces._toggle("en", 0, gallery, [{"seed": seed} for seed in range(20, 32)], "tiny", 1.0, suggested)


def test_a_walk_takes_one_loan(renderer, costs):
    walk = tab(WalkTab, renderer)
    values = [8 if name == "frames" else control.value for name, control in walk.settings.items()]
    walk._make("en", 1, [{"seed": 1}, {"seed": 2}], "tiny", *values)
    assert costs.loans == 1


def test_a_favourite_that_is_kept_takes_one_loan(renderer, costs, monkeypatch):
    monkeypatch.setattr(gr, "Info", lambda *_, **__: None)
    kept = [to_query(PictureSpec(checkpoint=EARLY, seed=1, count=1))]
    tab(Favourites, renderer)._keep("en", to_query(PictureSpec(checkpoint="tiny", seed=1, count=1)), kept)
    assert_costs(costs, generator=1)


def test_favourites_are_shown_in_one_loan_whichever_checkpoints_they_are_of(renderer, costs):
    kept = [to_query(PictureSpec(checkpoint=name, seed=1, count=1)) for name in ("tiny", EARLY, LATE)]
    tab(Favourites, renderer)._show("en", kept)
    assert_costs(costs, generator=3)


def test_a_face_at_all_stages_of_training_and_the_last_of_them_large_are_drawn_once(renderer, costs):
    tab(TrainingTab, renderer)._show("en", 5, "tiny")
    assert_costs(costs, generator=2)
    assert set(costs.calls) == {f"Generator of {name}" for name in (EARLY, LATE)}


def test_files_of_a_face_that_was_drawn_before_are_the_same_as_of_one_that_was_not(renderer):
    spec, faces = renderer.faces(PictureSpec(seed=7, count=2), best_of=4)
    for size, path in renderer.stills(spec, faces[0].pixels).items():
        assert Path(path).read_bytes() == renderer.stills(spec)[size].read_bytes()
