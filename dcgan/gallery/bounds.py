"""What a setting of a picture can be. `check` is for our own values, `clean` for what comes in links and files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar, cast

from dcgan.errors import InputError
from dcgan.expressions import AnyFace, canonical
from dcgan.latents import SEEDS
from dcgan.limits import MAX_FACES_CHARACTERS, MAX_VALUE_CHARACTERS, MAX_WORDS

SEPARATORS = re.compile(r"[\s,;，、；]+")  # between seeds; a Chinese keyboard has commas of its own
N = TypeVar("N", bound=float)  # int; float where a number has digits
T = TypeVar("T")


class Bounds(Protocol):
    """What all bounds of a setting have in common."""

    @property
    def default(self) -> object: ...

    def check(self, value: object) -> object: ...

    def clean(self, value: object) -> object: ...


@dataclass(frozen=True)
class Number(Generic[N]):
    """A number from `low` to `high`: whole, or with so many `digits` after the point."""

    low: N
    high: N
    default: N
    digits: int | None = None

    def check(self, value: object) -> N:
        """Give `value` as an int, or as a float where there are digits.

        Raises:
            ValueError: it is none of these numbers.
        """
        kinds = int if self.digits is None else int | float
        number = self.parse(value)
        if isinstance(value, bool) or not isinstance(value, kinds) or number is None or number != value:
            kind = "a whole number" if self.digits is None else f"a number of {self.digits} digits"
            raise ValueError(f"{value!r} is not {kind} from {self.low} to {self.high}")
        return number

    def clean(self, value: object) -> N:
        """Make a number of anything: the nearest one, or the default."""
        number = self.parse(value)
        return self.default if number is None else number

    def parse(self, value: object) -> N | None:
        """Make a number of `value` as `clean` does, but None of what is no number."""
        try:
            number = float(_text(value))
        except ValueError:
            return None
        return None if math.isnan(number) else self.rounded(min(max(number, float(self.low)), float(self.high)))

    def rounded(self, number: float) -> N:
        """Round to the digits; to an int where there are none."""
        return cast(N, round(number, self.digits))


@dataclass(frozen=True)
class Choice(Generic[T]):
    """One of `options`, written in upper or lower case."""

    options: tuple[T, ...]
    default: T

    def check(self, value: object) -> T:
        """Give `value`.

        Raises:
            ValueError: it is none of the options.
        """
        for option in self.options:
            if type(value) is type(option) and value == option:
                return option
        raise ValueError(f"{value!r} is none of {', '.join(map(repr, self.options))}")

    def clean(self, value: object) -> T:
        """Make one of the options of anything: the one that is meant, or the default."""
        named = {str(option).casefold(): option for option in self.options}
        return named.get(_text(value).casefold(), self.default)


@dataclass(frozen=True)
class Text:
    """One line of at most `max_characters` printable ones."""

    max_characters: int
    default: str = ""

    def check(self, value: object) -> str:
        """Give `value`.

        Raises:
            ValueError: it is no such line, or has blanks around it.
        """
        if not isinstance(value, str) or self.clean(value) != value:
            raise ValueError(f"{value!r} is not one line of at most {self.max_characters} characters")
        return value

    def clean(self, value: object) -> str:
        """Make one line of anything."""
        return "".join(filter(str.isprintable, _text(value)))[: self.max_characters].strip()


@dataclass(frozen=True)
class OneFace:
    """A face that is more than a seed, as text; "" where there is none."""

    default: str = ""

    def check(self, value: object) -> str:
        """Give `value` as we write it, the number of a seed alone included.

        Raises:
            ValueError: it is no face.
        """
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is no text")
        return str(canonical(value)) if value else ""

    def clean(self, value: object) -> str:
        """Make a face of anything, "" where it is none. A blank stands for the "+" that a link made of it."""
        face = _face(value.strip().replace(" ", "+")) if isinstance(value, str) else None
        return self.default if face is None else str(face)


@dataclass(frozen=True)
class Faces:
    """At most `max_count` faces, each a seed or an expression, as in "7, 7:42@0.5", of which `min_count` differ."""

    min_count: int
    max_count: int
    default: tuple[AnyFace, ...]

    def check(self, value: object) -> tuple[AnyFace, ...]:
        """Give `value`, a list or other sequence of faces, as a tuple.

        Raises:
            ValueError: too many, too few that differ, or one that is no face.
        """
        if not isinstance(value, Iterable) or isinstance(value, str):
            raise ValueError(f"{value!r} is no sequence of faces")
        faces = tuple(canonical(face) if isinstance(face, str) else SEED.check(face) for face in value)
        if len(faces) > self.max_count or len(set(faces)) < self.min_count:
            raise ValueError(f"{faces} are not {self.min_count} different to {self.max_count} faces")
        return faces

    def clean(self, value: object) -> tuple[AnyFace, ...]:
        """Make faces of anything: those that are in it, or the default where too few of them differ."""
        words = value if isinstance(value, list | tuple) else SEPARATORS.split(_text(value, MAX_FACES_CHARACTERS))
        found = (face for word in words[:MAX_WORDS] if (face := _face(word)) is not None)
        faces = tuple(islice(found, self.max_count))
        return faces if len(set(faces)) >= self.min_count else self.default


SEED = Number(0, SEEDS - 1, 0)
NAME = Text(256)  # of a model or a checkpoint


def _text(value: object, most: int = MAX_VALUE_CHARACTERS) -> str:
    """Write a text or number as text of limited length; anything else, as a list in a file, gives ""."""
    return str(value)[:most].strip() if isinstance(value, str | int | float) else ""


def _face(value: object) -> AnyFace | None:
    """Make a face of a number, as `SEED` does, or of an expression; None of what is none."""
    seed = SEED.parse(value) if len(str(value)) <= MAX_VALUE_CHARACTERS else None
    if seed is not None or not isinstance(value, str):
        return seed
    try:
        return canonical(value)
    except InputError:
        return None
