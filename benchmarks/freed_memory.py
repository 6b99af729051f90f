"""What training gains where the C library keeps the memory that tensors free.

python -m benchmarks.freed_memory

Two processes train in turns. One has told the C library so, as a run does.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks.loops import DEFAULT_NETWORKS, configured, steps_of
from benchmarks.machine import ROOT
from benchmarks.measuring import FULL, TINY, Effort, Spread, in_turns
from dcgan.cli import DONE, Parser, command
from dcgan.environment import keep_freed_memory

KEEPS, GIVES_BACK = "keeps", "gives-back"
PYTHON = [sys.executable]


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m benchmarks.freed_memory", description=__doc__.partition("\n")[0])
    parser.add_argument("--tiny", action="store_true", help="only see whether it works")
    parser.add_argument("--be", choices=(KEEPS, GIVES_BACK), help="be one of the two processes")
    options = parser.parse_args(argv)
    effort = TINY if options.tiny else FULL
    if options.be:
        answer(options.be == KEEPS, effort)
    else:
        print(f"training where the C library keeps what is freed: {measured(effort)}")
    return DONE


def measured(effort: Effort) -> str:
    """Hold one process against the other, in words."""
    script = [*PYTHON, "-m", "benchmarks.freed_memory", *(["--tiny"] if effort.tiny else []), "--be"]
    with ExitStack() as running:
        processes = {
            name: running.enter_context(
                subprocess.Popen([*script, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            )
            for name in (KEEPS, GIVES_BACK)
        }
        seconds = in_turns(effort.rounds, {name: partial(ask, process) for name, process in processes.items()})
    return Spread.of_ratios(seconds[GIVES_BACK], seconds[KEEPS]).words()


def ask(process: subprocess.Popen[str]) -> None:
    """Have a process train for some steps, and wait for it."""
    assert process.stdin
    assert process.stdout
    print(file=process.stdin, flush=True)
    assert process.stdout.readline(), "it ended"


def answer(keeps: bool, effort: Effort) -> None:
    """Train for some steps at each line that comes in, and say when it's done."""
    if keeps:
        keep_freed_memory()
    steps = steps_of(configured(effort, **DEFAULT_NETWORKS, precision="bfloat16"))
    for _ in sys.stdin:
        steps(effort.of(48, 1))
        print("done", flush=True)


if __name__ == "__main__":
    sys.exit(main())
