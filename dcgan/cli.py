"""What every command line here shares: one-line errors and exit statuses."""

from __future__ import annotations

import argparse
import functools
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from dcgan.errors import InputError

DONE, FAILED, BAD_INPUT, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, raised as `InputError`; options can't be abbreviated."""

    def __init__(self, **kwargs):
        super().__init__(allow_abbrev=False, **kwargs)

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


def _exit_terminated(number: int, frame: object) -> NoReturn:
    sys.exit(TERMINATED)
