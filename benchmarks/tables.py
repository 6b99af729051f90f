"""The tables of the comparison as Markdown, from the records alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.arms import ARMS
from benchmarks.picture_sets import SETS
from benchmarks.records import Figures, Record
from benchmarks.rounds import ROUNDS, Result, Results, Round, arms_of, results_of
from benchmarks.verdict import SPEED, common_seconds, kid_at, points_of, speeds_in, verdicts
from dcgan.errors import InputError

HEAD = [
    "| set | recipe | KID x 1000 | at equal minutes | FD | precision | recall | images/s |",
    "|---|---|---|---|---|---|---|---|",
]
NOT_RUN = "not run"


def tables(records: Sequence[Record]) -> str:
    """Write all rounds, who wins, and the other long runs where there are some."""
    parts = [part for this in ROUNDS.values() for part in _round(this, records)]
    parts += ["### Who wins", "\n".join(verdicts(records))]
    if others := [record for record in records if record.kind not in {SPEED, *(r.kind for r in ROUNDS.values())}]:
        parts += ["### Other long runs", _other_runs(others)]
    return "\n\n".join(parts)


def _round(this: Round, records: Sequence[Record]) -> list[str]:
    """Write the heading of a round, its table, and what its minutes are."""
    sets = "all sets" if this.sets == SETS else " and ".join(this.sets)
    parts = [f"### Round {this.number}: {this.pictures:,} pictures, seed {this.seed}, {sets}"]
    found = results_of(records, this)
    try:
        arms = arms_of(this.number, records)
    except InputError:
        arms = []
    arms += sorted({arm for _, arm in found} - set(arms))
    if not arms:
        return [*parts, f"{NOT_RUN.capitalize()}: its arms are the best of round {this.number - 1}, and plain."]
    speeds = speeds_in(records)
    rows, minutes = [], []
    for data in this.sets:
        seconds = _common_seconds(found, data, speeds)
        rows += _rows(found, data, arms, speeds, seconds)
        minutes += [f"{data} {seconds / 60:.3g}"] if seconds else []
    parts.append("\n".join([*HEAD, *rows]))
    if minutes:
        parts.append(f"Equal minutes, when the fastest arm had seen all of its pictures: {', '.join(minutes)}.")
    return parts


def _ended(found: Results, data: str) -> list[Result]:
    return [result for (where, _), result in found.items() if where == data and result.has_ended]


def _common_seconds(found: Results, data: str, speeds: Mapping[str, float]) -> float:
    """Find the equal minutes of a set, in seconds; 0 where nothing was run."""
    ended = _ended(found, data)
    return common_seconds(points_of(ended, speeds)) if ended else 0.0


def _rows(found: Results, data: str, arms: Sequence[str], speeds: Mapping[str, float], seconds: float) -> list[str]:
    """Write a row for each arm, the lowest KID first, what came to no end last; then the floor."""
    ended = sorted(_ended(found, data), key=lambda result: result.last.found.kid_x_1000)
    curves = points_of(ended, speeds)
    rows = []
    for result, points in zip(ended, curves, strict=True):
        kid = kid_at(seconds, points)
        figures = _cells(result.last.found, "-" if kid is None else f"{kid:.4g}")
        rows.append(f"| {data} | {_words(result)} | {figures} | {_speed(result.arm, speeds)} |")
    for arm in arms:
        if arm not in {result.arm for result in ended}:
            left = found.get((data, arm))
            why = f"gave up: {left.gave_up}" if left and left.gave_up else NOT_RUN
            rows.append(f"| {data} | {ARMS[arm].words} | {why} | | | | | {_speed(arm, speeds)} |")
    if ended:
        rows.append(f"| {data} | *reals against other reals* | {_cells(ended[0].last.floor, '')} | |")
    return rows


def _words(result: Result) -> str:
    words = ARMS[result.arm].words
    return f"{words} (rollbacks: {result.rollbacks})" if result.rollbacks else words


def _speed(arm: str, speeds: Mapping[str, float]) -> str:
    return f"{speeds[arm]:.0f}" if arm in speeds else "-"


def _cells(found: Figures, at_equal_minutes: str) -> str:
    return f"{found.kid_x_1000:.4g} | {at_equal_minutes} | {found.fd:.4g} | {found.precision:.3f} | {found.recall:.3f}"


def _other_runs(records: Sequence[Record]) -> str:
    rows = ["| run | set | pictures seen | KID x 1000 | FD | precision | recall |", "|---|---|---|---|---|---|---|"]
    for record in records:
        about = f"| {record.kind}: `{record.command}` | {record.data} | {record.pictures_seen:,}"
        for measure in record.measures[-1:]:
            found = measure.found
            rows.append(
                f"{about} | {found.kid_x_1000:.4g} | {found.fd:.4g} | {found.precision:.3f} | {found.recall:.3f} |"
            )
    return "\n".join(rows)
