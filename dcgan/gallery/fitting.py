"""How a walk is made to fit a limit: of all ways to write it, that within the limit of which least is seen missing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from dcgan.errors import InputError


def _between(*seen: tuple[int, float]) -> dict[int, float]:
    """Fill in the qualities between some of which it is known how much their loss is seen; the best comes first."""
    qualities, losses = zip(*sorted(seen), strict=True)
    every = range(qualities[0], qualities[-1] + 1)
    filled = dict(zip(every, np.interp(every, qualities, losses).tolist(), strict=True))
    return dict(sorted(filled.items(), key=lambda each: each[1]))


# Of each format: what quality means in its encoder, and how much its loss is seen. The measure of all losses is a
# picture of half the pixels a side: that costs 1.
QUALITIES = {
    "GIF": (
        "colours",
        {256: 0.0, 192: 0.1, 128: 0.25, 112: 0.35, 96: 0.45, 80: 0.6, 64: 0.8, 48: 1.1, 32: 1.6, 16: 3.0},
    ),
    "WebP": ("quality", _between((85, 0.0), (75, 0.05), (50, 0.3), (25, 1.0), (8, 2.4))),
    "MP4": ("crf", _between((18, 0.0), (23, 0.08), (28, 0.3), (34, 1.0), (40, 2.0))),
}
FLUENT, JERKY = 20, 10  # frames a second: more are hardly seen, fewer are seen by anybody
OF_UNSEEN, OF_SEEN, OF_JERKY = 0.05, 0.9, 1.4  # what half the frames cost there
JUMP = 10.0  # grey levels from frame to frame, root mean square, where that is so; of calmer ones fewer are missed
FULL = 0.87  # of the limit: a file of so much is large enough
HARDLY = 0.25  # of cost: so much worse is hardly seen
TRIES = 7  # files written, at most, before the smallest form is


@dataclass(frozen=True)
class Form:
    """One way to write the frames: `size` pixels a side, at a `quality`, every `stride`-th of them."""

    size: int
    quality: int
    stride: int = 1


def best_quality(format: str) -> int:
    """Give the quality of a file without a limit."""
    return next(iter(QUALITIES[format][1]))


def forms(format: str, sizes: list[int], frames: int, fps: int, motion: float) -> dict[Form, float]:
    """List all ways to write so many `frames` in one of `sizes`, from the one asked for to that of the highest cost.

    `motion` is by how many grey levels a frame differs from the next.
    """
    strides = takewhile(lambda stride: stride < frames, _strides())
    found = [Form(size, quality, stride) for stride in strides for size in sizes for quality in QUALITIES[format][1]]
    costs = {form: cost(format, form, sizes[0], fps, motion) for form in found}
    return dict(sorted(costs.items(), key=lambda each: each[1]))


def cost(format: str, form: Form, asked: int, fps: int, motion: float) -> float:
    """Tell how much is seen missing, in halvings of the pixels a side; 0 for what was asked for."""
    missing = _cost_of_stride(form.stride, fps) * motion * form.stride / JUMP
    return math.log2(asked / form.size) + QUALITIES[format][1][form.quality] + missing


def first_that_fits(
    costs: dict[Form, float], write: Callable[[Form], int], estimate: Callable[[Form], float], limit: int
) -> tuple[Form, int]:
    """Write the form of the lowest cost within the limit, or one hardly worse that uses it, and give it and its bytes.

    `estimate` need only be right in proportion: what was written says how far it is off.

    Raises:
        InputError: even the smallest form is larger.
    """
    written: dict[Form, int] = {}
    last = asked = next(iter(costs))
    best = None
    written[asked] = write(asked)
    if written[asked] <= limit:
        return asked, written[asked]
    expected = {form: estimate(form) for form in costs}
    while len(written) < TRIES and (best is None or written[best] < FULL * limit):
        likely = _likely({expected[form]: size for form, size in written.items()})
        untried = {form: likely(expected[form]) for form in costs if form not in written}
        tried = _best_of(costs, untried, limit, best)
        if tried is None:
            break
        last, written[tried] = tried, write(tried)
        if written[tried] <= limit and (best is None or costs[tried] < costs[best] or written[tried] > written[best]):
            best = tried
    if best is None:
        last = best = min(costs, key=expected.__getitem__)
        written[best] = write(best)
        if written[best] > limit:
            smallest = min(written.values())
            raise InputError(
                f"The walk doesn't fit in {limit} bytes: the smallest file is {smallest}; raise the limit."
            )
    return best, written[best] if last == best else write(best)


def _best_of(costs: dict[Form, float], likely: dict[Form, float], limit: int, best: Form | None) -> Form | None:
    """Choose what to write next: what likely fits at the lowest cost, if that is lower than of the best till now."""
    for form, size in likely.items():
        if size <= limit:
            is_fuller = size > FULL * limit and best is not None and costs[form] <= costs[best] + HARDLY
            return form if best is None or costs[form] < costs[best] or is_fuller else None
    return None


def _likely(written: dict[float, int]) -> Callable[[float], float]:
    """Make a guess at bytes of what was expected and then written: between these on a straight line of logarithms."""
    points = sorted((math.log(expected), math.log(size)) for expected, size in written.items())
    expected, sizes = zip(*points, strict=True)

    def guess(each: float) -> float:
        place = min(max(math.log(each), expected[0]), expected[-1])
        return math.exp(float(np.interp(place, expected, sizes)) + math.log(each) - place)

    return guess


def _strides() -> Iterator[int]:
    yield from (1, 2, 3, 4, 5, 6)
    stride = 8
    while True:
        yield stride
        stride *= 2


def _cost_of_stride(stride: int, fps: int) -> float:
    """Sum up what is lost from `fps` down to what is left of it; nobody misses what was jerky when it was asked for."""
    left, lost = fps / stride, 0.0
    for high, low, each in ((math.inf, FLUENT, OF_UNSEEN), (FLUENT, JERKY, OF_SEEN), (JERKY, 0.0, OF_JERKY)):
        top, bottom = min(high, fps), max(low, left)
        if bottom < top:
            lost += each * math.log2(top / bottom)
    return lost
