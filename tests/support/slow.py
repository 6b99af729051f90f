"""Visitors who send slowly or without end, over real sockets, and others who come meanwhile."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx2

from dcgan.limits import MAX_UNFINISHED
from support.odd_inputs import API
from support.served import Served

MOST_OPEN = 2 * MAX_UNFINISHED + 24  # an upload has a file, too; and the page has some of its own
HEAD = f"POST /{API}/upload HTTP/1.1\r\nHost: here\r\n".encode()
FORM = HEAD + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000000\r\n\r\n--b\r\n"
FILE = FORM + b'Content-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
FIELD = FORM + b'Content-Disposition: form-data; name="files"\r\n\r\n'
SLOW = [b"", HEAD, HEAD + b"X-Long: ", FILE, FIELD]


class Slow:
    """A connection that was begun, and goes on as slowly as it likes."""

    def __init__(self, page: Served, begun: bytes):
        self.socket = socket.create_connection(("127.0.0.1", page.port), timeout=30)
        self.begun = begun
        self.socket.sendall(begun)

    def __enter__(self) -> Slow:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def is_ended(self) -> bool:
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        return bool(poll.poll(0))

    def send_much(self, most: int) -> int:
        """Send until the page ends the connection, or so many bytes were sent; gives how many were."""
        sent = 0
        with suppress(OSError):
            while sent < most:
                sent += self.socket.send(b"x" * 2**16)
        return sent

    def send_one_more_byte(self) -> None:
        if self.begun not in (b"", HEAD) and not self.is_ended():
            with suppress(OSError):
                self.socket.send(b"x")


@contextmanager
def others_are_served(page: Served) -> Iterator[list[float]]:
    """Ask for the page all the while; gives the seconds that each answer took."""
    took: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(0.2):
            began = time.monotonic()
            answer = httpx2.get(page.url + "config", timeout=60, trust_env=False)
            took.append(time.monotonic() - began if answer.status_code == 200 else 3600)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took
    finally:
        is_over.set()
        thread.join()


def wait_until(holds: Callable[[], bool], seconds: float) -> float:
    """Wait; gives for how long."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds
        time.sleep(0.1)
    return time.monotonic() - began
