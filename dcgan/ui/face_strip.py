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
  const faces = [...props.value], [face] = faces.splice(index, 1);
  const place = { left: Math.max(0, index - 1), right: Math.min(faces.length, index + 1) }[action];
  if (place !== undefined) faces.splice(place, 0, face);
  props.value = faces;
  trigger('input', { index });
  requestAnimationFrame(() => {
    const wanted = element.querySelectorAll(`[data-do=${action}]`);
    (wanted[place ?? index] ?? wanted[wanted.length - 1])?.focus();
  });
});
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
