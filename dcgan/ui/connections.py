"""Connections that keep the page waiting, ended in time: the web server itself would wait for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from dcgan.limits import MAX_HEAD_BYTES, MAX_SECONDS_TO_SEND, MAX_SECONDS_TO_TAKE, MAX_UNFINISHED, MIN_SENT_PER_SECOND


def bound_connections(config: Any) -> None:
    """Have a server of uvicorn, whose config it is, bound each connection that is made from now on."""
    of_this_server: dict[str, Any] = {"unfinished": {}}
    config.http_protocol_class = type("BoundConnection", (BoundConnection, config.http_protocol_class), of_this_server)


class BoundConnection(asyncio.Protocol):
    """A connection of uvicorn that ends when its request doesn't come whole in time, or its answer isn't taken."""

    unfinished: dict[BoundConnection, asyncio.TimerHandle]  # whose requests have not come whole, the oldest first
    # uvicorn's own
    cycle: Any  # the newest request whose head has come, and its answer; None before the first
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._untaken: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        if self not in self.unfinished:
            self._expect_request()
        self._received += len(data)
        before, is_body = self.cycle, self.cycle is not None and self.cycle.more_body
        super().data_received(data)
        if self.cycle is not before:
            self._head_bytes = 0
        elif not is_body:
            self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._end()
        elif self._is_answering():
            self._expect_nothing()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._untaken = self.loop.call_later(MAX_SECONDS_TO_TAKE, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._take_as_taken()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        self._take_as_taken()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.more_body and not self.cycle.response_complete

    def _expect_request(self) -> None:
        self._began, self._received = self.loop.time(), 0
        self._look_again_in(MAX_SECONDS_TO_SEND)
        if len(self.unfinished) > MAX_UNFINISHED:
            next(iter(self.unfinished))._end()

    def _look_again_in(self, seconds: float) -> None:
        self.unfinished[self] = self.loop.call_later(seconds, self._end_if_late)

    def _end_if_late(self) -> None:
        allowed = MAX_SECONDS_TO_SEND + self._received / MIN_SENT_PER_SECOND
        left = self._began + allowed - self.loop.time()
        if left > 0:
            self._look_again_in(left)
        elif not self.transport.is_reading():  # it is the page that is slow
            self._began = self.loop.time()
            self._look_again_in(MAX_SECONDS_TO_SEND)
        else:
            self._end()

    def _end(self) -> None:
        self._expect_nothing()
        self.transport.close()

    def _expect_nothing(self) -> None:
        if self in self.unfinished:
            self.unfinished.pop(self).cancel()

    def _take_as_taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None
