import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dcgan.parallel import map_in_order


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
