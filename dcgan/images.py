"""Pictures: the one conversion between [-1, 1] and uint8, grids, and files to look at or share.

A file can carry a note, a few kB of text in its own metadata: PNG iTXt, GIF comment, WebP XMP, MP4 comment.
`gallery/file_metadata.py` reads it.
"""

from __future__ import annotations

import html
import math
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from PIL import Image, ImageColor
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from dcgan.errors import InputError

FORMATS = ("GIF", "WebP", "MP4")  # of what moves
SCALINGS = ("pixels", "smooth")  # of what is larger than it was drawn


def to_uint8(images: Tensor) -> np.ndarray:
    """Turn images `(N, C, H, W)` in [-1, 1] into pixels `(N, H, W, 3)`, uint8: round((x + 1) * 127.5), clamped."""
    pixels = images.add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return pixels.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).contiguous().cpu().numpy()


def to_float(pixels: Tensor) -> Tensor:
    """Turn pixels `(N, H, W, C)`, uint8, into images `(N, C, H, W)`, float32 in [-1, 1]: the inverse of `to_uint8`."""
    return pixels.permute(0, 3, 1, 2).float().div(127.5).sub(1)


def enlarge(pixels: np.ndarray, size: int) -> np.ndarray:
    """Enlarge pixels `(..., H, W, 3)` by the largest whole factor, at least 1, that keeps H within `size`."""
    factor = max(1, size // pixels.shape[-3])
    return pixels.repeat(factor, axis=-3).repeat(factor, axis=-2)


def scaled(pixels: np.ndarray, size: int, scaling: str) -> np.ndarray:
    """Enlarge pixels `(..., H, H, 3)` to `size` a side: as `pixels`, which stay sharp squares, or `smooth`.

    The first takes the largest whole factor within `size`, the second is a Lanczos filter, which takes any size. What
    is that large already stays as it is.
    """
    if scaling == "pixels" or size <= pixels.shape[-2]:
        return enlarge(pixels, size)
    pictures = pixels.reshape(-1, *pixels.shape[-3:])
    large = [Image.fromarray(each).resize((size, size), Image.Resampling.LANCZOS) for each in pictures]
    return np.stack([np.asarray(each) for each in large]).reshape(*pixels.shape[:-3], size, size, 3)


def grid(pixels: np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Lay pixels `(N, H, W, 3)` side by side on white, row by row, as one picture; by default nearly a square."""
    count, height, width, _ = pixels.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for i, picture in enumerate(pixels):
        top, left = (i // columns) * (height + gap) + gap, (i % columns) * (width + gap) + gap
        sheet[top : top + height, left : left + width] = picture
    return sheet


def check_colours(colours: Sequence[str]) -> None:
    """Raise an InputError that names the first of `colours` that is none."""
    for colour in colours:
        try:
            ImageColor.getrgb(colour)
        except ValueError:
            raise InputError(f"background {colour!r} is no colour; use names or hex, as in white,#b6e3f4.") from None


# Filtered rows are mostly runs: looking for nothing else takes zlib less time and fewer bytes
PNG_OPTIONS: dict[str, Any] = {"compress_level": 1, "compress_type": zlib.Z_RLE}


def save_png(pixels: np.ndarray, path: Path, note: str = "") -> None:
    """Write pixels `(H, W, 3)` as a PNG."""
    info = PngInfo()
    if note:
        info.add_itxt("Comment", note)
    Image.fromarray(pixels).save(path, format="PNG", pnginfo=info, **PNG_OPTIONS)


def save_gif(
    frames: np.ndarray,
    path: Path,
    milliseconds: int | Sequence[int],
    note: str = "",
    colours: int = 256,
    size: int = 0,
    scaling: str = "pixels",
) -> None:
    """Write frames `(T, H, H, 3)` as an endless GIF of at most `colours` colours, enlarged as `scaled` does.

    All frames share one table of colours, so that none flickers. `milliseconds` is how long each frame stays, or a list
    with a number for each frame; GIF keeps hundredths of a second.
    """
    column = Image.fromarray(frames.reshape(-1, *frames.shape[2:]))
    column = column.quantize(colours, Image.Quantize.FASTOCTREE)
    palette = _colours_used(column)
    column.putpalette(palette)
    # Enlarged only now: choosing colours takes seconds at 768 pixels a side
    if scaling == "pixels":
        indices = enlarge(np.asarray(column).reshape(*frames.shape[:3], 1), size)[..., 0]
        images = [Image.fromarray(frame) for frame in indices]
    else:
        large = (Image.fromarray(scaled(frame, size, scaling)) for frame in frames)
        images = [frame.quantize(palette=column, dither=Image.Dither.NONE) for frame in large]
    # Without `palette`, Pillow gives each frame a table of its own
    _save_frames(images, path, format="GIF", palette=palette, duration=milliseconds, comment=note.encode())


def _colours_used(picture: Image.Image) -> bytes:
    """Give the palette of a picture without the black colours that fill it up where the picture has too few.

    With those Pillow would take a second more to save 48 frames.
    """
    return bytes(picture.getpalette() or ())[: 3 * (int(np.asarray(picture).max()) + 1)]


def save_webp(
    frames: np.ndarray, path: Path, milliseconds: int | Sequence[int], note: str = "", quality: int = 85
) -> None:
    """Write frames `(T, H, W, 3)` as an endless animated WebP.

    At `quality` 85 a face looks as it is; lossless files of enlarged faces are several times as large.
    """
    images = [Image.fromarray(frame) for frame in frames]
    xmp = XMP.format(html.escape(note)).encode() if note else b""
    # Slower methods save few bytes
    _save_frames(images, path, format="WebP", duration=milliseconds, xmp=xmp, quality=quality, method=0)


def save_mp4(frames: np.ndarray, path: Path, fps: Fraction | int, note: str = "", crf: int = 18) -> None:
    """Write frames `(T, H, W, 3)` as H.264 in yuv420p, which every browser and phone plays. H and W must be even.

    `crf` is x264's quality: 18 looks nearly like the original, 40 is poor. Its preset superfast takes much
    less time than the usual one, for some more bytes.
    """
    with av.open(path, "w", format="mp4") as container:
        container.metadata["comment"] = note
        stream = container.add_stream("libx264", rate=fps, options={"crf": str(crf), "preset": "superfast"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


# XMP is XML in UTF-8; dc:description is where programs show a picture's comment
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>'
)


def _save_frames(images: list[Image.Image], path: Path, **options: Any) -> None:
    images[0].save(path, save_all=True, append_images=images[1:], loop=0, **options)
