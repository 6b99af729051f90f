"""Renders faces offline, as many as wanted, from the DiceBear styles.

python -m dcgan.avatars adventurer faces/ --count 1000
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from multiprocessing import get_context, parent_process
from pathlib import Path

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from PIL import Image, ImageColor

from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.images import save_png
from dcgan.parallel import map_in_order

FACE_PARTS = {"eyes", "mouth", "face", "mood", "expression"}  # a style with one of these draws faces
CHUNK = 64  # pictures a worker renders in one go
FIRST_HELD_OUT = 1_000_000  # avatars from here on are for evaluation only; training draws from 0 up


@dataclass(frozen=True)
class Attribution:
    """Whose work a style is, in the words of the style's own file."""

    title: str
    creator: str
    source: str
    licence: str
    licence_url: str
    licence_text: str


def styles() -> list[str]:
    """Names of all styles that draw faces."""
    names = (entry.name.removesuffix(".json") for entry in files("dicebear_styles").iterdir() if entry.is_file())
    return sorted(name for name in names if _definition(name) and FACE_PARTS & set(_definition(name)["components"]))


def attribution(style: str) -> Attribution:
    """Licence and author of a style, read from the style's own file."""
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


def check_colours(colours: Sequence[str]) -> None:
    """Raise an InputError that names the first of `colours` that is none."""
    for colour in colours:
        try:
            ImageColor.getrgb(colour)
        except ValueError:
            raise InputError(f"background {colour!r} is no colour; use names or hex, as in white,#b6e3f4.") from None


def renderer_versions() -> dict[str, str]:
    """The packages that decide how a picture looks, with their versions."""
    return {name: version(name) for name in ("dicebear-core", "dicebear-styles", "resvg-py")}


def render(style: str, index: int, size: int, backgrounds: Sequence[str] = ("white",)) -> np.ndarray:
    """Avatar number `index` of a style as pixels `(size, size, 3)`, uint8; the same for the same arguments.

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
    """Avatars `first` to `first + count - 1` in order, rendered in parallel over the cores (`workers` processes).

    Raises:
        InputError: no such face style or colour; at the call, before anything is rendered.
    """
    _style_definition(style)
    check_colours(backgrounds)
    return _rendered(style, range(first, first + count), size, tuple(backgrounds), workers)


def _rendered(style, indices, size, backgrounds, workers) -> Iterator[np.ndarray]:
    workers = workers or os.cpu_count() or 1
    if workers == 1 or len(indices) <= 4 * CHUNK:  # starting processes would cost more than it saves
        for index in indices:
            yield render(style, index, size, backgrounds)
        return
    chunks = (indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK))
    render_chunk = partial(_render_chunk, style, size, backgrounds)
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_live_and_die_with_the_parent) as pool:
        try:
            for pictures in map_in_order(pool, render_chunk, chunks, waiting=4 * workers):
                yield from pictures
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _live_and_die_with_the_parent() -> None:
    """In a worker: leave Ctrl-C to the parent, and don't outlive it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _render_chunk(style: str, size: int, backgrounds: Sequence[str], indices: Sequence[int]) -> list[np.ndarray]:
    return [render(style, index, size, backgrounds) for index in indices]


@cache
def _definition(style: str) -> dict | None:
    path = files("dicebear_styles").joinpath(f"{style}.json")
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _style_definition(style: str) -> dict:
    if style not in styles():
        raise InputError(f"there is no face style {style!r}; choose one of {', '.join(styles())}.")
    return _definition(style)


@cache
def _style(style: str) -> Style:
    return Style(_style_definition(style))


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write a folder of PNGs, with the style's licence beside them."""
    parser = Parser(prog="python -m dcgan.avatars", description=__doc__.split("\n")[0])
    parser.add_argument("style", help="a DiceBear face style, such as adventurer or lorelei")
    parser.add_argument("folder", type=Path, help="where the PNGs go")
    parser.add_argument("--count", type=int, default=100, help="how many (default 100)")
    parser.add_argument("--first", type=int, default=0, help="index of the first one (default 0)")
    parser.add_argument("--size", type=int, default=96, help="pixels a side (default 96)")
    parser.add_argument("--background", default="white", help="colours to take turns, as in white,#b6e3f4")
    options = parser.parse_args(argv)
    if options.count < 1 or options.first < 0 or not 8 <= options.size <= 1024:
        raise InputError("--count must be from 1 up, --first from 0 up and --size from 8 to 1024.")

    pictures = render_many(options.style, options.count, options.size, options.background.split(","), options.first)
    credit = attribution(options.style)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(pictures, start=options.first):
            save_png(pixels, options.folder / f"{options.style}-{index:06d}.png")
        (options.folder / "LICENCE.txt").write_text(credit.licence_text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"can't write to {options.folder}: {error.strerror or error}.") from None
    print(f"{options.count} pictures in {options.folder}. {credit.licence_text.splitlines()[0]}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
