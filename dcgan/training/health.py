"""Is a run still sound? What its losses, its tensors and its faces say about that: pure functions, no files.

Faces are held against training pictures by their energy distance (Székely and Rizzo 2013,
https://doi.org/10.1016/j.jspi.2013.03.018) in two looks: how colours lie in the picture, and how much fine detail there
is where. That takes a second and needs no other network. It ranks the snapshots of one run; it is no FID, and says
nothing between data sets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.checkpoints import FacesReading
from dcgan.images import to_float

FROZEN_STEPS = 500  # a loss that hasn't moved for so many updates will never move again
FROZEN_CHANGE = 1e-6  # relative, and absolute below 1; with another batch any loss changes by more
WORSE_BY, WORSE_TIMES = 0.25, 2.0  # a distance both that far above the lowest and so many times as large is a collapse
NOISE = 0.004  # of a distance: 8 sets of 128 seeds of one generator spread by 0.002 to 0.003
STEADY_STEPS = 10  # fewer updates without a move happen by chance: a hinge loss can be 0 a few times in a row
DIVERSE = 0.25  # below it a young run draws grey, and no faces yet; a plain recipe wavers from 0.05 to 0.14 then
MIN_DIVERSITY_KEPT = 0.5  # of the widest; less is a collapse. Runs that went well never had less than 0.9 of it
CHUNK = 32  # pictures that are looked at together, for the memory's sake
COLOUR_SIDE = 12  # pixels a side of the picture in which colours are compared
DETAIL_CELL = 2  # pixels a side of the cells in which detail is measured
MIN_SPREAD = 0.1  # a unit can't be 0, as it would be for the detail of plain colours
MIN_DETAIL = 1 / 255  # half a grey level, in images from -1 to 1; less can't be seen


@dataclass(frozen=True)
class Reading:
    """How a generator's faces compare with the training pictures, both from about 0 up.

    `distance` is 0 where nothing tells them apart, about 1 / k where k of the pictures are drawn again and again.
    `diversity` is how much faces differ from each other, as a share of how much pictures do: 0 for a single face.
    """

    distance: float
    diversity: float

    def to_record(self) -> FacesReading:
        """Give the same as files have it, under the name that tells this diversity from an evaluation's."""
        return FacesReading(distance=self.distance, relative_diversity=self.diversity)


def compare(reals: Tensor, fakes: Tensor) -> Reading:
    """Read faces `(M, S, S, 3)` against pictures `(N, S, S, 3)`, both uint8, two of each or more."""
    readings = [_compare(*look) for look in zip(_looks(reals), _looks(fakes), strict=True)]
    return Reading(*(sum(values) / len(values) for values in zip(*readings, strict=True)))


def fell_apart(reading: Reading, health: Health) -> str | None:
    """Say what is wrong with faces that are far worse, or far more alike, than a run's were at their best, if they are.

    Early faces are bad and waver; only what was good can become far worse, so the bounds are wide where `lowest` is
    high. A generator can collapse before it was ever good, and then its faces become alike.
    """
    lowest, widest = health.lowest, health.widest
    if lowest is not None and reading.distance > max(WORSE_TIMES * lowest, lowest + WORSE_BY):
        return (
            f"the faces fell apart (distance to the pictures {reading.distance:.2f} after {lowest:.2f}, "
            f"diversity {reading.diversity:.2f})"
        )
    if widest is not None and widest >= DIVERSE and reading.diversity < MIN_DIVERSITY_KEPT * widest:
        return f"the faces became alike (diversity {reading.diversity:.2f} after {widest:.2f})"
    return None


def best_of(distances: dict[str, float]) -> str | None:
    """Name the best snapshot: the one with the lowest distance, or the last of those that can't be told from it.

    All distances from 1 up count as equal: drawing a single picture again and again would be no worse.
    """
    lowest = min(distances.values(), default=0.0)
    is_hopeless = lowest >= 1
    return next((name for name in reversed(distances) if is_hopeless or distances[name] <= lowest + NOISE), None)


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Name the first tensor that holds a NaN or an infinity, in a sentence; None where all are numbers."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return f"{name} holds values that are no numbers"
    return None


@dataclass(frozen=True)
class Health:
    """What a run remembers of its health between two steps; part of its saved state."""

    trouble: str | None = None  # what the losses first showed to be wrong; all that was learned since is damage
    lowest: float | None = None  # distance of the trained generator in all good states so far
    widest: float | None = None  # diversity of it
    tries: int = 0  # rollbacks since the last good state
    losses: Mapping[str, float] = field(default_factory=dict)  # the latest
    still: Mapping[str, int] = field(default_factory=dict)  # for how many updates each hasn't moved

    @property
    def is_steady(self) -> bool:
        """Whether no loss has stood still for so long that it may be the beginning of a freeze."""
        return max(self.still.values(), default=0) < STEADY_STEPS

    def to_dict(self) -> dict[str, Any]:
        """Give JSON-ready values, of which `Health(**values)` makes the same again."""
        return asdict(self)

    def after(self, steps: Iterable[Mapping[str, float]]) -> Health:
        """Give the health after the metrics of further steps, in their order, whole intervals or not."""
        health = self
        for metrics in steps:
            health = health._after_step(metrics)
        return health

    def after_good_state(self, reading: Reading | None) -> Health:
        """Give the health after a state was found sound, with this reading of its trained generator."""
        if reading is None:
            return replace(self, tries=0)
        lowest = reading.distance if self.lowest is None else min(self.lowest, reading.distance)
        widest = reading.diversity if self.widest is None else max(self.widest, reading.diversity)
        return replace(self, lowest=lowest, widest=widest, tries=0)

    def _after_step(self, metrics: Mapping[str, float]) -> Health:
        losses, still, trouble = dict(self.losses), dict(self.still), self.trouble
        for name, value in metrics.items():
            if not math.isfinite(value):
                trouble = trouble or f"{name} is {value}"
            elif name.startswith("loss"):
                still[name] = still.get(name, 0) + 1 if _hardly_moved(losses.get(name, math.inf), value) else 0
                losses[name] = value
                if still[name] >= FROZEN_STEPS:
                    trouble = trouble or f"{name} has stood at {value:.4g} for {still[name]} updates"
        return replace(self, losses=losses, still=still, trouble=trouble)


def _hardly_moved(before: float, now: float) -> bool:
    return abs(now - before) <= FROZEN_CHANGE * max(1.0, abs(now))


def _looks(pixels: Tensor) -> tuple[Tensor, ...]:
    """Turn pictures `(N, S, S, 3)` into two kinds of points `(N, D)`: colours at 12x12, the logarithm of local detail.

    The logarithm lets faint dust on a plain background count: that is what people notice of a young generator.
    """
    parts = [_look_at(rows) for rows in pixels.split(CHUNK)]
    return tuple(torch.cat(points) for points in zip(*parts, strict=True))


def _look_at(pixels: Tensor) -> tuple[Tensor, Tensor]:
    images = to_float(pixels)  # (N, 3, S, S)
    coarse = F.interpolate(F.avg_pool2d(images, 2), scale_factor=2)  # (N, 3, S, S) again
    detail = F.avg_pool2d((images - coarse).square().mean(1, keepdim=True), DETAIL_CELL)  # (N, 1, S/2, S/2)
    colours = F.adaptive_avg_pool2d(images, COLOUR_SIDE)  # (N, 3, 12, 12)
    return colours.flatten(1), torch.log(detail + MIN_DETAIL**2).flatten(1)


def _compare(reals: Tensor, fakes: Tensor) -> tuple[float, float]:
    """Give distance and diversity of `fakes` `(N, D)` against `reals` `(M, D)`; the reals' mean distance is 1."""
    of_reals, of_fakes = mean_distance(reals), mean_distance(fakes)
    unit = of_reals.clamp_min(MIN_SPREAD)
    distance = (2 * torch.cdist(reals, fakes).mean() - of_reals - of_fakes) / unit  # (M, N) to a scalar
    return distance.item(), (of_fakes / unit).item()


def mean_distance(points: Tensor) -> Tensor:
    """Give the mean distance of two different ones of the points `(N, D)`, a scalar."""
    return torch.cdist(points, points).sum() / (len(points) * (len(points) - 1))
