import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dcgan.parallel import map_in_order
from support.paths import ROOT


def test_results_come_in_the_items_order_though_later_ones_finish_first():
    def slow_first(item):
        time.sleep(0.02 if item == 0 else 0)
        return item * 10

    with ThreadPoolExecutor(4) as pool:
        assert list(map_in_order(pool, slow_first, range(6), waiting=4)) == [0, 10, 20, 30, 40, 50]


def test_it_never_runs_further_ahead_than_allowed():
    started = []
    lock = threading.Lock()

    def note(item):
        with lock:
            started.append(item)
        return item

    with ThreadPoolExecutor(4) as pool:
        results = map_in_order(pool, note, range(100), waiting=5)
        next(results)
        time.sleep(0.05)
        assert len(started) <= 5


def test_an_error_reaches_whoever_takes_the_results():
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError):
        list(map_in_order(pool, lambda item: 1 / item, [1, 0], waiting=2))


UNGUARDED = """
import sys, types
sys.modules["dcgan"] = types.ModuleType("dcgan")  # without what the package imports, which takes seconds
sys.modules["dcgan"].__path__ = [sys.argv[1]]
from dcgan.parallel import map_in_processes
more_than_a_pipe_holds = bytes(1_000_000)
list(map_in_processes(divmod, more_than_a_pipe_holds, range(300), 2))
"""


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so_in_one_sentence_and_not_run_again_and_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    command = [sys.executable, script, ROOT / "dcgan"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert result.returncode == 1
    assert result.stderr.count("Traceback") == 1
    assert "InputError: the processes that share this work ended before they began" in result.stderr
    assert 'below `if __name__ == "__main__":`' in result.stderr.splitlines()[-1]
