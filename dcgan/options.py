"""An option stands in one place, a dataclass's field: parser, validation, help, command and page follow from it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from dcgan.errors import InputError
from dcgan.files import path_of, with_home

UNSAID = object()
NUMBERS = {int: "whole number", float: "number"}


@dataclass(frozen=True)
class OlderName:
    """An on-off option that was replaced by one with several values, and the values that on and off stood for."""

    name: str
    on: str
    off: str

    @property
    def flags(self) -> tuple[str, str]:
        return _flag(self.name), _flag(f"no_{self.name}")

    def word(self, value: bool) -> str:
        return self.on if value else self.off


@dataclass(frozen=True, kw_only=True)
class Option:
    """All there is to know of an option. `options_of` fills in the last six values, from its field and class."""

    help: str  # one line of --help, without its default
    doc: str = ""  # what docs/options.md adds to it, in whole sentences
    group: str
    unit: str = ""  # what its number counts or measures, in the plural
    minimum: float = 0
    maximum: float | None = None
    below: float | None = None  # an upper bound that the value must stay below
    choices: tuple[Any, ...] = ()
    because: str = ""  # why its bounds are these
    example: str = ""  # of a list; one with an example must not be empty
    metavar: str | None = None
    holds_path: bool = False  # whether its text may be a path, in which `~` is the home folder
    bare: Any = None  # its value where only its name is written
    negatable: bool = True  # whether there is a --no- form, where it is on or off
    resumable: bool = False  # whether --resume may change it
    before: Any = UNSAID  # what runs did that were saved before this was an option
    by_data: Mapping[str, Any] | None = None  # its default by how --data begins; the first one holds where none fits
    older: OlderName | None = None
    idle: Callable[[Any], str | None] = lambda settings: None  # why it has no effect beside these settings, if so

    name: str = ""
    kind: type = str  # of one value
    many: bool = False
    may_be_none: bool = False
    default: Any = None
    by_recipe: Mapping[str, Any] | None = None  # its default by --recipe, where recipes set it

    @property
    def flag(self) -> str:
        return _flag(self.name)

    @property
    def flags(self) -> tuple[str, ...]:
        """How it is written: where it can be on or off, in two ways."""
        return (self.flag, _flag(f"no_{self.name}")) if self.kind is bool and self.negatable else (self.flag,)

    # Validation

    def check(self, value: Any) -> None:
        """Raise an InputError where `value` can't work; the message names the option and what would."""
        if (value is None and self.may_be_none) or (self.bare is not None and value == self.bare):
            return
        if not self.many:
            self._check_one(value)
            return
        if not isinstance(value, tuple):
            raise InputError(f"{self.flag} is {value!r}; it must be a tuple.")
        if not value and self.example:
            raise InputError(f"{self.flag} is empty; it takes one or more {self.unit}, as in {self.example}.")
        for each in value:
            self._check_one(each)

    def _check_one(self, value: Any) -> None:
        if self.choices:
            require_choice(self.flag, value, self.choices)
        elif self.kind in NUMBERS:
            bounds = (self.minimum, self.maximum, self.below)
            require_number(self.flag, value, self.kind, *bounds, because=self.because)
        elif not isinstance(value, self.kind):
            kind = {bool: "True or False", str: "text"}.get(self.kind, f"a {self.kind.__name__}")
            raise InputError(f"{self.flag} is {value!r}; it must be {kind}.")

    # The command line

    def _reader(self) -> Callable[[str], Any]:
        if self.kind is Path:
            return path_of
        return with_home if self.holds_path else self.kind

    def add_to(self, group: argparse._ArgumentGroup) -> None:
        """Add it to a group of a parser, and its older name; both are None where the command line doesn't have them."""
        told: dict[str, Any] = {"dest": self.name, "default": None, "help": self._help().replace("%", "%%")}
        if self.kind is bool:
            group.add_argument(
                self.flag, action=argparse.BooleanOptionalAction if self.negatable else "store_true", **told
            )
        else:
            several: dict[str, Any] = {"nargs": "?", "const": self.bare} if self.bare is not None else {}
            reader = _list_of(self.kind) if self.many else self._reader()
            choices = self.choices if self.choices and not self.many else None
            metavar = None if choices else self.metavar_words()
            group.add_argument(self.flag, type=reader, choices=choices, metavar=metavar, **several, **told)
        if self.older:
            words = f"older words for {self.flag} {self.older.on}, {self.flag} {self.older.off}"
            group.add_argument(self.older.flags[0], action=argparse.BooleanOptionalAction, help=words)

    def given_in(self, parsed: argparse.Namespace) -> Any:
        """Read its value on a command line; None where it wasn't given.

        Raises:
            InputError: its older name beside it, and they don't mean the same.
        """
        value = getattr(parsed, self.name)
        if self.older is None or (older := getattr(parsed, self.older.name)) is None:
            return value
        word = self.older.word(older)
        if value not in (None, word):
            raise InputError(
                f"{self.older.flags[not older]} means {self.flag} {word}, but {self.flag} is {value}; "
                "leave one of them out."
            )
        return word

    def words(self, value: Any) -> list[str]:
        """Spell what sets it to `value` on a command line."""
        if self.kind is bool:
            return [self.flag if value else self.flags[-1]]
        return [self.flag, ",".join(map(str, value)) if self.many else str(value)]

    # In words for people

    def usual(self, data: str) -> Any:
        """Give its default for these pictures."""
        if self.by_data is None:
            return self.default
        first = next(iter(self.by_data.values()))
        return next((value for prefix, value in self.by_data.items() if prefix and data.startswith(prefix)), first)

    def default_words(self) -> str:
        """Say its default, by recipe or by pictures where it depends on them; "" where there is none."""
        if self.by_recipe:
            words = {recipe: _text(value) for recipe, value in self.by_recipe.items()}
            return _pairs(words) if len(set(words.values())) > 1 else next(iter(words.values()))
        if self.by_data:
            return _pairs({prefix.rstrip(":") or "others": _text(value) for prefix, value in self.by_data.items()})
        return "" if self.default in (None, MISSING) else _text(self.default)

    def what_works(self) -> str:
        """Say which values it takes."""
        if self.kind is bool:
            return "on or off" if self.negatable else "on"
        if self.choices:
            listed = ", ".join(map(str, self.choices))
            return f"some of {listed}" if self.many else f"one of {listed}"
        if self.kind not in NUMBERS:
            return f"{self.unit}, as in {self.example}" if self.many and self.example else self.unit
        words = f"{NUMBERS[self.kind]}s" if self.many else f"a {NUMBERS[self.kind]}"
        return f"{words} {bounds_in_words(self.minimum, self.maximum, self.below)}"

    def _help(self) -> str:
        default = self.default_words()
        if not default:
            return self.help
        return f"{self.help}; {default}" if ": " in default else f"{self.help} ({default})"

    def metavar_words(self) -> str | None:
        """Say what stands for its value in the help; None where its name does."""
        return self.metavar or self.unit.replace(" ", "_").upper() or None


def option(default: Any = MISSING, **about: Any) -> Any:
    """Make a field that is an option: its default, and what `Option` says of it."""
    return field(default=default, metadata={"option": Option(**about)})


def options_of(settings: type) -> dict[str, Option]:
    """Collect the options that are fields of a dataclass, by name, each with its type and default.

    An option that the class's `RECIPES` set knows its default by recipe, too.
    """
    return _options_of(settings)


@cache
def _options_of(settings: type) -> dict[str, Option]:
    hints, recipes = get_type_hints(settings), getattr(settings, "RECIPES", {})
    return {
        f.name: replace(
            f.metadata["option"],
            name=f.name,
            default=f.default,
            by_recipe=_by_recipe(f.name, f.default, recipes),
            **_kind(hints[f.name]),
        )
        for f in fields(settings)
    }


def check_options(settings: Any) -> None:
    """Raise an InputError where a field of `settings` has a value that can't work."""
    for each in options_of(type(settings)).values():
        each.check(getattr(settings, each.name))


def add_options(parser: argparse.ArgumentParser, *settings: type) -> None:
    """Add the options of several dataclasses to a parser, group by group."""
    for title, options in by_group(*settings).items():
        group = parser.add_argument_group(title)
        for each in options:
            each.add_to(group)


def by_group(*settings: type) -> dict[str, list[Option]]:
    """Sort the options of several dataclasses by the title of their group."""
    groups: dict[str, list[Option]] = {}
    for each in (each for cls in settings for each in options_of(cls).values()):
        groups.setdefault(each.group, []).append(each)
    return groups


def given(parsed: argparse.Namespace, settings: type) -> dict[str, Any]:
    """Collect what a command line sets of a dataclass's options.

    Raises:
        InputError: an option beside its older name, and they don't mean the same.
    """
    values = {name: each.given_in(parsed) for name, each in options_of(settings).items()}
    return {name: value for name, value in values.items() if value is not None}


def without_effect(settings: Any, names: Iterable[str]) -> Iterator[str]:
    """Write a line for each of these options that does nothing beside the other `settings`, and why."""
    options = options_of(type(settings))
    for each in (options[name] for name in names if name in options):
        if why := each.idle(settings):
            yield f"note: {each.flag} has no effect: {why}."


def require_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise an InputError where `value` is none of `choices`."""
    if not any(value == c and type(value) is type(c) for c in choices):
        raise InputError(f"{name} is {value!r}; it must be one of {', '.join(map(str, choices))}.")


def require_number(
    name: str,
    value: Any,
    kind: type,
    minimum: float,
    maximum: float | None = None,
    below: float | None = None,
    because: str = "",
) -> None:
    """Raise an InputError where `value` is no number of this `kind` or out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise InputError(f"{name} is {value!r}; it must be a {NUMBERS[kind]}.")
    is_low_enough = (maximum is None or value <= maximum) and (below is None or value < below)
    if not (value >= minimum and is_low_enough):  # so that NaN doesn't pass
        why = f", since {because}" if because else ""
        raise InputError(f"{name} is {value}; it must be {bounds_in_words(minimum, maximum, below)}{why}.")


def bounds_in_words(minimum: float, maximum: float | None, below: float | None) -> str:
    """Say bounds in words, as in "from 1 up", "from 0 to 1" and "from 0 to below 1"."""
    if below is not None:
        return f"from {minimum} to below {below}"
    return f"from {minimum} up" if maximum is None else f"from {minimum} to {maximum}"


def _by_recipe(name: str, default: Any, recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    if not any(name in values for values in recipes.values()):
        return None
    return {recipe: values.get(name, default) for recipe, values in recipes.items()}


def _kind(hint: Any) -> dict[str, Any]:
    """Read what a field's annotation says: `int`, `int | None`, `tuple[int, ...]`."""
    of_union = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kind = next(each for each in of_union if each is not NoneType)
    many = get_origin(kind) is tuple
    return {"kind": get_args(kind)[0] if many else kind, "many": many, "may_be_none": NoneType in of_union}


def _list_of(kind: type) -> Callable[[str], tuple[Any, ...]]:
    def read(text: str) -> tuple[Any, ...]:
        return tuple(kind(word.strip()) for word in re.split("[,，、]", text) if word.strip())

    read.__name__ = "list of numbers" if kind in NUMBERS else "list"  # argparse: invalid ... value
    return read


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pairs(words: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in words.items())
