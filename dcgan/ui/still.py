"""The first picture of a walk, for who wants nothing to move by itself. manners.js draws it, and plays the walk."""

from __future__ import annotations

from typing import Any

import gradio as gr

from dcgan.ui.texts import i18n

TEMPLATE = """<button type="button" aria-label="{{play}}" aria-pressed="false">
<canvas></canvas><span class="sign" aria-hidden="true">▶</span></button>"""


def still(elem_id: str) -> gr.HTML:
    """Make the place, which is hidden for all others."""
    labels: dict[str, Any] = {"play": i18n("play-walk")}
    return gr.HTML("", html_template=TEMPLATE, elem_id=elem_id, apply_default_css=False, **labels)
