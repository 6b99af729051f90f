"""The Walk tab: from face to face as a GIF, WebP or MP4 to keep."""

from __future__ import annotations

import html
import random
from typing import Any

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
from dcgan.ui.face_strip import face_strip, face_strip_entry, link_in
from dcgan.ui.inputs import RefusedError, keyframes, number, one_face
from dcgan.ui.links import copy_button, remember, reveal, shown_link, spec_of
from dcgan.ui.requests import faces_request, walk_spec
from dcgan.ui.texts import i18n, label, say
from dcgan.ui.walk_settings import main_settings, more_settings, setting_values

SUGGESTED = 3  # faces: enough for a way that leads somewhere
ONE_BY_ONE = Faces(0, KEYFRAMES.max_count + 1, ())  # as a strip may have them before there are enough


class WalkTab:
    """The strip of keyframes, the walk's settings, and what came of them."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio):
        self.renderer, self.checkpoint = renderer, checkpoint
        with gr.Row(elem_id="walk-row"):
            with gr.Column(min_width=260, elem_id="walk-faces"):
                self._lay_out_keyframes()
            with gr.Column(min_width=260, elem_id="walk-controls"):
                self._lay_out_settings()
            with gr.Column(min_width=260, elem_id="walk-result"):
                self._lay_out_result()
        self.shown = gr.Textbox(visible=False)  # the walk's link
        self.suggested = gr.Textbox(visible=False)  # the faces that nobody chose
        self._connect()

    def _lay_out_keyframes(self) -> None:
        gr.Markdown(i18n("keyframes"), elem_classes="label")
        self.face_strip = face_strip("keyframes")
        with gr.Row(elem_id="add-row"):
            self.new_seed = gr.Number(
                99, precision=0, label=i18n("add-seed"), min_width=130, scale=2, elem_id="new-seed"
            )
            self.add = gr.Button(i18n("add"), size="md", min_width=60, scale=1, elem_id="add")
            self.add_random = gr.Button(i18n("add-random"), size="md", min_width=90, scale=1, elem_id="add-random")
        self.faces_message = message("walk-faces-message")

    def _lay_out_settings(self) -> None:
        self.settings = main_settings()
        self.button = gr.Button(i18n("make-walk"), variant="primary", elem_id="make-walk", elem_classes="main-button")
        self.message = message("walk-message")
        self.settings |= more_settings()

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
        made = on([self.button.click], self._make, inputs, self.result, self.message, **self._options)
        for event in made:
            reveal(event.then, "walk-result", "walk-message")
        self.copy(self.shown)
        drawn_with, outputs = [self.face_strip, self.checkpoint, self.settings["psi"]], [self.face_strip]
        quietly = {"show_progress": "hidden"} | LAST_COUNTS
        adds, inputs_of_adds = [self.add.click, self.new_seed.submit], [self.new_seed, *drawn_with]
        added = on(adds, self._add, inputs_of_adds, outputs, self.faces_message, **quietly)
        added += on([self.add_random.click], self._add_random, drawn_with, outputs, self.faces_message, **quietly)
        on([self.checkpoint.input], self._redraw, drawn_with, outputs, self.faces_message, **quietly)
        changes = [self.face_strip.input, *(event.then for event in added)]
        inputs = [self.shown, *inputs]
        self.made_anew = on(changes, self._make_anew, inputs, self.result, self.message, **self._options)
        # Of changes in a hurry, an earlier one may be answered last: then what is shown isn't of these faces
        late = [event.then for event in self.made_anew]
        made_again = on(late, self._make_anew, inputs, self.result, self.message, **self._options)
        remember([*made, *self.made_anew, *made_again], self.shown)

    @property
    def _options(self) -> dict[str, Any]:
        shows = {"show_progress_on": [self.picture, self.video]}
        return shows | {"concurrency_limit": 2, "concurrency_id": "walks"} | LAST_COUNTS

    def open(self, listener: Listener, gallery_link: gr.Textbox, pending_link: gr.Textbox) -> None:
        """Show a walk as soon as the tab is looked at; where nobody chose its faces, it goes through the gallery's.

        What a link asks for is drawn by itself.
        """
        inputs = [pending_link, gallery_link, self.suggested, self.face_strip, self.checkpoint, self.settings["psi"]]
        outputs = [self.suggested, self.face_strip]
        [filled] = on([listener], self._suggest, inputs, outputs, self.faces_message, show_progress="hidden")
        inputs = [pending_link, self.shown, self.face_strip, self.checkpoint, *self.settings.values()]
        [opened] = on([filled.then], self._make_opened, inputs, self.result, self.message, **self._options)
        # What is made by itself must not come after what is asked for, and replace it
        of_the_strip, *of_adds = self.made_anew
        adds = [self.add.click, self.new_seed.submit, self.add_random.click]
        self._stop([self.face_strip.input], [opened, *of_adds])
        self._stop([*adds, self.button.click], [opened, of_the_strip, *of_adds])

    def _stop(self, events: list[Any], late: list[Any]) -> None:
        gr.on(events, None, None, None, cancels=late, api_visibility="private")

    def accept(self, listener: Listener, face_link: gr.Textbox, message: gr.HTML) -> None:
        """Take a face from elsewhere as the next keyframe."""
        psi = self.settings["psi"]
        inputs, outputs = [face_link, self.face_strip, self.checkpoint, psi, self.suggested], [self.face_strip, psi]
        on([listener], self._accept, inputs, outputs, message, show_progress="hidden")

    def prepare(self, spec: PictureSpec, checkpoint: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Give the face strip, and the settings by name, that a spec asks for; no face where it is no walk."""
        walk = spec if spec.kind == "walk" else PictureSpec("walk")
        faces = spec.seeds if spec.kind == "walk" else ()
        return self._face_strip_of(faces, checkpoint, walk.psi), setting_values(walk)

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

    def _accept(
        self, language: str, face: str, strip: object, checkpoint: str, psi: object, suggested: str = ""
    ) -> list[Any]:
        spec, psi = spec_of(face), number("the-psi", PSI, psi)
        if spec.checkpoint != checkpoint:
            raise RefusedError("another-checkpoint", theirs=spec.checkpoint)
        if not was_chosen(strip, suggested):
            strip, psi = [], spec.psi
        [faces] = self._add(language, spec.shown[0], strip, checkpoint, psi)
        said = [say(language, "added-to-walk", seed=shortened(str(spec.shown[0])), count=len(faces))]
        said += [say(language, "one-psi", psi=psi)] if psi != spec.psi else []
        gr.Info(" ".join(said), duration=4, title="")
        return [faces, psi]

    def _redraw(self, language: str, strip: object, checkpoint: str, psi: object) -> list[Any]:
        faces = strip if isinstance(strip, list) else []
        if all(spec_of(link_in(faces, place)).checkpoint == checkpoint for place in range(len(faces))):
            return [gr.skip()]  # or a face that was added meanwhile would be lost
        return [self._face_strip_of(faces_in(strip)[: KEYFRAMES.max_count], checkpoint, psi)]

    def _make(self, language: str, strip: object, checkpoint: str, *values: Any) -> list[Any]:
        settings = dict(zip(self.settings, values, strict=True))
        seeds = keyframes(written(faces_in(strip)))
        return self._made(language, walk_spec(seeds=seeds, checkpoint=checkpoint, **settings))

    def _make_anew(self, language: str, shown: str, strip: object, checkpoint: str, *values: Any) -> list[Any]:
        """Make the walk where other faces than its own are there, and enough; who presses the button is told if not."""
        faces, walk = faces_in(strip), spec_of(shown)
        is_shown = (walk.kind, walk.seeds, walk.checkpoint) == ("walk", faces, checkpoint)
        if is_shown or len(set(faces)) < KEYFRAMES.min_count:
            return [gr.skip() for _ in self.result]
        return self._make(language, strip, checkpoint, *values)

    def _suggest(
        self, language: str, pending: str, gallery: str, suggested: str, strip: object, checkpoint: str, psi: object
    ) -> list[Any]:
        if _asks_for_a_walk(pending) or was_chosen(strip, suggested):
            return [gr.skip(), gr.skip()]
        faces = suggestion(spec_of(gallery))
        return [written(faces), self._face_strip_of(faces, checkpoint, psi)]

    def _make_opened(self, language: str, pending: str, *values: Any) -> list[Any]:
        is_drawn_anyway = _asks_for_a_walk(pending)
        return [gr.skip() for _ in self.result] if is_drawn_anyway else self._make_anew(language, *values)

    def _make_linked(self, language: str, link: str) -> list[Any]:
        if not _asks_for_a_walk(link):
            return [gr.skip() for _ in self.result]
        return self._made(language, spec_of(link))

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


def _asks_for_a_walk(link: str) -> bool:
    return bool(link) and spec_of(link).kind == "walk"


def suggestion(gallery: PictureSpec) -> tuple[AnyFace, ...]:
    """Give the faces that a walk goes through where nobody chose any: the first of the gallery."""
    faces = gallery.shown if gallery.kind == "faces" else []
    return tuple(dict.fromkeys([*faces[:SUGGESTED], *KEYFRAMES.default]))[:SUGGESTED]


def was_chosen(strip: object, suggested: str) -> bool:
    """Tell whether the visitor had a hand in the faces of a strip."""
    return written(faces_in(strip)) not in ("", suggested)


def written(faces: tuple[AnyFace, ...]) -> str:
    """Write faces as people do."""
    return " ".join(map(str, faces))


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
