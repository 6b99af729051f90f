"""What the browser does by itself, in page.js: the page's address tells what is shown, and a button copies it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import gradio as gr

from dcgan.errors import InputError
from dcgan.gallery import PictureSpec, from_query, of_one_face, to_query
from dcgan.ui.texts import i18n, say

SHOWN = "shown"  # beside a spec on the way Back: the face that was large then; no part of a link


def face_in(query: str, spec: PictureSpec) -> PictureSpec | None:
    """Find the face that a query says was shown large of a gallery; None where it says nothing of the kind."""
    said = dict(parse_qsl(str(query))).get(SHOWN, "")
    face = next((face for face in spec.shown if str(face) == said), None)
    return None if face is None else of_one_face(spec, face)


def spec_of(query: str) -> PictureSpec:
    """Read the spec in a link's query string; any text gives one."""
    return from_query(dict(parse_qsl(str(query))))


def shown_link(language: str, spec: PictureSpec) -> str:
    """Write the query of what a tab shows; one too long for a link stays in the page, which says so in a toast.

    page.js keeps it out of the address bar and of the clipboard.
    """
    try:
        return to_query(spec)
    except InputError:
        gr.Info(say(language, "too-long-for-a-link"), duration=10)
        return to_query(spec, most=None)


def copy_button(text: str, **options: Any) -> Callable[[gr.Textbox], Any]:
    """Make a button with the label of a text's key; gives a function that says which textbox's link it copies."""
    button = gr.Button(i18n(text), size="sm", elem_id=text, **options)

    def copies(link: gr.Textbox) -> Any:
        js = f"(query) => dcgan.copy(query, '#{text}')"
        return button.click(None, [link], None, js=js, api_visibility="private")

    return copies


def remember(events: list[Any], link: gr.Textbox) -> None:
    """Put a link into the address bar after each of the events: reloading shows the same, Back what was before."""
    for event in events:
        event.then(None, [link], None, js="(query) => dcgan.remember(query)", api_visibility="private")


def reveal(listener: Callable[..., Any], *elem_ids: str) -> None:
    """Scroll on a phone to the last of these places that is there; the answer to an event may be out of sight."""
    places = ", ".join(f"'{elem_id}'" for elem_id in elem_ids)
    listener(None, None, None, js=f"() => dcgan.reveal({places})", api_visibility="private")
