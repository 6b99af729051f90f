"""Sources of pictures that are drawn here: avatars and portraits."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX
from dcgan.data import avatars, portraits
from dcgan.data.attribution import Attribution
from dcgan.data.left_out import LeftOut
from dcgan.data.picture_source import Decoded
from dcgan.errors import InputError
from dcgan.images import check_colours

FIRST_HELD_OUT = 1_000_000  # pictures from here on are for evaluation only; training draws from 0 up


class DrawnSource(ABC):
    """Pictures that are drawn by number, from 0 up."""

    name: str
    identity: Any
    attribution: Attribution | None
    left_out: Sequence[LeftOut] = ()

    def __init__(self, count: int):
        if count > FIRST_HELD_OUT:
            raise InputError(
                f"--data-size {count} reaches into the pictures that are held out for evaluation, number "
                f"{FIRST_HELD_OUT} and up; it must be from 1 to {FIRST_HELD_OUT}."
            )
        self.count = count

    def __len__(self) -> int:
        return self.count

    @abstractmethod
    def drawn(self, size: int) -> Iterator[np.ndarray]:
        """Draw all pictures in order, as pixels `(size, size, 3)`."""

    def pictures(self, size: int) -> Iterator[Decoded]:
        """Draw all pictures in order; none is unreadable, small or transparent."""
        for index, pixels in enumerate(self.drawn(size)):
            yield Decoded(f"{self.name} {index}", pixels, hashlib.sha256(pixels.tobytes()).digest())


class AvatarSource(DrawnSource):
    """Avatars of a style of DiceBear's."""

    def __init__(self, style: str, count: int, backgrounds: Sequence[str]):
        self.attribution = avatars.attribution(style)
        check_colours(backgrounds)
        super().__init__(count)
        self.style, self.backgrounds = style, list(backgrounds)
        self.name = AVATARS_PREFIX + style
        self.identity = ["avatars", style, count, self.backgrounds, avatars.renderer_versions()]

    def drawn(self, size: int) -> Iterator[np.ndarray]:
        return avatars.render_many(self.style, self.count, size, self.backgrounds)


class PortraitSource(DrawnSource):
    """Portraits that are composed from a clone or .zip of the art."""

    def __init__(self, place: str, count: int, backgrounds: Sequence[str], crop: str):
        self.art = portraits.open_art(place)
        self.attribution = self.art.attribution
        super().__init__(count)
        self.crop, self.backgrounds = crop, list(backgrounds)
        self.name = PORTRAITS_PREFIX + Path(place).expanduser().resolve().name
        self.identity = ["portraits", portraits.VERSION, self.art.digest, count, crop, self.backgrounds]

    def drawn(self, size: int) -> Iterator[np.ndarray]:
        composer = portraits.Composer(self.art, size, self.crop, self.backgrounds)
        return portraits.compose_many(composer, self.count)
