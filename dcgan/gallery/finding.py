"""The face of a checkpoint that comes nearest to a picture: its latent, found by gradient descent.

What is compared are pixels, and what the first layers of the discriminator make of them (Zhu et al. 2016,
https://arxiv.org/abs/1609.03552; Lipton and Tripathi 2017, https://arxiv.org/abs/1702.04782).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from dcgan.errors import InputError
from dcgan.expressions import AnyFace, spelled_out
from dcgan.images import to_float
from dcgan.latents import latents
from dcgan.limits import MAX_SEARCHED_PIXELS
from dcgan.models import Discriminator, Generator
from dcgan.sampling import faces, render

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
SEEDS_TRIED = 1000  # of which the nearest are where the search starts
STARTS, KEPT = 16, 4  # where a start leads to shows early, so that after the first steps only the best few go on
STEPS, FIRST_SHARE = 260, 0.23  # in all, and the first of them, which every start takes
TOLD_EVERY = 20  # steps
RATE = 0.15  # of Adam, which falls to 0
CAREFUL_RATE = 0.04  # of one more start at the nearest seed, which the others leave for good where little is nearer
FEATURE_LAYERS = 3  # of the discriminator, the first ones
FEATURE_SHARE = 0.1  # of what they say beside what pixels say
LENGTH_SHARE = 1e-4  # of how far a latent is longer than most are
MAX_SECONDS = 18.0


@dataclass(frozen=True)
class Found:
    """The nearest face so far: as an expression, as pixels `(S, S, 3)`, uint8, and how far it is in grey levels."""

    face: AnyFace
    pixels: np.ndarray
    distance: float  # mean absolute difference, 0 to 255
    done: float = 0.0  # the share of the search, 0 to 1


def picture_in(path: Path, size: int) -> np.ndarray:
    """Read a picture as pixels `(size, size, 3)`, uint8: turned upright, on white, its middle cropped to a square.

    Of an animation it is the first frame.

    Raises:
        InputError: no picture that can be read, or one with too many pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is above Pillow's warning
            with Image.open(path, formats=FORMATS) as opened:
                _refuse_huge(opened)
                opened.draft(None, (4 * size, 4 * size))  # of a JPEG, some of the work is left undone
                upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except InputError:
        raise
    except Exception:  # a file that is damaged on purpose makes Pillow raise nearly anything
        raise InputError(f"This file is no picture that can be read; choose one of {', '.join(FORMATS)}.") from None
    on_white = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    return np.asarray(ImageOps.fit(on_white, (size, size), Image.Resampling.LANCZOS))


def _refuse_huge(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_SEARCHED_PIXELS:
        raise InputError(
            f"This picture has {picture.width} x {picture.height} pixels; send one of at most "
            f"{MAX_SEARCHED_PIXELS // 1_000_000} million."
        )


def find(
    generator: Generator, discriminator: Discriminator | None, picture: np.ndarray, max_seconds: float = MAX_SECONDS
) -> Iterator[Found]:
    """Look for a picture `(S, S, 3)`, uint8, among the faces of a generator; give the nearest, again and again.

    It takes `max_seconds` at most, and is as good as it gets where these are enough for all its steps.

    Raises:
        InputError: a generator whose latents are too long to be written as an expression.
    """
    began = monotonic()
    device = next(generator.parameters()).device
    target = to_float(torch.from_numpy(picture.copy())[None]).to(device)  # (1, 3, S, S) in [-1, 1]
    sight = _Sight(discriminator, target)
    starts = _starts(generator, picture).to(device)  # (STARTS, latent_dim)
    nearest = _nearest(generator, starts, picture)
    yield nearest
    descent, done = _Descent(generator, sight, starts, [RATE] * len(starts)), 0.0
    for step in range(1, STEPS + 1):
        before, done = done, _share_done(step, monotonic() - began, max_seconds)
        descent.step(done)
        if done == 1 or step % TOLD_EVERY == 0:
            nearest = min(nearest, _nearest(generator, descent.z, picture), key=lambda found: found.distance)
            yield replace(nearest, done=done)
        if done == 1:
            return
        if before < FIRST_SHARE <= done:
            going_on = torch.cat([descent.best(KEPT), starts[:1]])
            descent = _Descent(generator, sight, going_on, [RATE] * KEPT + [CAREFUL_RATE])


def _share_done(step: int, seconds: float, max_seconds: float) -> float:
    """Tell how much of a search is over: of its steps, or of its time where that is more, as on a slow machine."""
    return max(step / STEPS, min(1.0, seconds / max_seconds) if max_seconds else 1.0)


class _Descent:
    """Latents `(N, D)` that become nearer to what is looked for step by step, by Adam, each at a rate of its own."""

    def __init__(self, generator: Generator, sight: _Sight, z: Tensor, rates: list[float]):
        self.generator, self.sight = generator, sight
        self.rows = [row.clone().requires_grad_() for row in z.split(1)]
        groups = [{"params": [row], "rate": rate} for row, rate in zip(self.rows, rates, strict=True)]
        self.adam = torch.optim.Adam(groups, betas=(0.9, 0.99))

    @property
    def z(self) -> Tensor:
        return torch.cat(self.rows)

    def step(self, done: float) -> None:
        """Take a step; the more is `done` of the search, 0 to 1, the smaller it is."""
        with torch.enable_grad():
            self.losses = self._losses()
        for row, gradient in zip(self.rows, torch.autograd.grad(self.losses.sum(), self.rows), strict=True):
            row.grad = gradient
        for group in self.adam.param_groups:
            group["lr"] = group["rate"] * (1 + math.cos(math.pi * done)) / 2
        self.adam.step()

    def best(self, count: int) -> Tensor:
        """Give the latents `(count, D)` that were nearest before the latest step."""
        return self.z.detach()[self.losses.argsort()[:count]]

    def _losses(self) -> Tensor:
        z = self.z
        length = (z.square().sum(1) - self.generator.latent_dim).clamp(min=0)  # (N,)
        return self.sight.distance(self.generator.main(z[:, :, None, None])) + LENGTH_SHARE * length


class _Sight:
    """Tells how far pictures are from one `(1, 3, S, S)`, by their pixels and by the discriminator's first layers."""

    def __init__(self, discriminator: Discriminator | None, target: Tensor):
        self.layers = _first_layers(discriminator)
        self.target = target
        with torch.no_grad():
            self.features = list(self._see(target))

    def distance(self, images: Tensor) -> Tensor:
        """Measure pictures `(N, 3, S, S)`: mean absolute differences `(N,)`, those of features as a share of theirs."""
        total = (images.expand(-1, 3, -1, -1) - self.target).abs().mean((1, 2, 3))
        for seen, wanted in zip(self._see(images), self.features, strict=True):
            apart = (seen - wanted).abs().mean((1, 2, 3)) / wanted.abs().mean().clamp(min=1e-6)
            total = total + FEATURE_SHARE * apart
        return total

    def _see(self, images: Tensor) -> Iterator[Tensor]:
        for layers in self.layers:
            images = layers(images)
            yield images


def _first_layers(discriminator: Discriminator | None) -> list[nn.Sequential]:
    """Take the discriminator's first layers, each with its activation; none where it judges other pictures."""
    blocks: list[nn.Sequential] = []
    block: list[nn.Module] = []
    for layer in discriminator.main if discriminator and discriminator.config.image_channels == 3 else ():
        block.append(layer)
        if isinstance(layer, nn.LeakyReLU):
            blocks.append(nn.Sequential(*block))
            block = []
    return blocks[:FEATURE_LAYERS]


def _starts(generator: Generator, picture: np.ndarray) -> Tensor:
    """Take the latents `(STARTS, latent_dim)` of the seeds whose faces are nearest."""
    drawn = faces(generator, list(range(SEEDS_TRIED))).astype(np.int16)  # (N, S, S, 3)
    apart = np.abs(drawn - picture).mean((1, 2, 3))
    return latents([int(seed) for seed in np.argsort(apart, kind="stable")[:STARTS]], generator.latent_dim)


def _nearest(generator: Generator, z: Tensor, picture: np.ndarray) -> Found:
    """Draw latents `(N, latent_dim)` as they can be written, and give the one whose face is nearest."""
    written = z.detach().cpu().half().float()
    drawn = render(generator, written)
    apart = np.abs(drawn.astype(np.int16) - picture).mean((1, 2, 3))
    best = int(apart.argmin())
    return Found(spelled_out(written[best]).face, drawn[best], float(apart[best]))
