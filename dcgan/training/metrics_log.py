"""A run's metrics.jsonl: what its steps came to, how long they took, and the curves drawn from that."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dcgan.files import replacing, write_text
from dcgan.layout import METRICS_NAME
from dcgan.training.state import Metrics

Position = dict[str, float]  # how far a run is: step, epoch, images
POSITION = ("step", "epoch", "images", "seconds")  # how far a line is; the rest of it is what was measured
# What a line says of the faces, where they were looked at; "diversity" is an older name of the relative one.
READING = ("distance", "relative_diversity", "snapshot", "best", "diversity")


class MetricsLog:
    """Collects the metrics of steps, and writes what they come to as lines of a folder's metrics.jsonl.

    `seconds` is the time spent training, over all sessions of the run; `latest` the means that the last line had.
    `on_line` is called with each line that was written.
    """

    def __init__(self, folder: Path, on_line: Callable[[dict[str, Any]], object] = lambda line: None):
        self.folder = folder
        self.seconds = 0.0
        self.latest: dict[str, float] = {}
        self._on_line = on_line
        self._interval: list[Metrics] = []
        self._began = time.perf_counter()

    def note(self, metrics: Metrics) -> None:
        """Take in a finished step."""
        self._interval.append(metrics)

    @contextmanager
    def untimed(self) -> Iterator[None]:
        """Leave the time that the block takes out of `seconds`: what is done there isn't training."""
        entered = time.perf_counter()
        yield
        self._began += time.perf_counter() - max(entered, self._began)

    def close_interval(self, position: Position, batch_size: int, reading: dict[str, Any] | None = None) -> None:
        """Write the means over the steps since the last line, if there were any, and the `reading` of the faces."""
        if not self._interval:
            return
        names = {name for metrics in self._interval for name in metrics}
        means = {
            name: torch.stack([m[name] for m in self._interval if name in m]).float().mean().item()
            for name in sorted(names)
        }
        means["images_per_second"] = len(self._interval) * batch_size / self._stop_the_clock()
        self.latest = {name: round(value, 5) for name, value in means.items() if math.isfinite(value)}
        self.write(position, self.latest | (reading or {}))
        self._interval.clear()

    def drop_interval(self) -> None:
        """Forget the steps since the last line, which were undone; the time they took was spent all the same."""
        self._stop_the_clock()
        self._interval.clear()

    def write(self, position: Position, values: dict[str, Any]) -> None:
        """Append a line."""
        line = position | {"seconds": round(self.seconds, 3)} | values
        with open(self.folder / METRICS_NAME, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._on_line(line)

    def forget_after(self, step: int, rollbacks: int) -> None:
        """Drop the lines of steps that come again, since the run was killed after it last saved, or taken back."""
        lines = read_metrics(self.folder)
        kept = [line for line in lines if line["step"] <= step and line.get("rollback", 0) <= rollbacks]
        measured: dict[str, Any] = next((line for line in reversed(kept) if "images_per_second" in line), {})
        self.latest = {name: value for name, value in measured.items() if name not in POSITION + READING}
        write_text(self.folder / METRICS_NAME, "".join(json.dumps(line) + "\n" for line in kept))

    def _stop_the_clock(self) -> float:
        """Give the seconds since it was last stopped, and count them."""
        now = time.perf_counter()
        elapsed, self._began = now - self._began, now
        self.seconds += elapsed
        return elapsed


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Give the lines of a run's metrics.jsonl; a last line cut short by a crash is left out.

    A line has the means of an interval, a reading of the faces, or both; or it says that the run was taken back to its
    step, and why.
    """
    path = folder / METRICS_NAME
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def draw_losses(lines: list[dict[str, Any]], path: Path) -> None:
    """Plot the losses and D's beliefs of a run, as its metrics lines tell them, into a PNG."""
    from matplotlib.figure import Figure  # takes a while, and few commands need it
    from matplotlib.ticker import StrMethodFormatter

    panels = [
        ("loss", {"loss_d": "discriminator", "loss_g": "generator"}),
        ("D's belief that it is real", {"d_real": "D(x), reals", "d_fake": "D(G(z)), fakes"}),
    ]
    figure = Figure(figsize=(8, 5), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(2, 1, sharex=True), panels, strict=True):
        for name, label in curves.items():
            points = [(line["images"], line[name]) for line in lines if name in line]
            axes.plot([x for x, _ in points], [y for _, y in points], label=label, linewidth=1)
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    axes.set_xlabel("pictures seen")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
