"""Pictures that stand in the page itself: in no file, and with nothing to ask the server for."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def picture_url(pixels: np.ndarray) -> str:
    """Turn pixels `(H, W, 3)`, uint8, into an address that is itself a PNG."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format="PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def strip_of_frames(pictures: np.ndarray) -> dict[str, Any]:
    """Put pictures `(N, S, S, 3)`, uint8, one below the other into one PNG, with what the browser has to know."""
    count, side = pictures.shape[:2]
    strip = picture_url(pictures.reshape(count * side, side, 3))
    return {"frames": strip, "side": side, "last": count - 1, "middle": count // 2}
