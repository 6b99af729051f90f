"""What a source of training pictures is, of whatever kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dcgan.data.attribution import Attribution
from dcgan.data.left_out import LeftOut
from dcgan.errors import InputError

WHAT_WORKS = (
    "What works: a folder or a .zip of pictures (.png .jpg .webp .gif .bmp .tiff .avif and what else Pillow reads), "
    "a .parquet file or a folder of them, a Hub data set user/name, avatars:STYLE such as avatars:adventurer, or "
    "portraits:FOLDER of layers"
)


@dataclass(frozen=True)
class Decoded:
    """One picture of a source, ready for training, and what became of it on the way."""

    name: str  # what the report calls it: its file within the source, or its number
    pixels: np.ndarray | None  # (size, size, 3) uint8; None where it couldn't be read
    digest: bytes = b""  # SHA-256, equal for exact duplicates: of the file, or of the pixels where they were drawn
    small: bool = False  # it had less pixels than wanted, so it was enlarged
    alpha: bool = False  # it had transparency, so it was laid on white
    why: str = ""  # it couldn't be read


class UnusablePictureError(Exception):
    """A picture that can't be used; the message says why in a few words, for the report."""


class Source(Protocol):
    """Where pictures come from: how many there are, and each of them decoded.

    Their order is always the same, and so is the number of them: one that can't be read is a `Decoded` without pixels.
    """

    name: str  # what a model card may say: never a path of the user's machine
    identity: Any  # JSON-ready; equal exactly when the pictures are
    attribution: Attribution | None  # whose work they are, where that is known
    left_out: Sequence[LeftOut]  # what else lies there

    def __len__(self) -> int: ...

    def pictures(self, size: int) -> Iterator[Decoded]:
        """Decode all pictures in order, at `size` pixels a side."""


def unusable(data: str) -> InputError:
    """Make the error that says what is wrong with what --data names, and what works; `data` begins with that name."""
    return InputError(f"--data {data}. {WHAT_WORKS}.")
