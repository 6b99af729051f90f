"""Favourite faces, which the visitor's own browser keeps: nothing of them is left on the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from dcgan.errors import InputError
from dcgan.files import write_json
from dcgan.gallery import KEYFRAMES, Recipe, Studio, from_note, of_one_face, to_note, to_query
from dcgan.ui.events import LAST_COUNTS, Listener, message, on
from dcgan.ui.face_strip import face_strip, strip_face
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import recipe_of
from dcgan.ui.texts import i18n, say

MOST = 48
STORAGE_KEY, SECRET = "dcgan-favourites", "nothing secret: only readable again after a restart"
EXPORT_NAME = "favourite-faces.json"
LARGEST_EXPORT = 200_000  # bytes; 48 recipes take a tenth
GREY = np.full((1, 1, 3), 160, np.uint8)  # in place of a face that can't be drawn here


class Favourites:
    """The strip of favourites. Each is the link of one face."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.kept = gr.BrowserState([], storage_key=STORAGE_KEY, secret=SECRET)
        with gr.Accordion(i18n("favourites"), open=False, elem_id="favourites"):
            gr.Markdown(i18n("favourites-info"), elem_classes="hint")
            self.strip = face_strip("favourite-faces")
            with gr.Row():
                self.walk = gr.Button(i18n("walk-favourites"), size="sm", min_width=110, elem_id="walk-favourites")
                self.export = gr.DownloadButton(
                    i18n("export-favourites"), size="sm", min_width=110, elem_id="export-favourites"
                )
            self.message = message("favourites-message")
        quietly = {"show_progress": "hidden"} | LAST_COUNTS
        on([self.strip.input], self._take_over, [self.strip], [self.kept], self.message, **quietly)
        on([self.kept.change], self._prepare_export, [self.kept], [self.export], self.message, **quietly)

    def show(self, listener: Listener) -> None:
        """Draw what the browser has kept."""
        outputs = [self.strip, self.export]
        on([listener], self._show, [self.kept], outputs, self.message, show_progress="hidden")

    def accept(self, listener: Listener, face_link: gr.Textbox, message: gr.HTML) -> None:
        """Keep a face."""
        inputs, outputs = [face_link, self.kept], [self.kept, self.strip]
        on([listener], self._keep, inputs, outputs, message, show_progress="hidden")

    def walk_through(self, settings: Callable[[Recipe], list[Any]], outputs: list[Any]) -> list[Any]:
        """Set the controls to a walk through the favourites; `settings(recipe)` is what the outputs then are."""

        def ask(language: str, kept: object) -> list[Any]:
            return settings(walkable(kept))

        return on([self.walk.click], ask, [self.kept], outputs, self.message, show_progress="hidden")

    def _keep(self, language: str, face: str, kept: object) -> list[Any]:
        recipe = recipe_of(face)
        links, seed = links_in(kept), recipe.shown[0]
        link = to_query(of_one_face(recipe, seed))
        if link in links:
            gr.Info(say(language, "kept-before", seed=seed), duration=4, title="")
            return [gr.skip(), gr.skip()]
        if len(links) >= MOST:
            raise RefusedError("favourites-full", most=MOST)
        links = [link, *links]
        gr.Info(say(language, "kept", seed=seed), duration=4, title="")
        return [links, self.strip_of(language, links)]

    def _take_over(self, language: str, strip: object) -> list[Any]:
        faces = strip if isinstance(strip, list) else []
        return [links_in([face.get("query") for face in faces if isinstance(face, dict)])]

    def _show(self, language: str, kept: object) -> list[Any]:
        links = links_in(kept)
        return [self.strip_of(language, links), *self._prepare_export(language, links)]

    def _prepare_export(self, language: str, kept: object) -> list[Any]:
        links = links_in(kept)
        if not links:
            return [gr.DownloadButton(value=None, interactive=False)]
        path = self.studio.fresh_file(EXPORT_NAME)
        write_json(path, [json.loads(to_note(recipe_of(link))) for link in links])
        return [gr.DownloadButton(value=str(path), interactive=True)]

    def strip_of(self, language: str, links: list[str]) -> list[dict[str, Any]]:
        """The faces; one of a model that isn't on this page is a grey square."""
        recipes = [recipe_of(link) for link in links]
        return [
            strip_face(picture, recipe.seed, say(language, "face-alt", seed=recipe.seed), link)
            for link, recipe, picture in zip(links, recipes, self._pictures(recipes), strict=True)
        ]

    def _pictures(self, recipes: list[Recipe]) -> list[np.ndarray]:
        """Their first faces; all of one checkpoint and truncation in one call, as a GPU is lent for each."""
        groups: dict[tuple[str, float], list[int]] = {}
        for recipe in recipes:
            groups.setdefault((recipe.checkpoint, recipe.psi), []).append(recipe.seed)
        drawn = {}
        for (checkpoint, psi), seeds in groups.items():
            with suppress(InputError):
                pictures = self.studio.pixels(checkpoint, seeds, psi)
                drawn |= {(checkpoint, psi, seed): one for seed, one in zip(seeds, pictures, strict=True)}
        return [drawn.get((recipe.checkpoint, recipe.psi, recipe.seed), GREY) for recipe in recipes]


def links_in(kept: object) -> list[str]:
    """The favourites that a browser sent, as links of faces; whatever else it may send is left out."""
    texts = [text for text in kept if isinstance(text, str)] if isinstance(kept, list) else []
    return [to_query(recipe) for recipe in map(recipe_of, texts) if recipe.kind == "faces"][:MOST]


def read_export(path: Path) -> list[str]:
    """The favourites in an exported file, as links.

    Raises:
        RefusedError: it holds none.
    """
    try:
        if path.stat().st_size > LARGEST_EXPORT:
            raise ValueError
        notes = json.loads(path.read_text(encoding="utf-8"))
        links = links_in([to_query(from_note(json.dumps(note))) for note in notes])
    except (ValueError, TypeError, RecursionError, InputError):
        links = []
    if not links:
        raise RefusedError("bad-favourites")
    return links


def walkable(kept: object) -> Recipe:
    """A walk through the favourites that are drawn like the first, as far as it may have so many keyframes.

    Raises:
        RefusedError: fewer than two.
    """
    faces = [recipe_of(link) for link in links_in(kept)]
    faces = [face for face in faces if (face.checkpoint, face.psi) == (faces[0].checkpoint, faces[0].psi)]
    seeds = tuple(dict.fromkeys(face.seed for face in faces))[: KEYFRAMES.most]
    if len(seeds) < KEYFRAMES.fewest:
        raise RefusedError("too-few-keyframes", fewest=KEYFRAMES.fewest, most=KEYFRAMES.most, count=len(seeds))
    return Recipe("walk", checkpoint=faces[0].checkpoint, seeds=seeds, psi=faces[0].psi)
