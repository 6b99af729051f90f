"""The Studio tab: the face nearest to a picture, sums of faces, a table of mixed ones, a judgement and a game."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from dcgan.expressions import AnyFace
from dcgan.gallery import NAME, SEPARATORS, Found, PictureSpec, Renderer, Studio, to_query
from dcgan.ui.captions import alt_of
from dcgan.ui.events import Listener, message, on, on_steps
from dcgan.ui.frames import figure, figures_in_a_row, picture_url
from dcgan.ui.inputs import RefusedError, one_face
from dcgan.ui.judging import Judging
from dcgan.ui.links import spec_of
from dcgan.ui.real_or_made import RealOrMade
from dcgan.ui.requests import added_up_face
from dcgan.ui.texts import i18n, label, say

MAX_TABLE_FACES = 5
QUIETLY: dict[str, Any] = {"show_progress": "hidden"}
TERMS = {"a": "7", "b": "42", "c": "99"}  # of a sum, and what stands there at first


@dataclass
class Search:
    """A visitor's search for a face, which he may stop; its next step is the last one then."""

    is_stopped: bool = False


class StudioTab:
    """Tools side by side. What a tool made is a link, by which its face is shown large."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio, face_link: gr.Textbox):
        self.renderer, self.checkpoint, self.face_link = renderer, checkpoint, face_link
        self.found, self.sum = gr.Textbox(visible=False), gr.Textbox(visible=False)  # links; "" while there is none
        with gr.Row():
            with gr.Column(min_width=300):
                self._lay_out_find()
            with gr.Column(min_width=300):
                self._lay_out_sum()
            with gr.Column(min_width=300):
                self._lay_out_table()
        with gr.Row():
            self.judging = Judging(renderer, face_link)
            self.real_or_made = RealOrMade(renderer, checkpoint)
        self._connect()

    def open(self, listener: Listener) -> None:
        """Offer what the checkpoint has something for, when something happens and when another one is chosen."""
        game, judging = self.real_or_made, self.judging
        outputs = [judging.column, judging.told, game.column, game.game, game.credit, game.play]
        on([listener, self.checkpoint.input], self._offer, [self.checkpoint], outputs, game.message, **QUIETLY)

    def _offer(self, _: str, checkpoint: str) -> list[Any]:
        return [*self.judging.offered(checkpoint), *self.real_or_made.offered(checkpoint)]

    @property
    def takers(self) -> list[tuple[Listener, gr.Textbox, gr.HTML]]:
        """Give each button that shows a face large, the link of that face, and where a refusal is said."""
        return [
            (self.take_found.click, self.found, self.find_message),
            (self.take_sum.click, self.sum, self.sum_message),
        ]

    def _lay_out_find(self) -> None:
        gr.Markdown(i18n("find-title"))
        # No gr.Image, which would refuse what is no picture in words of its own, and keep the file
        self.picture = gr.File(type="filepath", label=label("find-picture"), height=150, elem_id="find-picture")
        self.pair = gr.HTML(elem_id="find-pair")
        self.find_message = message("find-message")
        with gr.Row():
            self.stop = gr.Button(i18n("find-stop"), size="sm", min_width=90, visible=False, elem_id="find-stop")
            self.take_found = gr.Button(
                i18n("take-face"), size="sm", min_width=140, visible=False, elem_id="take-found"
            )

    def _lay_out_sum(self) -> None:
        gr.Markdown(i18n("arithmetic-title"))
        self.terms: dict[str, gr.Textbox] = {}
        self.at_hand: dict[str, gr.Button] = {}
        for name, at_first in TERMS.items():
            with gr.Row(elem_classes="term"):
                self.terms[name] = gr.Textbox(
                    at_first, label=label(f"arithmetic-{name}"), max_lines=1, min_width=120, elem_id=f"term-{name}"
                )
                self.at_hand[name] = gr.Button(
                    i18n("face-at-hand"), size="sm", min_width=120, elem_id=f"at-hand-{name}"
                )
        self.add_up = gr.Button(i18n("add-up"), variant="primary", elem_id="add-up")
        self.sum_message = message("sum-message")
        self.sum_faces = gr.HTML(elem_id="sum-faces")
        self.take_sum = gr.Button(i18n("take-face"), size="sm", visible=False, elem_id="take-sum")

    def _lay_out_table(self) -> None:
        gr.Markdown(i18n("table-title"))
        self.table_faces = gr.Textbox("1, 2, 3, 4", label=label("table-faces"), max_lines=1, elem_id="table-faces")
        self.make_table = gr.Button(i18n("make-table"), variant="primary", elem_id="make-table")
        self.table_message = message("table-message")
        self.table = gr.HTML(elem_id="table")
        self.download = gr.DownloadButton(label("download"), size="sm", visible=False, elem_id="table-download")

    def _connect(self) -> None:
        outputs = [self.picture, self.pair, self.found, self.take_found, self.stop]
        search = gr.State(Search())  # each visitor gets a copy
        on_steps(
            self.picture.upload, self._find, [search, self.picture, self.checkpoint], outputs, self.find_message,
            concurrency_limit=1, concurrency_id="find", **QUIETLY,
        )  # fmt: skip
        on([self.stop.click], _stop, [search], [self.stop], self.find_message, **QUIETLY)
        inputs, outputs = [*self.terms.values(), self.checkpoint], [self.sum_faces, self.sum, self.take_sum]
        submits = [term.submit for term in self.terms.values()]
        on([self.add_up.click, *submits], self._add_up, inputs, outputs, self.sum_message, **QUIETLY)
        for name, button in self.at_hand.items():
            on([button.click], _face_in, [self.face_link], [self.terms[name]], self.sum_message, **QUIETLY)
        inputs, outputs = [self.table_faces, self.checkpoint], [self.table, self.download]
        listeners = [self.make_table.click, self.table_faces.submit]
        on(listeners, self._make_table, inputs, outputs, self.table_message, **QUIETLY)

    def _find(self, language: str, search: Search, picture: str | None, chosen: str | None) -> Iterator[list[Any]]:
        """Look for the face nearest to an uploaded picture, which is deleted once it was read."""
        if not picture:
            return
        checkpoint = NAME.clean(chosen)
        search.is_stopped = False
        try:
            for yours, found in self.renderer.find(checkpoint, Path(picture)):
                _delete(picture)
                spec = self.renderer.signed(PictureSpec(checkpoint=checkpoint, face=str(found.face)))
                is_over = found.done == 1 or search.is_stopped
                yield [
                    None,
                    pair_of(language, yours, found, is_over),
                    to_query(spec),
                    gr.Button(visible=True),
                    gr.Button(visible=not is_over),
                ]
                if is_over:
                    return
        finally:
            _delete(picture)

    def _add_up(self, language: str, a: object, b: object, c: object, chosen: str | None) -> list[Any]:
        checkpoint = NAME.clean(chosen)
        spec = added_up_face(self.renderer, a=a, minus=b, plus=c, checkpoint=checkpoint)
        shown: list[AnyFace] = [*map(one_face, (a, b, c)), spec.shown[0]]
        pictures = self.renderer.pixels(checkpoint, shown, spec.psi)
        names = [say(language, key) for key in ("arithmetic-a", "arithmetic-b", "arithmetic-c", "sum")]
        figures = [
            figure(name, picture, alt_of(language, face))
            for name, picture, face in zip(names, pictures, shown, strict=True)
        ]
        return [figures_in_a_row(figures), to_query(self.renderer.signed(spec)), gr.Button(visible=True)]

    def _make_table(self, language: str, text: object, chosen: str | None) -> list[Any]:
        checkpoint = NAME.clean(chosen)
        faces = tuple(one_face(word) for word in SEPARATORS.split(str(text)) if word)
        if not 1 <= len(faces) <= MAX_TABLE_FACES:
            raise RefusedError("too-many-faces", most=MAX_TABLE_FACES, count=len(faces))
        rows = Studio(self.renderer.catalog, checkpoint).table(faces)
        spec = PictureSpec(checkpoint=checkpoint, seeds=faces)
        table, path = self.renderer.mixing_table(spec, rows)
        alt = say(language, "table-alt", faces=", ".join(map(str, faces)))
        return [
            f'<img src="{picture_url(table)}" alt="{html.escape(alt)}">',
            gr.DownloadButton(value=str(path), visible=True),
        ]


def pair_of(language: str, yours: np.ndarray, found: Found, is_over: bool) -> str:
    """Show a picture beside the nearest face so far, with how far apart they are."""
    figures = [
        figure(say(language, "find-yours"), yours, say(language, "find-yours")),
        figure(say(language, "find-nearest"), found.pixels, alt_of(language, found.face)),
    ]
    words = html.escape(say(language, "find-distance", distance=found.distance))
    if not is_over:
        words += f' <span class="working">{html.escape(say(language, "find-working", done=found.done))}</span>'
    return f"{figures_in_a_row(figures)}<p>{words}</p>"


def _stop(_: str, search: Search) -> list[Any]:
    search.is_stopped = True
    return [gr.Button(visible=False)]


def _face_in(_: str, link: str) -> list[Any]:
    """Give the face that is shown large in the first tab, as a text."""
    return [str(spec_of(link).shown[0])]


def _delete(upload: str) -> None:
    """Delete an uploaded picture, and its folder, of which Gradio makes one for each."""
    path = Path(upload)
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()
