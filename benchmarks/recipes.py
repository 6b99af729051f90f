"""Which training recipe draws the best faces? Three rounds on three sets of pictures.

python -m benchmarks.recipes run 1 FOLDER --portraits ART                   one lever from the base each
python -m benchmarks.recipes run 2 FOLDER --portraits ART --anime ZIP       the best five and plain, for longer
python -m benchmarks.recipes run 3 FOLDER --portraits ART --anime ZIP       the best two and plain, with another seed
python -m benchmarks.recipes speed       pictures a second, arm by arm in turns: on a machine with nothing else to do
python -m benchmarks.recipes table       the tables in recipes.md, of what benchmarks/records.jsonl holds

`run` trains and measures what has no record yet, the most telling first, and adds a record of each run to
benchmarks/records.jsonl. It can be stopped at any time, or stops after --minutes; the same command goes on. FOLDER is
where the runs are, outside of the repository; of `anime`, whose pictures aren't ours to share, only numbers leave it.
What `table` prints stands between the marks in recipes.md, and a test holds the two together.
"""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import NoReturn

from benchmarks import records, speed
from benchmarks.arms import ARMS, AVERAGES
from benchmarks.machine import ROOT, now
from benchmarks.picture_sets import open_sets
from benchmarks.rounds import ROUNDS, arms_of, runs_of
from benchmarks.tables import tables
from benchmarks.trial import Trial, program
from dcgan.cli import DONE, INTERRUPTED, TERMINATED, Parser, command
from dcgan.errors import InputError
from dcgan.evaluation import EfficientNetLite0, Extractor, open_extractor, require_torch_fidelity
from dcgan.files import path_of
from dcgan.sampling import pick_device


class TimeUpError(BaseException):
    """The minutes are over. No `Exception`, so that nothing on the way takes it for a failure of its own."""


@contextmanager
def stopped_after(minutes: float | None) -> Iterator[None]:
    """Raise a TimeUpError inside the block when so many minutes are over; never for None."""
    if minutes is None:
        yield
        return

    def stop(number: int, frame: object) -> NoReturn:
        raise TimeUpError

    handler = signal.signal(signal.SIGALRM, stop)
    timer = signal.setitimer(signal.ITIMER_REAL, 60 * minutes)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


@contextmanager
def alone_in(folder: Path) -> Iterator[int]:
    """Keep others out of the folder; give the file that does, which whoever works there has to hold open."""
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another process trains in {folder}; wait for it, or name another folder.") from None
        yield lock.fileno()


@cache
def the_extractor() -> Extractor:
    return open_extractor(EfficientNetLite0.option, None, pick_device("auto"))


def run(options: argparse.Namespace) -> int:
    """Train, measure and record what a round lacks; return the exit status."""
    refuse_the_repository(options.folder)
    require_torch_fidelity()
    known = records.read(options.records)
    arms = options.arms or arms_of(options.round, known)
    chosen = options.round > 1 and not options.arms
    print(f"round {options.round}: {', '.join(arms)}" + (f" (by KID in round {options.round - 1})" if chosen else ""))
    options.folder.mkdir(parents=True, exist_ok=True)
    with alone_in(options.folder) as lock:
        left = missing_trials(options, arms, known)
        try:
            with stopped_after(options.minutes):
                return go_through(left, lock, options.records)
        except TimeUpError:
            print("time is up")
            return DONE
        finally:
            print("\n".join(f"left: {trial.words}: {trial.progress()}" for trial in left) or "nothing is left of it")


def go_through(left: list[Trial], lock: int, path: Path) -> int:
    """Finish the trials in turn, and take out of the list what is finished; return the exit status.

    One that fails, for want of disk space say, doesn't keep the others; one that is told to stop does.
    """
    statuses = [DONE]
    for trial in list(left):
        print(f"== {trial.kind}: {trial.words}", flush=True)
        statuses.append(trial.train(partial(program, keep_open=(lock,))))
        if statuses[-1] in (INTERRUPTED, TERMINATED):
            break
        if statuses[-1] == DONE:
            trial.measure(the_extractor)
            records.append(trial.record(), path)
            left.remove(trial)
    return max(statuses)


def missing_trials(options: argparse.Namespace, arms: Sequence[str], known: Sequence[records.Record]) -> list[Trial]:
    """List the runs that have no record yet, set by set, on the sets that the options give."""
    this = ROUNDS[options.round]
    sets = open_sets(options.folder, options.portraits, options.anime)
    for name in (name for name in this.sets if name not in sets):
        print(f"{name} is left out, since --{name} isn't given")
    recorded = {(record.kind, record.data, record.arm) for record in known}
    return [
        Trial(
            options.folder / f"round-{this.number}" / data / name, this.kind, name, sets[data], this.pictures, this.seed
        )
        for data in this.sets
        if data in sets
        for name in runs_of(this.number, arms)
        if (this.kind, data, name) not in recorded
    ]


def refuse_the_repository(folder: Path) -> None:
    if folder.resolve().is_relative_to(ROOT):
        raise InputError(f"{folder} is in the repository, where runs don't belong; name a folder outside of it.")


def print_speeds(options: argparse.Namespace) -> int:
    """Measure, print and record pictures a second."""
    arms, began = options.arms or [arm for arm in ARMS if arm not in AVERAGES], now()
    speeds = speed.measure(arms)
    for record in speed.records_of(speeds, began):
        records.append(record, options.records)
    for arm, rate in speeds.items():
        print(f"{arm:20} {rate:7.1f} pictures a second, {rate / speeds[arms[0]]:.2f} times {arms[0]}")
    return DONE


def print_tables(options: argparse.Namespace) -> int:
    print(tables(records.read(options.records)))
    return DONE


def refuse_unknown(arms: Sequence[str]) -> None:
    if unknown := [arm for arm in arms if arm not in ARMS]:
        raise InputError(f"--arms: there is no arm {unknown[0]!r}; choose some of {', '.join(ARMS)}.")


def positive(text: str) -> float:
    if not 0 < (value := float(text)) < float("inf"):
        raise ValueError
    return value


def names_in(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def build_parser() -> Parser:
    parser = Parser(
        prog="python -m benchmarks.recipes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="what", required=True, parser_class=Parser)
    running = commands.add_parser("run", help="train, measure and record what a round lacks")
    running.add_argument("round", type=int, choices=ROUNDS, help="1, 2 or 3")
    running.add_argument("folder", type=path_of, help="where the runs are, outside of the repository")
    running.add_argument("--portraits", type=path_of, metavar="ART", help="the layers that portraits are composed from")
    running.add_argument("--anime", type=path_of, metavar="ZIP", help="22,000 anime faces")
    running.add_argument("--minutes", type=positive, help="stop after so many (when all is done)")
    running.set_defaults(do=run)
    speeding = commands.add_parser("speed", help="pictures a second, arm by arm in turns; recorded")
    speeding.set_defaults(do=print_speeds)
    for each in (running, speeding):
        each.add_argument("--arms", type=names_in, default=(), help=f"some of {', '.join(ARMS)}")
    table = commands.add_parser("table", help="the tables, of what is recorded")
    table.set_defaults(do=print_tables)
    for each in (running, speeding, table):
        each.add_argument("--records", type=path_of, default=records.PATH, help="the file of records")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    refuse_unknown(getattr(options, "arms", ()))
    status: int = options.do(options)
    return status


if __name__ == "__main__":
    sys.exit(main())
