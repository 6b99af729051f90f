"""What the discriminator says of the face at hand, and where on it that lies."""

from __future__ import annotations

import html
from contextlib import suppress
from typing import Any

import gradio as gr
import numpy as np

from dcgan.errors import InputError
from dcgan.gallery import Look, Renderer
from dcgan.ui.captions import alt_of
from dcgan.ui.events import message, on
from dcgan.ui.frames import figure, figures_in_a_row
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import spec_of
from dcgan.ui.texts import i18n, say

WARM, COLD = (255, 140, 0), (40, 120, 255)
STRONGEST = 0.7  # how much of a colour the hottest place has


class Judging:
    """A button, and below it the face beside where the discriminator looks; not there without a discriminator."""

    def __init__(self, renderer: Renderer, face_link: gr.Textbox):
        self.renderer = renderer
        with gr.Column(min_width=300) as self.column:
            gr.Markdown(i18n("judging-title"))
            self.ask = gr.Button(i18n("judge"), variant="primary", elem_id="judge")
            self.message = message("judge-message")
            self.told = gr.HTML(elem_id="judged")
        on([self.ask.click], self._look, [face_link], [self.told], self.message, show_progress_on=self.told)

    def offered(self, checkpoint: str) -> list[Any]:
        """Give column and answer as they are for a checkpoint that nothing was asked about yet."""
        discriminator = None
        with suppress(InputError):
            discriminator = self.renderer.catalog.discriminator(checkpoint)
        return [gr.Column(visible=discriminator is not None), ""]

    def _look(self, language: str, link: str) -> list[Any]:
        spec = spec_of(link)
        seen = self.renderer.look(spec)
        if seen is None:
            raise RefusedError("nothing-judges", name=spec.checkpoint or self.renderer.catalog.default)
        figures = [
            figure(say(language, "judged-face"), seen.pixels, alt_of(language, spec.shown[0])),
            figure(say(language, "judged-heat"), tinted(seen), say(language, "judged-heat")),
        ]
        words = [
            say(language, "judged-place", less=seen.less_real, others=seen.others),
            say(language, "judged-colours"),
        ]
        said = "".join(f"<p>{html.escape(each)}</p>" for each in words)
        return [f"{figures_in_a_row(figures)}{said}"]


def tinted(seen: Look) -> np.ndarray:
    """Lay the heat over the face in grey, as pixels `(S, S, 3)`, uint8: warm where it speaks for real, else cold."""
    grey = np.repeat(seen.pixels.mean(2, keepdims=True), 3, axis=2)  # (S, S, 3)
    share = STRONGEST * np.abs(seen.heat)[..., None]  # (S, S, 1)
    colour = np.where(seen.heat[..., None] > 0, WARM, COLD)
    tint: np.ndarray = ((1 - share) * grey + share * colour).round().astype(np.uint8)
    return tint
