"""Real pictures to compare generated ones with, so far as that can be had ones that training doesn't draw."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from dcgan import avatars
from dcgan.avatars import FIRST_HELD_OUT
from dcgan.data import Pictures, epoch_order
from dcgan.sources import AVATARS_PREFIX

ORDER_SEED = 2020


class Reals(ABC):
    """Real pictures to compare with, by number from 0; the same number is always the same picture.

    `data` is what --data calls their source. `held_out` says whether training can't have drawn them, `words` what they
    are, `identity` (JSON-ready) is equal exactly when they are.
    """

    data: str

    held_out: bool
    words: str
    identity: Any

    @abstractmethod
    def pixels(self, first: int, count: int) -> np.ndarray:
        """Pictures `first` to `first + count - 1` as pixels `(count, S, S, 3)`, uint8."""

    def rows(self, first: int, count: int, pictures: Pictures) -> np.ndarray | None:
        """Where these stand among `pictures`, if they were taken from there."""
        return None


class RenderedReals(Reals):
    """Avatars of the numbers that training never draws. One to three in a thousand look like one that it draws all the
    same, since the styles have no more faces than that.
    """

    held_out = True

    def __init__(self, style: str, size: int, backgrounds: Sequence[str]):
        self.style, self.size, self.backgrounds = style, size, tuple(backgrounds)
        self.data = AVATARS_PREFIX + style
        self.words = f"avatars of number {FIRST_HELD_OUT:,} and up, which training never draws"
        self.identity = ["avatars", style, size, self.backgrounds, avatars.renderer_versions()]

    def pixels(self, first: int, count: int) -> np.ndarray:
        pictures = avatars.render_many(self.style, count, self.size, self.backgrounds, FIRST_HELD_OUT + first)
        return np.stack(list(tqdm(pictures, total=count, desc="rendering", leave=False, disable=None)))


class GivenReals(Reals):
    """Pictures from a folder, file or data set, in an order made by chance once and for all."""

    held_out = False  # nobody can promise it

    def __init__(self, pictures: Pictures, relation: str):
        """`relation` says in words what training had to do with them."""
        self.pictures, self.data = pictures, pictures.name
        self.order = epoch_order(len(pictures), ORDER_SEED, 0).numpy()
        self.words = f"pictures of {pictures.name}, {relation}"
        self.identity = ["pictures", pictures.fingerprint, pictures.pixels.shape[1], ORDER_SEED]

    def pixels(self, first: int, count: int) -> np.ndarray:
        return np.asarray(self.pictures.pixels[self.order[first : first + count]])

    def rows(self, first: int, count: int, pictures: Pictures) -> np.ndarray | None:
        return self.order[first : first + count] if pictures.fingerprint == self.pictures.fingerprint else None
