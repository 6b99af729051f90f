"""How a visitor arrives with something: a link in the address bar, or a file that this page made."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from dcgan.errors import InputError
from dcgan.gallery import HubLibrary, Library, Recipe, Shelf, from_file, from_query, to_query
from dcgan.ui.events import explain, said
from dcgan.ui.favourites import Favourites, links_in, read_export
from dcgan.ui.generate import GenerateTab
from dcgan.ui.inputs import RefusedError
from dcgan.ui.texts import language_of, say
from dcgan.ui.walk import WalkTab


class Arrivals:
    """Sets all controls to what a recipe asks for, and has it drawn."""

    def __init__(
        self,
        library: Library | HubLibrary | Shelf,
        checkpoint: gr.Dropdown,
        tabs: gr.Tabs,
        generate: GenerateTab,
        walk: WalkTab,
        favourites: Favourites,
        notice: gr.HTML,
    ):
        self.library, self.tabs, self.walk, self.favourites = library, tabs, walk, favourites
        self.wish = gr.Textbox(visible=False)  # a link: what is to be drawn next
        self.controls = [
            checkpoint, tabs, generate.seed, generate.count, generate.psi, walk.strip, *walk.settings, self.wish,
        ]  # fmt: skip
        self.notice = notice

    def arrive(self, request: gr.Request) -> list[Any]:
        """What a page shows when it is opened: what there is to choose, what the link asks for, and what is amiss."""
        self.library.refresh()
        language = language_of(request)
        recipe = from_query(dict(request.query_params))
        name, amiss = checkpoint_for(self.library, recipe)
        if amiss and amiss.key == "another-model":
            amiss = RefusedError("another-model-link", **amiss.values)
        try:
            settings = self._settings(recipe, name)
        except InputError as error:  # a snapshot that is gone, while the link is still about
            amiss, settings = error, self._settings(recipe, self.library.default)
        notices = [self.library.notice, *([explain(amiss, language)] if amiss else [])]
        return [*settings, said(" ".join(filter(None, notices)))]

    def open_file(self, request: gr.Request, file: str | None, kept: object) -> list[Any]:
        """What a dropped file asks for; an export of favourites joins those that are kept."""
        language = language_of(request)
        unchanged = [gr.skip() for _ in self.controls]
        if not file:
            return [*unchanged, gr.skip(), gr.skip(), said("")]
        try:
            if Path(file).suffix.lower() == ".json":
                links = list(dict.fromkeys([*links_in(kept), *read_export(Path(file))]))
                gr.Info(say(language, "imported", count=len(links_in(links))), duration=4, title="")
                return [*unchanged, links_in(links), self.favourites.strip_of(language, links_in(links)), said("")]
            recipe = from_file(Path(file))
            name, amiss = checkpoint_for(self.library, recipe)
            if amiss and amiss.key == "another-model":
                raise amiss
            settings = self._settings(recipe, name)
        except InputError as error:
            return [*unchanged, gr.skip(), gr.skip(), said(explain(error, language))]
        notice = said(explain(amiss, language) if amiss else "")
        return [*settings, gr.skip(), gr.skip(), notice]

    def walk_wish(self, recipe: Recipe) -> list[Any]:
        """The controls of a walk by a checkpoint of this page.

        Raises:
            RefusedError: it is by another model.
        """
        name, amiss = checkpoint_for(self.library, recipe)
        if amiss and amiss.key == "another-model":
            raise amiss
        return self._settings(recipe, name)

    def _settings(self, recipe: Recipe, name: str) -> list[Any]:
        recipe = _from(recipe, name)
        is_walk = recipe.kind == "walk"
        return [
            gr.Dropdown(self.library.names, value=name, visible=len(self.library.names) > 1),
            gr.Tabs(selected="walk" if is_walk else "generate"),
            *(gr.skip() if is_walk else value for value in (recipe.seed, recipe.count, recipe.psi)),
            *self.walk.prepare(recipe, name),
            to_query(recipe),
        ]


def checkpoint_for(library: Library | HubLibrary | Shelf, recipe: Recipe) -> tuple[str, RefusedError | None]:
    """Which of the library's checkpoints draws a recipe, and what is to be said of that: nothing where it is the same.

    A link never makes the page fetch a model that it wasn't started with.
    """
    named = recipe.checkpoint if recipe.checkpoint in library.names else library.default
    for name in (named, *library.names) if recipe.commit else ():
        with suppress(InputError):  # a snapshot that is gone
            if library.commit(name) == recipe.commit:
                return name, None
    theirs, ours = recipe.checkpoint or recipe.model, library.of(named).model
    if (recipe.model and recipe.model != ours) or (recipe.checkpoint and recipe.checkpoint != named):
        return named, RefusedError("another-model", theirs=theirs, ours=ours)
    return named, RefusedError("another-version", theirs=theirs) if recipe.commit else None


def _from(recipe: Recipe, name: str) -> Recipe:
    """The recipe drawn by the checkpoint `name`."""
    return Recipe(**recipe.settings | {"checkpoint": name, "commit": "", "model": ""})
