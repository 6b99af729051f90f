"""Real pictures to compare generated ones with; where possible, such that training never draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX
from dcgan.data import FIRST_HELD_OUT, Composer, Pictures, avatars, epoch_order, open_art, portraits

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


def held_out_pictures(data: str, size: int, crop: str, backgrounds: Sequence[str]) -> ReferencePictures:
    """Make pictures that training never draws, of what --data names: `avatars:STYLE`, or `portraits:` and their layers.

    Args:
        data: as --data is given, maybe with a path.
        size: pixels a side.
        crop: of portraits, "head" or "bust".
        backgrounds: colours that take turns.

    Raises:
        InputError: no such style, or layers that aren't there.
    """
    if data.startswith(AVATARS_PREFIX):
        return _held_out_avatars(data.removeprefix(AVATARS_PREFIX), size, backgrounds)
    return _held_out_portraits(data.removeprefix(PORTRAITS_PREFIX), size, crop, backgrounds)


def _held_out_avatars(style: str, size: int, backgrounds: Sequence[str]) -> ReferencePictures:
    return _held_out(
        AVATARS_PREFIX + style,
        "avatars",
        ["avatars", style, size, tuple(backgrounds), avatars.renderer_versions()],
        lambda first, count: avatars.render_many(style, count, size, backgrounds, first),
    )


def _held_out_portraits(place: str, size: int, crop: str, backgrounds: Sequence[str]) -> ReferencePictures:
    art = open_art(place)
    composer = Composer(art, size, crop, backgrounds)
    return _held_out(
        PORTRAITS_PREFIX + Path(place).expanduser().resolve().name,
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
