"""The curves of a run as figures of the page. A cursor in each stands at the moment that the film is at."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Sequence
from typing import Any

from dcgan.checkpoints import glean_metrics
from dcgan.ui.texts import say

CURVES = {
    "losses": ("loss_d", "loss_g"),
    "beliefs": ("d_real", "d_fake"),
    "readings": ("distance", "relative_diversity"),
}
MAX_POINTS = 150  # a curve; more can't be told apart on a screen
Line = dict[str, Any]  # of a metrics.jsonl
Points = list[tuple[float, float]]  # pictures seen, and a value


def lines_in(metrics: str) -> list[Line]:
    """Read those lines of a metrics.jsonl that say how many pictures were seen."""
    return [line for line in glean_metrics(metrics) if is_number(line.get("images"))]


def last_of(lines: list[Line]) -> float:
    """Give how many pictures were seen at the end of the curves, at least one."""
    return max([float(line["images"]) for line in lines] + [1.0])


def points_of(lines: list[Line], curve: str) -> Points:
    """Read one curve, thinned out."""
    known = [line for line in lines if is_number(line.get(curve))]
    return [(line["images"], line[curve]) for line in known[:: len(known) // MAX_POINTS + 1]]


def figures_of(language: str, lines: list[Line]) -> str:
    """Draw each group of curves of which something is known, side by side."""
    return "".join(_figures(language, lines))


def is_number(value: object) -> bool:
    """Tell whether something in a file is a number that can be drawn."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _figures(language: str, lines: list[Line]) -> Iterator[str]:
    last = last_of(lines)
    for name, curves in CURVES.items():
        drawn = {curve: points for curve in curves if (points := points_of(lines, curve))}
        if drawn:
            yield _figure(language, say(language, name), curves, drawn, last)


def _figure(language: str, title: str, curves: Sequence[str], drawn: dict[str, Points], last: float) -> str:
    values = [value for points in drawn.values() for _, value in points]
    low, high = min([*values, 0.0]), max([*values, 1.0])
    paths, key, told = "", "", []
    for curve, points in drawn.items():
        words, kind = say(language, f"curve-{curve}"), "one" if curve == curves[0] else "two"
        paths += f'<path class="{kind}" d="{_path(points, last, low, high)}"/>'
        key += f'<span class="{kind}">{html.escape(words)}</span>'
        told.append(say(language, "curve-told", curve=words, first=points[0][1], last=points[-1][1]))
    alt = html.escape(f"{title}: {'; '.join(told)}")
    return (
        f'<figure><figcaption>{html.escape(title)}</figcaption><div class="plot">'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{alt}">{paths}</svg>'
        f'<span class="high">{high:.3g}</span><span class="low">{low:.3g}</span><i class="cursor" hidden></i></div>'
        f'<p class="axis"><span>0</span><span>{last:,.0f} {html.escape(say(language, "pictures-seen"))}</span></p>'
        f'<p class="key">{key}</p></figure>'
    )


def _path(points: Points, last: float, low: float, high: float) -> str:
    """Write a curve in a square of 100 by 100, whose y goes down."""
    places = [f"{100 * x / last:.2f} {100 - 100 * (y - low) / (high - low):.2f}" for x, y in points]
    return "M" + "L".join(places if len(places) > 1 else places * 2)
