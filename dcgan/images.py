"""Pictures: the one conversion between [-1, 1] and uint8, grids, and files to look at or share.

A file can carry a note, a few kB of text in its own metadata: PNG iTXt, GIF comment, WebP XMP, MP4 comment.
"""

from __future__ import annotations

import html
import io
import math
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from dcgan.errors import InputError

MOST_BYTES = 20 * 2**20  # of a file that `read_note` reads


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


def save_png(pixels: np.ndarray, path: Path, note: str = "") -> None:
    """Write pixels `(H, W, 3)` as a PNG."""
    info = PngInfo()
    if note:
        info.add_itxt("Comment", note)
    Image.fromarray(pixels).save(path, format="PNG", optimize=True, pnginfo=info)


def save_gif(frames: np.ndarray, path: Path, milliseconds: int | Sequence[int], note: str = "") -> None:
    """Write frames `(T, H, W, 3)` as an endless GIF with one palette for all frames, so that colours don't flicker.

    `milliseconds` is how long each frame stays, or a list of one a frame; GIF keeps hundredths of a second.
    """
    palette = _shared_palette(frames)
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    _save_frames(images, path, format="GIF", duration=milliseconds, optimize=False, comment=note.encode())


def save_webp(frames: np.ndarray, path: Path, milliseconds: int, note: str = "") -> None:
    """Write frames `(T, H, W, 3)` as an endless, lossless animated WebP."""
    images = [Image.fromarray(frame) for frame in frames]
    xmp = _XMP.format(html.escape(note, quote=False)).encode() if note else b""
    _save_frames(images, path, format="WebP", duration=milliseconds, lossless=True, xmp=xmp)


def save_mp4(frames: np.ndarray, path: Path, milliseconds: int, note: str = "") -> None:
    """Write frames `(T, H, W, 3)` as H.264 in yuv420p, which every browser and phone plays. H and W must be even."""
    with av.open(path, "w", format="mp4") as container:
        if note:
            container.metadata["comment"] = note
        stream = container.add_stream("libx264", rate=Fraction(1000, milliseconds), options={"crf": "18"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


# How the frames of a walk become a file, by the name people know the format under
ANIMATIONS = {"GIF": save_gif, "WebP": save_webp, "MP4": save_mp4}


def read_note(path: Path) -> str:
    """The note that a PNG, GIF, WebP or MP4 carries, whatever its name ends in; "" where it carries none.

    The file is walked from end to end, so that one cut short is noticed, but nothing in it is decoded or unpacked: how
    large a picture claims to be makes no difference.

    Raises:
        InputError: a file that is none of the four, damaged, cut short or larger than MOST_BYTES.
    """
    with open(path, "rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(f"This file is larger than {MOST_BYTES >> 20} MB; drop a smaller PNG, GIF, WebP or MP4.")
    name, find_note = _recognise(data)
    try:
        return find_note(_Bytes(data)).decode(errors="replace")
    except (EOFError, LookupError, OverflowError, ValueError, struct.error):
        raise InputError(f"This {name} is damaged or cut short; take it again from where you had it.") from None


def _recognise(data: bytes) -> tuple[str, Callable[[_Bytes], bytes]]:
    """What a file is by its first bytes: the format's name, and what finds a note in it."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", _png_note
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF", _gif_note
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP", _webp_note
    if data[4:8] == b"ftyp":
        return "MP4", _mp4_note
    raise InputError("This file is no PNG, GIF, WebP or MP4; drop a picture or a walk that this page made.")


def _png_note(file: _Bytes) -> bytes:
    note, kind = b"", b""
    file.take(8)
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", file.take(8))
        data = file.take(length)
        if file.take(4) != struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))):
            raise ValueError("a chunk's checksum is wrong")
        if kind == b"iTXt" and data.startswith(b"Comment\0\0\0"):  # uncompressed; then language, translation, text
            note = note or data[10:].split(b"\0", 2)[2]
    return note


def _gif_note(file: _Bytes) -> bytes:
    def skip_palette(flags: int) -> None:
        if flags & 0x80:
            file.take(3 << (flags & 7) + 1)

    def blocks() -> bytes:
        return b"".join(iter(lambda: file.take(file.take(1)[0]), b""))

    note = b""
    skip_palette(file.take(13)[10])
    while (kind := file.take(1)) != b";":
        if kind == b"!":
            label, data = file.take(1), blocks()
            note = note or (data if label == b"\xfe" else b"")
        elif kind == b",":
            skip_palette(file.take(9)[8])
            file.take(1)  # how many bits the first codes have
            blocks()
        else:
            raise ValueError("neither an extension nor a picture")
    return note


def _webp_note(file: _Bytes) -> bytes:
    note = b""
    (length,) = struct.unpack("<4xI", file.take(8))
    file = _Bytes(file.take(length))
    file.take(4)
    while header := file.read(8):
        kind, length = struct.unpack("<4sI", header)
        data = file.take(length + length % 2)[:length]
        if kind == b"XMP " and (found := re.search(_XMP_NOTE, data)):
            note = note or html.unescape(found[1].decode()).encode()
    return note


def _mp4_note(file: _Bytes) -> bytes:
    boxes = _mp4_boxes(file)
    body = boxes[b"moov"]  # an MP4 without it is cut short
    # A meta box begins with its version, the data in a comment with its type and language
    for kind, skipped in ((b"udta", 0), (b"meta", 4), (b"ilst", 0), (b"\xa9cmt", 0), (b"data", 8)):
        body = _mp4_boxes(_Bytes(body)).get(kind, b"")[skipped:]
    return body


def _mp4_boxes(file: _Bytes) -> dict[bytes, bytes]:
    boxes = {}
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if length == 1:  # the length is too large for its place and comes after the kind
            boxes[kind] = file.take(struct.unpack(">Q", file.take(8))[0] - 16)
        else:
            boxes[kind] = file.take(length - 8) if length else file.read()
    return boxes


class _Bytes(io.BytesIO):
    """A file taken part by part, in no more parts than it could be in good faith: millions would take seconds."""

    parts_left = 400_000  # the largest GIF has half as many

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes; an EOFError where fewer are left, or where a damaged file asks for less than none."""
        self.parts_left -= 1
        data = self.read(count)
        if len(data) != count or not self.parts_left:
            raise EOFError
        return data


# XMP is XML in UTF-8; dc:description is where programs show a picture's comment
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{}</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>'
)
_XMP_NOTE = rb'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">([^<]*)</rdf:li>'


def _save_frames(images: list[Image.Image], path: Path, **options: Any) -> None:
    images[0].save(path, save_all=True, append_images=images[1:], loop=0, **options)


def _shared_palette(frames: np.ndarray, most_pixels: int = 1_000_000) -> Image.Image:
    """The 256 colours that serve a fair sample of all frames' pixels."""
    pixels = frames.reshape(-1, 3)
    sample = pixels[:: max(1, len(pixels) // most_pixels)]
    side = math.isqrt(len(sample))
    return Image.fromarray(sample[: side * side].reshape(side, side, 3)).quantize(256, Image.Quantize.FASTOCTREE)
