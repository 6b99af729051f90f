"""Runs in this process."""

from __future__ import annotations

from dcgan.training import Run, loop


def go(run: Run, until: int | None = None) -> Run:
    """Train to the end, or up to the first time that a step is finished."""
    for metrics in loop.train(run.state, run.config, run.pictures):
        run.after_step(metrics)
        if run.state.step == until:
            break
    return run
