"""The first tab: what its buttons give, without a browser."""

import re

import gradio as gr
import pytest
import torch

from dcgan.errors import InputError
from dcgan.gallery import LocalCatalog, PictureSpec, Renderer, to_query
from dcgan.ui.generate import GenerateTab
from dcgan.ui.links import spec_of


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
        assert gallery.selected_index is None
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
