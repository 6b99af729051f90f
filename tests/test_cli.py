import os
import signal

import pytest

from dcgan.cli import BAD_INPUT, INTERRUPTED, TERMINATED, Parser, command
from dcgan.errors import InputError


def test_bad_input_is_one_line_on_stderr_and_status_2(capsys):
    @command
    def main(argv):
        raise InputError("there is no such thing; try another.")

    assert main([]) == BAD_INPUT
    assert capsys.readouterr().err == "error: there is no such thing; try another.\n"


def test_an_interrupt_is_status_130():
    @command
    def main(argv):
        raise KeyboardInterrupt

    assert main([]) == INTERRUPTED


def test_a_termination_cleans_up_and_is_status_143():
    cleaned = []

    @command
    def main(argv):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.sigtimedwait([], 5)
        finally:
            cleaned.append(True)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == TERMINATED
    assert cleaned
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_errors_are_not_swallowed():
    @command
    def main(argv):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        main([])


def test_options_can_not_be_abbreviated():
    parser = Parser()
    parser.add_argument("--seed")
    with pytest.raises(InputError, match="--see"):
        parser.parse_args(["--see", "1"])
