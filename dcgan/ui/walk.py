"""The Walk tab: from face to face as a GIF, WebP or MP4 to keep."""

from __future__ import annotations

import html
import random
from typing import Any, cast

import gradio as gr

from dcgan.expressions import AnyFace, shortened
from dcgan.gallery import (
    KEYFRAMES,
    MEGABYTE,
    PSI,
    Exported,
    Faces,
    PictureSpec,
    Renderer,
    of_one_face,
    to_query,
)
from dcgan.latents import SEEDS
from dcgan.ui.events import LAST_COUNTS, Listener, message, on
from dcgan.ui.face_strip import face_strip, face_strip_entry
from dcgan.ui.inputs import RefusedError, keyframes, number, one_face
from dcgan.ui.links import copy_button, remember, reveal, shown_link, spec_of
from dcgan.ui.requests import faces_request, walk_spec
from dcgan.ui.texts import i18n, label, say
from dcgan.ui.walk_settings import setting_values, walk_settings

ONE_BY_ONE = Faces(0, KEYFRAMES.max_count + 1, ())  # as a strip may have them before there are enough


class WalkTab:
    """The strip of keyframes, the walk's settings, and what came of them."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Dropdown):
        self.renderer, self.checkpoint = renderer, checkpoint
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
                self.face_strip = face_strip("keyframes")
                gr.Markdown(i18n("keyframes-info"), elem_classes="hint")
            with gr.Column(scale=1, min_width=240, elem_id="add-faces"):
                with gr.Row(elem_id="add-row"):
                    self.new_seed = gr.Number(
                        99, precision=0, label=i18n("add-seed"), min_width=130, scale=2, elem_id="new-seed"
                    )
                    self.add = gr.Button(i18n("add"), size="md", min_width=60, elem_id="add")
                self.add_random = gr.Button(i18n("add-random"), size="sm", elem_id="add-random")

    def _lay_out_settings(self) -> None:
        self.settings = walk_settings()
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
                label("download"), size="sm", min_width=110, interactive=False, elem_id="walk-download"
            )
            self.copy = copy_button("copy-walk-link")
        gr.Markdown(i18n("files-remember"), elem_classes="hint")

    @property
    def result(self) -> list[Any]:
        return [self.picture, self.video, self.facts, self.download, self.shown]

    def _connect(self) -> None:
        inputs = [self.face_strip, self.checkpoint, *self.settings.values()]
        options = {"show_progress_on": [self.picture, self.video], "concurrency_limit": 2, "concurrency_id": "walks"}
        remember(on([self.button.click], self._make, inputs, self.result, self.message, **options), self.shown)
        self.copy(self.shown)
        reveal(self.button.click, "walk-result")
        psi = cast(gr.Slider, self.settings["psi"])
        drawn_with = [self.face_strip, self.checkpoint, psi]
        quietly = {"show_progress": "hidden"} | LAST_COUNTS
        adds = [self.add.click, self.new_seed.submit]
        on(adds, self._add, [self.new_seed, *drawn_with], [self.face_strip], self.message, **quietly)
        on([self.add_random.click], self._add_random, drawn_with, [self.face_strip], self.message, **quietly)
        redraws = [self.checkpoint.input, psi.release]
        on(redraws, self._redraw, drawn_with, [self.face_strip], self.message, **quietly)

    def accept(self, listener: Listener, face_link: gr.Textbox, message: gr.HTML) -> None:
        """Take a face from elsewhere as the next keyframe."""
        psi = self.settings["psi"]
        inputs, outputs = [face_link, self.face_strip, self.checkpoint, psi], [self.face_strip, psi]
        on([listener], self._accept, inputs, outputs, message, show_progress="hidden")

    def prepare(self, spec: PictureSpec, checkpoint: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Give the face strip, and the settings by name, that a spec asks for; the defaults where it is no walk's."""
        spec = spec if spec.kind == "walk" else PictureSpec("walk")
        return self._face_strip_of(spec.seeds, checkpoint, spec.psi), setting_values(spec)

    def draw_pending(self, listeners: list[Listener], pending_link: gr.Textbox) -> list[Any]:
        """Make the walk that a link asks for, if it asks for one, when something else has happened."""
        options = {"show_progress_on": [self.picture]} | LAST_COUNTS
        return on(listeners, self._make_linked, [pending_link], self.result, self.message, **options)

    def _face_strip_of(self, faces: tuple[AnyFace, ...], checkpoint: str, psi: object) -> list[dict[str, Any]]:
        spec = faces_request(seed=0, checkpoint=checkpoint, psi=psi).spec
        spec = self.renderer.signed(spec)
        if not faces:
            return []
        pictures = self.renderer.pixels(spec.checkpoint, list(faces), spec.psi)
        return [
            face_strip_entry(picture, face, f"{face}", to_query(of_one_face(spec, face)))
            for face, picture in zip(faces, pictures, strict=True)
        ]

    def _add(self, language: str, face: object, strip: object, checkpoint: str, psi: object) -> list[Any]:
        faces = (*faces_in(strip), one_face("" if face is None else face))
        if len(faces) > KEYFRAMES.max_count:
            raise RefusedError("too-many-keyframes", most=KEYFRAMES.max_count)
        return [self._face_strip_of(faces, checkpoint, psi)]

    def _add_random(self, language: str, *drawn_with: Any) -> list[Any]:
        return self._add(language, random.randrange(SEEDS), *drawn_with)

    def _accept(self, language: str, face: str, strip: object, checkpoint: str, psi: object) -> list[Any]:
        spec, psi = spec_of(face), number("the-psi", PSI, psi)
        if spec.checkpoint != checkpoint:
            raise RefusedError("another-checkpoint", theirs=spec.checkpoint)
        if faces_in(strip) in ((), KEYFRAMES.default):  # nobody chose these
            strip, psi = [], spec.psi
        [faces] = self._add(language, spec.shown[0], strip, checkpoint, psi)
        said = [say(language, "added-to-walk", seed=shortened(str(spec.shown[0])), count=len(faces))]
        said += [say(language, "one-psi", psi=psi)] if psi != spec.psi else []
        gr.Info(" ".join(said), duration=4, title="")
        return [faces, psi]

    def _redraw(self, language: str, strip: object, checkpoint: str, psi: object) -> list[Any]:
        return [self._face_strip_of(faces_in(strip)[: KEYFRAMES.max_count], checkpoint, psi)]

    def _make(self, language: str, strip: object, checkpoint: str, *values: Any) -> list[Any]:
        settings = dict(zip(self.settings, values, strict=True))
        seeds = keyframes(" ".join(map(str, faces_in(strip))))
        return self._made(language, walk_spec(seeds=seeds, checkpoint=checkpoint, **settings))

    def _make_linked(self, language: str, link: str) -> list[Any]:
        spec = spec_of(link)
        if not link or spec.kind != "walk":
            return [gr.skip() for _ in self.result]
        return self._made(language, spec)

    def _made(self, language: str, spec: PictureSpec) -> list[Any]:
        spec, file = self.renderer.walk(spec)
        path, is_film = str(file.path), spec.format == "MP4"
        alt = say(language, "walk-alt", seeds=", ".join(shortened(str(face)) for face in spec.seeds))
        return [
            gr.Image(None if is_film else path, visible=not is_film, alt_text=alt),
            gr.Video(path if is_film else None, visible=is_film),
            f"<p>{html.escape(facts_of(language, spec, file))}</p>",
            gr.DownloadButton(value=path, interactive=True),
            shown_link(spec),
        ]


def facts_of(language: str, spec: PictureSpec, file: Exported) -> str:
    """Say what a file is, and what was given up to make it fit, in a sentence or two."""
    seconds, megabytes = f"{spec.frames / spec.fps:.1f}", f"{file.bytes / MEGABYTE:.1f}"
    made = say(language, "walk-made", frames=file.frames, seconds=seconds, size=file.size, megabytes=megabytes)
    given_up = [say(language, f"given-up-{name}", value=v, asked=spec.size) for name, v in file.given_up.items()]
    return " ".join([made, *([say(language, "gave-up"), ", ".join(given_up)] if given_up else [])])


def faces_in(strip: object) -> tuple[AnyFace, ...]:
    """Read the faces of a face strip; whatever else a browser may send in one is left out."""
    faces = strip if isinstance(strip, list) else []
    named = [face.get("seed") for face in faces[: KEYFRAMES.max_count + 1] if isinstance(face, dict)]
    return ONE_BY_ONE.clean(named)
