"""Favourite faces, which the visitor's own browser keeps: nothing of them is left on the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from dcgan.errors import InputError
from dcgan.expressions import AnyFace, shortened
from dcgan.files import write_json
from dcgan.gallery import KEYFRAMES, PictureSpec, Renderer, from_metadata, of_one_face, to_metadata, to_query
from dcgan.limits import MAX_FAVOURITES, MAX_FAVOURITES_BYTES
from dcgan.ui.captions import alt_of
from dcgan.ui.events import LAST_COUNTS, Listener, message, on
from dcgan.ui.face_strip import face_strip, face_strip_entry
from dcgan.ui.inputs import RefusedError, too_few_keyframes
from dcgan.ui.links import spec_of
from dcgan.ui.texts import i18n, label, say

STORAGE_KEY, SECRET = "dcgan-favourites", "nothing secret: only readable again after a restart"
EXPORT_NAME = "favourite-faces.json"
GREY = np.full((1, 1, 3), 160, np.uint8)  # in place of a face that can't be drawn here


class Favourites:
    """The strip of favourites. Each is the link of one face."""

    def __init__(self, renderer: Renderer):
        self.renderer = renderer
        self.kept = gr.BrowserState([], storage_key=STORAGE_KEY, secret=SECRET)
        with gr.Accordion(i18n("favourites"), open=False, elem_id="favourites"):
            gr.Markdown(i18n("favourites-info"), elem_classes="hint")
            self.face_strip = face_strip("favourite-faces")
            with gr.Row():
                self.walk = gr.Button(i18n("walk-favourites"), size="sm", min_width=110, elem_id="walk-favourites")
                self.export = gr.DownloadButton(
                    label("export-favourites"), size="sm", min_width=110, elem_id="export-favourites"
                )
            self.message = message("favourites-message")
        quietly = {"show_progress": "hidden"} | LAST_COUNTS
        js = "(strip) => [strip.map((entry) => entry.query)]"
        self.face_strip.input(None, [self.face_strip], [self.kept], js=js, api_visibility="private")
        on([self.kept.change], self._prepare_export, [self.kept], [self.export], self.message, **quietly)

    def show(self, listener: Listener) -> None:
        """Draw what the browser has kept."""
        drawn = gr.JSON(visible=False)
        outputs = [drawn, self.export]
        [event] = on([listener], self._show, [self.kept], outputs, self.message, show_progress="hidden")
        self._take(event, drawn)

    def accept(self, listener: Listener, face_link: gr.Textbox, message: gr.HTML) -> None:
        """Keep a face."""
        drawn = gr.JSON(visible=False)
        [event] = on([listener], self._keep, [face_link, self.kept], [drawn], message, show_progress="hidden")
        self._take(event, drawn)

    def _take(self, event: Any, drawn: gr.JSON) -> None:
        """Take what was drawn into the strip; the visitor may have moved and removed others meanwhile."""
        outputs, js = [drawn, self.kept, self.face_strip], "(...now) => dcgan.takeFavourites(...now)"
        event.then(None, outputs, outputs, js=js, api_visibility="private")

    def walk_through(self, settings: Callable[[PictureSpec], list[Any]], outputs: list[Any]) -> list[Any]:
        """Set the controls to a walk through the favourites; `settings(spec)` is what the outputs then are."""

        def ask(language: str, kept: object) -> list[Any]:
            return settings(walkable(kept))

        return on([self.walk.click], ask, [self.kept], outputs, self.message, show_progress="hidden")

    def _keep(self, language: str, face: str, kept: object) -> list[Any]:
        spec = spec_of(face)
        links, seed = links_in(kept), shortened(str(spec.shown[0]))
        link = to_query(of_one_face(spec, spec.shown[0]))
        if link in links:
            gr.Info(say(language, "kept-before", seed=seed), duration=4)
            return [gr.skip()]
        if len(links) >= MAX_FAVOURITES:
            raise RefusedError("favourites-full", most=MAX_FAVOURITES)
        gr.Info(say(language, "kept", seed=seed), duration=4)
        return [{"entries": self.face_strip_of(language, [link]), "areNew": True}]

    def _show(self, language: str, kept: object) -> list[Any]:
        links = links_in(kept)
        return [{"entries": self.face_strip_of(language, links)}, *self._prepare_export(language, links)]

    def _prepare_export(self, language: str, kept: object) -> list[Any]:
        links = links_in(kept)
        if not links:
            return [gr.DownloadButton(value=None, interactive=False)]
        path = self.renderer.fresh_file(EXPORT_NAME)
        write_json(path, [json.loads(to_metadata(spec_of(link))) for link in links])
        return [gr.DownloadButton(value=str(path), interactive=True)]

    def face_strip_of(self, language: str, links: list[str]) -> list[dict[str, Any]]:
        """Draw the faces; one of a model that isn't on this page is a grey square."""
        specs = [spec_of(link) for link in links]
        return [
            face_strip_entry(picture, spec.shown[0], alt_of(language, spec.shown[0]), link)
            for link, spec, picture in zip(links, specs, self._pictures(specs), strict=True)
        ]

    def _pictures(self, specs: list[PictureSpec]) -> list[np.ndarray]:
        """Draw their first faces in one loan of a GPU; seeds of one checkpoint and truncation are drawn together."""
        groups: dict[tuple[str, float, AnyFace], list[AnyFace]] = {}
        for spec in specs:
            face = spec.shown[0]  # an expression that can't be drawn must not cost others their pictures
            alone = face if isinstance(face, str) else ""
            groups.setdefault((spec.checkpoint, spec.psi, alone), []).append(face)
        answers = self.renderer.pixels_of_groups(
            [(checkpoint, faces, psi) for (checkpoint, psi, _), faces in groups.items()]
        )
        drawn: dict[tuple[str, float, AnyFace], np.ndarray] = {}
        for ((checkpoint, psi, _), faces), pictures in zip(groups.items(), answers, strict=True):
            if not isinstance(pictures, InputError):
                drawn |= {(checkpoint, psi, face): one for face, one in zip(faces, pictures, strict=True)}
        return [drawn.get((spec.checkpoint, spec.psi, spec.shown[0]), GREY) for spec in specs]


def links_in(kept: object) -> list[str]:
    """Read the favourites that a browser sent, as links of faces; whatever else it may send is left out."""
    texts = [text for text in kept if isinstance(text, str)] if isinstance(kept, list) else []
    return [to_query(spec) for spec in map(spec_of, texts) if spec.kind == "faces"][:MAX_FAVOURITES]


def read_export(path: Path) -> list[str]:
    """Read the favourites in an exported file, as links.

    Raises:
        RefusedError: it holds none.
    """
    try:
        if path.stat().st_size > MAX_FAVOURITES_BYTES:
            raise ValueError
        exported = json.loads(path.read_text(encoding="utf-8"))
        links = links_in([to_query(from_metadata(json.dumps(one))) for one in exported])
    except (ValueError, TypeError, RecursionError, InputError):
        links = []
    if not links:
        raise RefusedError("bad-favourites")
    return links


def walkable(kept: object) -> PictureSpec:
    """Make a walk through the favourites that are drawn like the first, as far as it may have so many keyframes.

    Raises:
        RefusedError: fewer than two.
    """
    faces = [spec_of(link) for link in links_in(kept)]
    faces = [face for face in faces if (face.checkpoint, face.psi) == (faces[0].checkpoint, faces[0].psi)]
    seeds = tuple(dict.fromkeys(face.shown[0] for face in faces))[: KEYFRAMES.max_count]
    if len(seeds) < KEYFRAMES.min_count:
        raise too_few_keyframes(len(seeds))
    return PictureSpec("walk", checkpoint=faces[0].checkpoint, seeds=seeds, psi=faces[0].psi)
