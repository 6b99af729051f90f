"""What visitors and API clients type, held against its bounds: taken as it is, or refused with a sentence.

Links and files are not refused: the gallery makes the best of whatever is in them.
"""

from __future__ import annotations

import math
from typing import SupportsFloat, TypeVar

from dcgan.errors import InputError
from dcgan.expressions import AnyFace, canonical
from dcgan.gallery import KEYFRAMES, SEED, SEPARATORS, Choice, Number
from dcgan.ui.texts import ENGLISH, say

OF_EXPRESSIONS = set(":@+-~=z")  # what a text has that is more than a seed
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


def one_face(text: object) -> AnyFace:
    """Read a face as people write it: a seed, or an expression.

    Raises:
        InputError: it is neither; a RefusedError where it looks like no more than a seed.
    """
    word = str(text).strip()
    is_more = set(word) & OF_EXPRESSIONS and not word.startswith("-")
    return canonical(word) if is_more else number("the-seed", SEED, word)


def keyframes(text: object) -> tuple[AnyFace, ...]:
    """Read the faces in "7, 42" or "7, 7:42@0.5".

    Raises:
        InputError: fewer than two, more than twelve, one that is none, or all the same.
    """
    words = [word for word in SEPARATORS.split(str(text)) if word]
    if not KEYFRAMES.min_count <= len(words) <= KEYFRAMES.max_count:
        raise too_few_keyframes(len(words))
    faces = tuple(map(one_face, words))
    if len(set(faces)) == 1:
        raise RefusedError("same-keyframes", seed=faces[0])
    return faces
