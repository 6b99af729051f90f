"""Where the discriminator looks on a face: how much less real it finds it while a part of it is covered.

Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dcgan.models import Discriminator
from dcgan.sampling import belief

PATCH_SHARE = 4  # the patch has a quarter of the picture's side
PLACES = 10  # of the patch, in each direction
GREY = 128


@dataclass(frozen=True)
class Look:
    """What the discriminator says of a face: pixels `(S, S, 3)`, uint8, and how many others it finds less real.

    `heat` `(S, S)` is from -1 to 1: above 0 where the face looks less real while that place is covered, below 0 more.
    """

    pixels: np.ndarray
    heat: np.ndarray
    less_real: int
    others: int


def look(discriminator: Discriminator, face: np.ndarray, others: np.ndarray) -> Look:
    """Ask the discriminator about a face `(S, S, 3)`, uint8, and about others `(N, S, S, 3)` to compare it with."""
    patches = _patches(len(face))
    covered = np.repeat(face[None], len(patches), axis=0)  # (P, S, S, 3)
    for picture, place in zip(covered, patches, strict=True):
        picture[place] = GREY
    logits = belief(discriminator, np.concatenate([face[None], covered, others]))  # (1 + P + N,)
    own, of_covered, of_others = logits[0], logits[1 : 1 + len(patches)], logits[1 + len(patches) :]
    return Look(face, _heat(own - of_covered, patches, len(face)), int((of_others < own).sum()), len(others))


def _patches(side: int) -> list[tuple[slice, slice]]:
    patch = side // PATCH_SHARE
    starts = np.linspace(0, side - patch, PLACES).round().astype(int)
    return [(slice(top, top + patch), slice(left, left + patch)) for top in starts for left in starts]


def _heat(drops: np.ndarray, patches: list[tuple[slice, slice]], side: int) -> np.ndarray:
    """Give every pixel the mean of the drops `(P,)` of the patches that covered it, the largest as 1 or -1."""
    total, count = np.zeros((side, side)), np.zeros((side, side))
    for drop, place in zip(drops, patches, strict=True):
        total[place] += drop
        count[place] += 1
    heat: np.ndarray = total / count
    return heat / max(float(np.abs(heat).max()), 1e-6)
