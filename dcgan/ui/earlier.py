"""The strip of what was drawn before: the browser's own history, as pictures. page.js fills it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from dcgan.ui.texts import i18n

TEMPLATE = '<ol class="earlier" aria-label="{{label_of_all}}" data-label="{{label_of_all}}"></ol>'


def earlier(elem_id: str) -> gr.HTML:
    """Make the place where the strip stands."""
    labels: dict[str, Any] = {"label_of_all": i18n("earlier")}
    return gr.HTML("", html_template=TEMPLATE, elem_id=elem_id, apply_default_css=False, **labels)
