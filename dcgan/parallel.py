"""Ordered parallel mapping that never runs far ahead of whoever takes the results."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import current_process, get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from dcgan.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
Shared = TypeVar("Shared")

CHUNK = 64  # items that a process works on in one go
SHARED_NAME = "shared"  # the file with what is sent to each process


def map_in_order(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], waiting: int
) -> Iterator[Result]:
    """Yield `function(item)` of each item, in order, with at most `waiting` of them under way or in memory at once."""
    pending: deque[Future[Result]] = deque()
    for item in items:
        pending.append(pool.submit(function, item))
        if len(pending) >= waiting:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def map_in_processes(
    function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item], workers: int | None = None
) -> Iterator[Result]:
    """Yield `function(shared, item)` of each item, in order, from `workers` processes, by default one for each core.

    `function` must be one of a module, since processes find it by name. `shared` is sent to each process once. Few
    items are done in this process, as starting others would take longer.

    Raises:
        InputError: it is called by a script that does so whenever it is imported, as each process does first.
    """
    if getattr(current_process(), "_inheriting", False):
        sys.exit(1)  # this is such a process, which would start others in its turn; who started it says what is wrong
    workers = workers or os.cpu_count() or 1
    if workers == 1 or len(items) <= 4 * CHUNK:
        yield from (function(shared, item) for item in items)
        return
    chunks = (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
    with (
        TemporaryDirectory() as folder,
        ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(folder,)) as pool,
    ):
        # In a file, since Python waits for ever for a process that ends before it has read more than a pipe holds
        (Path(folder) / SHARED_NAME).write_bytes(pickle.dumps(shared))
        has_begun = False
        try:
            for results in map_in_order(pool, partial(_do, function), chunks, waiting=4 * workers):
                has_begun = True
                yield from results
        except BrokenProcessPool:
            if has_begun:
                raise
            raise InputError(
                "the processes that share this work ended before they began; where a script asks for it, that has to "
                'stand below `if __name__ == "__main__":`, since each process imports the script first.'
            ) from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


_in_this_process: dict[str, Any] = {}  # what a worker was sent


def _begin(folder: str) -> None:
    """Begin a worker: leave Ctrl-C to the parent, and end when the parent does, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        if parent := parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    _in_this_process["shared"] = pickle.loads((Path(folder) / SHARED_NAME).read_bytes())


def _do(function: Callable[[Any, Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(_in_this_process["shared"], item) for item in items]
