"""New faces out of others: more like one, between two, with something of a third, along a direction.

All of it are expressions, which a checkpoint then draws. What these can't say in steps is written as one latent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from dcgan.expressions import (
    DIGITS,
    AnyFace,
    added_up,
    canonical,
    mixed,
    moved,
    parse,
    spelled_out,
    the_direction,
    to_latent,
)
from dcgan.gallery.catalog_protocol import Catalog
from dcgan.latents import SEEDS, on_sphere, slerp, step_along

MIN_CANDIDATES = 128  # for variations; a second of work for one core
REFERENCE = 16  # faces of seeds, by which it is told how much faces differ
MIN_CHANGE, MAX_CHANGE = 1.0, 2.35  # of a variation, by amount
Draw = Callable[[list[AnyFace]], np.ndarray]  # pixels (N, S, S, 3), uint8


def latents_of(catalog: Catalog, checkpoint: str, faces: Sequence[AnyFace]) -> Tensor:
    """Make the latents `(N, latent_dim)` of faces of a checkpoint; its directions are asked for only if one needs them.

    Raises:
        InputError: the checkpoint can't be had, or a face is none of it.
    """
    expressions = [parse(face) for face in faces]
    directions = catalog.directions(checkpoint) if any(each.moves for each in expressions) else {}
    latent_dim = catalog.generator(checkpoint).latent_dim
    return torch.stack([to_latent(each, directions, latent_dim) for each in expressions])


class Studio:
    """Makes faces of one checkpoint of a catalog; "" is its default."""

    def __init__(self, catalog: Catalog, checkpoint: str):
        self._catalog, self._checkpoint = catalog, checkpoint or catalog.default

    def mix(self, a: AnyFace, b: AnyFace, t: float) -> AnyFace:
        """Make the face on the arc from `a` to `b` at `t`, from 0 to 1.

        Shoemake 1985, https://doi.org/10.1145/325165.325242; White 2016, https://arxiv.org/abs/1609.04468.

        Raises:
            InputError: one that is no face of this checkpoint.
        """
        made = mixed(parse(a), parse(b), t)
        if made is None:
            start, end = self._latents(a, b)
            made = spelled_out(slerp(start, end, t))
        return made.face

    def between(self, a: AnyFace, b: AnyFace, count: int) -> list[AnyFace]:
        """Make `count` faces, 2 or more, in even steps on the arc from `a` to `b`, which are its ends.

        Raises:
            InputError: one that is no face of this checkpoint.
        """
        shares = [round(i / (count - 1), DIGITS) for i in range(1, count - 1)]
        return [canonical(a), *(self.mix(a, b, share) for share in shares), canonical(b)]

    def table(self, faces: Sequence[AnyFace]) -> list[list[AnyFace]]:
        """Make a table of faces: each one mixed half and half with each; where a face meets itself it stands alone.

        Raises:
            InputError: one that is no face of this checkpoint.
        """
        return [[canonical(a) if a == b else self.mix(a, b, 0.5) for b in faces] for a in faces]

    def arithmetic(self, a: AnyFace, minus: AnyFace, plus: AnyFace) -> AnyFace:
        """Make the face `a` - `minus` + `plus`, as in Radford et al. 2015, https://arxiv.org/abs/1511.06434.

        Raises:
            InputError: one that is no face of this checkpoint, or nothing is left of them.
        """
        made = added_up(parse(a), parse(minus), parse(plus))
        if made is None:
            one, less, more = self._latents(a, minus, plus)
            made = spelled_out(on_sphere(one - less + more))
        return made.face

    def steer(self, face: AnyFace, direction: str, amount: float) -> AnyFace:
        """Make a face that goes along a direction of the checkpoint; `amount` is from -5 to 5 standard deviations.

        Raises:
            InputError: no such face or direction.
        """
        along = the_direction(direction, self._catalog.directions(self._checkpoint))
        made = moved(parse(face), direction, amount)
        if made is None:
            [z] = self._latents(face)
            made = spelled_out(step_along(z, along, amount))
        return made.face

    def variations(self, face: AnyFace, count: int, amount: float, seed: int, draw: Draw) -> list[AnyFace]:
        """Make `count` faces that are like one: each a step of `amount`, from 0 to 1, towards another seed.

        Some steps change nearly nothing and some all of a face. So more are drawn than wanted, and those kept that
        differ from it by one to two and a third times `amount`, as a share of how much faces of seeds differ; where
        there are too few, those that come nearest to that. The same face, amount and seed make the same ones.

        Raises:
            InputError: no face of this checkpoint.
        """
        face = canonical(face)
        candidates = [
            self.mix(face, other, amount) for other in islice(_other_seeds(face, seed), max(MIN_CANDIDATES, 2 * count))
        ]
        pictures = draw([face, *range(REFERENCE), *candidates]).astype(np.float32)  # (1 + R + N, S, S, 3)
        parent, others, drawn = pictures[0], pictures[1 : REFERENCE + 1], pictures[REFERENCE + 1 :]
        usual = np.mean([_distances(one, others[:i]).sum() for i, one in enumerate(others)]) * 2 / (REFERENCE - 1)
        changes = _distances(parent, drawn) / max(usual, 1e-6) / amount  # (N,)
        amiss = np.maximum(MIN_CHANGE - changes, changes - MAX_CHANGE).clip(0)
        return [candidates[i] for i in sorted(np.argsort(amiss, kind="stable")[:count])]

    def _latents(self, *faces: AnyFace) -> list[Tensor]:
        return list(latents_of(self._catalog, self._checkpoint, faces).double())


def _distances(picture: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Measure how far pictures `(N, S, S, 3)` are from one `(S, S, 3)`: root mean squares `(N,)`."""
    distances: np.ndarray = np.sqrt(np.square(others - picture).mean(axis=(1, 2, 3)))
    return distances


def _other_seeds(face: AnyFace, seed: int) -> Iterator[int]:
    """Draw seeds by chance that begins with face and seed, each once and none that is the face."""
    given: set[AnyFace] = {face}
    place = 0
    while True:
        digest = hashlib.sha256(f"{face} {seed} {place}".encode()).digest()
        drawn, place = int.from_bytes(digest[:8], "big") % SEEDS, place + 1
        if drawn not in given:
            given.add(drawn)
            yield drawn
