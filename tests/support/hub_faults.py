"""What a Hub can do wrong, beside what hub_server.py has: it lies, or does anything at random."""

from __future__ import annotations

import asyncio
from random import Random

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from support.hub_server import Fault, cut_download, cut_upload, hang, lie, lose_reply, status

OTHER_HASH, OTHER_COMMIT = f'"{"0" * 64}"', "1" * 40


def flip_a_bit(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes(byte ^ 1 for byte in body[middle : middle + 1]) + body[middle + 1 :]


def half(body: bytes) -> bytes:
    return body[: len(body) // 2]


async def trickle(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends the body of its answer byte by byte, four a second, as long as somebody listens."""

    async def send_slowly(message: Message) -> None:
        for byte in message.get("body", b""):
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            await asyncio.sleep(0.25)
            if receive.__self__.disconnected:  # as uvicorn knows it
                raise ClientDisconnect
        await send({**message, "body": b""} if "body" in message else message)

    await app(scope, receive, send_slowly)


LIES = {
    "half of it": lie(half),
    "a bit of it flipped": lie(flip_a_bit),
    "nothing": lie(lambda body: b""),
    "more than it": lie(lambda body: body + b"more"),
    "a page of words": lie(lambda body: b"<html>We are down for maintenance</html>"),
    "a wrong hash": lie(bytes, etag=OTHER_HASH, x_linked_etag=OTHER_HASH),
    "a path for a hash": lie(bytes, etag='"../../../stolen"', x_linked_etag='"../../../stolen"'),
    "a wrong size": lie(bytes, x_linked_size="5"),
    "another commit": lie(bytes, x_repo_commit=OTHER_COMMIT),
}


def any_fault(rng: Random, share: float) -> Fault:
    """Does something wrong to a share of all requests."""
    faults = [
        *LIES.values(), *(status(code) for code in (401, 403, 404, 408, 409, 412, 429, 500, 502, 503)), cut_download,
        cut_upload, lose_reply, hang(3), hang(0.3), *2 * [lie(lambda body: _spoilt(body, rng))],
    ]  # fmt: skip

    async def fault(app, scope, receive, send) -> None:
        if rng.random() < share:
            await rng.choice(faults)(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    return fault


def _spoilt(body: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(body) + 1)
    return rng.choice([body[:at], body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :], body[at:]])
