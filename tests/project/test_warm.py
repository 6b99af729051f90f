"""Processes that start warm are like any other."""

import os
import signal
import subprocess

import pytest

from support import warm

pytestmark = pytest.mark.slow


def run(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(warm.python(*arguments), capture_output=True, text=True, timeout=60, **options)


def test_a_warm_process_has_its_own_arguments_environment_folders_and_streams(tmp_path):
    script = "import os, sys; print(sys.argv[1:], os.environ['A'], os.getcwd(), input()); print(1, file=sys.stderr)"
    done = run("-c", script, "x", "y", env={"A": "b"}, cwd=tmp_path, input="in\n")
    assert (done.stdout, done.stderr) == (f"['x', 'y'] b {tmp_path} in\n", "1\n")
    script = "import tempfile; print(tempfile.gettempdir())"
    assert run("-c", script, env={"TMPDIR": str(tmp_path)}).stdout == f"{tmp_path}\n"


@pytest.mark.parametrize(
    ("script", "status"),
    [("pass", 0), ("exit(3)", 3), ("exit('no')", 1), ("1 / 0", 1), ("import os; os._exit(7)", 7),
     ("import os; os.kill(os.getpid(), 9)", -9)],
)  # fmt: skip
def test_a_warm_process_ends_as_a_cold_one_does(script, status):
    assert run("-c", script).returncode == status


def test_a_program_and_a_module_run_as_main(tmp_path):
    (tmp_path / "here.py").write_text("import beside, sys; print(__name__, beside.X, sys.argv)")
    (tmp_path / "beside.py").write_text("X = 1")
    assert run(str(tmp_path / "here.py"), "a").stdout == f"__main__ 1 ['{tmp_path / 'here.py'}', 'a']\n"
    assert run("-m", "here", "a", cwd=tmp_path).stdout.startswith("__main__ 1 ")


def test_a_warm_process_looks_for_modules_where_a_cold_one_does(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.py").touch()
    both = os.pathsep.join(str(tmp_path / name) for name in ("first", "second"))
    assert run("-c", "import first, second", env={"PYTHONPATH": both}).returncode == 0
    assert "No module named 'dcgan'" in run("-c", "import dcgan", env={}, cwd=tmp_path).stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_signals_reach_a_warm_process_and_killing_it_takes_it_along(number):
    script = "import time; print(1, flush=True); time.sleep(60)"
    with subprocess.Popen(warm.python("-c", script), stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"1\n"
        process.send_signal(number)
        assert process.wait(10) == -number
        assert process.stdout.read() == b""  # closed by the last who had it: the other process is gone, too
