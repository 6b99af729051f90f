"""What the browser does by itself, by page.js: what is shown is in the page's address, and a button copies that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from dcgan.gallery import PictureSpec, from_query
from dcgan.ui.texts import i18n


def spec_of(query: str) -> PictureSpec:
    """Read the spec in a link's query string; anything is one."""
    return from_query(dict(parse_qsl(str(query))))


def copy_button(text: str) -> Callable[[gr.Textbox], Any]:
    """Make a button labelled with a text's key; called with what holds a link, it copies that."""
    button = gr.Button(i18n(text), size="sm", elem_id=text)

    def copies(link: gr.Textbox) -> Any:
        js = f"(query) => dcgan.copy(query, '#{text}')"
        return button.click(None, [link], None, js=js, api_visibility="private")

    return copies


def remember(events: list[Any], link: gr.Textbox) -> None:
    """Put a link into the address bar after each of the events, so that reloading shows the same."""
    for event in events:
        event.then(None, [link], None, js="(query) => dcgan.remember(query)", api_visibility="private")


def reveal(listener: Callable[..., Any], elem_id: str) -> None:
    """Scroll to where the answer to an event appears, on a phone, where that is elsewhere."""
    listener(None, None, None, js=f"() => dcgan.reveal('{elem_id}')", api_visibility="private")
