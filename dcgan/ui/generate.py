"""The Generate tab: faces from seeds, and one of them large."""

from __future__ import annotations

import html
import random
from dataclasses import replace
from typing import Any

import gradio as gr

from dcgan.gallery import COUNT, PSI, STILL_FACTORS, Face, PictureSpec, Renderer, of_one_face, to_query
from dcgan.latents import SEEDS
from dcgan.ui.captions import alt_of, title_of
from dcgan.ui.earlier import earlier
from dcgan.ui.events import LAST_COUNTS, Listener, message, on, on_select, on_told
from dcgan.ui.face_grid import face_grid, grid_of
from dcgan.ui.face_strip import link_in
from dcgan.ui.links import copy_button, face_in, remember, reveal, shown_link, spec_of
from dcgan.ui.mix import Mix, closed
from dcgan.ui.requests import BEST_OF, draw_faces, faces_request, varied_faces
from dcgan.ui.sharing import copy_picture_button, share_button, smooth_button
from dcgan.ui.steer import Steer
from dcgan.ui.texts import i18n


class GenerateTab:
    """Controls, the gallery, and a panel with the face that was picked from it."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio):
        self.renderer, self.checkpoint = renderer, checkpoint
        with gr.Row(elem_id="generate-row"):
            with gr.Column(scale=3, min_width=220, elem_id="generate-controls"):
                self._lay_out_controls()
            with gr.Column(scale=9, min_width=300, elem_id="generate-gallery"):
                self.gallery = face_grid("gallery")
                self.gallery_message = message("gallery-message")
                with gr.Row(elem_id="gallery-row"):
                    self.back = gr.Button(i18n("back"), size="sm", min_width=90, scale=0, elem_id="back")
                    self.copy = copy_button("copy-faces-link", scale=1)
            with gr.Column(scale=4, min_width=260, elem_id="face-panel"):
                with gr.Column(min_width=260) as self.face_column:
                    self._lay_out_face()
                self.mix, self.steer = Mix(renderer), Steer(renderer)
        self.shown = gr.Textbox(visible=False)  # the gallery's link
        self._connect()

    def _lay_out_controls(self) -> None:
        self.seed = gr.Number(0, precision=0, label=i18n("seed"), info=i18n("seed-info"), elem_id="seed")
        self.randomize = gr.Checkbox(
            True, label=i18n("randomize"), info=i18n("randomize-info"), container=False, elem_id="randomize"
        )
        self.count = gr.Slider(COUNT.low, COUNT.high, COUNT.default, step=1, label=i18n("count"), elem_id="count")
        self.best_of = gr.Slider(
            BEST_OF.low, BEST_OF.high, 1, step=1, label=i18n("best-of"), info=i18n("best-of-info"), elem_id="best-of"
        )
        self.settings = {"seed": self.seed, "count": self.count, "best_of": self.best_of}
        self.button = gr.Button(i18n("generate"), variant="primary", elem_id="generate", elem_classes="main-button")
        self.again = gr.Button(visible="hidden", elem_id="draw-again")  # pressed by manners.js
        self.message = message("generate-message")
        earlier("earlier")

    def _lay_out_face(self) -> None:
        self.title = gr.HTML(elem_id="face-title")
        self.face = gr.Image(
            type="filepath", format="png", show_label=False, interactive=False, buttons=[], elem_id="face"
        )
        with gr.Row():
            self.more = gr.Button(i18n("more-like-this"), size="sm", min_width=110, elem_id="more-like-this")
            self.mix_button = gr.Button(i18n("mix"), size="sm", min_width=60, elem_id="mix")
            self.steer_button = gr.Button(i18n("steer"), size="sm", min_width=60, elem_id="steer")
        gr.Markdown(i18n("download-png"), elem_classes="label")
        with gr.Row(elem_id="face-downloads"):
            self.downloads = [gr.DownloadButton("PNG", size="sm", min_width=44) for _ in STILL_FACTORS]
            self.save_smooth = smooth_button(self.renderer, min_width=52)
        with gr.Row():
            self.use = gr.Button(i18n("use-as-keyframe"), size="sm", min_width=110, elem_id="use-as-keyframe")
            self.keep = gr.Button(i18n("keep"), size="sm", min_width=110, elem_id="keep")
        with gr.Row():
            self.copy_face = copy_button("copy-link", min_width=80)
            self.copy_picture = copy_picture_button(min_width=80)
            self.share = share_button("share-face", min_width=80)
        self.face_link = gr.Textbox(visible=False)

    @property
    def panel(self) -> list[Any]:
        return [self.title, self.face, *self.downloads, self.face_link, self.steer_button, *self._in_its_place]

    @property
    def _in_its_place(self) -> list[Any]:
        return [self.face_column, self.mix.column, self.mix.first, self.steer.column]

    def _connect(self) -> None:
        inputs = [self.checkpoint, self.randomize, *self.settings.values()]
        outputs = [self.gallery, self.seed, self.shown, *self.panel]
        drawn = on([self.button.click], self._generate, inputs, outputs, self.message, **self._options)
        # Gradio's own release of a slider is also that of a number typed beside it, at the press of another button
        drawn_last, again = self._options | LAST_COUNTS, [self.seed.submit, self.again.click]
        drawn += on(again, self._generate_same, inputs, outputs, self.message, **drawn_last)
        restyled_by = [self.shown, *inputs]
        drawn += on([self.checkpoint.input], self._restyle, restyled_by, outputs, self.message, **drawn_last)
        relatives = [self.gallery, self.shown]
        drawn += on([self.more.click], self._more_like, [self.face_link], relatives, self.message, **self._options)
        remember(drawn, self.shown)
        # A seed that was typed is wanted: randomize goes off
        self.seed.input(None, None, self.randomize, js="() => false", api_visibility="private")
        quietly: dict[str, Any] = {"show_progress": "hidden"}
        # At once as it stands in the gallery; its files and its link follow
        at_once = "(grid, mixed, large) => mixed ? large : grid.faces[dcgan.picked].image"
        as_it_stands: list[Any] = [self.gallery, self.mix.first, self.face]
        self.gallery.select(None, as_it_stands, self.face, js=at_once, api_visibility="private")
        inputs = [self.shown, self.mix.first]
        on_select(self.gallery.select, self._pick, inputs, self.panel, self.message, **quietly)
        self.mix.open(self.mix_button.click, self.face_link, self.shown, self.face_column, self.message)
        self.mix.connect(self.gallery.select, self.shown, self.face_column)
        inputs = [self.mix.first, self.mix.second]
        on_select(self.mix.slider.select, self._take, inputs, self.panel, self.mix.message, **quietly)
        self.steer.open(self.steer_button.click, self.face_link, self.face_column, self.message)
        on_told(
            self.steer.sliders.submit, self._take_steered, [self.steer.face], self.panel, self.steer.message, **quietly
        )
        self.back.click(None, None, None, js="() => history.back()", api_visibility="private")
        self.copy(self.shown)
        self.copy_face(self.face_link)
        self.copy_picture(self.downloads[-1])
        self.share(self.downloads[-1], self.face_link)
        self.save_smooth(self.face_link, self.message)
        reveal(self.gallery.select, "face-panel")
        reveal(self.button.click, "tabs")
        reveal(self.more.click, "tabs")

    @property
    def _options(self) -> dict[str, Any]:
        return {"show_progress_on": self.gallery, "concurrency_limit": 4, "concurrency_id": "faces"}

    def draw_pending(self, listeners: list[Listener], pending_link: gr.Textbox) -> list[Any]:
        """Show what a link asks for, when something else has happened."""
        outputs = [self.gallery, self.shown, *self.panel]
        return on(listeners, self._show, [pending_link], outputs, self.message, **self._options | LAST_COUNTS)

    def show_picked(self, face_strip: gr.HTML, tabs: gr.Tabs) -> None:
        """Show the face that is picked from a face strip large, in this tab."""

        def show(language: str, index: int, faces: object) -> list[Any]:
            return [gr.Tabs(selected="generate"), *self._large(language, spec_of(link_in(faces, index)))]

        on_select(face_strip.select, show, [face_strip], [tabs, *self.panel], self.message, show_progress="hidden")

    def show_taken(self, listener: Listener, link: gr.Textbox, tabs: gr.Tabs, message: gr.HTML) -> None:
        """Show the face of a link large, in this tab."""

        def show(language: str, query: str) -> list[Any]:
            return [gr.Tabs(selected="generate"), *self._large(language, spec_of(query))]

        on([listener], show, [link], [tabs, *self.panel], message, show_progress="hidden")

    def _generate(self, language: str, checkpoint: str, randomize: bool, *values: Any) -> list[Any]:
        settings = dict(zip(self.settings, values, strict=True))
        if randomize:
            settings["seed"] = random.randrange(SEEDS)
        request = faces_request(checkpoint=checkpoint, psi=PSI.default, **settings)
        gallery, shown, *panel = self._drawn(language, *draw_faces(self.renderer, request))
        return [gallery, request.spec.seed, shown, *panel]

    def _generate_same(self, language: str, checkpoint: str, _: bool, *values: Any) -> list[Any]:
        return self._generate(language, checkpoint, False, *values)

    def _restyle(self, language: str, shown: str, checkpoint: str, *values: Any) -> list[Any]:
        """Draw in another style, once: Gradio tells of a choice twice, and a face may be picked in between."""
        if spec_of(shown).checkpoint == checkpoint:
            return [gr.skip() for _ in range(3 + len(self.panel))]
        return self._generate_same(language, checkpoint, *values)

    def _more_like(self, language: str, face_link: str) -> list[Any]:
        """Fill the gallery with variations, others each time; the face itself stays large."""
        face = spec_of(face_link)
        asked = {"face": face.shown[0], "checkpoint": face.checkpoint, "psi": face.psi}
        spec = varied_faces(self.renderer, **asked, seed=random.randrange(SEEDS))
        spec, faces = self.renderer.faces(replace(spec, scaling=face.scaling))
        return [grid_of(language, spec, faces), shown_link(language, spec)]

    def _show(self, language: str, link: str) -> list[Any]:
        if not link:
            return [gr.skip() for _ in range(2 + len(self.panel))]
        spec = spec_of(link)
        if spec.kind == "walk":  # its keyframes are shown here, and have a link of their own
            spec = PictureSpec(checkpoint=spec.checkpoint, seeds=spec.seeds, psi=spec.psi, scaling=spec.scaling)
        spec, faces = self.renderer.faces(spec)
        chosen = face_in(link, spec)
        if chosen is None:
            return self._drawn(language, spec, faces)
        return [grid_of(language, spec, faces), shown_link(language, spec), *self._large(language, chosen)]

    def _drawn(self, language: str, spec: PictureSpec, faces: list[Face]) -> list[Any]:
        return [grid_of(language, spec, faces), shown_link(language, spec), *self._large(language, spec, faces[0])]

    def _pick(self, language: str, index: int, shown: str, mixed: str = "") -> list[Any]:
        if mixed:  # it is the other face of a mix
            return [gr.skip() for _ in self.panel]
        spec = spec_of(shown)
        return self._large(language, of_one_face(spec, spec.shown[min(index, len(spec.shown) - 1)]))

    def _take(self, language: str, index: int, first: str, second: str) -> list[Any]:
        """Show large a face that the slider of a mix found."""
        return self._large(language, self.mix.taken(index, first, second))

    def _take_steered(self, language: str, told: dict[str, Any], face: str) -> list[Any]:
        """Show large the face that the sliders of directions are at."""
        return self._large(language, self.steer.steered(told.get("moves"), face))

    def _large(self, language: str, spec: PictureSpec, face: Face | None = None) -> list[Any]:
        """Give what the panel shows of a spec's first face; that is `face` where it is drawn already."""
        stills = self.renderer.stills(spec, face.pixels if face else None)
        spec = of_one_face(self.renderer.signed(spec), spec.shown[0])
        shown = spec.shown[0]
        buttons = [gr.DownloadButton(str(size), value=str(path)) for size, path in stills.items()]
        return [
            f'<h2 data-shown-face="{html.escape(str(shown))}">{html.escape(title_of(language, shown))}</h2>',
            gr.Image(str(next(iter(stills.values()))), alt_text=alt_of(language, shown)),
            *buttons,
            to_query(spec),
            gr.Button(visible=self.steer.can_steer(spec.checkpoint)),
            *closed(),
            gr.Column(visible=False),
        ]
