"""What long runs came to, a line each in benchmarks/records.jsonl, from which every table is printed.

python -m benchmarks.records add checkpoints/adventurer-96 --kind checkpoint --began 2026-11-26T04:51Z
python -m benchmarks.records add FOLDER --kind "the report's experiment" --anime faces.zip --began 2026-11-26T04:51Z

Each records a finished run of train.py that python -m dcgan.evaluation has measured. The rounds of
python -m benchmarks.recipes record themselves, and so do the long tests of promises (benchmarks/promises.py).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.machine import Machine, iso, this_commit, this_machine
from dcgan.checkpoints import Training, facts_of_the_shown, read_evaluation, read_training
from dcgan.cli import DONE, Parser, command
from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX
from dcgan.errors import InputError
from dcgan.files import path_of, sha256
from dcgan.layout import TRAINING_NAME
from dcgan.training import Schedule

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PATH = Path(__file__).with_name("records.jsonl")

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How far one set of pictures is from another. `fd` is an FID where the extractor is Inception."""

    kid_x_1000: float
    fd: float
    precision: float
    recall: float

    @classmethod
    def of(cls, found: Mapping[str, float], distance: str) -> Figures:
        """Take what dcgan.evaluation found; `distance` is what it calls the Fréchet distance."""
        kid = float(f"{1000 * found['kid']:.5g}")
        return cls(kid_x_1000=kid, fd=found[distance.lower()], precision=found["precision"], recall=found["recall"])


@dataclass(frozen=True, kw_only=True)
class Measure:
    """The faces of one moment of a run against reals, and the floor: these reals against others.

    `average` is the decay of the average that drew the faces, where a run kept several.
    """

    pictures: int  # seen until then
    seconds: float  # of training until then
    average: float | None = None
    weights_sha256: str
    extractor: str
    samples: int  # faces, and as many reals
    found: Figures
    floor: Figures

    @classmethod
    def of(cls, compared: Mapping[str, Any], **moment: Any) -> Measure:
        """Take what dcgan.evaluation compared; `moment` has the fields that are missing there."""
        distance = compared["extractor"]["distance"]
        return cls(
            extractor=compared["extractor"]["name"],
            samples=compared["samples"]["fakes"],
            found=Figures.of(compared["fakes"], distance),
            floor=Figures.of(compared["floor"], distance),
            **moment,
        )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measure:
        """Make the measure that `asdict` described."""
        return cls(**dict(values) | {name: Figures(**values[name]) for name in ("found", "floor")})


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run. It may have been made in several sessions, and so by several commits and on several machines."""

    kind: str  # round 1, round 2, round 3, speed, or any words for another long run
    run_id: str
    arm: str = ""  # of the comparison of recipes
    data: str  # the set: portraits, adventurer, anime, ...
    zip_sha256: str | None = None  # of the pictures, where they are no file of ours
    command: str
    commits: tuple[str, ...]
    seed: int
    began: str  # UTC, ISO 8601
    ended: str
    steps: int
    pictures_seen: int
    seconds: float  # of training
    images_per_second: float
    machines: tuple[Machine, ...]
    weights_sha256: str | None  # of the last generator
    rollbacks: int = 0
    gave_up: str | None = None  # why, where a run went wrong again and again
    measures: tuple[Measure, ...] = ()  # the earliest first

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Record:
        """Make the record that `asdict` described."""
        known = dict(values)
        known["commits"] = tuple(values["commits"])
        known["machines"] = tuple(Machine(**machine) for machine in values["machines"])
        known["measures"] = tuple(map(Measure.from_dict, values["measures"]))
        return cls(**known)


def read(path: Path = PATH) -> list[Record]:
    """Read the records of all runs, in the order in which they were made.

    Raises:
        InputError: a line that is cut short, as by a crash, or no record; the message names it.
    """
    return [_record(values, where) for where, values in lines_of(path) if not is_promise(values)]


def is_promise(values: Any) -> bool:
    """Whether a line is no run's, but of a promise that was tested (benchmarks/promises.py)."""
    return isinstance(values, dict) and "promise" in values


def lines_of(path: Path) -> list[tuple[str, Any]]:
    """Read all lines, whatever they record, each with the words that say where it stands.

    Raises:
        InputError: a line that is cut short, or no JSON; the message names it.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    *lines, rest = text.split("\n")
    if rest:
        raise InputError(
            f"{path.name}, line {len(lines) + 1}, is cut short, as by a crash: it begins with {rest[:40]!r}. Delete "
            "that line; the command that wrote it writes it again."
        )
    return [
        (where, made_by(json.loads, line, where))
        for where, line in ((f"{path.name}, line {number},", line) for number, line in enumerate(lines, start=1))
    ]


def _record(values: Any, where: str) -> Record:
    return made_by(Record.from_dict, values, where)


def made_by(make: Callable[[Any], Made], values: Any, where: str) -> Made:
    """Make what a line records.

    Raises:
        InputError: it can't be made of that; the message names the line.
    """
    try:
        return make(values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{where} is no record ({type(error).__name__}: {error}). Mend it or delete it.") from None


def append(record: Record, path: Path = PATH) -> bool:
    """Add a record, unless its run has one already; return whether it was added."""
    if any(known.run_id == record.run_id for known in read(path)):
        return False
    add_line(record, path)
    return True


def add_line(record: DataclassInstance, path: Path) -> None:
    """Write a line at once, so that a crash leaves all of it or, at worst, a piece that `lines_of` refuses."""
    line = json.dumps(asdict(record), ensure_ascii=False) + "\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
        os.fsync(file)
    finally:
        os.close(file)


def record_of_run(
    folder: Path,
    kind: str,
    began: datetime,
    ended: datetime | None = None,
    anime: Path | None = None,
    commit: str | None = None,
) -> Record:
    """Make the record of a finished run of train.py that was measured.

    Without `ended` it ended when its training.json was written, without `commit` it was made by this one.

    Raises:
        InputError: it isn't finished, or its weights weren't measured.
    """
    facts, evaluation = read_training(folder), read_evaluation(folder)
    _refuse_unfinished(folder, facts)
    if evaluation is None:
        raise InputError(f"{folder} has no evaluation of its weights; make one with: python -m dcgan.evaluation")
    shown, digest = facts_of_the_shown(facts), evaluation.weights_sha256
    moment = {"pictures": shown.images_seen, "seconds": shown.seconds, "weights_sha256": digest}
    return Record(
        kind=kind,
        run_id=facts.run_id,
        data="anime" if anime else _set_named(facts.data.name),
        zip_sha256=sha256(anime) if anime else None,
        command=facts.command,
        commits=(commit or this_commit(),),
        seed=facts.config["seed"],
        began=iso(began),
        ended=iso(ended or datetime.fromtimestamp((folder / TRAINING_NAME).stat().st_mtime, UTC)),
        steps=facts.step,
        pictures_seen=facts.images_seen,
        seconds=facts.seconds,
        images_per_second=round(facts.images_seen / max(facts.seconds, 0.1), 1),
        machines=(_machine_of(facts),),
        weights_sha256=digest,
        rollbacks=facts.rollbacks,
        measures=tuple(Measure.of(measure.to_json(), **moment) for measure in evaluation.measures),
    )


def _machine_of(facts: Training) -> Machine:
    """Describe the machine that a run was made on: this one, unless it is known to be another, with a GPU."""
    here = replace(this_machine(), torch=facts.versions["torch"])
    made_on = facts.hardware or ""
    if not made_on or "CPU cores" in made_on or made_on == here.device:
        return here
    return replace(here, processor="unknown", cores=0, threads=0, capability="unknown", device=made_on)


def _refuse_unfinished(folder: Path, facts: Training) -> None:
    end = Schedule.of(facts.settings(), facts.data.pictures).total_steps
    if facts.step < end:
        raise InputError(f"{folder} is at step {facts.step:,} of {end:,}; it is recorded when it is finished.")


def _set_named(data: str) -> str:
    """Name as a record does the pictures that a training.json calls `data`."""
    return "portraits" if data.startswith(PORTRAITS_PREFIX) else data.removeprefix(AVATARS_PREFIX)


def moment(text: str) -> datetime:
    """Read a time as ISO 8601 writes it; UTC where it doesn't say otherwise."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.records", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    adding = commands.add_parser("add", help="record a finished run that was measured")
    adding.add_argument("folder", type=path_of, help="of the run, finished and measured")
    adding.add_argument("--kind", required=True, help="of run, in a word or two")
    adding.add_argument("--began", type=moment, required=True, help="when, as in 2026-11-26T04:51Z")
    adding.add_argument("--ended", type=moment, help="when (when its record was written)")
    adding.add_argument("--anime", type=path_of, metavar="ZIP", help="the zip whose pictures it was trained on")
    adding.add_argument("--commit", help="of the code that trained it (the one that is checked out)")
    adding.add_argument("--records", type=path_of, default=PATH, help="the file of records (benchmarks/records.jsonl)")
    options = parser.parse_args(argv)
    if options.anime and not options.anime.is_file():
        raise InputError(f"--anime {options.anime}: there is no such file.")
    about = (options.kind, options.began, options.ended, options.anime, options.commit)
    record = record_of_run(options.folder, *about)
    added = append(record, options.records)
    print(f"run {record.run_id} {'is recorded' if added else 'has a record already'} in {options.records}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
