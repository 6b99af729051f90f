"""Frames that the visitor's browser goes through without asking again: one picture that holds all of them."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from PIL import Image


def strip_of_frames(pictures: np.ndarray) -> dict[str, Any]:
    """Put pictures `(N, S, S, 3)`, uint8, one below the other into one PNG, with what the browser has to know."""
    count, side = pictures.shape[:2]
    data = io.BytesIO()
    Image.fromarray(pictures.reshape(count * side, side, 3)).save(data, format="PNG")
    frames = "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()
    return {"frames": frames, "side": side, "last": count - 1, "middle": count // 2}
