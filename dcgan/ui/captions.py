"""What stands below a face."""

from __future__ import annotations

import math
from pathlib import Path

from dcgan.gallery import Face


def captioned(faces: list[Face]) -> list[tuple[Path, str]]:
    """Caption faces for a gallery: the seed below each, and what the discriminator believes where it chose."""
    return [(f.path, str(f.seed) if f.logit is None else f"{f.seed} · {percent(f.logit)}") for f in faces]


def percent(logit: float) -> str:
    """Say how sure the discriminator is that a face is real."""
    return f"{100 / (1 + math.exp(min(-logit, 700))):.0f}%"  # the exponential of more would overflow
