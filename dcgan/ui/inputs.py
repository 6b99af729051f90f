"""What visitors and API clients type, held against its bounds: taken as it is, or refused with a sentence.

Links and files are not refused: the gallery makes the best of whatever is in them.
"""

from __future__ import annotations

import math
from typing import SupportsFloat, TypeVar

from dcgan.errors import InputError
from dcgan.gallery import KEYFRAMES, SEED, SEPARATORS, Choice, Number
from dcgan.ui.texts import ENGLISH, say

N = TypeVar("N", bound=float)
T = TypeVar("T")


class RefusedError(InputError):
    """An error that can be said in each language of the page: a key of its texts, and the values in them.

    A value called `what` is the key of another text.
    """

    def __init__(self, key: str, **values: object):
        self.key, self.values = key, values
        super().__init__(self.in_language(ENGLISH))

    def in_language(self, language: str) -> str:
        values = dict(self.values)
        if "what" in values:
            values["what"] = say(language, str(values["what"]))
        if values.get("shown") == "":
            values["shown"] = say(language, "nothing")
        return say(language, self.key, **values)


def number(what: str, bounds: Number[N], value: object) -> N:
    """Read `value` as a number within `bounds`, rounded to their digits.

    Raises:
        RefusedError: anything else; `what` is the text that names it.
    """
    is_whole = bounds.digits is None
    try:
        given = float(value) if isinstance(value, str | SupportsFloat) else math.nan
        given = round(given) if is_whole else given
    except (TypeError, ValueError, OverflowError):
        given = math.nan
    if not bounds.low <= given <= bounds.high:
        shown = "" if value is None else str(value).strip()[:40]
        key = "not-whole" if is_whole else "not-a-number"
        raise RefusedError(key, what=what, shown=shown, low=bounds.low, high=bounds.high)
    return bounds.rounded(given)


def choice(what: str, bounds: Choice[T], value: object) -> T:
    """Read `value` as one of the options, which may be written as text.

    Raises:
        RefusedError: it is none of them.
    """
    for option in bounds.options:
        if value == option or str(value) == str(option):
            return option
    raise RefusedError("not-a-choice", what=what, shown=str(value)[:40], options=", ".join(map(str, bounds.options)))


def too_few_keyframes(count: int) -> RefusedError:
    """Make the refusal of a walk through so many faces; its text fits too few and too many."""
    return RefusedError("too-few-keyframes", min_count=KEYFRAMES.min_count, max_count=KEYFRAMES.max_count, count=count)


def keyframes(text: object) -> tuple[int, ...]:
    """Read the seeds in "7, 42".

    Raises:
        RefusedError: fewer than two, more than twelve, one that is none, or all the same.
    """
    words = [word for word in SEPARATORS.split(str(text)) if word]
    seeds = tuple(number("the-seed", SEED, word) for word in words)
    if not KEYFRAMES.min_count <= len(seeds) <= KEYFRAMES.max_count:
        raise too_few_keyframes(len(seeds))
    if len(set(seeds)) == 1:
        raise RefusedError("same-keyframes", seed=seeds[0])
    return seeds
