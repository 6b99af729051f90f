"""Trying again, as long as it may help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dcgan.errors import HubError

WORTH_ANOTHER_TRY = {408, 409, 412, 425, 429}  # and all from 500
LONGEST_WAIT_ASKED_FOR = 300.0  # seconds of a Retry-After that are heeded
_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """How long the Hub may take: seconds before each further try, and for one answer."""

    waits: tuple[float, ...] = (1, 2, 5, 10, 20, 40)  # outlasts an outage of a minute
    timeout: float = 30.0


PATIENCE = Patience()


def persistently(
    attempt: Callable[[], _T], waits: Sequence[float], sleep: Callable[[float], object], tell: Callable[[str], object]
) -> _T:
    """What `attempt` gives, after as many further tries as there are `waits` (in seconds).

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
            wait = max(wait, min(error.after, LONGEST_WAIT_ASKED_FOR))
            tell(f"{error}; trying again in {wait:.0f} s")
            if sleep(wait):
                raise
    raise AssertionError("unreachable")
