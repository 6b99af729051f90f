"""How all rows of the table are measured: side by side in turns, several times, with medians and the spread."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from dcgan.cli import DONE, Parser
from dcgan.errors import InputError

MET, MISSED, NOT_MEASURED = "met", "missed", "not measured"
WARM_UP = 1  # rounds that don't count


@dataclass(frozen=True)
class Effort:
    """How much a row may do: the rounds that count, and whether it is only to show that it works."""

    rounds: int = 5
    tiny: bool = False

    def of(self, whole: int, tiny: int) -> int:
        """Choose how many of something there are."""
        return tiny if self.tiny else whole


FULL, TINY = Effort(), Effort(rounds=2, tiny=True)


@dataclass(frozen=True)
class Spread:
    """The median of several measurements, and the lowest and highest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Find it; of one value or more."""
        return cls(median(values), min(values), max(values))

    @classmethod
    def of_ratios(cls, above: Sequence[float], below: Sequence[float]) -> Spread:
        """Find that of the ratios of what was measured in the same round."""
        return cls.of([a / b for a, b in zip(above, below, strict=True)])

    def words(self, unit: str = "x", digits: int = 2) -> str:
        """Say it, as in "1.42x (1.38 to 1.45)"."""
        return f"{self.median:,.{digits}f}{unit} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


@dataclass(frozen=True)
class Finding:
    """What was measured of a row, in words, and whether it reached its target; None where nothing could be measured."""

    measured: str
    met: bool | None
    why: str = ""  # it was missed or not measured, as far as the measurement itself tells

    @property
    def verdict(self) -> str:
        """Say it in a word or two."""
        return NOT_MEASURED if self.met is None else MET if self.met else MISSED


class NotHereError(InputError):
    """A row needs what isn't here: a package, a browser, a processor's instructions."""


@dataclass(frozen=True)
class Row:
    """A row of the table: what is claimed and how it is measured."""

    name: str
    claim: str
    target: str
    measure: Callable[[Effort], Finding]
    seconds: int = 150  # that it may take

    def found(self, effort: Effort) -> Finding:
        """Measure it; where something that it needs is missing, the finding says what."""
        try:
            return self.measure(effort)
        except NotHereError as error:
            return Finding("-", None, str(error))


def in_turns(rounds: int, contestants: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Time contestants in turns, so that what disturbs the machine disturbs all of them: seconds, one a round."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(WARM_UP + rounds):
        for name, run in contestants.items():
            began = time.perf_counter()
            run()
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def need(package: str) -> None:
    """Raise NotHereError where a package isn't installed."""
    if find_spec(package) is None:
        raise NotHereError(f"needs {package}: pip install {package}")


def row_named(name: str, rows: Sequence[Row]) -> Row:
    """Find a row. Raises InputError, which says which there are."""
    for row in rows:
        if row.name == name:
            return row
    raise InputError(f"there is no row {name}; there are {', '.join(row.name for row in rows)}.")


def run_rows(rows: Sequence[Row], description: str | None, argv: Sequence[str] | None = None) -> int:
    """Run the command line of a script: measure its rows, or those that are named, and print what was found."""
    parser = Parser(description=(description or "").partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(row.name for row in rows)}; all")
    parser.add_argument("--tiny", action="store_true", help="only see whether it works: no figure means anything")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the last row's finding there, too")
    options = parser.parse_args(argv)
    for row in [row_named(name, rows) for name in options.rows] or rows:
        finding = row.found(TINY if options.tiny else FULL)
        why = f" ({finding.why})" if finding.why else ""
        print(f"{row.claim}: {finding.measured}; to reach {row.target}: {finding.verdict}{why}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(asdict(finding)), encoding="utf-8")
    return DONE


def print_progress(text: str) -> None:
    """Say on stderr what goes on."""
    print(text, file=sys.stderr, flush=True)
