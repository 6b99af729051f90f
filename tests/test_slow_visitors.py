"""A thousand visitors who send or take slowly: they are ended in time, and others are served meanwhile."""

import resource
import time
from contextlib import ExitStack

import httpx2
import pytest

from benchmarks import promises
from benchmarks.machine import now
from dcgan.limits import MAX_SECONDS_TO_SEND, MAX_SECONDS_TO_TAKE
from support.odd_inputs import API
from support.slow import MOST_OPEN, SLOW, Slow, others_are_served, wait_until

MEGABYTE = 2**20


@pytest.mark.long
@pytest.mark.timeout(600)
def test_1000_slow_visitors_are_ended_in_time_and_others_are_served(serve, trained_run):
    page, began = serve("--model", str(trained_run)), now()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    large = httpx2.post(f"{page.url}{API}/upload", files={"files": ("a.png", bytes(60 * MEGABYTE))}).json()[0]
    memory, files, most_open = page.memory(), page.open_files(), 0
    with ExitStack() as held, others_are_served(page) as took:
        take = f"GET /{API}/file={large} HTTP/1.1\r\nHost: here\r\n\r\n".encode()
        takers = [held.enter_context(Slow(page, take)) for _ in range(50)]
        senders: list[Slow] = []
        for _ in range(10):
            senders += [held.enter_context(Slow(page, SLOW[n % len(SLOW)])) for n in range(100)]
            most_open = max(most_open, page.open_files())
            for sender in senders:
                sender.send_one_more_byte()
            time.sleep(1)

        def all_senders_are_ended() -> bool:
            for sender in senders:
                sender.send_one_more_byte()
            return all(sender.is_ended() for sender in senders)

        seconds = wait_until(all_senders_are_ended, MAX_SECONDS_TO_SEND + 10)
        wait_until(lambda: page.open_files() <= files + 8, MAX_SECONDS_TO_TAKE + 10)
        grown = page.memory() - memory
    assert most_open <= MOST_OPEN + 2 * len(takers)
    assert max(took) < 5
    assert grown < 64 * MEGABYTE
    assert "Traceback" not in page.log
    promises.leave(
        "slow visitors", command="python -m pytest tests/test_slow_visitors.py -m long", seed=0, began=began,
        counts={
            "slow connections": len(senders) + len(takers), "open at once": most_open,
            "seconds until the last sender ended": round(seconds), "others served": len(took),
            "ms of their slowest answer": round(1000 * max(took)), "MB grown": max(0, grown // MEGABYTE),
            "left open": 0,
        },
    )  # fmt: skip
