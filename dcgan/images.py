"""Pictures: the one conversion between [-1, 1] and uint8, grids, and files to look at or share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_uint8(images: Tensor) -> np.ndarray:
    """Images `(N, C, H, W)` in [-1, 1] to pixels `(N, H, W, 3)`, uint8: round((x + 1) * 127.5), clamped."""
    pixels = ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return pixels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_float(pixels: Tensor) -> Tensor:
    """Pixels `(N, H, W, C)`, uint8, to images `(N, C, H, W)`, float32 in [-1, 1]: the inverse of `to_uint8`."""
    return pixels.permute(0, 3, 1, 2).float().div(127.5).sub(1)


def enlarge(pixels: np.ndarray, size: int) -> np.ndarray:
    """Pixels `(..., H, W, 3)` to the largest whole multiple of H that is at most `size` (at least H), kept sharp."""
    factor = max(1, size // pixels.shape[-3])
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def grid(pixels: np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Pixels `(N, H, W, 3)` side by side on white, row by row, as one picture; a near-square one by default."""
    count, height, width, _ = pixels.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for i, picture in enumerate(pixels):
        top, left = (i // columns) * (height + gap) + gap, (i % columns) * (width + gap) + gap
        sheet[top : top + height, left : left + width] = picture
    return sheet


def save_png(pixels: np.ndarray, path: Path) -> None:
    """Write pixels `(H, W, 3)` as a PNG."""
    Image.fromarray(pixels).save(path, format="PNG", optimize=True)


def save_gif(frames: np.ndarray, path: Path, milliseconds: int | Sequence[int]) -> None:
    """Write frames `(T, H, W, 3)` as an endless GIF with one palette for all frames, so that colours don't flicker.

    `milliseconds` is how long each frame stays, or a list of one a frame; GIF keeps hundredths of a second.
    """
    palette = _shared_palette(frames)
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    _save_frames(images, path, format="GIF", duration=milliseconds, optimize=False)


def save_webp(frames: np.ndarray, path: Path, milliseconds: int) -> None:
    """Write frames `(T, H, W, 3)` as an endless, lossless animated WebP."""
    _save_frames(
        [Image.fromarray(frame) for frame in frames], path, format="WebP", duration=milliseconds, lossless=True
    )


def save_mp4(frames: np.ndarray, path: Path, milliseconds: int) -> None:
    """Write frames `(T, H, W, 3)` as H.264 in yuv420p, which every browser and phone plays. H and W must be even."""
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(1000, milliseconds), options={"crf": "18"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


# How the frames of a walk become a file, by the name people know the format under
ANIMATIONS = {"GIF": save_gif, "WebP": save_webp, "MP4": save_mp4}


def _save_frames(images: list[Image.Image], path: Path, **options: Any) -> None:
    images[0].save(path, save_all=True, append_images=images[1:], loop=0, **options)


def _shared_palette(frames: np.ndarray, most_pixels: int = 1_000_000) -> Image.Image:
    """The 256 colours that serve a fair sample of all frames' pixels."""
    pixels = frames.reshape(-1, 3)
    sample = pixels[:: max(1, len(pixels) // most_pixels)]
    side = math.isqrt(len(sample))
    return Image.fromarray(sample[: side * side].reshape(side, side, 3)).quantize(256, Image.Quantize.FASTOCTREE)
