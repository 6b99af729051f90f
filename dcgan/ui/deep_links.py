"""How a visitor arrives with something: a link in the address bar, or a file that this page made."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr

from dcgan.errors import InputError
from dcgan.expressions import canonical
from dcgan.gallery import Catalog, PictureSpec, from_file, from_query, refuse_long_query, to_query
from dcgan.ui.events import explain, said
from dcgan.ui.favourites import Favourites, links_in, read_export
from dcgan.ui.generate import GenerateTab
from dcgan.ui.inputs import RefusedError
from dcgan.ui.links import SHOWN
from dcgan.ui.style_picker import picked
from dcgan.ui.texts import language_of, say
from dcgan.ui.walk import WalkTab

OF_FACES = ("seed", "count")


class DeepLinks:
    """Sets all controls to what a spec asks for, and has it drawn."""

    def __init__(
        self,
        catalog: Catalog,
        checkpoint: gr.Radio,
        tabs: gr.Tabs,
        generate: GenerateTab,
        walk: WalkTab,
        favourites: Favourites,
        notice: gr.HTML,
    ):
        self.catalog, self.tabs, self.walk, self.favourites, self.notice = catalog, tabs, walk, favourites, notice
        self.pending_link = gr.Textbox(visible=False)  # what is to be drawn next
        self.went_back = gr.Button(visible="hidden", elem_id="went-back")  # pressed by page.js
        self.went_to = gr.Textbox(visible=False)  # what is to be drawn then; of several Backs in a hurry, the last
        self.controls = {
            "checkpoint": checkpoint,
            "tabs": tabs,
            **{name: generate.settings[name] for name in OF_FACES},
            "face_strip": walk.face_strip,
            **{f"walk_{name}": control for name, control in walk.settings.items()},
            "pending_link": self.pending_link,
        }

    def open_link(self, request: gr.Request) -> list[Any]:
        """Open the page: give the checkpoints to choose from, what the link asks for, and a notice of what is wrong."""
        return self._opened(language_of(request), dict(request.query_params))

    def go_back(self, request: gr.Request, query: str) -> list[Any]:
        """Do as `open_link` for what was shown before; the walk stays as it is, unless that was a walk."""
        opened = dict(parse_qsl(query))
        face = opened.pop(SHOWN, "")
        answers = self._opened(language_of(request), opened)
        if face:  # pending_link is the last of the controls, before the notice
            answers[-2] = f"{answers[-2]}&{urlencode({SHOWN: face})}"
        if from_query(opened).kind == "walk":
            return answers
        is_walks = [name == "face_strip" or name.startswith("walk_") for name in self.controls]
        return [gr.skip() if skipped else answer for skipped, answer in zip([*is_walks, False], answers, strict=True)]

    def _opened(self, language: str, query: dict[str, Any]) -> list[Any]:
        self.catalog.refresh()
        spec, amiss = read_link(query)
        name, refusal = checkpoint_for(self.catalog, spec)
        if refusal and refusal.key == "another-model":
            refusal = RefusedError("another-model-link", **refusal.values)
        amiss = amiss or refusal
        try:
            settings = self._settings(spec, name)
        except InputError as error:  # a snapshot that is gone, though somebody still has its link, or a face of none
            amiss, settings = error, self._settings_but_faces(spec, self.catalog.default)
        notices = [self.catalog.notice, *([explain(amiss, language)] if amiss else [])]
        return [*settings, said(" ".join(filter(None, notices)))]

    def open_file(self, request: gr.Request, file: str | None, kept: object) -> list[Any]:
        """Give what a dropped file asks for, then the kept favourites, their face strip and the notice.

        An export of favourites joins those that are kept, and leaves all else as it is.
        """
        language = language_of(request)
        unchanged = self._in_order({})
        if not file:
            return [*unchanged, gr.skip(), gr.skip(), said("")]
        try:
            if Path(file).suffix.lower() == ".json":
                return [*unchanged, *self._imported(language, Path(file), kept), said("")]
            settings, amiss = self._settings_of_file(Path(file))
        except InputError as error:
            return [*unchanged, gr.skip(), gr.skip(), said(explain(error, language))]
        notice = said(explain(amiss, language) if amiss else "")
        return [*settings, gr.skip(), gr.skip(), notice]

    def walk_settings(self, spec: PictureSpec) -> list[Any]:
        """Set the controls to a walk by a checkpoint of this page.

        Raises:
            RefusedError: it is by another model.
        """
        return self._settings_here(spec)[0]

    def _imported(self, language: str, file: Path, kept: object) -> list[Any]:
        links = links_in(list(dict.fromkeys([*links_in(kept), *read_export(file)])))
        gr.Info(say(language, "imported", count=len(links)), duration=4)
        return [links, self.favourites.face_strip_of(language, links)]

    def _settings_of_file(self, file: Path) -> tuple[list[Any], RefusedError | None]:
        return self._settings_here(from_file(file))

    def _settings_here(self, spec: PictureSpec) -> tuple[list[Any], RefusedError | None]:
        """Set the controls to what a model of this page draws, and give what is to be said of that."""
        name, amiss = checkpoint_for(self.catalog, spec)
        if amiss and amiss.key == "another-model":
            raise amiss
        return self._settings(spec, name), amiss

    def _settings_but_faces(self, spec: PictureSpec, name: str) -> list[Any]:
        """Set the controls as far as a checkpoint can draw what is asked for; where it can't, to its first faces."""
        try:
            return self._settings(spec, name)
        except InputError:
            return self._settings(PictureSpec(spec.kind), name)

    def _settings(self, spec: PictureSpec, name: str) -> list[Any]:
        spec = replace(spec, checkpoint=name, commit="", model="")
        is_walk = spec.kind == "walk"
        face_strip, walk_settings = self.walk.prepare(spec, name)
        values = {
            "checkpoint": gr.Radio(**picked(self.catalog, name)),
            "tabs": gr.Tabs(selected="walk" if is_walk else "generate"),
            **{name: getattr(spec, name) for name in _names_of_controls(spec)},
            "face_strip": face_strip,
            **{f"walk_{name}": value for name, value in walk_settings.items()},
            "pending_link": to_query(spec, most=None),
        }
        return self._in_order(values)

    def _in_order(self, values: dict[str, Any]) -> list[Any]:
        """Put values by name in the order of the controls, as Gradio wants them; those without one stay as they are."""
        return [values[name] if name in values else gr.skip() for name in self.controls]


def read_link(query: dict[str, Any]) -> tuple[PictureSpec, InputError | None]:
    """Read a parsed query string, and find what is to be said of it: that it is too long, or that its face is none."""
    try:
        refuse_long_query(query)
    except InputError as error:
        return PictureSpec(), error
    spec = from_query(query)
    try:
        if spec.kind == "faces" and query.get("face"):
            canonical(str(query["face"]).strip().replace(" ", "+"))
    except InputError as error:
        return spec, error
    return spec, None


def _names_of_controls(spec: PictureSpec) -> tuple[str, ...]:
    """Name the controls that a spec sets; those of seeds stay as they are where it has none."""
    if spec.kind == "walk":
        return ()
    return () if spec.face else OF_FACES


def checkpoint_for(catalog: Catalog, spec: PictureSpec) -> tuple[str, RefusedError | None]:
    """Find which checkpoint draws a spec, and what the visitor has to know of that: nothing where it is the same one.

    A link never makes the page fetch a model that it wasn't started with.
    """
    named = spec.checkpoint if spec.checkpoint in catalog.names else catalog.default
    for name in (named, *catalog.names) if spec.commit else ():
        with suppress(InputError):  # a snapshot that is gone
            if catalog.commit(name) == spec.commit:
                return name, None
    theirs, ours = spec.checkpoint or spec.model, catalog.of(named).model
    if (spec.model and spec.model != ours) or (spec.checkpoint and spec.checkpoint != named):
        return named, RefusedError("another-model", theirs=theirs, ours=ours)
    return named, RefusedError("another-version", theirs=theirs) if spec.commit else None
