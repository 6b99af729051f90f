"""Which arm wins: at equal pictures and at equal minutes, from the records alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

import numpy as np

from benchmarks.arms import AVERAGES
from benchmarks.picture_sets import SETS
from benchmarks.records import Record
from benchmarks.rounds import ROUNDS, Result, results_of

SPEED = "speed"  # the kind of record that benchmarks.speed leaves

Points = list[tuple[float, float]]  # seconds of training, KID x 1000
Kids = Mapping[str, Sequence[float]]  # arm -> KID x 1000 of each seed


def speeds_in(records: Iterable[Record]) -> dict[str, float]:
    """Find the pictures a second that `speed` measured, by arm: the newest of the machine that it last ran on."""
    measured = [record for record in records if record.kind == SPEED]
    here = [record for record in measured if record.machines == measured[-1].machines]
    speeds = {record.arm: record.images_per_second for record in here}
    if "base" in speeds:  # an average of another decay takes as long
        speeds |= dict.fromkeys(AVERAGES, speeds["base"])
    return speeds


def points_of(results: Sequence[Result], speeds: Mapping[str, float]) -> list[Points]:
    """Give KID over seconds of training, of results that are to be compared at equal minutes.

    Where `speed` timed all of these arms, in turns on a quiet machine, a snapshot's seconds are its pictures divided by
    that speed. Elsewhere they are the run's own, which hang on what else its machine did meanwhile.
    """
    timed = all(result.arm in speeds for result in results)
    return [
        [
            (measure.pictures / speeds[result.arm] if timed else measure.seconds, measure.found.kid_x_1000)
            for measure in result.measures
        ]
        for result in results
    ]


def common_seconds(curves: Iterable[Points]) -> float:
    """Find the time at which all are compared: when the fastest had seen all of its pictures."""
    return min(points[-1][0] for points in curves)


def kid_at(seconds: float, points: Points) -> float | None:
    """Give KID x 1000 after so many seconds of training; None before the first snapshot or after the last.

    An arm has a snapshot at each quarter of its pictures, which a slow arm reaches later than a fast one. Between two
    of them KID is taken to change by a straight line over log(seconds), which is about how it falls.
    """
    times, kids = zip(*points, strict=True)
    if not times[0] <= seconds <= times[-1]:
        return None
    return float(np.interp(math.log(seconds), [math.log(time) for time in times], kids))


def verdict(kids: Kids) -> str:
    """Say who wins: the arm whose mean KID is lower than every other's by more than its own seeds differ."""
    first, second = sorted(kids, key=lambda arm: mean(kids[arm]))[:2]
    ahead = mean(kids[second]) - mean(kids[first])
    differ = max(kids[first]) - min(kids[first])
    means = f"{first} has a mean KID x 1000 of {mean(kids[first]):.4g}, {second} of {mean(kids[second]):.4g}"
    if ahead > differ:
        return f"**{first} wins**: {means}, and its seeds differ by {differ:.4g} only"
    return f"nobody wins: {means}, but the former's seeds differ by {differ:.4g}"


def verdicts(records: Sequence[Record]) -> list[str]:
    """Write a line for each set, at equal pictures and at equal minutes, of the arms that were run with both seeds."""
    seeds = [results_of(records, ROUNDS[number]) for number in (2, 3)]
    speeds = speeds_in(records)
    lines = []
    for data in SETS:
        arms = [arm for where, arm in seeds[1] if where == data]
        pairs = {arm: [results[data, arm] for results in seeds if (data, arm) in results] for arm in arms}
        pairs = {
            arm: pair for arm, pair in pairs.items() if len(pair) == 2 and all(result.has_ended for result in pair)
        }
        if len(pairs) < 2:
            lines += [f"- {data}: not run"]
            continue
        at_end = {arm: [result.last.found.kid_x_1000 for result in pair] for arm, pair in pairs.items()}
        lines += [
            f"- {data}, at equal pictures: {verdict(at_end)}.",
            f"- {data}, at equal minutes: {_at_equal_minutes(pairs, speeds)}.",
        ]
    return lines


def _at_equal_minutes(pairs: Mapping[str, Sequence[Result]], speeds: Mapping[str, float]) -> str:
    results = [result for pair in pairs.values() for result in pair]
    curves = points_of(results, speeds)
    seconds = common_seconds(curves)
    kids: dict[str, list[float]] = {arm: [] for arm in pairs}
    for result, points in zip(results, curves, strict=True):
        if (kid := kid_at(seconds, points)) is None:
            return f"not comparable, since {result.arm} has no snapshot as early as after {seconds / 60:.3g} minutes"
        kids[result.arm].append(kid)
    return f"{verdict(kids)} ({seconds / 60:.3g} minutes)"
