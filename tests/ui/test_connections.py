"""Connections that keep the page waiting, over real sockets: they end in time, and others are served meanwhile."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from dcgan.ui import connections
from dcgan.ui.connections import bound_connections

SECONDS = 0.3  # to send or take, in these tests
SOON = 5.0  # by then it has happened
BEGUN = b"POST /length HTTP/1.1\r\nHost: here\r\n"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    monkeypatch.setattr(connections, "MAX_SECONDS_TO_SEND", SECONDS)
    monkeypatch.setattr(connections, "MAX_SECONDS_TO_TAKE", SECONDS)


@pytest.fixture(params=["h11", "auto"])  # pure Python, and the fastest that is installed
def page(request) -> Iterator[SimpleNamespace]:
    seen = SimpleNamespace(ended=[])

    async def length(request: Request) -> PlainTextResponse:
        try:
            return PlainTextResponse(str(len(await request.body())))
        except ClientDisconnect:
            seen.ended.append("a body")
            raise

    async def later(request: Request) -> PlainTextResponse:
        await asyncio.sleep(3 * SECONDS)
        return await length(request)

    async def without_end(request: Request) -> StreamingResponse:
        async def parts():
            try:
                while True:
                    yield b"x" * 2**16
                    await asyncio.sleep(0)  # or nobody would hear that the visitor left
            finally:
                seen.ended.append("an answer")

        return StreamingResponse(parts())

    routes = [Route("/length", length, methods=["POST"]), Route("/later", later, methods=["POST"])]
    app = Starlette(routes=[*routes, Route("/without-end", without_end)])
    config = uvicorn.Config(app, port=0, http=request.param, log_level="critical", lifespan="off")
    config.load()
    bound_connections(config)
    with running(uvicorn.Server(config)) as seen.port:
        seen.unfinished = config.http_protocol_class.unfinished
        yield seen


@contextmanager
def running(server: uvicorn.Server) -> Iterator[int]:
    """Let a server run in a thread of its own; gives its port."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)


def wait_until(holds, seconds=10.0) -> None:
    give_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def connected(page) -> closing:
    return closing(socket.create_connection(("127.0.0.1", page.port), timeout=SOON))


def seconds_until_ended(connection: socket.socket, every: bytes = b"") -> float:
    """Send so much every now and then, until the page ends the connection."""
    began = time.monotonic()
    connection.settimeout(SECONDS / 10)
    while time.monotonic() - began < SOON:
        try:
            connection.sendall(every)
            if not connection.recv(1000):
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    return time.monotonic() - began


def is_open(connection: socket.socket) -> bool:
    connection.settimeout(SECONDS / 10)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def posted(page, body: bytes, path: str = "length") -> str:
    return httpx2.post(f"http://127.0.0.1:{page.port}/{path}", content=body, trust_env=False).text


@pytest.mark.parametrize(
    ("begun", "every"),
    [
        (b"", b""),
        (BEGUN, b""),
        (BEGUN + b"X-Long: ", b"x"),
        (BEGUN + b"Content-Length: 9000\r\n\r\n", b"x"),
        (BEGUN + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["silent", "half a head", "a head byte by byte", "a body byte by byte", "a body in small parts"],
)
def test_a_request_that_does_not_come_in_time_is_ended_and_others_are_answered_meanwhile(begun, every, page):
    began = time.monotonic()
    with connected(page) as slow:
        slow.sendall(begun)
        assert posted(page, b"four") == "4"
        assert seconds_until_ended(slow, every) < SOON
    assert time.monotonic() - began > SECONDS / 2
    assert not page.unfinished


def test_the_next_request_of_a_connection_has_as_little_time(page):
    with connected(page) as slow:
        slow.sendall(BEGUN + b"Content-Length: 1\r\n\r\nx")
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")
        slow.sendall(BEGUN)
        assert seconds_until_ended(slow, b"X-Long: 7\r\n") < SOON


def test_what_comes_fast_enough_may_take_longer(page, monkeypatch):
    monkeypatch.setattr(connections, "MIN_SENT_PER_SECOND", 500 / SECONDS)
    with connected(page) as steady:
        steady.sendall(BEGUN + b"Content-Length: 8000\r\n\r\n")
        for _ in range(4):
            steady.sendall(b"x" * 2000)
            time.sleep(SECONDS / 2)
        assert steady.recv(1000).endswith(b"8000")


def test_a_visitor_is_not_ended_because_the_page_reads_slowly(page):
    assert posted(page, b"x" * 2**20, "later") == str(2**20)


def test_a_body_that_is_ended_is_one_whose_visitor_left(page):
    with connected(page) as slow:
        slow.sendall(BEGUN + b"Content-Length: 9000\r\n\r\n")
        wait_until(lambda: page.ended == ["a body"])


def test_a_head_may_be_as_large_as_the_limit_and_no_larger(page, monkeypatch):
    monkeypatch.setattr(connections, "MAX_HEAD_BYTES", 2000)
    monkeypatch.setattr(connections, "MAX_SECONDS_TO_SEND", 60)
    for size, status in ((2000, b"HTTP/1.1 200"), (2001, b"")):
        with connected(page) as connection:
            connection.sendall((BEGUN + b"X-Long: ").ljust(size, b"x"))
            time.sleep(SECONDS / 10)
            connection.sendall(b"\r\nContent-Length: 0\r\n\r\n")
            assert connection.recv(1000).startswith(status) if status else not is_open(connection)


def test_of_too_many_unfinished_requests_the_oldest_ends(page, monkeypatch):
    monkeypatch.setattr(connections, "MAX_UNFINISHED", 3)
    monkeypatch.setattr(connections, "MAX_SECONDS_TO_SEND", 60)
    held = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(3)]
    try:
        wait_until(lambda: len(page.unfinished) == 3)
        assert all(is_open(each) for each in held)
        assert posted(page, b"four") == "4"
        assert [is_open(each) for each in held] == [False, True, True]
    finally:
        for each in held:
            each.close()
    wait_until(lambda: not page.unfinished)


def test_an_answer_that_nobody_takes_is_ended(page):
    with connected(page) as slow:
        slow.sendall(b"GET /without-end HTTP/1.1\r\nHost: here\r\n\r\n")
        wait_until(lambda: page.ended == ["an answer"])


def test_an_answer_that_is_taken_goes_on(page):
    with connected(page) as taker:
        taker.sendall(b"GET /without-end HTTP/1.1\r\nHost: here\r\n\r\n")
        until = time.monotonic() + 3 * SECONDS
        while time.monotonic() < until:
            assert taker.recv(2**20)
        assert not page.ended
