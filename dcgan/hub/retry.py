"""Trying again, as long as it may help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dcgan.errors import HubError

WORTH_ANOTHER_TRY = {408, 409, 412, 425, 429}  # and all from 500
MAX_WAIT_ASKED_FOR = 300.0  # seconds of a Retry-After that are heeded
_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """How long the Hub may take, in seconds: before each further try, for one answer, and for all of a last push."""

    waits: tuple[float, ...] = (1, 2, 5, 10, 20, 40)  # outlasts an outage of a minute
    timeout: float = 30.0
    last_push: float = 20.0  # of a run that was stopped; torchrun, for one, ends it after 30


DEFAULT_PATIENCE = Patience()


def persistently(
    attempt: Callable[[], _T], waits: Sequence[float], sleep: Callable[[float], object], tell: Callable[[str], object]
) -> _T:
    """Return what `attempt` gives, after as many further tries as there are `waits` (in seconds).

    `sleep(seconds)` may return true to give up early; `tell` hears of every try that failed.

    Raises:
        HubError: the last attempt's, or the first that trying again can't mend.
    """
    for wait in (*waits, None):
        try:
            return attempt()
        except HubError as error:
            if not error.temporary or wait is None:
                raise
            wait = max(wait, min(error.after, MAX_WAIT_ASKED_FOR))
            tell(f"{error}; trying again in {wait:.0f} s")
            if sleep(wait):
                raise
    raise AssertionError("unreachable")
