"""The Generate tab: faces from seeds, and one of them large."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import gradio as gr

from dcgan.errors import NothingChoosesError
from dcgan.gallery import (
    COUNT,
    PSI,
    SEED,
    SHOWN_LARGE,
    STILL_FACTORS,
    Face,
    Number,
    Recipe,
    Studio,
    of_one_face,
    to_query,
)
from dcgan.latents import SEEDS
from dcgan.ui.events import LAST_COUNTS, Listener, message, on, on_select
from dcgan.ui.face_strip import link_in
from dcgan.ui.inputs import RefusedError, number
from dcgan.ui.links import copy_button, recipe_of, remember, reveal
from dcgan.ui.texts import i18n, say

BEST_OF = Number(1, 16, 1)


class GenerateTab:
    """Controls, the gallery, and a panel with the face that was picked from it."""

    def __init__(self, studio: Studio, checkpoint: gr.Dropdown):
        self.studio, self.checkpoint = studio, checkpoint
        with gr.Row(elem_id="generate-row"):
            with gr.Column(scale=3, min_width=220, elem_id="generate-controls"):
                self._lay_out_controls()
            with gr.Column(scale=9, min_width=300, elem_id="generate-gallery"):
                self.gallery = gr.Gallery(
                    format="png",
                    show_label=False,
                    allow_preview=False,
                    height="max-content",
                    object_fit="contain",
                    buttons=[],
                    elem_id="gallery",
                )
                self.copy = copy_button("copy-faces-link")
            with gr.Column(scale=4, min_width=260, elem_id="face-panel"):
                self._lay_out_face()
        self.shown = gr.Textbox(visible=False)  # the gallery's link
        self._connect()

    def _lay_out_controls(self) -> None:
        self.seed = gr.Number(0, precision=0, label=i18n("seed"), info=i18n("seed-info"), elem_id="seed")
        self.randomize = gr.Checkbox(
            True, label=i18n("randomize"), info=i18n("randomize-info"), container=False, elem_id="randomize"
        )
        self.count = gr.Slider(COUNT.low, COUNT.high, COUNT.default, step=1, label=i18n("count"), elem_id="count")
        self.psi = gr.Slider(
            PSI.low, PSI.high, PSI.default, step=0.05, label=i18n("psi"), info=i18n("psi-info"), elem_id="psi"
        )
        self.best_of = gr.Slider(
            BEST_OF.low, BEST_OF.high, 1, step=1, label=i18n("best-of"), info=i18n("best-of-info"), elem_id="best-of"
        )
        self.button = gr.Button(i18n("generate"), variant="primary", elem_id="generate", elem_classes="main-button")
        self.message = message("generate-message")

    def _lay_out_face(self) -> None:
        self.title = gr.HTML(elem_id="face-title")
        self.face = gr.Image(
            type="filepath", format="png", show_label=False, interactive=False, buttons=[], elem_id="face"
        )
        gr.Markdown(i18n("download-png"), elem_classes="label")
        with gr.Row(elem_id="face-downloads"):
            self.downloads = [gr.DownloadButton("PNG", size="sm", min_width=48) for _ in STILL_FACTORS]
        with gr.Row():
            self.use = gr.Button(i18n("use-as-keyframe"), size="sm", min_width=110, elem_id="use-as-keyframe")
            self.keep = gr.Button(i18n("keep"), size="sm", min_width=110, elem_id="keep")
        self.copy_face = copy_button("copy-link")
        self.face_link = gr.Textbox(visible=False)

    @property
    def panel(self) -> list[Any]:
        return [self.title, self.face, *self.downloads, self.face_link]

    def _connect(self) -> None:
        inputs = [self.seed, self.count, self.randomize, self.checkpoint, self.psi, self.best_of]
        outputs = [self.gallery, self.seed, self.shown, *self.panel]
        drawn = on([self.button.click], self._generate, inputs, outputs, self.message, **self._options)
        again = [self.seed.submit, self.checkpoint.input, self.psi.release]
        drawn += on(again, self._generate_same, inputs, outputs, self.message, **self._options | LAST_COUNTS)
        remember(drawn, self.shown)
        # Who types a seed means it
        self.seed.input(None, None, self.randomize, js="() => false", api_visibility="private")
        on_select(self.gallery.select, self._pick, [self.shown], self.panel, self.message, show_progress="hidden")
        self.copy(self.shown)
        self.copy_face(self.face_link)
        reveal(self.gallery.select, "face-panel")
        reveal(self.button.click, "tabs")

    @property
    def _options(self) -> dict[str, Any]:
        return {"show_progress_on": self.gallery, "concurrency_limit": 4, "concurrency_id": "faces"}

    def fulfil(self, listeners: list[Listener], wish: gr.Textbox) -> list[Any]:
        """Show what a link asks for, when something else has happened."""
        outputs = [self.gallery, self.shown, *self.panel]
        return on(listeners, self._show, [wish], outputs, self.message, **self._options)

    def pick(self, strip: gr.HTML, tabs: gr.Tabs) -> None:
        """Show the face that is picked from a strip large, in this tab."""

        def show(language: str, index: int, faces: object) -> list[Any]:
            return [gr.Tabs(selected="generate"), *self._large(language, recipe_of(link_in(faces, index)))]

        on_select(strip.select, show, [strip], [tabs, *self.panel], self.message, show_progress="hidden")

    def _generate(self, language: str, seed: object, count: object, randomize: bool, *others: Any) -> list[Any]:
        first = random.randrange(SEEDS) if randomize else seed
        return self._generate_same(language, first, count, False, *others)

    def _generate_same(
        self, language: str, seed: object, count: object, _: bool, checkpoint: str, psi: object, best_of: object
    ) -> list[Any]:
        recipe, chosen = wished(seed, count, checkpoint, psi, best_of)
        gallery, shown, *panel = self._drawn(language, *draw(self.studio, recipe, chosen))
        return [gallery, recipe.seed, shown, *panel]

    def _show(self, language: str, wish: str) -> list[Any]:
        if not wish:
            return [gr.skip() for _ in range(2 + len(self.panel))]
        recipe = recipe_of(wish)
        if recipe.kind == "walk":  # its keyframes are shown here, and have a link of their own
            recipe = Recipe(checkpoint=recipe.checkpoint, seeds=recipe.seeds, psi=recipe.psi)
        return self._drawn(language, *self.studio.faces(recipe))

    def _drawn(self, language: str, recipe: Recipe, faces: list[Face]) -> list[Any]:
        return [captioned(faces), to_query(recipe), *self._large(language, recipe, faces[0])]

    def _pick(self, language: str, index: int, shown: str) -> list[Any]:
        recipe = recipe_of(shown)
        return self._large(language, of_one_face(recipe, recipe.shown[min(index, len(recipe.shown) - 1)]))

    def _large(self, language: str, recipe: Recipe, face: Face | None = None) -> list[Any]:
        """What the panel shows of a recipe's first face."""
        stills = self.studio.stills(recipe)
        recipe = of_one_face(self.studio.signed(recipe), recipe.shown[0])
        title = say(language, "face-title", seed=recipe.seed)
        if face is not None and face.logit is not None:
            title += f" · {say(language, 'belief', percent=percent(face.logit))}"
        buttons = [gr.DownloadButton(str(size), value=str(path)) for size, path in stills.items()]
        return [
            f"<h3>{title}</h3>",
            gr.Image(str(list(stills.values())[SHOWN_LARGE]), alt_text=say(language, "face-alt", seed=recipe.seed)),
            *buttons,
            to_query(recipe),
        ]


def wished(seed: object, count: object, checkpoint: str | None, psi: object, best_of: object) -> tuple[Recipe, int]:
    """What a visitor or a client typed, as a recipe, and of how many times as many faces.

    Raises:
        RefusedError: a value outside its bounds.
    """
    recipe = Recipe(
        checkpoint=checkpoint or "",
        seed=number("the-seed", SEED, seed),
        count=number("the-count", COUNT, count),
        psi=number("the-psi", PSI, psi),
    )
    return recipe, int(number("the-best-of", BEST_OF, best_of))


def draw(studio: Studio, recipe: Recipe, best_of: int) -> tuple[Recipe, list[Face]]:
    """`Studio.faces`, in words for visitors where there is nothing that could choose."""
    try:
        return studio.faces(recipe, best_of)
    except NothingChoosesError:
        raise RefusedError("nothing-chooses", name=recipe.checkpoint or studio.library.default) from None


def captioned(faces: list[Face]) -> list[tuple[Path, str]]:
    """Faces for a gallery: the seed below each, and what the discriminator believes where it chose."""
    return [(f.path, str(f.seed) if f.logit is None else f"{f.seed} · {percent(f.logit)}") for f in faces]


def percent(logit: float) -> str:
    """How sure the discriminator is that a face is real."""
    return f"{100 / (1 + math.exp(min(-logit, 700))):.0f}%"  # more would overflow
