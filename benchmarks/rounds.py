"""The three rounds of the comparison: which runs each has, what was found in them, and who goes on to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.arms import ARMS, AVERAGED, AVERAGES, PLAIN
from benchmarks.picture_sets import PORTRAITS, SETS
from benchmarks.records import Measure, Record
from dcgan.errors import InputError


@dataclass(frozen=True)
class Round:
    """Runs of equal length and seed on some sets, and how many arms of the round before are in it, beside plain."""

    number: int
    sets: tuple[str, ...]
    pictures: int  # that a run sees
    seed: int
    best: int | None

    @property
    def kind(self) -> str:
        """What the records of its runs call it."""
        return f"round {self.number}"


ROUNDS = {
    1: Round(1, (PORTRAITS,), 64_000, 0, best=None),
    2: Round(2, SETS, 200_000, 0, best=5),
    3: Round(3, SETS, 200_000, 1, best=2),
}


@dataclass(frozen=True)
class Result:
    """What became of an arm on a set: a measure for each quarter of its run."""

    arm: str
    data: str
    seed: int
    measures: tuple[Measure, ...]
    rollbacks: int = 0
    gave_up: str | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it got to its end; a run that gave up didn't."""
        return bool(self.measures) and not self.gave_up

    @property
    def last(self) -> Measure:
        """What it came to in the end."""
        return self.measures[-1]


Results = dict[tuple[str, str], Result]  # by set and arm


def results_of(records: Iterable[Record], this: Round) -> Results:
    """Collect what the records say of a round; of a run that kept several averages, each stands for an arm."""
    found = {}
    for record in records:
        if record.kind == this.kind:
            for arm, measures in _by_arm(record).items():
                about = (record.seed, measures, record.rollbacks, record.gave_up)
                found[record.data, arm] = Result(arm, record.data, *about)
    return found


def _by_arm(record: Record) -> dict[str, tuple[Measure, ...]]:
    if record.arm != AVERAGED:
        return {record.arm: record.measures}
    return {
        arm: tuple(measure for measure in record.measures if measure.average == decay)
        for arm, decay in AVERAGES.items()
    }


def arms_of(number: int, records: Sequence[Record]) -> list[str]:
    """List the arms of a round: all in the first, later those with the lowest KID in the round before, and plain.

    Raises:
        InputError: the round before isn't complete; names what is missing.
    """
    this = ROUNDS[number]
    if this.best is None:
        return list(ARMS)
    before = ROUNDS[number - 1]
    entered, found = arms_of(number - 1, records), results_of(records, before)
    if missing := [f"{arm} on {data}" for data in before.sets for arm in entered if (data, arm) not in found]:
        raise InputError(
            f"round {number} has the best arms of round {before.number}, where these weren't run yet: "
            f"{', '.join(missing)}. Run them, or choose with --arms."
        )
    return [*best(found, before.sets, this.best), PLAIN]


def best(found: Mapping[tuple[str, str], Result], sets: Sequence[str], count: int) -> list[str]:
    """List the arms with the lowest KID at the end, the best first; plain and those that gave up are left out.

    Over several sets the sum of an arm's ranks counts, since KIDs of different sets don't add up, and of equal sums the
    lower sum of KIDs. Of the averages only the best is taken, since they are nearly the same.
    """
    arms = {arm for _, arm in found if all(_has_ended(found, data, arm) for data in sets)} - {PLAIN}
    kids = {arm: [found[data, arm].last.found.kid_x_1000 for data in sets] for arm in arms}
    columns = [sorted(column) for column in zip(*kids.values(), strict=True)]

    def place(arm: str) -> tuple[int, float, str]:
        ranks = [column.index(kid) for column, kid in zip(columns, kids[arm], strict=True)]
        return sum(ranks), sum(kids[arm]), arm

    ranked = sorted(arms, key=place)
    of_averages = [arm for arm in ranked if arm in AVERAGES]
    return [arm for arm in ranked if arm not in of_averages[1:]][:count]


def _has_ended(found: Mapping[tuple[str, str], Result], data: str, arm: str) -> bool:
    return (data, arm) in found and found[data, arm].has_ended


def runs_of(number: int, arms: Iterable[str]) -> list[str]:
    """List the runs that these arms need: in round 1 a single run keeps all averages, which differ in decay alone."""
    if number != 1:
        return list(arms)
    return list(dict.fromkeys(AVERAGED if arm in AVERAGES else arm for arm in arms))
