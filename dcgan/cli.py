"""What every command line here shares: one-line errors, exit statuses, output that never fails, what signals do."""

from __future__ import annotations

import argparse
import functools
import io
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from types import FrameType
from typing import Any, NoReturn

from dcgan.errors import InputError

DONE, FAILED, BAD_INPUT, HUNG_UP, INTERRUPTED, TERMINATED = 0, 1, 2, 129, 130, 143
STOPPED = (HUNG_UP, INTERRUPTED, TERMINATED)
STATUS_OF = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}
if hasattr(signal, "SIGHUP"):  # the terminal was closed; Windows knows no such signal
    STATUS_OF[signal.SIGHUP] = HUNG_UP
Handler = Callable[[int, FrameType | None], Any]


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, raised as `InputError`; options can't be abbreviated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see --help)")


def command(main: Callable[..., int]) -> Callable[..., int]:
    """Make `main(argv, ...)` print an `InputError` as one line on stderr and return 2, and clean up when it is stopped.

    A SIGTERM or SIGHUP unwinds the stack like Ctrl-C does, so that temporary files and worker processes go.
    """

    @functools.wraps(main)
    def run(argv: Sequence[str] | None = None, **values: object) -> int:
        unwinding: dict[signal.Signals, Handler] = {number: _unwind for number in STATUS_OF if number != signal.SIGINT}
        with _output_at_once_that_never_fails(), _signal_handlers(unwinding):
            try:
                return main(argv, **values)
            except InputError as error:
                print(f"error: {error}", file=sys.stderr)
                return BAD_INPUT
            except KeyboardInterrupt:
                print("interrupted", file=sys.stderr)
                return INTERRUPTED

    return run


class StopRequest:
    """SIGINT, SIGTERM and SIGHUP while a step runs: noted, so that it can be finished; a second one stops at once."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._handlers = _signal_handlers(dict.fromkeys(STATUS_OF, self._note))
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        self._before = self._handlers.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._handlers.__exit__(*error)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        if self.status == HUNG_UP:
            _leave_the_terminal()
        _handle(self._before)

    @property
    def status(self) -> int:
        """The exit status that goes with the signal."""
        return STATUS_OF[self.signal or signal.SIGTERM]  # another process was told, which means all


@contextmanager
def silent_unless(speaks: bool) -> Iterator[None]:
    """Let nothing be printed to stdout, unless this is the process that `speaks`."""
    with open(os.devnull, "w") as nowhere, nullcontext() if speaks else redirect_stdout(nowhere):
        yield


def is_interactive() -> bool:
    """Whether somebody goes on working in this process after a program ends: in a notebook, or by `python -i`."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)


def end_process(status: int) -> None:
    """End the process that a script began, called from its top level, without waiting for what else runs in it.

    Where others run the script in a process of theirs, as a notebook does, that lives on.
    """
    is_ours = sys._getframe(1).f_back is None and not is_interactive()
    if is_ours:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    if status != DONE:
        sys.exit(status)


@contextmanager
def _signal_handlers(handlers: dict[signal.Signals, Handler]) -> Iterator[dict[int, Any]]:
    """Handle signals so within; gives the handlers from before, which return afterwards.

    Only a process's main thread hears signals. A SIGHUP that is ignored, as by nohup, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield {}
        return
    ignored = {number for number, status in STATUS_OF.items() if status == HUNG_UP and _is_ignored(number)}
    before = _handle({number: handler for number, handler in handlers.items() if number not in ignored})
    try:
        yield before
    finally:
        _handle(before)


def _handle(handlers: dict[Any, Any]) -> dict[int, Any]:
    """Set the handlers of signals; gives those from before. One that C code has set can't be set again, and stays."""
    return {number: signal.signal(number, handler) for number, handler in handlers.items() if handler is not None}


def _is_ignored(number: signal.Signals) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def _unwind(number: int, frame: FrameType | None) -> NoReturn:
    status = STATUS_OF[signal.Signals(number)]
    if status == HUNG_UP:
        _leave_the_terminal()
    sys.exit(status)


def _leave_the_terminal() -> None:
    """Say nothing more to a terminal that was closed: whoever writes to one gets an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        if stat.S_ISCHR(os.fstat(number).st_mode):  # a closed one doesn't call itself a terminal any more
            os.dup2(nowhere, number)
    os.close(nowhere)


@contextmanager
def _output_at_once_that_never_fails() -> Iterator[None]:
    """Print each line at once, through a pipe too, and a question mark for a letter that a console's encoding lacks."""
    before = {s: (s.errors, s.line_buffering) for s in (sys.stdout, sys.stderr) if isinstance(s, io.TextIOWrapper)}
    for stream, (errors, _) in before.items():
        stream.reconfigure(errors="replace" if errors == "strict" else errors, line_buffering=True)
    try:
        yield
    finally:
        for stream, (errors, line_buffering) in before.items():
            if not stream.closed:
                stream.reconfigure(errors=errors, line_buffering=line_buffering)
