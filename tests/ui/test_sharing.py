"""What takes a picture of the page along."""

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from dcgan import faces
from dcgan.checkpoints import load_generator
from dcgan.gallery import PictureSpec, Renderer, from_file, open_catalog, to_query
from dcgan.images import scaled
from dcgan.ui.sharing import smooth_button


@pytest.fixture
def saves_smooth(trained_run, tmp_path):
    """The file that the button gives for a link."""
    renderer = Renderer(open_catalog(str(trained_run), None, [], torch.device("cpu")), tmp_path / "files")
    with gr.Blocks() as page:
        saves = smooth_button(renderer)
        saves(gr.Textbox(), gr.HTML())
    drawing = page.fns[0].fn

    def file_for(spec: PictureSpec):
        path, said = drawing(gr.Request(headers={}), to_query(spec))
        return path, said

    return file_for


def test_a_face_is_saved_smooth_and_knows_it(saves_smooth, trained_run):
    path, _ = saves_smooth(PictureSpec(checkpoint="tiny", seed=3, count=1))
    [face] = faces(load_generator(trained_run), [3])
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), scaled(face, 192, "smooth"))
    again = from_file(path)
    assert (again.shown, again.scaling) == ([3], "smooth")


def test_a_checkpoint_that_is_gone_gets_a_sentence(saves_smooth):
    path, said = saves_smooth(PictureSpec(checkpoint="gone", seed=3, count=1))
    assert path["__type__"] == "update"
    assert "gone" in str(said.value)
