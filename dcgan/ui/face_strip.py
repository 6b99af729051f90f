"""A strip of faces that can be picked, moved and removed: keyframes of a walk, and favourites."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from dcgan.expressions import AnyFace
from dcgan.ui.frames import picture_url
from dcgan.ui.texts import i18n

TEMPLATE = """
<ol class="face-strip">{{#each value}}
  <li>
    <button type="button" class="face" data-do="pick" data-index="{{@index}}" title="{{seed}}">
      <img src="{{src}}" alt="{{alt}}"></button>
    <span class="seed">{{seed}}</span>
    <span class="tools">
      <button type="button" data-do="left" data-index="{{@index}}" aria-label="{{../move_left}} {{seed}}">‹</button>
      <button type="button" data-do="remove" data-index="{{@index}}" aria-label="{{../remove}} {{seed}}">×</button>
      <button type="button" data-do="right" data-index="{{@index}}" aria-label="{{../move_right}} {{seed}}">›</button>
    </span>
  </li>{{/each}}
</ol>
"""

# The strip is its own state: the visitor's browser keeps what is in it, and in which order
BEHAVIOUR = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-do]');
  if (!button) return;
  const index = Number(button.dataset.index), action = button.dataset.do;
  if (action === 'pick') { trigger('select', { index }); return; }
  const last = props.value.length - 1;
  const place = { left: Math.max(0, index - 1), right: Math.min(last, index + 1) }[action];
  put(index, place);
  requestAnimationFrame(() => {
    const wanted = element.querySelectorAll(`[data-do=${action}]`);
    (wanted[place ?? index] ?? wanted[wanted.length - 1])?.focus();
  });
});
function put(index, place) {
  const faces = [...props.value], [face] = faces.splice(index, 1);
  if (place !== undefined) faces.splice(place, 0, face);
  props.value = faces;
  trigger('input', { index });
}

// By dragging, too: to another place, or well out of the strip. A finger has to rest first, or it couldn't scroll
const REST_MS = 250, FAR = 40, STILL = 6;
const items = () => [...element.querySelectorAll('li')];
const nearest = (x, y) => {
  const off = items().map((item) => {
    const { left, width, top, height } = item.getBoundingClientRect();
    return Math.hypot(left + width / 2 - x, 2 * (top + height / 2 - y));
  });
  return off.indexOf(Math.min(...off));
};
let drag;
const isFar = ({ clientX: x, clientY: y }) => {
  const { left, right, top, bottom } = element.querySelector('.face-strip').getBoundingClientRect();
  return x < left - FAR || x > right + FAR || y < top - FAR || y > bottom + FAR;
};
function take() {
  drag.moving = true;
  drag.item.classList.add('dragged');
}
function follow(event) {
  const { item, x, y } = drag, far = isFar(event), place = nearest(event.clientX, event.clientY);
  item.style.transform = `translate(${event.clientX - x}px, ${event.clientY - y}px)`;
  item.classList.toggle('leaving', far);
  items().forEach((one, i) => one.classList.toggle('lands', !far && i === place && one !== item));
}
function letGo(event, lands) {
  if (!drag) return;
  clearTimeout(drag.resting);
  const { item, index, moving } = drag, far = isFar(event), place = nearest(event.clientX, event.clientY);
  drag = undefined;
  item.style.transform = '';
  items().forEach((one) => one.classList.remove('dragged', 'leaving', 'lands'));
  if (!moving) return;
  addEventListener('click', stopClick, { capture: true, once: true });
  setTimeout(() => removeEventListener('click', stopClick, { capture: true }), 50);
  if (lands && (far || place !== index)) put(index, far ? undefined : place);
}
const stopClick = (event) => event.stopPropagation();
element.addEventListener('dragstart', (event) => event.preventDefault());
element.addEventListener('contextmenu', (event) => drag && event.preventDefault());
element.addEventListener('pointerdown', (event) => {
  const face = event.target.closest('.face');
  if (!face || event.button) return;
  drag = { item: face.closest('li'), index: Number(face.dataset.index), x: event.clientX, y: event.clientY };
  if (event.pointerType === 'touch') drag.resting = setTimeout(() => drag && take(), REST_MS);
});
addEventListener('pointermove', (event) => {
  if (!drag) return;
  const hasMoved = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > STILL;
  if (!drag.moving && hasMoved) {
    if (event.pointerType === 'touch') return letGo(event, false);
    take();
  }
  if (drag.moving) follow(event);
});
element.addEventListener('touchmove', (event) => drag?.moving && event.preventDefault(), { passive: false });
addEventListener('pointerup', (event) => letGo(event, true));
addEventListener('pointercancel', (event) => letGo(event, false));
"""


def face_strip(elem_id: str) -> gr.HTML:
    """Make the component; its value is `face_strip_entry`s. Events: `input` after a change, `select` of an index."""
    labels: dict[str, Any] = {name: i18n(name.replace("_", "-")) for name in ("move_left", "move_right", "remove")}
    return gr.HTML([], html_template=TEMPLATE, js_on_load=BEHAVIOUR, elem_id=elem_id, apply_default_css=False, **labels)


def link_in(faces: object, index: int) -> str:
    """Read the link of one face of a strip; "", which is the face of seed 0, where a browser sends something else."""
    face = faces[index] if isinstance(faces, list) and index < len(faces) else {}
    return str(face.get("query", "")) if isinstance(face, dict) else ""


def face_strip_entry(picture: np.ndarray, face: AnyFace, alt: str, query: str) -> dict[str, Any]:
    """Make a face for a face strip: `query` is the link that draws it. "seed" is the expression where it is no seed."""
    return {"seed": face, "alt": alt, "src": picture_url(picture), "query": query}
