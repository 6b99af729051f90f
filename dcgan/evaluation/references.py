"""Real pictures to compare generated ones with, so far as that can be had ones that training doesn't draw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from dcgan.data import AVATARS_PREFIX, FIRST_HELD_OUT, Art, Composer, Pictures, avatars, epoch_order, portraits

ORDER_SEED = 2020


class Reals(ABC):
    """Real pictures to compare with, by number from 0; the same number is always the same picture.

    `data` is what --data calls their source. `held_out` says whether training can't have drawn them, `words` what they
    are, `identity` (JSON-ready) is equal exactly when they are. `count` is how many there are, None of any number.
    """

    data: str
    held_out: bool
    words: str
    identity: Any
    count: int | None

    @abstractmethod
    def pixels(self, first: int, count: int) -> np.ndarray:
        """Pictures `first` to `first + count - 1` as pixels `(count, S, S, 3)`, uint8."""

    def rows(self, first: int, count: int, pictures: Pictures) -> np.ndarray | None:
        """Where these stand among `pictures`, if they were taken from there."""
        return None


class HeldOutReals(Reals):
    """Rendered pictures of the numbers that training never draws, as many as wanted.

    A few look like one that it draws all the same, where a style has no more faces than that.
    """

    held_out = True
    count = None

    def __init__(self, data: str, kind: str, identity: Any, draw: Callable[[int, int], Iterator[np.ndarray]]):
        """`draw(first, count)` draws pictures of the numbers from `first` up; `kind` is what to call them."""
        self.data, self.draw = data, draw
        self.words = f"{kind} of number {FIRST_HELD_OUT:,} and up, which training never draws"
        self.identity = identity

    def pixels(self, first: int, count: int) -> np.ndarray:
        pictures = self.draw(FIRST_HELD_OUT + first, count)
        return np.stack(list(tqdm(pictures, total=count, desc="rendering", leave=False, disable=None)))


def held_out_avatars(style: str, size: int, backgrounds: Sequence[str]) -> HeldOutReals:
    """Avatars of a style that training never draws."""
    identity = ["avatars", style, size, tuple(backgrounds), avatars.renderer_versions()]

    def draw(first: int, count: int) -> Iterator[np.ndarray]:
        return avatars.render_many(style, count, size, backgrounds, first)

    return HeldOutReals(AVATARS_PREFIX + style, "avatars", identity, draw)


def held_out_portraits(art: Art, name: str, size: int, crop: str, backgrounds: Sequence[str]) -> HeldOutReals:
    """Portraits from the same layers that training never draws; `name` is what --data calls them."""
    identity = ["portraits", portraits.VERSION, art.digest, size, crop, tuple(backgrounds)]
    composer = Composer(art, size, crop, backgrounds)
    return HeldOutReals(
        name, "portraits", identity, lambda first, count: portraits.compose_many(composer, count, first)
    )


class GivenReals(Reals):
    """Pictures from a folder, file or data set, in an order made by chance once and for all."""

    held_out = False  # nobody can promise it

    def __init__(self, pictures: Pictures, relation: str):
        """`relation` says in words what training had to do with them."""
        self.pictures, self.data, self.count = pictures, pictures.name, len(pictures)
        self.order = epoch_order(len(pictures), ORDER_SEED, 0).numpy()
        self.words = f"pictures of {pictures.name}, {relation}"
        self.identity = ["pictures", pictures.fingerprint, pictures.pixels.shape[1], ORDER_SEED]

    def pixels(self, first: int, count: int) -> np.ndarray:
        return np.asarray(self.pictures.pixels[self.order[first : first + count]])

    def rows(self, first: int, count: int, pictures: Pictures) -> np.ndarray | None:
        return self.order[first : first + count] if pictures.fingerprint == self.pictures.fingerprint else None
