"""A picture of the page, taken along: as a smooth file, to the clipboard, or to the phone's own sheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from dcgan.gallery import Renderer
from dcgan.ui.events import on
from dcgan.ui.links import spec_of
from dcgan.ui.texts import i18n


def copy_picture_button(**options: Any) -> Callable[[gr.DownloadButton], Any]:
    """Make a button, hidden where a browser can't copy pictures; gives what says whose PNG it copies."""
    button = gr.Button(i18n("copy-picture"), size="sm", elem_id="copy-picture", **options)

    def copies(file: gr.DownloadButton) -> Any:
        js = "(file) => dcgan.copyPicture(file, '#copy-picture')"
        return button.click(None, [file], None, js=js, api_visibility="private")

    return copies


def share_button(elem_id: str, **options: Any) -> Callable[[gr.DownloadButton, gr.Textbox], Any]:
    """Make a button, hidden where a browser has no sheet to share by; gives what says which file and link it shares."""
    button = gr.Button(i18n("share"), size="sm", elem_id=elem_id, elem_classes="shares", **options)

    def shares(file: gr.DownloadButton, link: gr.Textbox) -> Any:
        js = "(file, query) => dcgan.share(file, query)"
        return button.click(None, [file, link], None, js=js, api_visibility="private")

    return shares


def smooth_button(renderer: Renderer, **options: Any) -> Callable[[gr.Textbox, gr.HTML], None]:
    """Make a button that saves a face large, with colours that flow into each other.

    Gives what says which textbox has the face's link, and where it is said that it can't be drawn.
    """
    button = gr.Button(i18n("smooth"), size="sm", elem_id="save-smooth", **options)
    file = gr.File(visible=False)

    def draw(language: str, link: str) -> list[str]:
        *_, largest = renderer.stills(replace(spec_of(link), scaling="smooth")).values()
        return [str(largest)]

    def saves(link: gr.Textbox, message: gr.HTML) -> None:
        [drawn] = on([button.click], draw, [link], [file], message, show_progress="hidden")
        drawn.then(None, [file], [file], js="(file) => dcgan.save(file)", api_visibility="private")

    return saves
