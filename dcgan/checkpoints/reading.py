"""JSON objects as frozen dataclasses, read strictly where work depends on them and leniently where they only show.

A strict reader takes what every version so far wrote, and refuses all else with an InputError that names file and key.
A lenient one never raises: what is missing or broken is None or empty, though the types of a record say otherwise.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from dcgan.errors import InputError, NewerFormatError

FORMAT = 1  # of files that are written now; a file that names none is of format 0
BEFORE_FORMATS = {"format": 0}

Take = Callable[[Any, bool], Any]  # a JSON value, and whether to be lenient -> the value of a record


class BrokenError(Exception):
    """A value that can't be taken: what is wrong, and the keys that lead to it."""

    def __init__(self, words: str, keys: tuple[str, ...] = ()):
        super().__init__(f"{'.'.join(keys)} {words}" if keys else f"it {words}")
        self.words, self.keys = words, keys

    def below(self, key: str) -> BrokenError:
        """Give the same error, seen from the object that has it as `key`."""
        return BrokenError(self.words, (key, *self.keys))


def text(value: Any, lenient: bool) -> str:
    if not isinstance(value, str):
        raise _other(value, "a text")
    return value


def number(value: Any, lenient: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
        raise _other(value, "a number")
    return value


def count(value: Any, lenient: bool) -> int:
    found = number(value, lenient)
    if not isinstance(found, int) or found < 0:
        raise _other(value, "a whole number from 0 up")
    return found


def flag(value: Any, lenient: bool) -> bool:
    if not isinstance(value, bool):
        raise _other(value, "true or false")
    return value


def anything(value: Any, lenient: bool) -> Any:
    return value


def named(take: Take) -> Take:
    """Take an object of any keys, and its values by `take`; a lenient reader leaves out values that can't be taken."""

    def take_all(values: Any, lenient: bool) -> dict[str, Any]:
        taken = {}
        for key, value in _object(values).items():
            try:
                taken[key] = take(value, lenient)
            except BrokenError as broken:
                if not lenient:
                    raise broken.below(key) from None
        return taken

    return take_all


def part(take: Take, *older: str, key: str | None = None, absent: Any = MISSING, omit: bool = False) -> Any:
    """Make a field of a record: how its value is taken, its key where that isn't the field's name, and `older` keys.

    `absent` is the value where a file lacks the key, and where a lenient reader finds a broken value. Without `absent`
    the key must be there; a lenient reader that doesn't find it gives None. None is written as null, or with `omit`
    not at all.
    """
    options: dict[str, Any] = {"metadata": {"take": take, "keys": (key, *older), "omit": omit}}
    if isinstance(absent, dict):
        options["default_factory"] = lambda: dict(absent)
    else:
        options["default"] = absent
    return field(**options)


@dataclass(frozen=True, kw_only=True)
class Part:
    """An object within a record."""

    @classmethod
    def take(cls, values: Any, lenient: bool) -> Self:
        known = _object(values)
        return cls(**{each.name: _taken(each, known, lenient) for each in fields(cls)})

    def to_json(self) -> dict[str, Any]:
        """Give JSON-ready values, which a strict reader takes back."""
        found = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None or not each.metadata["omit"]:
                found[_keys(each)[0]] = _ready(value)
        return found


@dataclass(frozen=True, kw_only=True)
class Record(Part):
    """A whole file, with the number of its format."""

    format: int = part(count, absent=FORMAT)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file strictly.

        Raises:
            InputError: there is no such file, or it isn't what any version wrote; names file and key.
        """
        try:
            values = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise cls._refusal(path, f"{type(error).__name__}: {error}") from None
        return cls._of(values, path)

    @classmethod
    def _of(cls, values: Any, path: Path) -> Self:
        """Take the values of a file strictly; raises as `read` does."""
        try:
            known = BEFORE_FORMATS | dict(_object(values))
            if isinstance(known["format"], int) and known["format"] > FORMAT:
                raise NewerFormatError(
                    f"{path} is of format {known['format']}, and this version knows formats up to {FORMAT}: a newer "
                    "one wrote it; update this one to use it."
                )
            return cls.take(known, lenient=False)
        except BrokenError as broken:
            raise cls._refusal(path, str(broken)) from None

    @classmethod
    def glean(cls, content: str | bytes) -> Self:
        """Take what can be understood of a file's content, whoever wrote it; never raises."""
        return cls.take(BEFORE_FORMATS | object_in(content), lenient=True)

    @classmethod
    def _refusal(cls, path: Path, why: str) -> InputError:
        return InputError(f"{path} can't be read ({why}); it was written by another version or is damaged.")


def object_in(content: str | bytes) -> dict[str, Any]:
    """Parse a content as a JSON object; an empty one where it is none."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _taken(each: Field[Any], values: Mapping[str, Any], lenient: bool) -> Any:
    """Take the value of a field out of the object that has it."""
    key = next((name for name in _keys(each) if name in values), None)
    if key is None:
        return _absent(each, lenient)
    if values[key] is None and each.default is None:
        return None
    try:
        return each.metadata["take"](values[key], lenient)
    except BrokenError as broken:
        if lenient:
            return _absent(each, lenient)
        raise broken.below(key) from None


def _absent(each: Field[Any], lenient: bool) -> Any:
    """Give what a field is where its key is missing or its value broken."""
    if each.default is not MISSING:
        return each.default
    if each.default_factory is not MISSING:
        return each.default_factory()
    if not lenient:
        raise BrokenError("is missing", _keys(each)[:1])
    try:
        return each.metadata["take"]({}, True)  # an empty object, where it is one
    except BrokenError:
        return None


def _keys(each: Field[Any]) -> tuple[str, ...]:
    """List what a field's key is called, and what it was called before."""
    key, *older = each.metadata["keys"]
    return (key or each.name, *older)


def _ready(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: _ready(each) for key, each in value.items()}
    return value


def _object(values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise _other(values, "an object")
    return values


def _other(value: Any, words: str) -> BrokenError:
    shown = repr(value)
    return BrokenError(f"is {shown if len(shown) <= 40 else shown[:40] + '...'}, not {words}")


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False
