"""What every command line here shares: one-line errors, exit statuses, and what signals do."""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import Any, ClassVar, NoReturn

from dcgan.errors import InputError

DONE, FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, raised as `InputError`; options can't be abbreviated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see --help)")


def command(main: Callable[..., int]) -> Callable[..., int]:
    """Make `main(argv, ...)` print an `InputError` as one line on stderr and return 2, and clean up when it is stopped.

    A SIGTERM unwinds the stack like Ctrl-C does, so that temporary files and worker processes go.
    """

    @functools.wraps(main)
    def run(argv: Sequence[str] | None = None, **values: object) -> int:
        previous = signal.signal(signal.SIGTERM, _exit_terminated)
        try:
            return main(argv, **values)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return BAD_INPUT
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        finally:
            signal.signal(signal.SIGTERM, previous)

    return run


class StopRequest:
    """A SIGINT or SIGTERM while a step runs: noted, so that the step can be finished; a second one stops at once."""

    STATUS: ClassVar = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __enter__(self) -> StopRequest:
        self._previous = {number: signal.signal(number, self._note) for number in self.STATUS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        self.signal = signal.Signals(number)
        for each, handler in self._previous.items():
            signal.signal(each, handler)

    @property
    def status(self) -> int:
        return self.STATUS[self.signal or signal.SIGTERM]  # without one here, another process got it for all


@contextmanager
def silent_unless(speaks: bool) -> Iterator[None]:
    """Let nothing be printed to stdout, unless this is the process that `speaks`."""
    with open(os.devnull, "w") as nowhere, nullcontext() if speaks else redirect_stdout(nowhere):
        yield


def _exit_terminated(number: int, frame: object) -> NoReturn:
    sys.exit(TERMINATED)
