"""Renders faces offline, as many as wanted, from the DiceBear styles.

python -m dcgan.avatars adventurer faces/ --count 1000
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from PIL import Image, ImageColor

from dcgan.data.attribution import Attribution
from dcgan.errors import InputError
from dcgan.images import check_colours
from dcgan.parallel import map_in_processes

FACE_PARTS = {"eyes", "mouth", "face", "mood", "expression"}  # a style with one of these draws faces


def styles() -> list[str]:
    """List all styles that draw faces."""
    names = (entry.name.removesuffix(".json") for entry in files("dicebear_styles").iterdir() if entry.is_file())
    return sorted(name for name in names if FACE_PARTS & set(_definition(name).get("components", ())))


def attribution(style: str) -> Attribution:
    """Read licence and author of a style from the style's own file."""
    meta = _style_definition(style)["meta"]
    licence, creator, source = (meta.get(part, {}) for part in ("license", "creator", "source"))
    return Attribution(
        title=source.get("name") or style,
        creator=creator.get("name", ""),
        source=source.get("url", ""),
        licence=licence.get("name", ""),
        licence_url=licence.get("url", ""),
        licence_text=licence.get("text", ""),
    )


def renderer_versions() -> dict[str, str]:
    """List the packages that decide how a picture looks, with their versions."""
    return {name: version(name) for name in ("dicebear-core", "dicebear-styles", "resvg-py")}


def render(style: str, index: int, size: int, backgrounds: Sequence[str] = ("white",)) -> np.ndarray:
    """Render avatar number `index` of a style as pixels `(size, size, 3)`, uint8; the same for the same arguments.

    Of several background colours, picture `index` has the one at `index` modulo their number.

    Raises:
        InputError: no such face style or colour.
    """
    svg = Avatar(_style(style), {"seed": str(index)}).to_string()
    colour = "#{:02x}{:02x}{:02x}".format(*ImageColor.getrgb(backgrounds[index % len(backgrounds)])[:3])
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background=colour, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))


def render_many(
    style: str,
    count: int,
    size: int,
    backgrounds: Sequence[str] = ("white",),
    first: int = 0,
    workers: int | None = None,
) -> Iterator[np.ndarray]:
    """Render avatars `first` to `first + count - 1` in order, in parallel over the cores (`workers` processes).

    Raises:
        InputError: no such face style or colour; at the call, before anything is rendered.
    """
    _style_definition(style)
    check_colours(backgrounds)
    return map_in_processes(_render, (style, size, tuple(backgrounds)), range(first, first + count), workers)


def _render(settings: tuple[str, int, tuple[str, ...]], index: int) -> np.ndarray:
    style, size, backgrounds = settings
    return render(style, index, size, backgrounds)


@cache
def _definition(style: str) -> dict[str, Any]:
    """Read a style's file; an empty dict where there is none."""
    path = files("dicebear_styles").joinpath(f"{style}.json")
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found


def _style_definition(style: str) -> dict[str, Any]:
    if style not in styles():
        raise InputError(f"there is no face style {style!r}; choose one of {', '.join(styles())}.")
    return _definition(style)


@cache
def _style(style: str) -> Style:
    return Style(_style_definition(style))
