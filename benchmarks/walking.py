"""How fast a walk is drawn and written, beside itself without measuring the way, and beside other writers of GIFs.

python -m benchmarks.walking
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.machine import ROOT
from benchmarks.measuring import Effort, Finding, Row, Spread, in_turns, run_rows
from dcgan.checkpoints import load_generator
from dcgan.cli import command
from dcgan.gallery.export import export_walk
from dcgan.gallery.walks import render_walk
from dcgan.images import enlarge
from dcgan.latents import latents
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.models import Generator
from dcgan.sampling import render

SEEDS, FRAMES, SIZE, FPS = [7, 42, 99], 48, 384, 20
MAX_MS = 150


@cache
def _generator() -> Generator:
    return load_generator(ROOT / CHECKPOINTS / BUNDLED[0])


def _frames(effort: Effort) -> np.ndarray:
    keyframes = latents(SEEDS, _generator().latent_dim)
    return render_walk(_generator(), keyframes, effort.of(FRAMES, 8))


def walk_drawn(effort: Effort) -> Finding:
    """Draw a walk, and as many faces without it."""
    frames = effort.of(FRAMES, 8)
    z = latents(list(range(frames)), _generator().latent_dim)
    contestants = {"walk": partial(_frames, effort), "faces": partial(render, _generator(), z)}
    seconds = in_turns(effort.rounds, contestants)
    ms = Spread.of([1000 * each for each in seconds["walk"]])
    ratio = Spread.of_ratios(seconds["walk"], seconds["faces"])
    return Finding(f"{ms.words(' ms', 0)}, {ratio.words()} the time of {frames} faces alone", ms.median <= MAX_MS)


def as_gif(effort: Effort) -> Finding:
    """Write a walk as GIF, and let others do so that are installed."""
    frames = _frames(effort)
    with tempfile.TemporaryDirectory() as folder:
        writers = _gif_writers(frames, Path(folder))
        seconds = in_turns(effort.rounds, writers)
        size = {name: (Path(folder) / f"{name}.gif").stat().st_size for name in writers}
    faster = Spread.of_ratios(seconds["Pillow"], seconds["pixels"])
    smaller = size["pixels"] / size["Pillow"]
    each = ", ".join(f"{name} {_ms(seconds[name])} {size[name] / 1e6:.2f} MB" for name in writers)
    missing = [name for name, there in _others().items() if not there]
    note = f"; not here: {', '.join(missing)}" if missing else ""
    return Finding(
        f"{faster.words()} as fast as Pillow's default, {smaller:.2f} of its bytes: {each}{note}",
        faster.median >= 10 and smaller <= 0.45,
    )


def _ms(seconds: Sequence[float]) -> str:
    return f"{1000 * Spread.of(seconds).median:.0f} ms"


def _others() -> dict[str, bool]:
    return {
        "imageio": find_spec("imageio") is not None,
        "gifski": shutil.which("gifski") is not None,
        "gifsicle": shutil.which("gifsicle") is not None,
    }


def _gif_writers(frames: np.ndarray, folder: Path) -> dict[str, Callable[[], object]]:
    """Make what writes the frames to NAME.gif, 384 pixels a side."""
    large = enlarge(frames, SIZE)
    there = _others()
    writers: dict[str, Callable[[], object]] = {
        "Pillow": lambda: _by_pillow(enlarge(frames, SIZE), folder / "Pillow.gif"),
        "pixels": lambda: export_walk(frames, folder / "pixels.gif", "GIF", SIZE, FPS),
        "smooth": lambda: export_walk(frames, folder / "smooth.gif", "GIF", SIZE, FPS, scaling="smooth"),
    }
    if there["imageio"]:
        writers["imageio"] = lambda: _by_imageio(enlarge(frames, SIZE), folder / "imageio.gif")
    pngs = [str(folder / f"{i:03}.png") for i in range(len(large))]
    if there["gifski"]:
        for frame, name in zip(large, pngs, strict=True):
            Image.fromarray(frame).save(name)
        writers["gifski"] = lambda: _told(["gifski", "--fps", str(FPS), "-o", str(folder / "gifski.gif"), *pngs])
    if there["gifsicle"]:
        _by_pillow(large, folder / "Pillow.gif")
        words = ["gifsicle", "-O3", str(folder / "Pillow.gif"), "-o", str(folder / "gifsicle.gif")]
        writers["gifsicle"] = lambda: _told(words)
    return writers


def _told(words: list[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)


def _by_pillow(large: np.ndarray, path: Path) -> None:
    first, *rest = [Image.fromarray(frame) for frame in large]
    first.save(path, save_all=True, append_images=rest, duration=1000 // FPS, loop=0)


def _by_imageio(large: np.ndarray, path: Path) -> None:
    import imageio.v3  # optional

    imageio.v3.imwrite(path, large, duration=1000 // FPS, loop=0)


def as_film(effort: Effort) -> Finding:
    """Write a walk as MP4 and as WebP beside the GIF of the same frames."""
    frames = _frames(effort)
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"walk.{name.lower()}" for name in ("GIF", "MP4", "WebP")}
        writers = {name: partial(export_walk, frames, path, name, SIZE, FPS) for name, path in paths.items()}
        seconds = in_turns(effort.rounds, writers)
        size = {name: path.stat().st_size for name, path in paths.items()}
    words, met = [f"GIF {_ms(seconds['GIF'])} {size['GIF'] / 1e6:.2f} MB"], True
    for name, most_bytes in (("MP4", 1 / 5), ("WebP", 1 / 2)):
        slower, share = Spread.of_ratios(seconds[name], seconds["GIF"]), size[name] / size["GIF"]
        words.append(f"{name} {_ms(seconds[name])}, {slower.words()} its time and {share:.2f} of its bytes")
        met = met and slower.median <= 1 and share <= most_bytes
    return Finding("; ".join(words), met)


ROWS = [
    Row("walk-drawn", "a walk of 48 frames through 3 faces, drawn", f"<= {MAX_MS} ms", walk_drawn),
    Row(
        "walk-gif",
        "that walk as GIF at 384 px, `pixels`, beside Pillow's default",
        ">= 10x as fast, <= 0.45 of the bytes",
        as_gif,
    ),
    Row(
        "walk-film",
        "that walk as MP4 and WebP, beside our GIF",
        "not slower; MP4 <= 0.2 and WebP <= 0.5 of its bytes",
        as_film,
    ),
]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the rows that are named, or all."""
    return run_rows(ROWS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
