"""An end to waiting for the Hub, which its client doesn't set to all of its requests."""

from __future__ import annotations

import httpx2
from huggingface_hub import constants, get_session, set_client_factory

_seconds: float | None = None  # the client has one limit a process, as it has one session; None before it is set


def set_time_limit(seconds: float) -> None:
    """End requests that say nothing for so long, also those that the client sends with an express `timeout=None`.

    Uploads and downloads go by plain HTTP for that: the client's own Xet knows no limit and can't be interrupted.
    """
    global _seconds
    if _seconds is None:
        _install()
    _seconds = seconds


def _install() -> None:
    constants.HF_HUB_DISABLE_XET = True
    hooks = {**get_session().event_hooks}  # HF_HUB_OFFLINE works by these
    hooks["request"] = [*hooks["request"], _limit]
    set_client_factory(lambda: httpx2.Client(event_hooks=hooks, follow_redirects=True, timeout=None))


def _limit(request: httpx2.Request) -> None:
    limits = request.extensions["timeout"]
    request.extensions["timeout"] = {phase: allowed or _seconds for phase, allowed in limits.items()}
