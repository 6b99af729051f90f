"""Pictures that stand in the page itself: in no file, and with nothing to ask the server for."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

import numpy as np
from PIL import Image

from dcgan.images import PNG_OPTIONS


def picture_url(pixels: np.ndarray) -> str:
    """Turn pixels `(H, W, 3)`, uint8, into an address that is itself a PNG."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format="PNG", **PNG_OPTIONS)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def strip_of_frames(pictures: np.ndarray) -> dict[str, Any]:
    """Put pictures `(N, S, S, 3)`, uint8, one below the other into one PNG, with what the browser has to know."""
    count, side = pictures.shape[:2]
    strip = picture_url(pictures.reshape(count * side, side, 3))
    return {"frames": strip, "side": side, "last": count - 1, "middle": count // 2}


def figure(caption: str, pixels: np.ndarray, alt: str) -> str:
    """Show a picture `(S, S, 3)`, uint8, with a caption; it stands in the page itself, in no file."""
    return (
        f'<figure><img src="{picture_url(pixels)}" alt="{html.escape(alt)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def figures_in_a_row(figures: list[str]) -> str:
    return f'<div class="figures">{"".join(figures)}</div>'
