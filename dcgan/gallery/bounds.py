"""What a setting of a picture can be. `check` is for our own values, `clean` for what comes in links and files."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast

from dcgan.latents import SEEDS

SEPARATORS = re.compile(r"[\s,;，、；]+")  # between seeds; a Chinese keyboard has commas of its own
MAX_VALUE_CHARACTERS = 1000  # of a value that is read; 64 seeds take 770
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
class Seeds:
    """At most `max_count` seeds, as in "7, 42", of which `min_count` differ."""

    min_count: int
    max_count: int
    default: tuple[int, ...]

    def check(self, value: object) -> tuple[int, ...]:
        """Give `value`, a list or other sequence of seeds, as a tuple.

        Raises:
            ValueError: too many, too few that differ, or one that is no seed.
        """
        if not isinstance(value, Iterable):
            raise ValueError(f"{value!r} is no sequence of seeds")
        seeds = tuple(SEED.check(seed) for seed in value)
        if len(seeds) > self.max_count or len(set(seeds)) < self.min_count:
            raise ValueError(f"{seeds} are not {self.min_count} different to {self.max_count} seeds")
        return seeds

    def clean(self, value: object) -> tuple[int, ...]:
        """Make seeds of anything: those that are in it, or the default where too few of them differ."""
        words = value if isinstance(value, list | tuple) else SEPARATORS.split(_text(value))
        seeds = tuple(seed for word in words if (seed := SEED.parse(word)) is not None)[: self.max_count]
        return seeds if len(set(seeds)) >= self.min_count else self.default


SEED = Number(0, SEEDS - 1, 0)
NAME = Text(256)  # of a model or a checkpoint


def _text(value: object) -> str:
    """Write a text or number as text of limited length; anything else, as a list in a file, gives ""."""
    return str(value)[:MAX_VALUE_CHARACTERS].strip() if isinstance(value, str | int | float) else ""
