"""Mixing two faces: a slider goes through the faces between them, which are drawn once, in the visitor's browser."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import gradio as gr

from dcgan.expressions import AnyFace, shortened
from dcgan.gallery import PictureSpec, Renderer, of_one_face
from dcgan.latents import SEEDS
from dcgan.ui.events import LAST_COUNTS, Listener, message, on, on_select
from dcgan.ui.frames import strip_of_frames
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import reveal, spec_of
from dcgan.ui.requests import FRAMES_BETWEEN, faces_between
from dcgan.ui.texts import i18n, label, say

TEMPLATE = """
{{#if value}}
<h2 data-shown-face="{{value.face}}">{{value.title}}</h2>
<canvas width="{{value.side}}" height="{{value.side}}" role="img" aria-label="{{value.title}}"></canvas>
<img class="frames" src="{{value.frames}}" alt="" hidden>
<input type="range" min="0" max="{{value.last}}" value="{{value.middle}}" aria-label="{{value.title}}">
<p class="ends"><span>{{value.first}}</span><span>{{value.second}}</span></p>
<button type="button" class="take">{{value.take}}</button>
{{/if}}
"""

# The frames stand one below the other in one picture; the slider only chooses which is seen
BEHAVIOUR = """
const slider = () => element.querySelector('input[type=range]');
function show() {
  const canvas = element.querySelector('canvas'), side = canvas.width, place = Number(slider().value);
  canvas.getContext('2d').drawImage(element.querySelector('.frames'), 0, place * side, side, side, 0, 0, side, side);
  slider().setAttribute('aria-valuetext', Math.round(100 * place / slider().max) + ' %');
}
element.addEventListener('load', show, true);
element.addEventListener('input', show);
element.addEventListener('click', (event) => {
  if (event.target.closest('.take')) trigger('select', { index: Number(slider().value) });
});
"""


class Mix:
    """Takes the place of the face that is shown large while the visitor looks for one between it and another."""

    def __init__(self, renderer: Renderer):
        self.renderer = renderer
        self.first = gr.Textbox(visible=False)  # the link of the face that is mixed; "" while none is
        self.second = gr.Textbox(visible=False)
        with gr.Column(visible=False, min_width=260, elem_id="mix-panel") as self.column:
            self.slider = gr.HTML(
                None, html_template=TEMPLATE, js_on_load=BEHAVIOUR, elem_id="mix-slider", apply_default_css=False
            )
            self.message = message("mix-message")
            with gr.Row(elem_id="mix-row"):
                self.other = gr.Textbox(
                    label=label("mix-with"), max_lines=1, min_width=160, scale=4, elem_id="mix-with"
                )
                self.close = gr.Button(i18n("close"), size="sm", min_width=70, scale=1, elem_id="mix-close")

    @property
    def drawn(self) -> list[Any]:
        return [self.slider, self.second, self.other]

    def open(
        self, listener: Listener, face_link: gr.Textbox, shown: gr.Textbox, face: gr.Column, message: gr.HTML
    ) -> None:
        """Mix the face that is shown large with the next one of the gallery; `face` is the column that gives way."""
        outputs = [face, self.column, self.first, *self.drawn]
        on([listener], self._open, [face_link, shown], outputs, message, show_progress_on=face)
        reveal(listener, "face-panel")

    def connect(self, picked: Listener, shown: gr.Textbox, face: gr.Column) -> None:
        """Mix with the face that is picked from the gallery, or with the one that is typed; or no more."""
        quietly: dict[str, Any] = {"show_progress": "hidden"}
        outputs = [face, self.column, self.first]
        on([self.close.click], lambda _: closed(), [], outputs, self.message, **quietly)
        inputs = [shown, self.first]
        on_select(picked, self._mix_picked, inputs, self.drawn, self.message, **quietly)
        inputs = [self.other, self.first]
        on([self.other.submit], self._mix_typed, inputs, self.drawn, self.message, **quietly | LAST_COUNTS)

    def taken(self, index: int, first: str, second: str) -> PictureSpec:
        """Make the spec of one of the faces between: of the first at 0, of the second at the last index."""
        between = self._between(spec_of(first), second)
        return of_one_face(between, between.shown[min(index, FRAMES_BETWEEN - 1)])

    def _open(self, language: str, face_link: str, shown: str) -> list[Any]:
        first = spec_of(face_link)
        drawn = self._draw(language, first, next_to(first, spec_of(shown)))
        return [gr.Column(visible=False), gr.Column(visible=True), face_link, *drawn]

    def _mix_picked(self, language: str, index: int, shown: str, first: str) -> list[Any]:
        if not first:
            return [gr.skip() for _ in self.drawn]
        gallery, face = spec_of(shown), spec_of(first)
        if gallery.checkpoint != face.checkpoint:
            raise RefusedError("mix-of-checkpoints", one=face.checkpoint, other=gallery.checkpoint)
        return self._draw(language, face, gallery.shown[min(index, len(gallery.shown) - 1)])

    def _mix_typed(self, language: str, other: str, first: str) -> list[Any]:
        return self._draw(language, spec_of(first), other)

    def _draw(self, language: str, first: PictureSpec, second: object) -> list[Any]:
        between = self._between(first, second)
        pictures = self.renderer.pixels(between.checkpoint, between.shown, between.psi)
        one, *_, other = between.shown
        ends = {"first": shortened(str(one), 24), "second": shortened(str(other), 24)}
        texts = {
            "title": say(language, "mix-title", **ends),
            "take": say(language, "take-face"),
            "face": str(one),
            **ends,
        }
        return [texts | strip_of_frames(pictures), str(other), str(other)]

    def _between(self, first: PictureSpec, second: object) -> PictureSpec:
        between = faces_between(self.renderer, a=first.shown[0], b=second, checkpoint=first.checkpoint, psi=first.psi)
        return replace(between, scaling=first.scaling)


def closed() -> list[Any]:
    """Give the face that is shown large its place back; nothing is mixed then."""
    return [gr.Column(visible=True), gr.Column(visible=False), ""]


def next_to(face: PictureSpec, gallery: PictureSpec) -> AnyFace:
    """Find a face to mix with: the one after it in the gallery, or any where that has none of the same checkpoint."""
    own, others = face.shown[0], gallery.shown if gallery.checkpoint == face.checkpoint else []
    place = others.index(own) + 1 if own in others else 0
    around = [other for other in (*others[place:], *others[:place]) if other != own]
    return around[0] if around else random.randrange(SEEDS)
