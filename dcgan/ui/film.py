"""One face through all snapshots of a training as a film: it plays, and is gone through by slider or thumbnails."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from dcgan.ui.frames import strip_of_frames
from dcgan.ui.texts import say

TEMPLATE = """
{{#if value}}
<h3>{{value.title}} <span class="stage" aria-live="polite"></span></h3>
<canvas class="large" width="{{value.side}}" height="{{value.side}}" role="img" aria-label="{{value.title}}"></canvas>
<img class="frames" src="{{value.frames}}" alt="" hidden>
<div class="controls"><button type="button" class="play" aria-label="{{value.play}}">▶</button>
  <input type="range" min="0" max="{{value.last}}" value="{{value.last}}" aria-label="{{value.stage}}"></div>
<p><a class="faces-of"></a></p>
<ol>{{#each value.stages}}<li><button type="button" data-place="{{@index}}" data-name="{{this}}">
  <canvas width="{{../value.side}}" height="{{../value.side}}" role="img" aria-label="{{this}}"></canvas>
  <span>{{this}}</span></button></li>{{/each}}</ol>
{{/if}}
"""

BEHAVIOUR = """
const FRAME_MS = 700;
const slider = () => element.querySelector('input[type=range]');
const thumbnails = () => [...element.querySelectorAll('ol button')];
let playing, title, chosen;
function draw(canvas, place) {
  const side = canvas.width;
  canvas.getContext('2d').drawImage(element.querySelector('.frames'), 0, place * side, side, side, 0, 0, side, side);
}
// Beside the film, what is told of the run stands at the same moment
function show_moment(name, at) {
  document.querySelectorAll('#course section').forEach((one) => { one.hidden = one.dataset.stage !== name; });
  document.querySelectorAll('#course .cursor').forEach((cursor) => {
    cursor.hidden = at === null;
    cursor.style.left = `${100 * at}%`;
  });
}
function show() {
  if (!slider()) return;
  const place = Number(slider().value), names = thumbnails().map((one) => one.dataset.name);
  draw(element.querySelector('.large'), place);
  element.querySelector('.stage').innerText = names[place];
  slider().setAttribute('aria-valuetext', names[place]);
  thumbnails().forEach((one, i) => one.setAttribute('aria-pressed', i === place));
  chosen = place === names.length - 1 ? undefined : names[place];
  const { at, links, faces } = props.value;
  Object.assign(element.querySelector('.faces-of'), { href: dcgan.link(links[place]), innerText: faces });
  show_moment(names[place], at[place]);
}
function stop() {
  clearInterval(playing);
  playing = undefined;
  if (element.querySelector('.play')) element.querySelector('.play').innerText = '▶';
}
function go(place) { slider().value = place; show(); }
function play() {
  if (playing) return stop();
  if (slider().value === slider().max) go(0);
  element.querySelector('.play').innerText = '❚❚';
  playing = setInterval(() => {
    if (!slider()) return stop();
    go(Number(slider().value) + 1);
    if (slider().value === slider().max) stop();
  }, FRAME_MS);
}
element.addEventListener('load', () => {
  stop();
  thumbnails().forEach((one, i) => draw(one.querySelector('canvas'), i));
  // A run that goes on adds snapshots; whoever looks at an earlier one stays there
  const kept = title === props.value.title ? thumbnails().findIndex((one) => one.dataset.name === chosen) : -1;
  title = props.value.title;
  go(kept < 0 ? slider().max : kept);
}, true);
document.addEventListener('course', show);
document.addEventListener('click', (event) => {
  const plot = event.target.closest('#course .plot');
  if (!plot || !slider()) return;
  const { left, width } = plot.getBoundingClientRect(), clicked = (event.clientX - left) / width;
  const away = props.value.at.map((at) => (at === null ? 2 : Math.abs(at - clicked)));
  stop();
  go(away.indexOf(Math.min(...away)));
});
element.addEventListener('input', () => { stop(); show(); });
element.addEventListener('click', (event) => {
  const thumbnail = event.target.closest('ol button');
  if (event.target.closest('.play')) play();
  if (thumbnail) { stop(); go(thumbnail.dataset.place); }
});
"""


def film(elem_id: str) -> gr.HTML:
    """Make the component; its value is a `film_of`."""
    return gr.HTML(None, html_template=TEMPLATE, js_on_load=BEHAVIOUR, elem_id=elem_id, apply_default_css=False)


def film_of(
    language: str, title: str, stages: list[str], pictures: np.ndarray, links: list[str], at: list[float | None]
) -> dict[str, Any]:
    """Make a film of a face that is called `title`: pictures `(N, S, S, 3)`, uint8, one a stage. It begins at the last.

    `links` are to the faces of each stage; `at` is the share of the run that was over at it, None where nobody knows.
    """
    texts = {key: say(language, key) for key in ("play", "stage")} | {"faces": say(language, "faces-of-snapshot")}
    return texts | strip_of_frames(pictures) | {"title": title, "stages": stages, "links": links, "at": at}
