"""The Walk tab: from face to face as a GIF, WebP or MP4 to keep."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import gradio as gr

from dcgan.expressions import shortened
from dcgan.gallery import KEYFRAMES, MEGABYTE, Exported, PictureSpec, Renderer
from dcgan.ui.events import LAST_COUNTS, Listener, message, on
from dcgan.ui.inputs import keyframes
from dcgan.ui.keyframes import Keyframes, asks_for_a_walk, faces_in, written
from dcgan.ui.links import copy_button, remember, reveal, shown_link, spec_of
from dcgan.ui.requests import walk_spec
from dcgan.ui.sharing import share_button
from dcgan.ui.still import still
from dcgan.ui.texts import i18n, label, say
from dcgan.ui.walk_settings import main_settings, more_settings, setting_values


class WalkTab:
    """The strip of keyframes, the walk's settings, and what came of them."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio):
        self.renderer, self.checkpoint = renderer, checkpoint
        with gr.Row(elem_id="walk-row"):
            with gr.Column(min_width=260, elem_id="walk-faces"):
                self.keyframes = Keyframes(renderer, checkpoint)
                self.face_strip = self.keyframes.strip
            with gr.Column(min_width=260, elem_id="walk-controls"):
                self._lay_out_settings()
            with gr.Column(min_width=260, elem_id="walk-result"):
                self._lay_out_result()
        self.shown = gr.Textbox(visible=False)  # the walk's link
        self._connect()

    def _lay_out_settings(self) -> None:
        self.settings = main_settings()
        self.button = gr.Button(i18n("make-walk"), variant="primary", elem_id="make-walk", elem_classes="main-button")
        self.message = message("walk-message")
        self.settings |= more_settings() | {"psi": self.keyframes.psi}

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
        still("walk-still")
        self.facts = gr.HTML(elem_id="walk-facts")
        with gr.Row():
            self.download = gr.DownloadButton(
                label("download"), size="sm", min_width=80, interactive=False, elem_id="walk-download"
            )
            self.copy = copy_button("copy-walk-link", min_width=80)
            self.share = share_button("share-walk", min_width=80)
        gr.Markdown(i18n("files-remember"), elem_classes="hint")

    @property
    def result(self) -> list[Any]:
        return [self.picture, self.video, self.facts, self.download, self.shown]

    def _connect(self) -> None:
        inputs = [self.face_strip, self.checkpoint, *self.settings.values()]
        made = self._on([self.button.click], self._make, inputs, **self._options)
        for event in made:
            reveal(event.then, "walk-result", "walk-message")
        self.copy(self.shown)
        self.share(self.download, self.shown)
        changes = [self.face_strip.input, *(event.then for event in self.keyframes.added)]
        remember([*made, *self._on(changes, self._make_anew, [self.shown, *inputs], **self._options)], self.shown)

    @property
    def _options(self) -> dict[str, Any]:
        shows = {"show_progress_on": [self.picture, self.video]}
        return shows | {"concurrency_limit": 2, "concurrency_id": "walks"} | LAST_COUNTS

    def _on(
        self, listeners: list[Listener], function: Callable[..., list[Any]], inputs: list[Any], **options: Any
    ) -> list[Any]:
        """Show the walk that `function(language, asked, *inputs)` makes on each of the events.

        They may be answered in any order, and the faces may have changed meanwhile: faces.js counts the walks that are
        asked for, and shows none that comes too late.
        """
        ask = "(_, ...values) => [dcgan.askForWalk(), ...values]"
        take = "(walk, strip) => dcgan.takeWalk(walk, strip)"
        shown = []
        for listener in listeners:
            walk = gr.HTML(visible=False)  # not gr.JSON, which serves no files
            asked = gr.Number(0, precision=0, visible=False)
            [made] = on([listener], function, [asked, *inputs], [walk], self.message, js=ask, **options)
            shown.append(made.then(None, [walk, self.face_strip], self.result, js=take, api_visibility="private"))
        return shown

    def open(self, listener: Listener, gallery_link: gr.Textbox, pending_link: gr.Textbox) -> None:
        """Show a walk as soon as the tab is looked at; where nobody chose its faces, it goes through the gallery's.

        What a link asks for is drawn by itself.
        """
        filled = self.keyframes.suggest(listener, pending_link, gallery_link)
        inputs = [pending_link, self.shown, self.face_strip, self.checkpoint, *self.settings.values()]
        self._on([filled.then], self._make_opened, inputs, **self._options)

    def prepare(self, spec: PictureSpec, checkpoint: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Give the face strip, and the settings by name, that a spec asks for; no face where it is no walk."""
        walk = spec if spec.kind == "walk" else PictureSpec("walk")
        faces = spec.seeds if spec.kind == "walk" else ()
        return self.keyframes.strip_of(faces, checkpoint, walk.psi), setting_values(walk)

    def draw_pending(self, listeners: list[Listener], pending_link: gr.Textbox) -> list[Any]:
        """Make the walk that a link asks for, if it asks for one, when something else has happened."""
        options = {"show_progress_on": [self.picture]} | LAST_COUNTS
        return self._on(listeners, self._make_linked, [pending_link], **options)

    def _make(self, language: str, asked: int, strip: object, checkpoint: str, *values: Any) -> list[Any]:
        settings = dict(zip(self.settings, values, strict=True))
        seeds = keyframes(written(faces_in(strip)))
        return self._made(language, asked, walk_spec(seeds=seeds, checkpoint=checkpoint, **settings))

    def _make_anew(
        self, language: str, asked: int, shown: str, strip: object, checkpoint: str, *values: Any
    ) -> list[Any]:
        """Make the walk where other faces than its own are there, and enough; who presses the button is told if not."""
        faces, walk = faces_in(strip), spec_of(shown)
        is_shown = (walk.kind, walk.seeds, walk.checkpoint) == ("walk", faces, checkpoint)
        if is_shown or len(set(faces)) < KEYFRAMES.min_count:
            return [gr.skip()]
        return self._make(language, asked, strip, checkpoint, *values)

    def _make_opened(self, language: str, asked: int, pending: str, *values: Any) -> list[Any]:
        is_drawn_anyway = asks_for_a_walk(pending)
        return [gr.skip()] if is_drawn_anyway else self._make_anew(language, asked, *values)

    def _make_linked(self, language: str, asked: int, link: str) -> list[Any]:
        return self._made(language, asked, spec_of(link)) if asks_for_a_walk(link) else [gr.skip()]

    def _made(self, language: str, asked: int, spec: PictureSpec) -> list[Any]:
        """Make a walk, and give what `takeWalk` of faces.js reads."""
        spec, file = self.renderer.walk(spec)
        walk = {
            "asked": asked,
            "faces": written(spec.seeds),
            "file": {"path": str(file.path), "orig_name": file.path.name, "meta": {"_type": "gradio.FileData"}},
            "isFilm": spec.format == "MP4",
            "alt": say(language, "walk-alt", seeds=", ".join(shortened(str(face)) for face in spec.seeds)),
            "facts": f"<p>{html.escape(facts_of(language, spec, file))}</p>",
            "link": shown_link(language, spec),
        }
        return [walk]


def facts_of(language: str, spec: PictureSpec, file: Exported) -> str:
    """Say what a file is, and what was given up to make it fit, in a sentence or two."""
    seconds, megabytes = f"{spec.frames / spec.fps:.1f}", f"{file.bytes / MEGABYTE:.1f}"
    made = say(language, "walk-made", frames=file.frames, seconds=seconds, size=file.size, megabytes=megabytes)
    given_up = [say(language, f"given-up-{name}", value=v, asked=spec.size) for name, v in file.given_up.items()]
    return " ".join([made, *([say(language, "gave-up"), ", ".join(given_up)] if given_up else [])])
