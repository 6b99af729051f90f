"""Walks from face to face at a constant visible speed: keyframes in, the frames of an animation out.

Evenly spaced latents don't make evenly changing pictures: for a second nothing happens, then the hair turns blue within
two frames. So a path is drawn twice: once to measure the distances between its pictures, more closely where they are
large, then at the latents where the pictures change evenly. To measure a path by its pictures instead of its latents is
the idea of perceptual path length (Karras et al. 2018, https://arxiv.org/abs/1812.04948); here the measure is the
difference of shrunk pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from dcgan.folding import BATCH
from dcgan.images import grid
from dcgan.latents import Way, along, slerp
from dcgan.models import Generator
from dcgan.sampling import render

MODES = ("loop", "ping-pong", "open")
METHODS: dict[str, Way] = {"slerp": slerp, "linear": torch.lerp}
KEYFRAMES = (2, 12)
GRIDS = (1, 4, 9, 16)
MEASURED_A_FRAME = 3  # pictures that measure a walk, for each of its frames
MEASURED = (96, 384)  # at least and at most of them
REFINEMENTS = 3  # times that a way is looked at more closely where its pictures change most
MEASURED_SIDE = 32
MAX_UNEVENNESS = 0.2
ProgressCallback = Callable[[int, int], None]
Draw = Callable[[Tensor], np.ndarray]


def render_walk(
    generator: Generator,
    keyframes: Tensor,
    frames: int,
    mode: str = "loop",
    method: str = "slerp",
    progress: ProgressCallback | None = None,
) -> np.ndarray:
    """Draw a walk through latents `(K, D)`, 2 to 12, that changes evenly: pictures `(frames, S, S, 3)`, uint8.

    Frame 0 is the first keyframe's still, bit for bit. A `loop` goes on to the first keyframe again and ends one step
    short of it. `ping-pong` goes to the last one and returns through the same pictures, also ending one step short (an
    odd number of frames has one step more on the way there). `open` ends on the last keyframe's still. With enough
    frames the other keyframes' stills are among them, too. `method` is `slerp` or `linear`. `progress(done, total)`
    is called with the number of pictures drawn, those included that only measure the way.

    Raises:
        ValueError: fewer than two frames, an unknown mode or method, keyframes that aren't 2 to 12 of the generator's
            latents, or a generator in train mode.
    """
    return render_grid_walk(generator, [keyframes], frames, mode, method, progress)


def render_grid_walk(
    generator: Generator,
    walks: Sequence[Tensor],
    frames: int,
    mode: str = "loop",
    method: str = "slerp",
    progress: ProgressCallback | None = None,
) -> np.ndarray:
    """Draw 1, 4, 9 or 16 walks side by side, each as `render_walk` does: pictures `(frames, H, W, 3)`, uint8.

    Each walk has its own keyframes `(K, D)` and its own even speed. One walk alone has no border.

    Raises:
        ValueError: another number of walks, and what `render_walk` refuses.
    """
    _check(generator, walks, frames, mode, method)
    if mode == "loop" and all(len(keyframes) == 2 for keyframes in walks):
        mode = "ping-pong"  # the same way, in half the pictures
    moments, shown = np.unique(_moments(frames, mode), return_inverse=True)
    stops = [_stops(keyframes, mode) for keyframes in walks]
    pictures = int(np.clip(MEASURED_A_FRAME * frames, *MEASURED))
    measuring = sum(_pictures_to_measure(len(way) - 1, pictures) for way in stops)
    draw = _counting(generator, measuring + len(walks) * len(moments), progress)

    ways = torch.stack([_steady(draw, way, moments, METHODS[method], pictures) for way in stops])  # (walks, moments, D)
    sheets = []
    for part in ways.split(BATCH, dim=1):
        drawn = draw(part.flatten(0, 1))
        by_moment = drawn.reshape(len(walks), -1, *drawn.shape[1:]).swapaxes(0, 1)
        sheets += [grid(side_by_side, gap=2) if len(walks) > 1 else side_by_side[0] for side_by_side in by_moment]
    return np.stack([sheets[i] for i in shown])


def _check(generator: Generator, walks: Sequence[Tensor], frames: int, mode: str, method: str) -> None:
    if len(walks) not in GRIDS:
        raise ValueError(f"{len(walks)} walks make no square; take one of {GRIDS}")
    if frames < 2:
        raise ValueError(f"a walk of {frames} frames has no way to go; take 2 or more")
    if mode not in MODES:
        raise ValueError(f"the mode {mode!r} is unknown; choose one of {MODES}")
    if method not in METHODS:
        raise ValueError(f"the method {method!r} is unknown; choose one of {tuple(METHODS)}")
    min_count, max_count = KEYFRAMES
    for keyframes in walks:
        if keyframes.ndim != 2 or keyframes.shape[1] != generator.latent_dim:
            raise ValueError(f"keyframes are {tuple(keyframes.shape)}; they must be (K, {generator.latent_dim})")
        if not min_count <= len(keyframes) <= max_count:
            raise ValueError(f"a walk has {min_count} to {max_count} keyframes; these are {len(keyframes)}")


def _moments(frames: int, mode: str) -> np.ndarray:
    """Give the moment of each frame `(frames,)`: 0 at the start of the way, 1 at its end."""
    if mode == "loop":
        return np.arange(frames) / frames
    if mode == "open":
        return np.linspace(0, 1, frames)
    there = (frames + 1) // 2
    back = frames - there
    return np.concatenate([np.linspace(0, 1, there + 1), np.linspace(0, 1, back + 1)[-2:0:-1]])


def _stops(keyframes: Tensor, mode: str) -> Tensor:
    """List the stops `(K, D)` of the way, without repeated ones, at which it would stand still."""
    stops = torch.cat([keyframes, keyframes[:1]]) if mode == "loop" else keyframes
    different: Tensor = torch.unique_consecutive(stops, dim=0)
    return different


def _sampled(legs: int, pictures: int) -> np.ndarray:
    """Choose the positions at which a way is measured first, by half of the pictures that measure it."""
    a_leg = pictures // 2 // max(1, legs)
    return np.arange(legs * a_leg + 1) / a_leg


def _pictures_to_measure(legs: int, pictures: int) -> int:
    """Count the pictures that measure a way; one without a leg is a single picture."""
    return len(_sampled(legs, pictures)) + (REFINEMENTS * _refined(pictures) if legs else 0)


def _refined(pictures: int) -> int:
    """Tell how many pictures each closer look takes."""
    return pictures // 2 // REFINEMENTS


def _counting(generator: Generator, total: int, progress: ProgressCallback | None) -> Draw:
    """Make a `render` that tells `progress` how far it is."""
    done = 0

    def draw(z: Tensor) -> np.ndarray:
        nonlocal done
        pictures = render(generator, z)
        done += len(z)
        if progress:
            progress(done, total)
        return pictures

    return draw


def _steady(draw: Draw, stops: Tensor, moments: np.ndarray, way: Way, pictures: int) -> Tensor:
    """Find latents `(len(moments), D)` on the way through `stops` `(K, D)` at which its pictures change evenly.

    At moment m, from 0 to 1, the pictures have gone through the share m of all change along the way.
    """
    positions, steps = _measured(draw, stops, way, pictures)
    length = np.concatenate([[0], steps.cumsum()])  # (P,): how far it is from the first picture to each
    if not length[-1]:  # every picture is the same
        return along(stops, moments * positions[-1], way)
    length /= length[-1]
    due = np.interp(moments, *_on_whole_frames(length[positions % 1 == 0], moments))
    return along(stops, np.interp(due, length, positions), way)


def _measured(draw: Draw, stops: Tensor, way: Way, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    """Measure a way by so many pictures: positions `(P,)` on it, and how much it changes between them `(P - 1,)`.

    Half of them lie evenly; the others halve, a few at a time, the steps in which most changes.
    """

    def seen(positions: np.ndarray) -> np.ndarray:
        return np.concatenate([_shrunk(draw(part)) for part in along(stops, positions, way).split(4 * BATCH)])

    positions = _sampled(len(stops) - 1, pictures)
    small = seen(positions)
    for _ in range(REFINEMENTS if len(positions) > 1 else 0):
        widest = np.sort(np.argsort(-_changes(small), kind="stable")[: _refined(pictures)])
        halfway = (positions[widest] + positions[widest + 1]) / 2
        small = np.insert(small, widest + 1, seen(halfway), axis=0)
        positions = np.insert(positions, widest + 1, halfway)
    return positions, _changes(small)


def _changes(small: np.ndarray) -> np.ndarray:
    """Give how much each of shrunk pictures `(P, ...)` differs from the next: root mean squares `(P - 1,)`."""
    changes: np.ndarray = np.sqrt(np.square(np.diff(small, axis=0)).mean(axis=(1, 2, 3), dtype=np.float64))
    return changes


def _shrunk(pictures: np.ndarray) -> np.ndarray:
    """Shrink pictures `(N, S, S, 3)` to about 32 pixels a side, as floats: how a face in motion is seen.

    At full size, most of a small step is rounding to whole pixel values, which would count as motion.
    """
    count, side = pictures.shape[:2]
    block = max(1, side // MEASURED_SIDE)
    blocks = pictures.reshape(count, side // block, block, side // block, block, 3)
    total = np.zeros((count, side // block, side // block, 3), np.uint16)
    for row, column in np.ndindex(block, block):  # faster than blocks.mean
        total += blocks[:, :, row, :, column]
    small: np.ndarray = total.astype(np.float32) / block**2
    return small


def _on_whole_frames(stops: np.ndarray, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose the moments at which the stops are passed: those of the nearest frames, so that the stops are seen.

    Where there are so few frames that this would change a leg's speed by more than a fifth, the stops keep the moments
    at which they are due. Gives the moments and the shares of the way that belong to them.
    """
    nearest = np.array([0, *(moments[np.abs(moments - stop).argmin()] for stop in stops[1:-1]), 1])
    uneven = np.abs(np.diff(nearest) / np.diff(stops) - 1)
    return (nearest, stops) if (uneven <= MAX_UNEVENNESS).all() else (stops, stops)
