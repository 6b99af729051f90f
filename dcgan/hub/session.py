"""What all requests of the Hub's client are held to: an end to waiting, and answers that make sense."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import cast

import httpx2
from huggingface_hub import constants, get_session, set_client_factory

from dcgan.errors import DamagedError, HubError

COMMIT, HASH, HASH_OF_SMALL_FILES = "X-Repo-Commit", "X-Linked-Etag", "ETag"  # headers that name files in the cache
MIN_SPEED = 1000  # bytes a second of an answer, on average
_seconds: float | None = None  # the client has one limit a process, as it has one session; None before it is set


def set_time_limit(seconds: float) -> None:
    """End requests that say nothing for so long, also those that the client sends with an express `timeout=None`.

    An answer that takes longer has to come at MIN_SPEED. Uploads and downloads go by plain HTTP for that: the client's
    own Xet knows no limit and can't be interrupted.
    """
    global _seconds
    if _seconds is None:
        _install()
    _seconds = seconds


def _install() -> None:
    constants.HF_HUB_DISABLE_XET = True
    hooks = {**get_session().event_hooks}  # HF_HUB_OFFLINE works by these
    hooks["request"] = [*hooks["request"], _limit]
    hooks["response"] = [*hooks.get("response", []), _refuse_wrong_names, _hurry]
    set_client_factory(lambda: httpx2.Client(event_hooks=hooks, follow_redirects=True, timeout=None))


def _limit(request: httpx2.Request) -> None:
    limits = request.extensions["timeout"]
    request.extensions["timeout"] = {phase: allowed or _seconds for phase, allowed in limits.items()}


def _refuse_wrong_names(response: httpx2.Response) -> None:
    """Refuse what would lead out of the client's cache, or make it take one commit for another."""
    asked, told = re.search("/resolve/([^/]+)/", response.url.path), response.headers
    if not asked:  # it is no file's
        return
    commit = told.get(COMMIT, "")
    if commit and re.fullmatch("[0-9a-f]{40}", asked[1]) and commit != asked[1]:
        raise DamagedError(f"the Hub ({constants.ENDPOINT}) gives another commit than {asked[1][:12]}")
    content = told.get(HASH) or (None if response.is_redirect else told.get(HASH_OF_SMALL_FILES)) or ""
    for name in (commit, content.removeprefix("W/")):
        if re.search(r"[/\\]|\.\.", name):
            raise DamagedError(f"the Hub ({constants.ENDPOINT}) names a content by a path ({name[:40]})")


def _hurry(response: httpx2.Response) -> None:
    response.stream = _Hurried(cast(httpx2.SyncByteStream, response.stream))


class _Hurried(httpx2.SyncByteStream):
    """The bytes of an answer, in good time."""

    def __init__(self, stream: httpx2.SyncByteStream):
        self.stream = stream

    def __iter__(self) -> Iterator[bytes]:
        began, received = time.monotonic(), 0
        for part in self.stream:
            received += len(part)
            took = time.monotonic() - began
            if took > (_seconds or took) and received < MIN_SPEED * took:
                raise HubError(f"the Hub ({constants.ENDPOINT}) answers too slowly", temporary=True)
            yield part

    def close(self) -> None:
        self.stream.close()
