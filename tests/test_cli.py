import io
import os
import runpy
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext

import pytest
from tqdm import tqdm

from dcgan.cli import BAD_INPUT, HUNG_UP, INTERRUPTED, STATUS_OF, TERMINATED, Parser, StopRequest, command
from dcgan.errors import InputError
from support.paths import ROOT


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


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, TERMINATED), (signal.SIGHUP, HUNG_UP)])
def test_a_termination_cleans_up_and_has_its_own_status(number, status):
    cleaned = []

    @command
    def main(argv):
        try:
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 5)
        finally:
            cleaned.append(True)

    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == status
    assert cleaned
    assert signal.getsignal(number) is before


def handlers() -> list:
    return [signal.getsignal(number) for number in STATUS_OF]


def test_a_stop_request_notes_each_of_the_signals_and_leaves_the_handlers_as_they_were():
    before = handlers()
    for number, status in STATUS_OF.items():
        with StopRequest() as stop:
            os.kill(os.getpid(), number)
            assert (stop.signal, stop.status) == (number, status)
            assert handlers() == before  # so that a second one stops at once
    assert handlers() == before


def test_a_hangup_that_is_ignored_as_by_nohup_stays_ignored():
    @command
    def main(argv):
        with StopRequest() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
        return 7 if stop.signal is None else 8

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main([]) == 7
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_runs_in_any_thread_and_touches_no_handler_there():
    seen = []

    @command
    def main(argv):
        with StopRequest():
            seen.append(handlers())
        return 7

    thread = threading.Thread(target=lambda: seen.append(main([])))
    thread.start()
    thread.join()
    assert seen == [handlers(), 7]


@pytest.mark.parametrize("encoding", ["ascii", "gbk", "cp1252", "utf-8"])
def test_a_console_of_any_encoding_gets_what_it_can_show_and_a_question_mark_for_the_rest(encoding, monkeypatch):
    shown = io.BytesIO()
    console = io.TextIOWrapper(shown, encoding)
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "stderr", console)

    @command
    def main(argv):
        print("into 头像🎭 and \udcff")
        raise InputError("there is no 头像🎭.")

    assert main([]) == BAD_INPUT
    console.flush()
    names = "头像🎭".encode(encoding, "replace")
    assert shown.getvalue() == b"into " + names + b" and ?\nerror: there is no " + names + b".\n"
    assert console.errors == "strict"


def test_a_line_goes_through_a_pipe_when_it_is_written(monkeypatch):
    shown = io.BytesIO()
    pipe = io.TextIOWrapper(shown, "utf-8")
    monkeypatch.setattr(sys, "stdout", pipe)

    @command
    def main(argv):
        tqdm.write("pushing to alice/faces: epoch-0001 to go")
        return len(shown.getvalue().splitlines())

    assert main([]) == 1
    assert not pipe.line_buffering


# How a script ends

SCRIPT = """
import threading, time
from dcgan.cli import end_process

def work():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return {status}

if __name__ == "__main__":
    end_process(work())
"""


@pytest.mark.slow
def test_a_script_ends_its_own_process_whatever_still_runs_in_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(status=5))
    ended = subprocess.run([sys.executable, script], env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=50)
    assert ended.returncode == 5


@pytest.mark.parametrize("status", [0, 5])
def test_a_script_that_a_notebook_runs_never_ends_its_process(status, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("60", "0").format(status=status))
    with pytest.raises(SystemExit, match=str(status)) if status else nullcontext():
        runpy.run_path(str(script), run_name="__main__")


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
