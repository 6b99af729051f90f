"""What a setting of a picture can be. `check` is for our own values, `clean` for what links and files bring."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from dcgan.latents import SEEDS

SEPARATORS = re.compile(r"[\s,;，、；]+")  # between seeds; a Chinese keyboard has commas of its own
MAX_VALUE_CHARACTERS = 1000  # of a value that is read; 64 seeds take 770


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high` with so many `digits` after the point; whole without."""

    low: float
    high: float
    default: float
    digits: int | None = None

    def check(self, value: object) -> float:
        """Give `value` as an int, or as a float where there are digits.

        Raises:
            ValueError: it is none of these numbers.
        """
        kinds = int if self.digits is None else int | float
        if isinstance(value, bool) or not isinstance(value, kinds) or self.parse(value) != value:
            kind = "a whole number" if self.digits is None else f"a number of {self.digits} digits"
            raise ValueError(f"{value!r} is not {kind} from {self.low} to {self.high}")
        return value if self.digits is None else float(value)

    def clean(self, value: object) -> float:
        """Make a number of anything: the nearest one, or the default."""
        number = self.parse(value)
        return self.default if number is None else number

    def parse(self, value: object) -> float | None:
        """As `clean`, but None for what is no number."""
        try:
            number = float(_text(value))
        except ValueError:
            return None
        return None if math.isnan(number) else round(min(max(number, self.low), self.high), self.digits)


@dataclass(frozen=True)
class Choice:
    """One of `options`, written in upper or lower case."""

    options: tuple[str | int | None, ...]
    default: str | int | None

    def check(self, value: object) -> str | int | None:
        """Give `value`.

        Raises:
            ValueError: it is none of the options.
        """
        if not any(type(value) is type(option) and value == option for option in self.options):
            raise ValueError(f"{value!r} is none of {', '.join(map(repr, self.options))}")
        return value

    def clean(self, value: object) -> str | int | None:
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
    """Write a plain value as text of limited length; what a file may nest in its place, and None, are none."""
    return str(value)[:MAX_VALUE_CHARACTERS].strip() if isinstance(value, str | int | float) else ""
