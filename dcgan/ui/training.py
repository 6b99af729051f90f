"""The Training tab: one face through all snapshots, the curves of the run beside it, and what the run was."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from dcgan.checkpoints import Training
from dcgan.expressions import AnyFace
from dcgan.gallery import SEED, Catalog, PictureSpec, Renderer, to_query
from dcgan.layout import METRICS_NAME, TRAINING_NAME, is_snapshot
from dcgan.ui.captions import title_of
from dcgan.ui.curves import figures_of, is_number, lines_in
from dcgan.ui.events import LAST_COUNTS, Listener, message, on, on_told
from dcgan.ui.film import film, film_of
from dcgan.ui.inputs import number
from dcgan.ui.links import spec_of
from dcgan.ui.moments import Moment, moments_in, sections_of
from dcgan.ui.texts import i18n, label, one_line, say

NOTHING_KNOWN = Training.glean("")

# While it is seen, a run that is going on is asked for what is new; the film hears of every change
FOLLOWING = """
const FOLLOW_MS = 5000;
setInterval(() => {
  const { version, snapshots } = element.querySelector('[data-version]')?.dataset ?? {};
  if (version && element.offsetParent && !document.hidden)
    trigger('select', { told: JSON.stringify({ version, snapshots }) });
}, FOLLOW_MS);
watch('value', () => document.dispatchEvent(new Event('course')));
"""


class TrainingTab:
    """What there is to see of the training of the checkpoint that is chosen, made when the tab is looked at."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Radio):
        self.renderer, self.checkpoint = renderer, checkpoint
        self.message = message("training-message")
        gr.Markdown(i18n("watch-it-learn"))
        with gr.Row(elem_id="training-row"):
            with gr.Column(scale=4, min_width=260) as self.column:
                self.film = film("film")
            with gr.Column(scale=9, min_width=300):
                self.absent = gr.Markdown(i18n("no-snapshots"), visible=False)
                self.course = gr.HTML(js_on_load=FOLLOWING, elem_id="course")
                with gr.Row(elem_id="learn-row") as self.tools:
                    self._lay_out_tools()
        self.facts = gr.Markdown(elem_id="run-facts")
        self.face = gr.Textbox(visible=False)  # the one that is watched
        self._connect()

    def _lay_out_tools(self) -> None:
        self.seed = gr.Number(
            7, precision=0, label=i18n("seed"), info=i18n("seed-info"), min_width=120, elem_id="learn-seed"
        )
        self.button = gr.Button(i18n("show"), size="sm", min_width=90, elem_id="learn")
        self.download = gr.DownloadButton(label("learned-gif"), size="sm", min_width=160, elem_id="learned-gif")

    @property
    def _run(self) -> list[Any]:
        return [self.column, self.tools, self.absent, self.course, self.facts]

    @property
    def _course(self) -> list[Any]:
        return [self.face, self.film, self.download]

    def _connect(self) -> None:
        shows = [self.button.click, self.seed.submit]
        options = {"show_progress_on": self.film}
        on(shows, self._show, [self.seed, self.checkpoint], self._course, self.message, **options)
        inputs, outputs = [self.face, self.checkpoint], [*self._run, *self._course]
        on_told(self.course.select, self._follow, inputs, outputs, self.message, show_progress="hidden")

    def open(self, listener: Listener, face_link: gr.Textbox) -> None:
        """Show all of it when something happens, of the face in `face_link`; and when another checkpoint is chosen.

        What the run was is shown by an event of its own, and first: the faces of its course may be refused.
        """
        while_looked_at = {"js": _nothing_while_hidden(self.facts)} | LAST_COUNTS
        for event, face, options in (
            (listener, face_link, {}),
            (self.checkpoint.input, self.face, while_looked_at),
        ):
            inputs = [face, self.checkpoint]
            quietly, slowly = {"show_progress": "hidden"} | options, {"show_progress_on": self.film} | options
            [shown] = on([event], self._show_run, inputs, self._run, self.message, **quietly)
            on([shown.then], self._show_course, inputs, self._course, self.message, **slowly)

    def _show_run(self, language: str, _: object, checkpoint: str | None) -> list[Any]:
        if not checkpoint:
            return [gr.skip() for _ in self._run]
        self.renderer.catalog.refresh()
        catalog = self.renderer.catalog.of(checkpoint)
        has_course = self._has_course(checkpoint)
        return [
            gr.Column(visible=has_course),
            gr.Row(visible=has_course),
            gr.Markdown(visible=not has_course),
            course_of(language, catalog),
            run_facts(language, catalog),
        ]

    def _show_course(self, language: str, face: str, checkpoint: str | None) -> list[Any]:
        if not checkpoint or not self._has_course(checkpoint):
            return [gr.skip() for _ in self._course]
        return self._watched(language, spec_of(face).shown[0], checkpoint)

    def _follow(self, language: str, told: dict[str, Any], face: str, checkpoint: str | None) -> list[Any]:
        """Show what a run that is going on has done since; its faces only where there is another snapshot."""
        self.renderer.catalog.refresh()
        catalog = self.renderer.catalog.of(checkpoint)
        if catalog.going_on == told.get("version"):
            return [gr.skip() for _ in (*self._run, *self._course)]
        is_longer = str(told.get("snapshots")) != str(len(catalog.stages))
        course = self._show_course(language, face, checkpoint) if is_longer else [gr.skip() for _ in self._course]
        return [*self._show_run(language, face, checkpoint), *course]

    def _has_course(self, checkpoint: str) -> bool:
        stages = self.renderer.stages(checkpoint)
        return len(stages) > 1 or any(is_snapshot(_short(stage)) for stage in stages)

    def _show(self, language: str, seed: object, checkpoint: str | None) -> list[Any]:
        return self._watched(language, number("the-seed", SEED, seed), checkpoint)

    def _watched(self, language: str, face: AnyFace, checkpoint: str | None) -> list[Any]:
        """Give what is shown of one face's course; a face that is more than a seed is none of the seed's box."""
        faces, gif = self.renderer.faces_at_stages(face, checkpoint)
        names, pictures = [_short(stage) for stage in faces], np.stack([each.pixels for each in faces.values()])
        at = {each.stage: each.at for each in _moments(language, self.renderer.catalog.of(checkpoint))}
        first = face if isinstance(face, int) else SEED.default
        links = [to_query(PictureSpec(seed=first, checkpoint=stage)) for stage in faces]
        return [
            to_query(PictureSpec(face=str(face))),
            film_of(language, title_of(language, face), names, pictures, links, [at.get(name) for name in names]),
            gr.DownloadButton(value=str(gif)),
        ]


def _nothing_while_hidden(shown: Component) -> str:
    """Give the JavaScript that leaves out the checkpoint while this component isn't seen, or no face is watched yet."""
    element = f"document.getElementById({json.dumps(shown.elem_id)})"
    return f"(face, checkpoint) => [face, face && {element}?.offsetParent ? checkpoint : null]"


def course_of(language: str, catalog: Catalog) -> str:
    """Draw the curves of a run, and tell of its snapshots; of one that is going on, with the state that it is in."""
    going_on = catalog.going_on
    state = f' data-version="{html.escape(going_on)}" data-snapshots="{len(catalog.stages)}"' if going_on else ""
    words = f'<p class="going-on">{html.escape(say(language, "going-on"))}</p>' if going_on else ""
    figures = figures_of(language, lines_in(catalog.text(METRICS_NAME)))
    moments = sections_of(_moments(language, catalog))
    return f'<div{state}>{words}{moments}<div class="curves">{figures}</div></div>'


def _moments(language: str, catalog: Catalog) -> list[Moment]:
    loss = Training.glean(catalog.text(TRAINING_NAME)).config.get("loss")
    return moments_in(language, lines_in(catalog.text(METRICS_NAME)), loss)


def run_facts(language: str, catalog: Catalog) -> str:
    """Say what the run was, as a Markdown table; a sentence where nothing is known of it."""
    run = Training.glean(catalog.text(TRAINING_NAME))
    if run == NOTHING_KNOWN:
        return say(language, "no-record")
    rows = {
        "run-data": say(
            language, "run-pictures", count=_thousands(run.data.pictures), name=_plain(run.data.name or "?")
        ),
        "run-seen": _thousands(run.images_seen),
        "run-steps": say(language, "run-epochs", steps=_thousands(run.step), epochs=_rounded(run.epoch)),
        "run-recipe": _plain(
            f"{run.recipe or '?'}: {run.config.get('loss', '?')}, batch {run.config.get('batch_size')}"
        ),
        "run-parameters": say(
            language,
            "run-parameter-counts",
            generator=_thousands(run.parameters.generator),
            discriminator=_thousands(run.parameters.discriminator),
        ),
        "run-time": say(
            language,
            "run-time-value",
            minutes=_thousands(None if run.seconds is None else run.seconds / 60),
            hardware=_plain(run.hardware or "?"),
        ),
    }
    table = "".join(f"| {say(language, name)} | {value} |\n" for name, value in rows.items())
    command = _plain(run.command or "")
    return f"{say(language, 'the-run')}\n\n| | |\n|---|---|\n{table}\n<code>{command}</code>"


def _thousands(value: object) -> str:
    return f"{value:,.0f}" if is_number(value) else "?"


def _rounded(value: object) -> str:
    return f"{value:.1f}" if is_number(value) else "?"


def _plain(text: object) -> str:
    """Escape somebody's text for one line of a table, so that it shows as it is whatever it would mean in Markdown."""
    return re.sub(r"[|*_\[\]!]", lambda mark: f"&#{ord(mark[0])};", html.escape(one_line(text)))


def _short(stage: str) -> str:
    """Name the snapshot alone where the checkpoint's name is one's own: `epoch-0010`."""
    return stage.rpartition("@")[2] if "@" in stage else stage
