import pytest

from dcgan.cli import BAD_INPUT, INTERRUPTED, Parser, command
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
