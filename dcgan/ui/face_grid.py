"""The gallery: a full grid of faces, each picked by a click and taken into the walk by a small button of its own."""

from __future__ import annotations

from typing import Any

import gradio as gr

from dcgan.expressions import shortened
from dcgan.gallery import Face, PictureSpec, to_query
from dcgan.ui.captions import alt_of
from dcgan.ui.texts import i18n

SIGNS = ":@+-~="  # between the parts of an expression
MAX_NAME = 16  # characters of a caption

TEMPLATE = """
{{#if value}}<ul class="faces" data-query="{{value.query}}">{{#each value.faces}}
  <li>
    <button type="button" class="face" data-index="{{@index}}" data-face="{{this.face}}" title="{{this.face}}"
      draggable="true" tabindex="-1">
      <img src="{{this.image.url}}" alt="{{this.alt}}" draggable="false">
      <span class="name" aria-hidden="true">{{this.name}}</span></button>
    <button type="button" class="add" data-index="{{@index}}" aria-label="{{../add}}: {{this.face}}"
      aria-pressed="false" title="{{../add}}" tabindex="-1">+</button>
  </li>{{/each}}</ul>{{/if}}
"""

# As many columns as fill the rows, with faces as large as the place allows; one stop of the Tab key, arrows within
BEHAVIOUR = """
const GAP = 6, CAPTION = 22, SMALLEST = 72, LARGEST = 200;
const faces = () => [...element.querySelectorAll('.face')];
let columns = 1;
function arrange() {
  const count = faces().length, width = element.clientWidth - 8;
  const height = 0.64 * innerHeight - 8;
  let best;
  for (let each = 1; each <= count; each++) {
    const rows = Math.ceil(count / each), wide = (width + GAP) / each - GAP;
    const high = (height + GAP) / rows - GAP - CAPTION;
    const side = Math.min(wide, LARGEST, Math.max(high, SMALLEST)), empty = rows * each - count;
    if (wide < SMALLEST && each > 1) break;
    if (!best || empty < best.empty || (empty === best.empty && side >= best.side)) best = { each, side, empty };
  }
  if (!best) return;
  columns = best.each;
  element.style.setProperty('--columns', columns);
  element.style.setProperty('--side', Math.floor(best.side) + 'px');
}
function reach(face) {
  const { index } = face.dataset;
  for (const one of element.querySelectorAll('button')) one.tabIndex = one.dataset.index === index ? 0 : -1;
}
new ResizeObserver(arrange).observe(element);
new MutationObserver(() => { arrange(); if (faces().length) reach(faces()[0]); }).observe(element, { childList: true });
element.addEventListener('focusin', (event) => event.target.matches('button') && reach(event.target));
element.addEventListener('keydown', (event) => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity };
  const step = steps[event.key], all = faces();
  if (!step || !event.target.matches('button')) return;
  event.preventDefault();
  const place = Number(event.target.dataset.index) + step, isEnd = Math.abs(step) === Infinity;
  if (isEnd || all[place]) all[Math.min(all.length - 1, Math.max(0, place))].focus();
});
element.addEventListener('click', (event) => {
  const button = event.target.closest('button'), index = Number(button?.dataset.index);
  if (button?.matches('.face')) dcgan.picked = index;
  if (button) trigger(button.matches('.add') ? 'submit' : 'select', { index });
});
element.addEventListener('dragstart', (event) => {
  const face = event.target.closest('.face');
  event.dataTransfer.setDragImage(face.querySelector('img'), 20, 20);
  event.dataTransfer.setData('text/plain', face.dataset.face);
  dcgan.dragged = face.parentElement.querySelector('.add');
});
"""


def face_grid(elem_id: str) -> gr.HTML:
    """Make the component; its value is a `grid_of`. Events: `select` and `submit` (into the walk) of an index."""
    options: dict[str, Any] = {"add": i18n("use-as-keyframe")}
    return gr.HTML(
        None, html_template=TEMPLATE, js_on_load=BEHAVIOUR, elem_id=elem_id, apply_default_css=False, **options
    )


def grid_of(language: str, spec: PictureSpec, faces: list[Face]) -> dict[str, Any]:
    """Make the value of a grid: the faces of a spec, each a file that Gradio serves."""
    texts = [str(face.expression) for face in faces]
    return {
        "query": to_query(spec, most=None),
        "faces": [
            {
                "face": text,
                "name": name,
                "alt": alt_of(language, face.expression),
                "image": {"path": str(face.path), "meta": {"_type": "gradio.FileData"}},
            }
            for text, name, face in zip(texts, names_of(texts), faces, strict=True)
        ],
    }


def names_of(texts: list[str]) -> list[str]:
    """Shorten the names of faces to what tells them apart: what many begin or end with alike is left out."""
    if len(texts) < 2 or max(map(len, texts)) <= MAX_NAME:
        return [shortened(text, MAX_NAME) for text in texts]
    begin, end = _alike(texts), _alike([text[::-1] for text in texts])
    parts = [text[begin : len(text) - end] for text in texts]
    return [shortened(part or text, MAX_NAME) for part, text in zip(parts, texts, strict=True)]


def _alike(texts: list[str]) -> int:
    """Count the characters with which all texts begin, up to a sign between two parts of an expression."""
    alike = [len(set(characters)) == 1 for characters in zip(*texts, strict=False)]
    common = texts[0][: [*alike, False].index(False)]
    return max(map(common.rfind, SIGNS)) + 1
