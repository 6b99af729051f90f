"""Real pictures to compare generated ones with; where possible, such that training never draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from dcgan.config import AVATARS_PREFIX
from dcgan.data import FIRST_HELD_OUT, Art, Composer, Pictures, avatars, epoch_order, portraits

ORDER_SEED = 2020


@dataclass(frozen=True)
class ReferencePictures:
    """Real pictures to compare with, by number from 0; the same number is always the same picture.

    Rendered pictures have numbers that training never draws, and there are as many as wanted. A few may still look like
    one of the training's, where a style has few different faces. Pictures that were given come in one fixed random
    order.
    """

    data: str  # what --data calls their source
    words: str  # what they are
    identity: Any  # JSON-ready; equal exactly when the pictures are
    held_out: bool  # whether training can't have drawn them; unknown, so False, for pictures that were given
    pixels: Callable[[int, int], np.ndarray]  # of the first number and a count: `(count, S, S, 3)`, uint8
    count: int | None = None  # how many there are; None for as many as wanted
    taken_from: str | None = None  # the fingerprint of the pictures that they were taken from, if from any
    order: np.ndarray | None = None  # the row of each picture in that set

    def rows(self, first: int, count: int, pictures: Pictures) -> np.ndarray | None:
        """Find where these stand among `pictures`; None where they weren't taken from there."""
        if self.order is None or self.taken_from != pictures.fingerprint:
            return None
        return self.order[first : first + count]


def held_out_avatars(style: str, size: int, backgrounds: Sequence[str]) -> ReferencePictures:
    """Make avatars of a style that training never draws."""
    return _held_out(
        AVATARS_PREFIX + style,
        "avatars",
        ["avatars", style, size, tuple(backgrounds), avatars.renderer_versions()],
        lambda first, count: avatars.render_many(style, count, size, backgrounds, first),
    )


def held_out_portraits(art: Art, name: str, size: int, crop: str, backgrounds: Sequence[str]) -> ReferencePictures:
    """Make portraits from the same layers that training never draws; `name` is what --data calls them."""
    composer = Composer(art, size, crop, backgrounds)
    return _held_out(
        name,
        "portraits",
        ["portraits", portraits.VERSION, art.digest, size, crop, tuple(backgrounds)],
        lambda first, count: portraits.compose_many(composer, count, first),
    )


def pictures_given(pictures: Pictures, relation: str) -> ReferencePictures:
    """Take the pictures of a folder, file or data set; `relation` says in words what training had to do with them."""
    order = epoch_order(len(pictures), ORDER_SEED, 0).numpy()
    return ReferencePictures(
        data=pictures.name,
        words=f"pictures of {pictures.name}, {relation}",
        identity=["pictures", pictures.fingerprint, pictures.pixels.shape[1], ORDER_SEED],
        held_out=False,
        pixels=lambda first, count: np.asarray(pictures.pixels[order[first : first + count]]),
        count=len(pictures),
        taken_from=pictures.fingerprint,
        order=order,
    )


def _held_out(
    data: str, kind: str, identity: Any, draw: Callable[[int, int], Iterable[np.ndarray]]
) -> ReferencePictures:
    """Make rendered pictures; `draw(first, count)` draws those of the numbers from `first` up."""

    def pixels(first: int, count: int) -> np.ndarray:
        pictures = draw(FIRST_HELD_OUT + first, count)
        return np.stack(list(tqdm(pictures, total=count, desc="rendering", leave=False, disable=None)))

    words = f"{kind} of number {FIRST_HELD_OUT:,} and up, which training never draws"
    return ReferencePictures(data, words, identity, held_out=True, pixels=pixels)
