"""The keyframes of a walk: the strip of faces that it goes through, and all ways into it and out of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import gradio as gr

from dcgan.expressions import AnyFace, shortened
from dcgan.gallery import KEYFRAMES, PSI, Faces, PictureSpec, Renderer, of_one_face, to_query
from dcgan.latents import SEEDS
from dcgan.ui.events import LAST_COUNTS, Listener, message, on, on_select
from dcgan.ui.face_strip import face_strip, face_strip_entry
from dcgan.ui.inputs import RefusedError, number, one_face
from dcgan.ui.links import spec_of
from dcgan.ui.requests import faces_request
from dcgan.ui.texts import i18n, say

SUGGESTED = 3  # faces: enough for a way that leads somewhere
ONE_BY_ONE = Faces(0, KEYFRAMES.max_count + 1, ())  # as a strip may have them before there are enough


class Keyframes:
    """The strip, and what adds to it. It stays the visitor's own: nothing of it is kept here."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio):
        self.renderer, self.checkpoint = renderer, checkpoint
        gr.Markdown(i18n("keyframes"), elem_classes="label")
        self.strip = face_strip("keyframes")
        with gr.Row(elem_id="add-row"):
            self.new_seed = gr.Number(
                99, precision=0, label=i18n("add-seed"), min_width=130, scale=2, elem_id="new-seed"
            )
            self.add = gr.Button(i18n("add"), size="md", min_width=60, scale=1, elem_id="add")
            self.add_random = gr.Button(i18n("add-random"), size="md", min_width=90, scale=1, elem_id="add-random")
        self.message = message("walk-faces-message")
        self.psi = gr.Number(PSI.default, visible=False)  # of a link or of a face that was taken; nobody sets it here
        self.suggested = gr.Textbox(visible=False)  # the faces that nobody chose
        self.suggestion = gr.JSON(visible=False)  # these, and the strip of them, before the strip takes them
        self._connect()

    def _connect(self) -> None:
        drawn_with = [self.strip, self.checkpoint, self.psi]
        quietly: dict[str, Any] = {"show_progress": "hidden"} | LAST_COUNTS
        adds: list[Listener] = [self.add.click, self.new_seed.submit]
        self.added = [self._on(each, self._add, [self.new_seed, *drawn_with], self.message, **quietly) for each in adds]
        self.added.append(self._on(self.add_random.click, self._add_random, drawn_with, self.message, **quietly))
        self._on(self.checkpoint.input, self._redraw, drawn_with, self.message, **quietly)
        self.count([self.strip.input, *(event.then for event in self.added)])

    def _on(
        self,
        listener: Listener,
        function: Callable[..., list[Any]],
        inputs: list[Any],
        message: gr.HTML,
        of_one: bool = False,
        **options: Any,
    ) -> Any:
        """Change the strip as `function(language, *inputs)` says; with `of_one`, `function(language, index, *inputs)`.

        Meanwhile the visitor may have moved and removed faces himself. So it doesn't give another strip but what is to
        be done with the one that is there by then, by `changeStrip` of faces.js.
        """
        change = gr.JSON(visible=False)
        if of_one:
            asked = on_select(listener, function, inputs, [change], message, **options)
        else:
            [asked] = on([listener], function, inputs, [change], message, **options)
        now, js = [change, self.suggested, self.strip], "(...now) => dcgan.changeStrip(...now)"
        return asked.then(None, now, [self.strip, self.psi, change], js=js, api_visibility="private")

    def count(self, events: list[Listener]) -> None:
        """Tell page.js after each event which faces were chosen, so that they are marked and counted elsewhere."""
        js = "(strip, suggested) => dcgan.walksThrough(strip, suggested)"
        for event in events:
            event(None, [self.strip, self.suggested], None, js=js, api_visibility="private")

    @property
    def _all(self) -> list[Any]:
        return [self.strip, self.checkpoint, self.psi, self.suggested]

    def accept(self, listener: Listener, face_link: gr.Textbox, message: gr.HTML) -> None:
        """Take a face from elsewhere as the next keyframe."""
        inputs = [face_link, *self._all]
        self.count([self._on(listener, self._accept, inputs, message, show_progress="hidden").then])

    def accept_one_of(self, listener: Listener, gallery_link: gr.Textbox, message: gr.HTML) -> None:
        """Take one of the gallery's faces as the next keyframe, or out where it is one."""
        inputs = [gallery_link, *self._all]
        self.count([self._on(listener, self._toggle, inputs, message, of_one=True, show_progress="hidden").then])

    def strip_of(self, faces: tuple[AnyFace, ...], checkpoint: str, psi: object) -> list[dict[str, Any]]:
        """Draw the faces for the strip."""
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
        return [{"add": self._entry(one_face("" if face is None else face), len(faces_in(strip)), checkpoint, psi)}]

    def _add_random(self, language: str, *drawn_with: Any) -> list[Any]:
        return self._add(language, random.randrange(SEEDS), *drawn_with)

    def _entry(self, face: AnyFace, others: int, checkpoint: str, psi: object) -> dict[str, Any]:
        """Draw a face that comes to so many others."""
        if others >= KEYFRAMES.max_count:
            raise RefusedError("too-many-keyframes", most=KEYFRAMES.max_count)
        [entry] = self.strip_of((face,), checkpoint, psi)
        return entry

    def _accept(
        self, language: str, face: str, strip: object, checkpoint: str, psi: object, suggested: str = ""
    ) -> list[Any]:
        spec = spec_of(face)
        change, count = self._with_another(spec, strip, checkpoint, psi, suggested)
        said = [say(language, "added-to-walk", seed=shortened(str(spec.shown[0])), count=count)]
        said += [say(language, "one-psi", psi=change["psi"])] if change["psi"] != spec.psi else []
        gr.Info(" ".join(said), duration=4)
        return [change]

    def _toggle(
        self, language: str, index: int, gallery: str, strip: object, checkpoint: str, psi: object, suggested: str
    ) -> list[Any]:
        spec = spec_of(gallery)
        face = spec.shown[min(index, len(spec.shown) - 1)]
        if was_chosen(strip, suggested) and face in faces_in(strip):
            return [{"remove": str(face)}]
        change, _ = self._with_another(of_one_face(spec, face), strip, checkpoint, psi, suggested)
        return [change | {"once": True}]

    def _with_another(
        self, spec: PictureSpec, strip: object, checkpoint: str, psi: object, suggested: str
    ) -> tuple[dict[str, Any], int]:
        """Give what adds one more face, in place of what was suggested, and how many there are then."""
        psi = number("the-psi", PSI, psi)
        if spec.checkpoint != checkpoint:
            raise RefusedError("another-checkpoint", theirs=spec.checkpoint)
        others = len(faces_in(strip))
        if not was_chosen(strip, suggested):
            others, psi = 0, spec.psi
        entry = self._entry(spec.shown[0], others, checkpoint, psi)
        return {"add": entry, "psi": psi, "isChosen": True}, others + 1

    def _redraw(self, language: str, strip: object, checkpoint: str, psi: object) -> list[Any]:
        links = [str(entry.get("query", "")) for entry in entries_of(strip)]
        if all(spec_of(link).checkpoint == checkpoint for link in links):
            return [gr.skip()]
        return [{"redrawn": self.strip_of(faces_in(strip)[: KEYFRAMES.max_count], checkpoint, psi)}]

    def suggest(self, listener: Listener, pending_link: gr.Textbox, gallery_link: gr.Textbox) -> Any:
        """Fill the strip with the gallery's first faces when something happens, where nobody chose any."""
        inputs = [pending_link, gallery_link, self.suggested, self.strip, self.checkpoint, self.psi]
        [drawn] = on([listener], self._suggest, inputs, [self.suggestion], self.message, show_progress="hidden")
        # A face that was chosen meanwhile is not lost: the strip is looked at once more when the answer is there
        outputs = [self.suggested, self.strip]
        js = "(suggestion, ...now) => dcgan.takeSuggestion(suggestion, ...now)"
        return drawn.then(None, [self.suggestion, *outputs], outputs, js=js, api_visibility="private")

    def _suggest(
        self, language: str, pending: str, gallery: str, suggested: str, strip: object, checkpoint: str, psi: object
    ) -> list[Any]:
        if asks_for_a_walk(pending) or was_chosen(strip, suggested):
            return [None]
        faces = suggestion(spec_of(gallery))
        return [[written(faces), self.strip_of(faces, checkpoint, psi)]]


def asks_for_a_walk(link: str) -> bool:
    """Tell whether a link, if there is one, is to a walk."""
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


def faces_in(strip: object) -> tuple[AnyFace, ...]:
    """Read the faces of a face strip; whatever else a browser may send in one is left out."""
    return ONE_BY_ONE.clean([entry.get("seed") for entry in entries_of(strip)])


def entries_of(strip: object) -> list[dict[str, Any]]:
    """Read a face strip, as long as one may be."""
    entries = strip if isinstance(strip, list) else []
    return [entry for entry in entries[: KEYFRAMES.max_count + 1] if isinstance(entry, dict)]
