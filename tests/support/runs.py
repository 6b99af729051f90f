"""Runs in this process, and what they are spared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from dcgan.training import Run, loop


def go(run: Run, until: int | None = None) -> Run:
    """Train to the end, or up to the first time that a step is finished."""
    for metrics in loop.train(run.state, run.config, run.pictures):
        run.after_step(metrics)
        if run.state.step == until:
            break
    return run


def draw_no_losses(lines: list[dict[str, Any]], path: Path) -> None:
    """Leave a picture of a few pixels where a run draws its losses, which takes longer than its steps."""
    Image.new("L", (max(1, len(lines)), 1)).save(path, format="PNG")
