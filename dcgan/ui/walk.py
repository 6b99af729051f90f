"""The Walk tab: from face to face as a GIF, WebP or MP4 to keep."""

from __future__ import annotations

import html
import random
from typing import Any

import gradio as gr

from dcgan.gallery import (
    FORMAT,
    FPS,
    FRAMES,
    GRID,
    KEYFRAMES,
    LIMIT,
    MEGABYTE,
    METHOD,
    MODE,
    MOST_MEGABYTES,
    PSI,
    SEED,
    SIZE,
    Exported,
    Recipe,
    Studio,
    of_one_face,
    to_query,
)
from dcgan.latents import SEEDS
from dcgan.ui.events import LAST_COUNTS, Listener, message, on
from dcgan.ui.face_strip import face_strip, strip_face
from dcgan.ui.inputs import RefusedError, choice, keyframes, number
from dcgan.ui.links import copy_button, recipe_of, remember, reveal
from dcgan.ui.texts import i18n, say

SIZES = (96, 192, 384, 768)
NO_LIMIT = 0  # but what the page can read back


class WalkTab:
    """The strip of keyframes, the walk's settings, and what came of them."""

    def __init__(self, studio: Studio, checkpoint: gr.Dropdown):
        self.studio, self.checkpoint = studio, checkpoint
        self._lay_out_keyframes()
        with gr.Row():
            with gr.Column(scale=2, min_width=260):
                self._lay_out_settings()
            with gr.Column(scale=3, min_width=300, elem_id="walk-result"):
                self._lay_out_result()
        self.shown = gr.Textbox(visible=False)  # the walk's link
        self._connect()

    def _lay_out_keyframes(self) -> None:
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                gr.Markdown(i18n("keyframes"), elem_classes="label")
                self.strip = face_strip("keyframes")
                gr.Markdown(i18n("keyframes-info"), elem_classes="hint")
            with gr.Column(scale=1, min_width=240, elem_id="add-faces"):
                with gr.Row(elem_id="add-row"):
                    self.new_seed = gr.Number(
                        99, precision=0, label=i18n("add-seed"), min_width=130, scale=2, elem_id="new-seed"
                    )
                    self.add = gr.Button(i18n("add"), size="md", min_width=60, elem_id="add")
                self.add_random = gr.Button(i18n("add-random"), size="sm", elem_id="add-random")

    def _lay_out_settings(self) -> None:
        self.mode = gr.Radio(_named(MODE.options), value=MODE.default, label=i18n("mode"), elem_id="mode")
        self.frames = gr.Slider(
            FRAMES.low,
            FRAMES.high,
            FRAMES.default,
            step=1,
            label=i18n("frames"),
            info=i18n("frames-info"),
            elem_id="frames",
        )
        self.fps = gr.Slider(FPS.low, FPS.high, FPS.default, step=1, label=i18n("fps"), elem_id="fps")
        self.format = gr.Radio(list(FORMAT.options), value=FORMAT.default, label=i18n("format"), elem_id="format")
        self.size = gr.Radio(list(SIZES), value=SIZE.default, label=i18n("size"), elem_id="size")
        limits = [*((f"{limit} MB", limit) for limit in LIMIT.options if limit), (f"{MOST_MEGABYTES} MB", NO_LIMIT)]
        self.limit = gr.Radio(limits, value=NO_LIMIT, label=i18n("limit"), elem_id="limit")
        with gr.Accordion(i18n("more"), open=False, elem_id="walk-more"):
            self.method = gr.Radio(_named(METHOD.options), value=METHOD.default, label=i18n("method"), elem_id="method")
            self.grid = gr.Radio(
                list(GRID.options), value=GRID.default, label=i18n("grid"), info=i18n("grid-info"), elem_id="grid"
            )
            self.psi = gr.Slider(
                PSI.low, PSI.high, PSI.default, step=0.05, label=i18n("psi"), info=i18n("psi-info"), elem_id="walk-psi"
            )
        self.button = gr.Button(i18n("make-walk"), variant="primary", elem_id="make-walk", elem_classes="main-button")
        self.message = message("walk-message")

    def _lay_out_result(self) -> None:
        self.picture = gr.Image(
            type="filepath", show_label=False, interactive=False, buttons=["fullscreen"], elem_id="walk"
        )
        self.video = gr.Video(
            autoplay=True,
            loop=True,
            show_label=False,
            interactive=False,
            visible=False,
            buttons=[],
            elem_id="walk-video",
        )
        self.facts = gr.HTML(elem_id="walk-facts")
        with gr.Row():
            self.download = gr.DownloadButton(
                i18n("download"), size="sm", min_width=110, interactive=False, elem_id="walk-download"
            )
            self.copy = copy_button("copy-walk-link")
        gr.Markdown(i18n("files-remember"), elem_classes="hint")

    @property
    def settings(self) -> list[Any]:
        return [
            self.frames, self.fps, self.mode, self.method, self.grid, self.psi, self.format, self.size, self.limit,
        ]  # fmt: skip

    @property
    def result(self) -> list[Any]:
        return [self.picture, self.video, self.facts, self.download, self.shown]

    def _connect(self) -> None:
        inputs = [self.strip, self.checkpoint, *self.settings]
        options = {"show_progress_on": [self.picture, self.video], "concurrency_limit": 2, "concurrency_id": "walks"}
        remember(on([self.button.click], self._make, inputs, self.result, self.message, **options), self.shown)
        self.copy(self.shown)
        reveal(self.button.click, "walk-result")
        drawn_with = [self.strip, self.checkpoint, self.psi]
        quietly = {"show_progress": "hidden"} | LAST_COUNTS
        adds = [self.add.click, self.new_seed.submit]
        on(adds, self._add, [self.new_seed, *drawn_with], [self.strip], self.message, **quietly)
        on([self.add_random.click], self._add_random, drawn_with, [self.strip], self.message, **quietly)
        redraws = [self.checkpoint.input, self.psi.release]
        on(redraws, self._redraw, drawn_with, [self.strip], self.message, **quietly)

    def accept(self, listener: Listener, face_link: gr.Textbox, message: gr.HTML) -> None:
        """Take a face from elsewhere as the next keyframe."""
        on(
            [listener],
            self._accept,
            [face_link, self.strip, self.checkpoint, self.psi],
            [self.strip, self.psi],
            message,
            show_progress="hidden",
        )

    def prepare(self, recipe: Recipe, checkpoint: str) -> list[Any]:
        """Values of the strip and the settings that a recipe asks for; the defaults where it is no walk's."""
        recipe = recipe if recipe.kind == "walk" else Recipe("walk")
        strip = self.strip_of(recipe.seeds, checkpoint, recipe.psi)
        values = {component: getattr(recipe, component.elem_id.removeprefix("walk-")) for component in self.settings}
        values[self.size] = max(size for size in SIZES if size <= recipe.size)
        values[self.limit] = recipe.limit or NO_LIMIT
        return [strip, *values.values()]

    def fulfil(self, listeners: list[Listener], wish: gr.Textbox) -> list[Any]:
        """Make the walk that a link asks for, if it asks for one, when something else has happened."""
        return on(listeners, self._fulfil, [wish], self.result, self.message, show_progress_on=[self.picture])

    def strip_of(self, seeds: tuple[int, ...], checkpoint: str, psi: float) -> list[dict[str, Any]]:
        recipe = self.studio.signed(Recipe(checkpoint=checkpoint, psi=psi))
        pictures = self.studio.pixels(recipe.checkpoint, list(seeds), recipe.psi) if seeds else []
        return [
            strip_face(picture, seed, f"{seed}", to_query(of_one_face(recipe, seed)))
            for seed, picture in zip(seeds, pictures, strict=True)
        ]

    def _add(self, language: str, seed: object, strip: object, checkpoint: str, psi: float) -> list[Any]:
        seeds = (*seeds_in(strip), int(number("the-seed", SEED, seed)))
        if len(seeds) > KEYFRAMES.most:
            raise RefusedError("too-many-keyframes", most=KEYFRAMES.most)
        return [self.strip_of(seeds, checkpoint, psi)]

    def _add_random(self, language: str, *drawn_with: Any) -> list[Any]:
        return self._add(language, random.randrange(SEEDS), *drawn_with)

    def _accept(self, language: str, face: str, strip: object, checkpoint: str, psi: float) -> list[Any]:
        recipe = recipe_of(face)
        if recipe.checkpoint != checkpoint:
            raise RefusedError("another-checkpoint", theirs=recipe.checkpoint)
        if seeds_in(strip) in ((), KEYFRAMES.default):  # nobody chose these
            strip, psi = [], recipe.psi
        [strip] = self._add(language, recipe.seed, strip, checkpoint, psi)
        said = [say(language, "added-to-walk", seed=recipe.seed, count=len(strip))]
        said += [say(language, "one-psi", psi=psi)] if psi != recipe.psi else []
        gr.Info(" ".join(said), duration=4, title="")
        return [strip, psi]

    def _redraw(self, language: str, strip: object, checkpoint: str, psi: float) -> list[Any]:
        return [self.strip_of(seeds_in(strip)[: KEYFRAMES.most], checkpoint, psi)]

    def _make(self, language: str, strip: object, checkpoint: str, *settings: Any) -> list[Any]:
        seeds = keyframes(" ".join(map(str, seeds_in(strip))))
        return self._made(language, wished(seeds, checkpoint, *settings))

    def _fulfil(self, language: str, wish: str) -> list[Any]:
        recipe = recipe_of(wish)
        if not wish or recipe.kind != "walk":
            return [gr.skip() for _ in self.result]
        return self._made(language, recipe)

    def _made(self, language: str, recipe: Recipe) -> list[Any]:
        recipe, file = self.studio.walk(recipe)
        path, is_film = str(file.path), recipe.format == "MP4"
        alt = say(language, "walk-alt", seeds=", ".join(map(str, recipe.seeds)))
        return [
            gr.Image(None if is_film else path, visible=not is_film, alt_text=alt),
            gr.Video(path if is_film else None, visible=is_film),
            f"<p>{html.escape(facts_of(language, recipe, file))}</p>",
            gr.DownloadButton(value=path, interactive=True),
            to_query(recipe),
        ]


def wished(
    seeds: tuple[int, ...],
    checkpoint: str | None,
    frames: object,
    fps: object,
    mode: object,
    method: object,
    grid: object,
    psi: object,
    format: object,
    size: object,
    limit: object,
) -> Recipe:
    """What a visitor or a client typed, as a recipe.

    Raises:
        RefusedError: a value outside its bounds.
    """
    return Recipe(
        "walk",
        checkpoint=checkpoint or "",
        seeds=seeds,
        frames=number("the-frames", FRAMES, frames),
        fps=number("the-fps", FPS, fps),
        mode=choice("the-mode", MODE, mode),
        method=choice("the-method", METHOD, method),
        grid=choice("the-grid", GRID, grid),
        psi=number("the-psi", PSI, psi),
        format=choice("the-format", FORMAT, format),
        size=number("the-size", SIZE, size),
        limit=choice("the-limit", LIMIT, None if str(limit) == str(NO_LIMIT) else limit),
    )


def facts_of(language: str, recipe: Recipe, file: Exported) -> str:
    """What a file is, and what was given up to make it fit, in a sentence or two."""
    seconds, megabytes = f"{recipe.frames / recipe.fps:.1f}", f"{file.bytes / MEGABYTE:.1f}"
    made = say(language, "walk-made", frames=file.frames, seconds=seconds, size=file.size, megabytes=megabytes)
    given_up = [say(language, f"given-up-{name}", value=v, asked=recipe.size) for name, v in file.given_up.items()]
    return " ".join([made, *([say(language, "gave-up"), ", ".join(given_up)] if given_up else [])])


def seeds_in(strip: object) -> tuple[int, ...]:
    """The seeds of a strip's faces; whatever else a browser may send in one is left out."""
    faces = strip if isinstance(strip, list) else []
    seeds = (SEED.parse(face.get("seed")) for face in faces[: KEYFRAMES.most + 1] if isinstance(face, dict))
    return tuple(seed for seed in seeds if seed is not None)


def _named(options: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    return [(i18n(option), option) for option in options]
