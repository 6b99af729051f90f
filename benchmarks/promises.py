"""What the long tests of promises came to: a line each in benchmarks/records.jsonl, and the table made of these lines.

python -m benchmarks.promises          prints the table and writes it into SECURITY.md

A test that did its harm calls `leave`. The newest line of a promise counts; one without a line is shown as not run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import records
from benchmarks.machine import ROOT, Machine, now, this_commit, this_machine
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.files import path_of, write_text

PAGE = ROOT / "SECURITY.md"
BEGIN, END = "<!-- promises -->", "<!-- end of promises -->"
HEAD = ["| promise | figures | seed | commit | when |", "|---|---|---|---|---|"]
NOT_RUN = "not run"

PROMISES = {
    "kills": "a training run that is killed at any moment goes on, and ends with the weights of one that wasn't",
    "disk full": "a full disk at any kind of write costs nothing that was saved",
    "damaged states": "a damaged, older or foreign resume state is refused by name, and the one before it is offered",
    "damaged pictures": "1,000 damaged files of 12 kinds among the pictures are counted, and cost nothing else",
    "many pictures": "100,000 pictures are trained on",
    "odd inputs": "10,000 odd inputs to the page's endpoints, links and files get an answer or a clear refusal",
    "visitors": "200 visitors in 5 minutes get their own faces, or are told to wait",
    "slow visitors": "who sends or takes slowly, or breaks off, is not waited for, and others are served meanwhile",
    "hostile files": "a hostile picture, checkpoint or zip is refused before it costs memory",
    "faulty Hub": "a Hub that dies, hangs or lies stops neither page nor run, and nothing wrong is taken from it",
    "secrets": "no token is printed, logged, or written into anything that a run or the page leaves",
}


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One time that a long test of a promise passed."""

    promise: str  # of PROMISES
    command: str  # that repeats it
    commit: str
    seed: int
    began: str  # UTC, ISO 8601
    ended: str
    counts: dict[str, int]  # what was done and what was lost, in words, the most telling first
    machine: Machine

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Kept:
        """Make the line that `asdict` described."""
        return cls(**dict(values) | {"machine": Machine(**values["machine"]), "counts": dict(values["counts"])})


def leave(
    promise: str, *, command: str, seed: int, began: str, counts: dict[str, int], path: Path = records.PATH
) -> None:
    """Leave the line of a promise that was just tested and kept; `began` is `machine.now()` of then."""
    if promise not in PROMISES:
        raise ValueError(f"{promise!r} is none of the promises: {', '.join(PROMISES)}")
    kept = Kept(
        promise=promise,
        command=command,
        commit=this_commit(),
        seed=seed,
        began=began,
        ended=now(),
        counts=counts,
        machine=this_machine(),
    )
    records.add_line(kept, path)


def read(path: Path = records.PATH) -> list[Kept]:
    """Read the lines of promises, in the order in which they were left.

    Raises:
        InputError: a line that is cut short or says something else; the message names it.
    """
    lines = records.lines_of(path)
    return [records.made_by(Kept.from_dict, values, where) for where, values in lines if records.is_promise(values)]


def table(kept: Sequence[Kept]) -> str:
    """Write a row for each promise as Markdown, of its newest line."""
    newest = {each.promise: each for each in kept}
    return "\n".join([*HEAD, *(_row(name, newest.get(name)) for name in PROMISES)])


def _row(name: str, kept: Kept | None) -> str:
    if kept is None:
        return f"| {PROMISES[name]} | {NOT_RUN} | | | |"
    figures = ", ".join(f"{what}: {count:,}" for what, count in kept.counts.items())
    return f"| {PROMISES[name]} | {figures} | {kept.seed} | {kept.commit[:10]} | {kept.ended[:10]} |"


def with_table(page: str, table: str) -> str:
    """Put the table between the marks of a page.

    Raises:
        InputError: the page lacks the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"the page has no place for the table: it lacks the marks {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.promises", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=path_of, default=records.PATH, help="the file of records")
    parser.add_argument("--page", type=path_of, default=PAGE, help="where the table goes (SECURITY.md)")
    options = parser.parse_args(argv)
    if not options.page.is_file():
        raise InputError(f"--page {options.page}: there is no such file.")
    made = table(read(options.records))
    page = options.page.read_text(encoding="utf-8")
    write_text(options.page, with_table(page, made))
    print(made)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
