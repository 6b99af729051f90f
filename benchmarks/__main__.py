"""All rows of the table of speed: claim, what was measured, the target, and whether it was reached.

python -m benchmarks                   measures all rows, in less than 20 minutes on two quiet cores
python -m benchmarks --only face-1     measures one again, and keeps the rest as it was measured before
python -m benchmarks --table           measures nothing, and writes the table of what was

Each row is measured by a process of its own, within a time limit. What was found is kept in benchmarks/measured, and
the table is written into the page of this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import crowd, drawing, growth, page, pipeline, training_rate, walking
from benchmarks.machine import ROOT, now, this_commit, this_machine
from benchmarks.measuring import NOT_MEASURED, Finding, Row, print_progress, row_named
from benchmarks.reasons import REASONS
from dcgan.cli import DONE, FAILED, Parser, command
from dcgan.files import replacing
from dcgan.layout import CARD_NAME

SCRIPTS = {
    row.name: (script.__name__, row)
    for script in (training_rate, pipeline, drawing, page, walking, crowd, growth)
    for row in script.ROWS
}
MEASURED = ROOT / "benchmarks" / "measured"
PAGE = ROOT / "benchmarks" / CARD_NAME
START, END = "<!-- measured -->", "<!-- measured: the end -->"
PACKAGES = ("torch", "gradio", "onnxruntime", "numpy", "pillow", "av")
HEAD = "| claim | measured | to reach | verdict |\n|---|---|---|---|"


def measure(row: Row, script: str, folder: Path, tiny: bool) -> Finding:
    """Measure a row in a process of its own, and keep what was found. Whatever happens there ends in a finding."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{row.name}.json"
    file.unlink(missing_ok=True)
    words = [sys.executable, "-m", script, row.name, "--json", str(file), *(["--tiny"] if tiny else [])]
    problem = _run(words, row.seconds)
    if problem or not file.is_file():
        return Finding("-", None, problem or "it left no finding")
    kept = json.loads(file.read_text(encoding="utf-8"))
    found = Finding(**kept)
    file.write_text(json.dumps(kept | {"at": now(), "commit": this_commit()}, indent=2), encoding="utf-8")
    return found


def _run(words: Sequence[str], seconds: int) -> str:
    """Run a process, with all that it starts, for so many seconds at most; returns what went wrong, or ""."""
    with subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            _, told = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return f"took longer than {seconds} s"
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    last = told.strip().splitlines()[-1:] or [f"status {process.returncode}"]
    return f"failed: {last[0][:200]}" if process.returncode else ""


def kept_finding(row: Row, folder: Path) -> Finding:
    """Read what was measured of a row before."""
    file = folder / f"{row.name}.json"
    if not file.is_file():
        return Finding("-", None, f"not run: python -m benchmarks --only {row.name}")
    kept = json.loads(file.read_text(encoding="utf-8"))
    return Finding(**{name: kept[name] for name in ("measured", "met", "why")})


def table(findings: dict[str, Finding]) -> str:
    """Write what was found as Markdown: a row for each claim, and below it why a target was missed."""
    rows, reasons = [HEAD], []
    for name, finding in findings.items():
        row = SCRIPTS[name][1]
        rows.append(f"| {row.claim} | {finding.measured} | {row.target} | {finding.verdict} |")
        if why := reason(row, finding):
            reasons.append(f"- **{row.claim}**: {why}")
    return "\n".join([*rows, *(["", "What was missed, and why:", "", *reasons] if reasons else [])])


def reason(row: Row, finding: Finding) -> str:
    """Say why a row was missed or not measured; "" where it was met."""
    if finding.met:
        return ""
    known = REASONS.get(row.name, "") if finding.met is False else ""
    return "; ".join(filter(None, (finding.why, known))) or "not looked into yet"


def conditions() -> str:
    """Say on what, with what, and when it was measured."""
    machine = this_machine()
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES if _is_installed(name))
    return (
        f"Measured on {now()[:10]}, commit {this_commit()[:12]}: {machine.processor}, {machine.cores} cores, "
        f"{machine.capability}, {machine.threads} threads; Python {platform.python_version()}, {versions}."
    )


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except ModuleNotFoundError:
        return False
    return True


def write_page(text: str, path: Path = PAGE) -> None:
    """Put the table between the marks of a page; the words around it stay."""
    before, _, rest = path.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    with replacing(path) as temporary:
        temporary.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    rows = [row for _, row in SCRIPTS.values()]
    asked = [row_named(name, rows) for name in options.only] if options.only else rows
    began, failed = time.monotonic(), False
    findings = {row.name: kept_finding(row, options.folder) for row in rows}
    for row in [] if options.table else asked:
        finding = measure(row, SCRIPTS[row.name][0], options.folder, options.tiny)
        findings[row.name] = finding
        failed = failed or finding.verdict == NOT_MEASURED
        print_progress(f"{(time.monotonic() - began) / 60:4.1f} min  {row.name}: {finding.measured}: {finding.verdict}")
    text = f"{conditions()}\n\n{table(findings)}"
    print(text)
    if not options.tiny:
        write_page(text)
    return FAILED if failed else DONE


def _parser() -> Any:
    parser = Parser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="ROW", help=f"of {', '.join(SCRIPTS)}")
    parser.add_argument("--table", action="store_true", help="write the table of what was measured before")
    parser.add_argument("--tiny", action="store_true", help="only see whether all works: no figure means anything")
    parser.add_argument("--folder", type=Path, default=MEASURED, help="where findings are kept (benchmarks/measured)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
