"""The Training tab: one face through all snapshots, the curves of the run, and what the run was."""

from __future__ import annotations

import html
import json
import math
import re
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
from gradio.components import Component

from dcgan.checkpoints import Training, glean_metrics
from dcgan.expressions import AnyFace
from dcgan.gallery import SEED, Catalog, PictureSpec, Renderer, to_query
from dcgan.layout import METRICS_NAME, TRAINING_NAME
from dcgan.ui.captions import title_of
from dcgan.ui.events import LAST_COUNTS, Listener, message, on
from dcgan.ui.film import film, film_of
from dcgan.ui.inputs import number
from dcgan.ui.links import spec_of
from dcgan.ui.texts import i18n, label, one_line, say

CURVES = {
    "losses": ("loss_d", "loss_g"),
    "beliefs": ("d_real", "d_fake"),
    "readings": ("distance", "relative_diversity"),
}
NOTHING_KNOWN = Training.glean("")
MAX_POINTS = 150  # a curve; more can't be told apart on a screen


class TrainingTab:
    """What there is to see of the training of the checkpoint that is chosen, made when the tab is looked at."""

    def __init__(self, renderer: Renderer, checkpoint: gr.Dropdown):
        self.renderer, self.checkpoint = renderer, checkpoint
        self.message = message("training-message")
        with gr.Column() as self.column:
            self._lay_out_course()
        self.absent = gr.Markdown(i18n("no-snapshots"), visible=False)
        with gr.Row():
            self.plots = [self._lay_out_plot(name) for name in CURVES]
        self.facts = gr.Markdown(elem_id="run-facts")
        self._connect()

    def _lay_out_plot(self, name: str) -> gr.LinePlot:
        return gr.LinePlot(
            x="images",
            y="value",
            color="curve",
            title=label(name),
            y_title=" ",
            color_title=" ",
            height=240,
            min_width=300,
            visible=False,
            buttons=[],
            elem_id=name,
        )

    def _lay_out_course(self) -> None:
        gr.Markdown(i18n("watch-it-learn"))
        with gr.Row():
            with gr.Column(scale=4, min_width=260):
                self.film = film("film")
            with gr.Column(scale=3, min_width=260):
                with gr.Row(elem_id="learn-row"):
                    self.seed = gr.Number(
                        7, precision=0, label=i18n("seed"), info=i18n("seed-info"), min_width=120, elem_id="learn-seed"
                    )
                    self.button = gr.Button(i18n("show"), variant="primary", min_width=90, elem_id="learn")
                gr.HTML(i18n("early-and-late"), elem_classes="label")
                self.compare = gr.ImageSlider(
                    type="filepath", format="png", show_label=False, interactive=False, buttons=[],
                    elem_id="early-and-late",
                )  # fmt: skip
                self.download = gr.DownloadButton(label("learned-gif"), size="sm", elem_id="learned-gif")
        self.face = gr.Textbox(visible=False)  # the one that is watched

    @property
    def _run(self) -> list[Any]:
        return [self.column, self.absent, *self.plots, self.facts]

    @property
    def _course(self) -> list[Any]:
        return [self.face, self.film, self.compare, self.download]

    def _connect(self) -> None:
        shows = [self.button.click, self.seed.submit]
        options = {"show_progress_on": self.film}
        on(shows, self._show, [self.seed, self.checkpoint], self._course, self.message, **options)

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
        catalog = self.renderer.catalog.of(checkpoint)
        has_course = self._has_course(checkpoint)
        return [
            gr.Column(visible=has_course),
            gr.Markdown(visible=not has_course),
            *(_plot(language, catalog, curves) for curves in CURVES.values()),
            run_facts(language, catalog),
        ]

    def _show_course(self, language: str, face: str, checkpoint: str | None) -> list[Any]:
        if not checkpoint or not self._has_course(checkpoint):
            return [gr.skip() for _ in self._course]
        return self._watched(language, spec_of(face).shown[0], checkpoint)

    def _has_course(self, checkpoint: str) -> bool:
        return len(self.renderer.stages(checkpoint)) > 1

    def _show(self, language: str, seed: object, checkpoint: str | None) -> list[Any]:
        return self._watched(language, number("the-seed", SEED, seed), checkpoint)

    def _watched(self, language: str, face: AnyFace, checkpoint: str | None) -> list[Any]:
        """Give what is shown of one face's course; a face that is more than a seed is none of the seed's box."""
        faces, gif = self.renderer.faces_at_stages(face, checkpoint)
        shown = list(faces)
        names, pictures = [_short(stage) for stage in shown], np.stack([each.pixels for each in faces.values()])
        return [
            to_query(PictureSpec(face=str(face))),
            film_of(language, title_of(language, face), names, pictures),
            (str(faces[shown[0]].path), str(faces[shown[-1]].path)),
            gr.DownloadButton(value=str(gif)),
        ]


def _nothing_while_hidden(shown: Component) -> str:
    """Give the JavaScript that leaves out the checkpoint while this component isn't seen, or no face is watched yet."""
    element = f"document.getElementById({json.dumps(shown.elem_id)})"
    return f"(face, checkpoint) => [face, face && {element}?.offsetParent ? checkpoint : null]"


def _plot(language: str, catalog: Catalog, curves: tuple[str, ...]) -> gr.LinePlot:
    points = curve_points(language, catalog.text(METRICS_NAME), curves)
    return gr.LinePlot(points, visible=not points.empty, x_title=say(language, "pictures-seen"))


def curve_points(language: str, metrics: str, curves: tuple[str, ...]) -> pd.DataFrame:
    """Read columns images, value and curve (its name) from the lines of a metrics.jsonl, thinned out."""
    lines = [line for line in glean_metrics(metrics) if _is_number(line.get("images"))]
    rows = []
    for curve in curves:
        known = [line for line in lines if _is_number(line.get(curve))]
        kept = known[:: len(known) // MAX_POINTS + 1]
        rows += [(line["images"], line[curve], say(language, f"curve-{curve}")) for line in kept]
    return pd.DataFrame(rows, columns=["images", "value", "curve"])


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


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _thousands(value: object) -> str:
    return f"{value:,.0f}" if _is_number(value) else "?"


def _rounded(value: object) -> str:
    return f"{value:.1f}" if _is_number(value) else "?"


def _plain(text: object) -> str:
    """Escape somebody's text for one line of a table, so that it shows as it is whatever it would mean in Markdown."""
    return re.sub(r"[|*_\[\]!]", lambda mark: f"&#{ord(mark[0])};", html.escape(one_line(text)))


def _short(stage: str) -> str:
    """Name the snapshot alone where the checkpoint's name is one's own: `epoch-0010`."""
    return stage.rpartition("@")[2] if "@" in stage else stage
