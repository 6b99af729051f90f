"""The frames of a walk become a file to share: enlarged, timed, and small enough where a limit is set."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from dcgan.expressions import AnyFace
from dcgan.files import portable_name, replacing
from dcgan.gallery.fitting import QUALITIES, Form, best_quality, first_that_fits, forms
from dcgan.images import save_gif, save_mp4, save_webp, scaled

FPS = (1, 50)  # a GIF that asks for more is slowed down by browsers
MAX_MODEL_CHARACTERS, MAX_SEED_CHARACTERS = 50, 70  # of a file's name
SAMPLE_FRAMES = 8


@dataclass(frozen=True)
class Exported:
    """A written file: pixels a side, frames, bytes, and what was given up to fit a limit.

    `given_up` has what there is instead of what was asked for, by name: `size` (pixels a side), `colours`, `quality`
    (of WebP), `crf` (of H.264), `stride` (one frame in so many). GIF and WebP store neighbours that are equal as one
    frame that stays longer; they count one by one here.
    """

    path: Path
    size: int
    frames: int
    bytes: int
    given_up: dict[str, int]


def export_walk(
    frames: np.ndarray,
    path: Path,
    format: str,
    size: int,
    fps: int,
    limit_bytes: int | None = None,
    metadata: str = "",
    scaling: str = "pixels",
) -> Exported:
    """Write frames `(T, S, S, 3)`, uint8, as an endless `GIF`, `WebP` or `MP4`; the file appears whole or not at all.

    The frames are enlarged as `images.scaled` does: by the largest whole multiple that fits `size` pixels a side, or,
    where `scaling` is `smooth`, to just so many (in an MP4 an even number). They last T / `fps` seconds in all, to a
    hundredth of a second in a GIF, a thousandth in a WebP. With `limit_bytes` the file is never
    larger, and of size, quality and frames so much is given up that least is seen missing (`fitting.cost`).

    Raises:
        ValueError: an unknown format, fps outside 1 to 50, frames that aren't square or, for MP4, not even.
        InputError: a limit that even two small, poor frames don't fit.
    """
    side = _checked_side(frames, format, fps)

    def write(some: np.ndarray, form: Form, metadata: str = "") -> int:
        _write(some, temporary, format, fps, form, metadata, scaling)
        return temporary.stat().st_size

    @cache
    def sampled(size: int, quality: int) -> int:
        return write(frames[len(frames) // 2 :][:SAMPLE_FRAMES], Form(size, quality))

    def estimate(form: Form) -> float:
        smaller = sampled(sizes[-1], form.quality) / sampled(sizes[-1], asked.quality)
        return sampled(form.size, asked.quality) * smaller / form.stride

    sizes = _sizes(format, size, side, scaling)
    asked = Form(sizes[0], best_quality(format))
    with replacing(path) as temporary:
        if limit_bytes is None:
            form, written = asked, write(frames, asked, metadata)
        else:
            ways = forms(format, sizes, len(frames), fps, _motion(frames))
            form, written = first_that_fits(ways, lambda form: write(frames, form, metadata), estimate, limit_bytes)
    assert limit_bytes is None or path.stat().st_size == written <= limit_bytes
    given_up = _given_up(form, asked, format)
    return Exported(path, form.size, len(frames[:: form.stride]), written, given_up)


def _checked_side(frames: np.ndarray, format: str, fps: int) -> int:
    """Give how many pixels a side the frames have, once all is sound."""
    if format not in QUALITIES:
        raise ValueError(f"the format {format!r} is unknown; choose one of {tuple(QUALITIES)}")
    if not FPS[0] <= fps <= FPS[1]:
        raise ValueError(f"{fps} frames a second are outside {FPS[0]} to {FPS[1]}")
    side: int = frames.shape[1]
    if frames.shape[1:] != (side, side, 3) or (format == "MP4" and side % 2):
        raise ValueError(f"frames are {frames.shape}; they must be (T, S, S, 3), with an even S for MP4")
    return side


def file_name(model: str, faces: Sequence[AnyFace], frames: int, format: str, walks: int = 1) -> str:
    """Name a download: `adventurer-96_seed-7-42-99_48f.gif`, with `grid-9_` before `seed` for nine walks.

    Where a face is more than a seed, the walk is named by a hash: `adventurer-96_face-0123abcd_48f.gif`.

    At most 150 characters, safe on any system: others than letters, digits, dots and dashes become dashes, a long model
    name is cut, and of many seeds the first are named.
    """
    grid = f"_grid-{walks}" if walks > 1 else ""
    return f"{safe_name(model)}{grid}_{named_faces(faces)}_{frames}f.{format.lower()}"


def named_faces(faces: Sequence[AnyFace]) -> str:
    """Name faces in a file's name: `seed-7-42`, or `face-` and 8 hexadecimal digits of the SHA-256 of their texts."""
    if any(isinstance(face, str) for face in faces):
        return f"face-{hashlib.sha256(','.join(map(str, faces)).encode()).hexdigest()[:8]}"
    return f"seed-{_listed(faces)}"


def safe_name(model: str) -> str:
    """Make a model's name the beginning of a file's: letters, digits, dots and dashes."""
    return portable_name(re.sub(r"[^A-Za-z0-9.]+", "-", model)[:MAX_MODEL_CHARACTERS].strip("-.")) or "faces"


def _listed(seeds: Sequence[AnyFace]) -> str:
    text, shown = "-".join(map(str, seeds)), len(seeds)
    while len(text) > MAX_SEED_CHARACTERS:
        shown -= 1
        text = "-".join([*map(str, seeds[:shown]), f"and-{len(seeds) - shown}-more"])
    return text


def _motion(frames: np.ndarray) -> float:
    """Tell by how many grey levels a frame differs from the next, root mean square, in the middle of a walk."""
    some = frames[len(frames) // 2 :][:SAMPLE_FRAMES].astype(np.float32)
    return float(np.sqrt(np.square(np.diff(some, axis=0)).mean())) if len(some) > 1 else 0.0


def _sizes(format: str, size: int, side: int, scaling: str) -> list[int]:
    """List the pixels a side that frames can have: what was asked for, then smaller multiples of their own.

    Those that are smooth may have halves and quarters of it between, where the steps would be large.
    """
    multiples = [side * factor for factor in range(max(1, size // side), 0, -1)]
    if scaling == "pixels":
        return multiples
    asked = max(size, side) - (size % 2 if format == "MP4" and size > side else 0)
    steps = [*range(side, 2 * side, side // 4), *range(2 * side, 4 * side, side // 2), *range(4 * side, asked, side)]
    return [asked, *(step for step in reversed(steps) if step < asked)]


def _given_up(form: Form, asked: Form, format: str) -> dict[str, int]:
    given_up = {}
    if form.size < asked.size:
        given_up["size"] = form.size
    if form.quality != asked.quality:
        given_up[QUALITIES[format][0]] = form.quality
    if form.stride > 1:
        given_up["stride"] = form.stride
    return given_up


def _write(frames: np.ndarray, path: Path, format: str, fps: int, form: Form, metadata: str, scaling: str) -> None:
    kept, size = frames[:: form.stride], form.size
    if format == "GIF":
        save_gif(kept, path, _durations(len(frames), form.stride, fps, 10), metadata, form.quality, size, scaling)
        return
    large = scaled(kept, size, scaling)
    if format == "WebP":
        save_webp(large, path, _durations(len(frames), form.stride, fps, 1), metadata, form.quality)
    else:
        save_mp4(large, path, Fraction(fps * len(kept), len(frames)), metadata, form.quality)


def _durations(frames: int, stride: int, fps: int, unit: int) -> list[int]:
    """Give each kept frame's milliseconds, in whole units, so that no moment is off by more than half a unit.

    The last one stays until the first comes again, which can be sooner than a stride.
    """
    ends = [round(Fraction(min(start + stride, frames) * 1000, fps * unit)) for start in range(0, frames, stride)]
    return [(end - start) * unit for start, end in zip([0, *ends], ends, strict=False)]
