"""What a picture is made from, as a link's query string and as the note in a file.

A link or a file may come from anybody. Whatever it says, a `Recipe` is something that can be drawn: numbers are
clamped, what makes no sense is the default, what is unknown is ignored.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import quote, urlencode

from dcgan.errors import InputError
from dcgan.gallery.export import FPS as FEWEST_AND_MOST_FPS
from dcgan.gallery.file_metadata import read_note
from dcgan.gallery.walks import GRIDS, METHODS, MODES
from dcgan.gallery.walks import KEYFRAMES as FEWEST_AND_MOST_KEYFRAMES
from dcgan.images import FORMATS
from dcgan.latents import SEEDS, seeds_from

VERSION = 1  # of the notes; goes up when an older page would draw another picture from them
MOST_NOTE = 20_000  # characters; the longest note of ours has half as many
MOST_VALUE = 1000  # characters of a value that are read; 64 seeds take 770


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high` with so many `digits` after the point; whole without."""

    low: float
    high: float
    default: float
    digits: int | None = None

    def clean(self, value: object) -> float:
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

    def clean(self, value: object) -> str | int | None:
        named = {str(option).casefold(): option for option in self.options}
        return named.get(_text(value).casefold(), self.default)


@dataclass(frozen=True)
class Text:
    """One line of at most `most` characters."""

    most: int
    default: str = ""

    def clean(self, value: object) -> str:
        return "".join(filter(str.isprintable, _text(value)))[: self.most].strip()


@dataclass(frozen=True)
class Seeds:
    """At most `most` seeds, as in "7, 42"; where not `fewest` of them differ, the default."""

    fewest: int
    most: int
    default: tuple[int, ...]

    def clean(self, value: object) -> tuple[int, ...]:
        words = value if isinstance(value, list | tuple) else re.split(r"[\s,;]+", _text(value))
        seeds = tuple(seed for word in words if (seed := SEED.parse(word)) is not None)[: self.most]
        return seeds if len(set(seeds)) >= self.fewest else self.default


KIND = Choice(("faces", "walk"), "faces")
NAME = Text(256)  # of a model or a checkpoint
COMMIT = Text(64)
SEED = Number(0, SEEDS - 1, 0)
COUNT = Number(1, 64, 16)
PICKS = Seeds(0, COUNT.high, ())
PSI = Number(0.3, 1.2, 1.0, digits=2)
KEYFRAMES = Seeds(*FEWEST_AND_MOST_KEYFRAMES, (7, 42))
FRAMES = Number(8, 240, 48)
FPS = Number(*FEWEST_AND_MOST_FPS, 20)
MODE = Choice(MODES, "loop")
METHOD = Choice(tuple(METHODS), "slerp")
GRID = Choice(GRIDS, 1)
FORMAT = Choice(FORMATS, "GIF")
SIZE = Number(96, 768, 384)
LIMIT = Choice((None, 2, 5, 10), None)
# What decides a picture of each kind, by the names that links, files and the API know it under
_MADE_BY = {"model": NAME, "checkpoint": NAME, "commit": COMMIT}
SETTINGS: dict[str, dict[str, Number | Choice | Text | Seeds]] = {
    "faces": _MADE_BY | {"seed": SEED, "count": COUNT, "seeds": PICKS, "psi": PSI},
    "walk": _MADE_BY
    | {"seeds": KEYFRAMES, "frames": FRAMES, "fps": FPS, "mode": MODE, "method": METHOD, "psi": PSI, "grid": GRID}
    | {"format": FORMAT, "size": SIZE, "limit": LIMIT},
}


@dataclass(frozen=True)
class Recipe:
    """What a picture is made from. Any values can be given; the ones it has are within the bounds of SETTINGS.

    What doesn't belong to its kind is at its default. `model`, `checkpoint` and `commit` are only text, "" where
    unknown: whoever draws compares them with what is served.
    """

    kind: str = KIND.default
    model: str = ""
    checkpoint: str = ""
    commit: str = ""
    seed: int = SEED.default
    count: int = COUNT.default
    seeds: tuple[int, ...] = ()  # a walk's keyframes, or faces picked one by one in place of seed and count
    psi: float = PSI.default
    frames: int = FRAMES.default
    fps: int = FPS.default
    mode: str = MODE.default
    method: str = METHOD.default
    grid: int = GRID.default
    format: str = FORMAT.default
    size: int = SIZE.default
    limit: int | None = LIMIT.default  # MB

    def __post_init__(self):
        kind = KIND.clean(self.kind)
        cleaned = {name: bounds.clean(getattr(self, name)) for name, bounds in SETTINGS[kind].items()}
        for field in fields(self):
            object.__setattr__(self, field.name, cleaned.get(field.name, field.default))
        object.__setattr__(self, "kind", kind)

    @property
    def shown(self) -> list[int]:
        """The seeds of the faces, in their order; of a walk, its keyframes."""
        return list(self.seeds) or seeds_from(self.seed, self.count)

    @property
    def settings(self) -> dict[str, object]:
        """What decides the picture, by name, in a fixed order."""
        return {name: getattr(self, name) for name in ("kind", *SETTINGS[self.kind])}


def to_query(recipe: Recipe) -> str:
    """A recipe as a query string without "?": what differs from the defaults, "" where nothing does."""
    defaults = Recipe(recipe.kind).settings | {"kind": KIND.default}
    wishes = {name: value for name, value in recipe.settings.items() if value != defaults[name]}
    if "seeds" in wishes:
        wishes["seeds"] = ",".join(map(str, recipe.seeds))
    return urlencode(wishes, safe=",/@", quote_via=quote)


def from_query(query: Mapping[str, object]) -> Recipe:
    """The recipe of a parsed query string; nothing in one is an error. Of a list of values the last counts."""
    last = {name: value[-1] if isinstance(value, list) and value else value for name, value in query.items()}
    return _recipe(last)


def to_note(recipe: Recipe) -> str:
    """A recipe as the note for a file: ASCII JSON that names the defaults too, should they change one day."""
    return json.dumps({"dcgan": VERSION} | recipe.settings, separators=(",", ":"))


def from_note(note: str) -> Recipe:
    """The recipe in a file's note.

    Raises:
        InputError: no note, somebody else's, or one of a later version than this.
    """
    try:
        wishes = json.loads(note if len(note) <= MOST_NOTE else "")
    except (ValueError, RecursionError):
        wishes = None
    version = wishes.get("dcgan") if isinstance(wishes, dict) else None
    if not isinstance(version, int) or version < 1:
        raise InputError(
            "This file carries no recipe. Those that this page makes do, but chat apps and social networks such as "
            "WhatsApp and X strip it: drop the file as it was downloaded here, or use a copied link."
        )
    if version > VERSION:
        raise InputError("This file's recipe is of a later version of this page; open it where it was made.")
    return _recipe(wishes)


def from_file(path: Path) -> Recipe:
    """The recipe that a PNG, GIF, WebP or MP4 carries.

    Raises:
        InputError: what `dcgan.notes.read_note` and `from_note` refuse.
    """
    return from_note(read_note(path))


def _recipe(wishes: Mapping[str, object]) -> Recipe:
    return Recipe(**{field.name: wishes[field.name] for field in fields(Recipe) if field.name in wishes})


def _text(value: object) -> str:
    """A plain value as text of limited length; what a file may nest in its place, and None, are none."""
    return str(value)[:MOST_VALUE].strip() if isinstance(value, str | int | float) else ""
