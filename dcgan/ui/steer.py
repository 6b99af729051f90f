"""Steering a face: a slider for each of the checkpoint's named directions, live in the visitor's browser.

The frames of a slider are drawn when it is touched, with the others as they stand; then it only chooses which is seen.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from dcgan.gallery import PictureSpec, Renderer
from dcgan.limits import MAX_ECHOED_CHARACTERS
from dcgan.ui.captions import title_of
from dcgan.ui.events import Listener, message, on, on_told
from dcgan.ui.frames import strip_of_frames
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import reveal, spec_of
from dcgan.ui.requests import MOVED_TO, faces_steered, moves_in, steered_so
from dcgan.ui.texts import name_of_direction, say

TEMPLATE = """
{{#if value}}
<h2 data-shown-face="{{value.face}}">{{value.title}}</h2>
<canvas width="{{value.side}}" height="{{value.side}}" role="img" aria-label="{{value.title}}"></canvas>
<img class="frames" src="{{value.frames}}" alt="" hidden>
<div class="sliders">{{#each value.directions}}
  <label><span>{{this.words}}</span>
    <input type="range" min="0" max="{{../value.last}}" value="{{../value.middle}}" data-name="{{this.name}}"></label>
{{/each}}</div>
<p class="tools"><button type="button" class="take">{{value.take}}</button>
  <button type="button" class="reset">{{value.reset}}</button></p>
{{/if}}
"""

# What is drawn for a slider comes into a component of its own, so that this one is never made anew under the finger
BEHAVIOUR = """
const sliders = () => [...element.querySelectorAll('.sliders input')];
const unmoved = (slider) => Number(slider.max) / 2;
let order = [], active = '', pending = '';
const amount = (slider) => 6 * (Number(slider.value) / slider.max) - 3;
const moves = () => order.map((name) => [name, amount(sliders().find((one) => one.dataset.name === name))]);
const strip = () => document.querySelector('#steer-frames img');
function show() {
  const canvas = element.querySelector('canvas'), side = canvas?.width, drawn = strip();
  const slider = sliders().find((one) => one.dataset.name === active);
  for (const one of sliders()) one.setAttribute('aria-valuetext', amount(one).toFixed(1));
  const ready = slider && drawn?.dataset.name === active && drawn.dataset.moves === pending && drawn.complete;
  if (!canvas || (slider && !ready)) return;
  const [source, place] = slider ? [drawn, Number(slider.value)] : [element.querySelector('.frames'), 0];
  canvas.getContext('2d').drawImage(source, 0, place * side, side, side, 0, 0, side, side);
}
function touch(slider) {
  const others = moves().filter(([name]) => name !== slider.dataset.name);
  const wanted = encodeURIComponent(JSON.stringify(others));
  if (active === slider.dataset.name && pending === wanted) return;
  active = slider.dataset.name;
  pending = wanted;
  if (!order.includes(active)) order.push(active);
  trigger('select', { told: JSON.stringify({ name: active, moves: moves(), others: pending }) });
}
element.addEventListener('pointerdown', (event) => event.target.matches('input') && touch(event.target));
element.addEventListener('focusin', (event) => event.target.matches('input') && touch(event.target));
element.addEventListener('input', (event) => { touch(event.target); show(); });
element.addEventListener('load', () => { order = []; active = pending = ''; show(); }, true);
document.querySelector('#steer-frames')?.addEventListener('load', show, true);
element.addEventListener('click', (event) => {
  if (event.target.closest('.take')) trigger('submit', { told: JSON.stringify({ moves: moves() }) });
  if (event.target.closest('.reset')) {
    sliders().forEach((one) => { one.value = unmoved(one); });
    order = []; active = pending = '';
    show();
  }
});
"""

FRAMES_TEMPLATE = """
{{#if value}}<img src="{{value.frames}}" data-name="{{value.name}}" data-moves="{{value.others}}" alt="" hidden>{{/if}}
"""


class Steer:
    """Takes the place of the face that is shown large while the visitor changes it."""

    def __init__(self, renderer: Renderer):
        self.renderer = renderer
        self.face = gr.Textbox(visible=False)  # the link of the face that is steered
        self.frames = gr.HTML(None, html_template=FRAMES_TEMPLATE, elem_id="steer-frames", apply_default_css=False)
        with gr.Column(visible=False, min_width=260, elem_id="steer-panel") as self.column:
            self.sliders = gr.HTML(
                None, html_template=TEMPLATE, js_on_load=BEHAVIOUR, elem_id="steer-sliders", apply_default_css=False
            )
            self.message = message("steer-message")

    def open(self, listener: Listener, face_link: gr.Textbox, face: gr.Column, message: gr.HTML) -> None:
        """Steer the face that is shown large; `face` is the column that gives way."""
        outputs = [face, self.column, self.face, self.frames, self.sliders]
        on([listener], self._open, [face_link], outputs, message, show_progress_on=face)
        reveal(listener, "face-panel")
        inputs = [self.face]
        on_told(self.sliders.select, self._draw, inputs, [self.frames], self.message, show_progress="hidden")

    def can_steer(self, checkpoint: str) -> bool:
        """Tell whether a checkpoint may have directions."""
        return not self.renderer.catalog.lacks_directions(checkpoint)

    def steered(self, moves: object, face_link: str) -> PictureSpec:
        """Make the spec of the face that the sliders are at."""
        return steered_so(self.renderer, spec_of(face_link), moves_in(moves))

    def _open(self, language: str, face_link: str) -> list[Any]:
        face = spec_of(face_link)
        directions = self.renderer.catalog.directions(face.checkpoint)
        if not directions:
            raise RefusedError("nothing-steers", name=face.checkpoint)
        pictures = self.renderer.pixels(face.checkpoint, face.shown, face.psi)
        texts = {"take": say(language, "take-face"), "reset": say(language, "steer-reset")}
        sliders = {
            "title": title_of(language, face.shown[0]),
            "face": str(face.shown[0]),
            "directions": [{"name": name, "words": name_of_direction(language, name)} for name in sorted(directions)],
            "last": len(MOVED_TO) - 1,
            "middle": len(MOVED_TO) // 2,
        }
        drawn = strip_of_frames(pictures)
        return [
            gr.Column(visible=False),
            gr.Column(visible=True),
            face_link,
            None,  # the frames of another face
            texts | sliders | {"frames": drawn["frames"], "side": drawn["side"]},
        ]

    def _draw(self, language: str, asked: dict[str, Any], face_link: str) -> list[Any]:
        face, name = spec_of(face_link), str(asked.get("name", ""))[:40]
        steered = faces_steered(self.renderer, face, moves_in(asked.get("moves")), name)
        pictures = self.renderer.pixels(face.checkpoint, steered, face.psi)
        others = str(asked.get("others", ""))[:MAX_ECHOED_CHARACTERS]
        return [{"frames": strip_of_frames(pictures)["frames"], "name": name, "others": others}]
