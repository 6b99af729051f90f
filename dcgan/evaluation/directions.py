"""Directions among latents along which one thing about faces changes: their hair, their skin, their eyes...

Each is found by regression: of all linear functions of latents the one that best tells an attribute, which is measured
on generated pictures (Denton et al. 2019, https://arxiv.org/abs/1906.06439, with a measure in place of their
classifier). Measures are ranked first, since a few faces with very long hair would decide all else. What is told best
is left alone by all others (the conditional manipulation of Shen et al. 2019, https://arxiv.org/abs/1907.10786). A
direction is then scaled by what it does to pictures. SeFa (Shen & Zhou 2021, https://arxiv.org/abs/2007.06600), which
looks at nothing but the first layer's weights, is measured for comparison.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dcgan.checkpoints import Direction
from dcgan.evaluation.attributes import Attribute
from dcgan.images import to_uint8
from dcgan.latents import latents, seeds_from, step_along
from dcgan.models import Generator

FIRST_FIT, FIRST_TEST = 1_000_000, 2_000_000  # seeds that directions are fitted on, and others that they are tested on
FIT, TEST, STEERED = 20_000, 2_000, 200
CALIBRATED = 64  # faces by which a step is scaled
STEPS = (0.5, 1, 1.5, 2, 3, 4, 5, 6)  # lengths that are tried; latents of seeds have about 10
BEST_TOLD = 0.57  # of an attribute's variance: if latents tell so much, other directions leave it alone
ALIKE = 0.7  # the cosine of two directions above which they are the same one
MIN_MOVED = 0.9  # the share of held-out faces in which AMOUNT 2 raises the attribute
CHUNK, ROWS = 512, 64  # faces that are in memory at once, and in a forward pass: more than a page draws, and faster


@dataclass(frozen=True)
class Found:
    """A direction `(latent_dim,)`, None where no step raises the attribute enough, and what was measured of it."""

    vector: Tensor | None
    measured: Direction


class Measures:
    """Measures attributes of faces, in standard deviations over the faces of latents `(N, D)`: those of `fit`."""

    def __init__(self, generator: Generator, attributes: Mapping[str, Attribute], fit: Tensor):
        self._generator, self._attributes = generator, attributes
        self._middle, self._spread = np.zeros(len(attributes)), np.ones(len(attributes))
        measured = self(fit)
        self._middle, self._spread = measured.mean(axis=0), np.maximum(measured.std(axis=0), 1e-6)
        self.of_fit = (measured - self._middle) / self._spread  # (N, K)

    def __call__(self, z: Tensor) -> np.ndarray:
        """Measure K attributes of the faces of latents `(N, D)`: `(N, K)`."""
        parts = []
        for chunk in z.split(CHUNK):
            pictures = _drawn(self._generator, chunk)
            parts.append(np.stack([attribute(pictures) for attribute in self._attributes.values()], axis=1))
        return (np.concatenate(parts).astype(np.float64) - self._middle) / self._spread


def find_directions(
    generator: Generator,
    attributes: Mapping[str, Attribute],
    fit: int = FIT,
    test: int = TEST,
    steered: int = STEERED,
) -> dict[str, Found]:
    """Find a direction for each attribute of a generator in eval mode, by name, and test it on held-out seeds."""
    z, held_out = (
        latents(seeds_from(*seeds), generator.latent_dim) for seeds in ((FIRST_FIT, fit), (FIRST_TEST, test))
    )
    measures = Measures(generator, attributes, z)
    weights = regressed(z, ranked(measures.of_fit))  # (D, K)
    told = measures(held_out)
    r2, sefa_r2 = explained(held_out, told, weights), explained_by_sefa(generator, held_out, told)
    found = {}
    for place, name in enumerate(attributes):
        unit = apart(weights, place)
        length = step_length(measures, place, z[:CALIBRATED], unit)
        vector = None if length is None else unit * length
        some = told[:steered]
        one, two = (_changes(measures, held_out[:steered], some, vector, amount) for amount in (1, 2))
        found[name] = Found(
            vector, _measured(list(attributes), place, one, two, float(r2[place]), float(sefa_r2[place]))
        )
    return found


def ranked(measured: np.ndarray) -> np.ndarray:
    """Put in place of measures `(N, K)` what a normal distribution has at their ranks."""
    ranks = measured.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    scores: np.ndarray = torch.special.ndtri(torch.from_numpy((ranks + 0.5) / len(measured))).numpy()
    return scores


@torch.inference_mode()
def _drawn(generator: Generator, z: Tensor) -> np.ndarray:
    device = next(generator.parameters()).device
    return np.concatenate([to_uint8(generator(part.to(device))) for part in z.split(ROWS)])


def regressed(z: Tensor, measured: np.ndarray) -> Tensor:
    """Fit measures `(N, K)` as linear functions of latents `(N, D)` by least squares: weights `(D, K)`."""
    inputs = torch.cat([z, torch.ones(len(z), 1)], dim=1).double()
    solution: Tensor = torch.linalg.lstsq(inputs, torch.from_numpy(measured)).solution
    return solution[:-1]


def explained(z: Tensor, measured: np.ndarray, weights: Tensor) -> np.ndarray:
    """Tell the squared correlation of each of K measures `(N, K)` with its linear function of latents: `(K,)`."""
    guessed = (z.double() @ weights).numpy()
    return np.array([_correlation(guessed[:, i], measured[:, i]) ** 2 for i in range(measured.shape[1])])


def explained_by_sefa(generator: Generator, z: Tensor, measured: np.ndarray) -> np.ndarray:
    """Tell the same of the direction of SeFa that does best for each measure: `(K,)`."""
    first = next(layer for layer in generator.modules() if isinstance(layer, nn.ConvTranspose2d))
    weight = first.weight.detach().cpu().double().flatten(1)  # (D, C * 4 * 4)
    _, vectors = torch.linalg.eigh(weight @ weight.T)
    along = (z.double() @ vectors).numpy()  # (N, D)
    return np.array([max(_correlation(one, each) ** 2 for one in along.T) for each in measured.T])


def apart(weights: Tensor, place: int) -> Tensor:
    """Make the unit vector `(D,)` along one column of weights `(D, K)` that leaves alone what latents tell best of all.

    That is skin and background, into which all else leaks: where a generator draws eyes lighter, it draws the skin so.
    """
    one = weights[:, place]
    told = [i for i in range(weights.shape[1]) if i != place and float(weights[:, i].square().sum()) >= BEST_TOLD]
    alike = [i for i in told if abs(float(torch.cosine_similarity(weights[:, i], one, dim=0))) > ALIKE]
    if others := [i for i in told if i not in alike]:
        basis = torch.linalg.qr(weights[:, others]).Q
        one = one - basis @ (basis.T @ one)
    unit: Tensor = one / one.norm().clamp_min(1e-12)
    return unit


def step_length(measures: Measures, place: int, z: Tensor, unit: Tensor) -> float | None:
    """Find the length of a step along a unit vector that raises an attribute by one standard deviation.

    On average over latents `(N, D)`, to both sides; by the way ahead alone where both never come to it, as few faces
    can have much less of the attribute. None where no step does.
    """

    def mean_after(length: float) -> float:
        return float(measures(_moved(z, unit, length))[:, place].mean())

    both = length_of_one((mean_after(length) - mean_after(-length)) / 2 for length in STEPS)
    return both or length_of_one(mean_after(length) - mean_after(0) for length in STEPS)


def length_of_one(effects: Iterable[float]) -> float | None:
    """Find between STEPS, whose effects are given, the first length that has an effect of 1; None if there is none."""
    before = 0.0, 0.0
    for length, effect in zip(STEPS, effects, strict=True):
        if effect >= 1:
            return before[0] + (length - before[0]) * (1 - before[1]) / (effect - before[1])
        before = length, max(effect, before[1])
    return None


def _moved(z: Tensor, direction: Tensor, amount: float) -> Tensor:
    return torch.stack([step_along(each, direction.double(), amount) for each in z.double()]).float()


def _changes(measures: Measures, z: Tensor, before: np.ndarray, vector: Tensor | None, amount: float) -> np.ndarray:
    """Measure how a step changes all K attributes of the faces of latents `(N, D)`: `(N, K)`."""
    return np.zeros_like(before) if vector is None else measures(_moved(z, vector, amount)) - before


def _measured(names: list[str], place: int, one: np.ndarray, two: np.ndarray, r2: float, sefa_r2: float) -> Direction:
    others = np.abs(one.mean(axis=0))
    effect, others[place] = one[:, place].mean(), 0
    moved = float((two[:, place] > 0).mean())
    most = int(others.argmax())
    return Direction(
        r2=round(r2, 3),
        sefa_r2=round(sefa_r2, 3),
        effect=round(float(effect), 3),
        moved=round(moved, 3),
        leakage=round(float(others[most]), 3),
        leaks_into=names[most] if others[most] else None,
        shipped=moved >= MIN_MOVED,
    )


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    spreads = one.std() * other.std()
    return float(((one - one.mean()) * (other - other.mean())).mean() / spreads) if spreads > 1e-12 else 0.0
