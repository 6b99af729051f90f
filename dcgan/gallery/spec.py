"""What a picture is made from, as a link's query string and as the metadata of a file.

Inside, a `PictureSpec` is strict: one with an impossible value can't be built. A link or a file may come from anybody,
so these are read leniently: numbers are clamped, what makes no sense is the default, what is unknown is ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dcgan.errors import InputError
from dcgan.expressions import AnyFace
from dcgan.gallery.bounds import NAME, SEED, Bounds, Choice, Faces, Number, OneFace, Text
from dcgan.gallery.export import FPS as MIN_AND_MAX_FPS
from dcgan.gallery.file_metadata import read_metadata
from dcgan.gallery.walks import GRIDS, METHODS, MODES
from dcgan.gallery.walks import KEYFRAMES as MIN_AND_MAX_KEYFRAMES
from dcgan.images import FORMATS, SCALINGS
from dcgan.latents import seeds_from
from dcgan.limits import MAX_NOTE_CHARACTERS, MAX_QUERY_CHARACTERS

OF_SEEDS, OF_EXPRESSIONS = 1, 2  # versions of the metadata: an older page would draw another picture from the second

KIND = Choice(("faces", "walk"), "faces")
COMMIT = Text(64)
COUNT = Number(1, 64, 16)
PICKS = Faces(0, COUNT.high, ())
USUAL_SEEDS: tuple[AnyFace, ...] = (-1,)  # no seed: in place of those that are a kind's default
FACE = OneFace()
PSI = Number(0.3, 1.2, 1.0, digits=2)
KEYFRAMES = Faces(*MIN_AND_MAX_KEYFRAMES, (7, 42))
FRAMES = Number(8, 240, 48)
FPS = Number(*MIN_AND_MAX_FPS, 20)
MODE = Choice(MODES, "loop")
METHOD = Choice(tuple(METHODS), "slerp")
GRID = Choice(GRIDS, 1)
FORMAT = Choice(FORMATS, "GIF")
SIZE = Number(96, 768, 384)
LIMIT: Choice[int | None] = Choice((None, 2, 5, 10), None)
SCALING = Choice(SCALINGS, "pixels")
# What decides a picture of each kind, by the names that links, files and the API know it under
_MADE_BY: dict[str, Bounds] = {"model": NAME, "checkpoint": NAME, "commit": COMMIT}
SETTINGS: dict[str, dict[str, Bounds]] = {
    "faces": _MADE_BY | {"seed": SEED, "count": COUNT, "seeds": PICKS, "psi": PSI, "face": FACE, "scaling": SCALING},
    "walk": _MADE_BY
    | {"seeds": KEYFRAMES, "frames": FRAMES, "fps": FPS, "mode": MODE, "method": METHOD, "psi": PSI, "grid": GRID}
    | {"format": FORMAT, "size": SIZE, "limit": LIMIT, "scaling": SCALING},
}
# Settings that older files don't name, with what that means; nor does a file that doesn't need them
LATER: dict[str, object] = {"face": FACE.default, "scaling": SCALING.default}


@dataclass(frozen=True)
class PictureSpec:
    """What a picture is made from, each value within the bounds of SETTINGS.

    What doesn't belong to its kind is at its default. `model`, `checkpoint` and `commit` are only text, "" where
    unknown: whoever draws compares them with what is served. Where a `face` is given it is the only one, and what is a
    seed alone is its `seed`.

    Raises:
        ValueError: a value out of its bounds, one that doesn't belong to the kind, or a grid of others than seeds.
    """

    kind: str = KIND.default
    model: str = ""
    checkpoint: str = ""
    commit: str = ""
    seed: int = SEED.default
    count: int = COUNT.default
    seeds: tuple[AnyFace, ...] = USUAL_SEEDS  # a walk's keyframes, or faces picked in place of seed and count
    psi: float = PSI.default
    frames: int = FRAMES.default
    fps: int = FPS.default
    mode: str = MODE.default
    method: str = METHOD.default
    grid: int = GRID.default
    format: str = FORMAT.default
    size: int = SIZE.default
    limit: int | None = LIMIT.default  # MB
    face: str = FACE.default  # in place of seed, count and seeds
    scaling: str = SCALING.default  # of a file that is larger than the picture

    def __post_init__(self) -> None:
        self._checked("kind", KIND, KIND.default)
        bounds = SETTINGS[self.kind]
        if self.seeds == USUAL_SEEDS:
            object.__setattr__(self, "seeds", bounds["seeds"].default)
        for field in fields(self)[1:]:
            object.__setattr__(self, field.name, self._checked(field.name, bounds.get(field.name), field.default))
        if self.face:
            self._show_only(self.face)
        if self.grid > 1 and self.has_expressions:
            raise ValueError("grid: a grid of walks goes through the seeds after the first, so it takes seeds only")

    def _show_only(self, face: str) -> None:
        is_seed = face.isdecimal()
        alone = {"face": "" if is_seed else face, "seed": int(face) if is_seed else SEED.default, "count": 1}
        for name, value in (alone | {"seeds": PICKS.default}).items():
            object.__setattr__(self, name, value)

    def _checked(self, name: str, bounds: Bounds | None, default: object) -> object:
        value = getattr(self, name)
        if bounds is None:
            if value != default:
                raise ValueError(f"{name} is no setting of {self.kind}")
            return value
        try:
            return bounds.check(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from None

    @property
    def shown(self) -> list[AnyFace]:
        """The faces, in their order; of a walk, its keyframes."""
        return [self.face] if self.face else [*(self.seeds or seeds_from(self.seed, self.count))]

    @property
    def has_expressions(self) -> bool:
        """Whether any of its faces is more than a seed."""
        return bool(self.face) or any(isinstance(face, str) for face in self.seeds)

    @property
    def settings(self) -> dict[str, object]:
        """What decides the picture, by name, in a fixed order."""
        return {name: getattr(self, name) for name in ("kind", *SETTINGS[self.kind])}


def to_query(spec: PictureSpec, most: int | None = MAX_QUERY_CHARACTERS) -> str:
    """Write a spec as a query string without "?": which faces it shows, and what else differs from the defaults.

    Raises:
        InputError: it has more than `most` characters.
    """
    defaults = PictureSpec(spec.kind, face=spec.face).settings | {"kind": KIND.default, "face": FACE.default}
    told = {"seeds"} if spec.seeds else set() if spec.face else {"seed", "count"}
    values = {name: value for name, value in spec.settings.items() if name in told or value != defaults[name]}
    if "seeds" in values:
        values["seeds"] = ",".join(map(str, spec.seeds))
    query = _joined(values)
    if most is not None and len(query) > most:
        raise too_long_for_a_link(len(query))
    return query


def too_long_for_a_link(characters: int) -> InputError:
    """Make the error that says what there is in place of a link with so long a query."""
    return InputError(
        f"A link to this would have {characters:,} characters, and one can have {MAX_QUERY_CHARACTERS:,}. Keep or send "
        "the file instead: it remembers the same, and opens here."
    )


def from_query(query: Mapping[str, object]) -> PictureSpec:
    """Read a parsed query string; nothing in one is an error. Of a list of values the last counts."""
    return _from_anybody(_last_values(query))


def refuse_long_query(query: Mapping[str, object]) -> None:
    """Raise an InputError that offers the file where a parsed query string is longer than any that is written here."""
    if (characters := len(_joined(_last_values(query)))) > MAX_QUERY_CHARACTERS:
        raise too_long_for_a_link(characters)


def to_metadata(spec: PictureSpec) -> str:
    """Write a spec for a file's metadata: ASCII JSON that names the defaults too, should they change one day."""
    version = OF_EXPRESSIONS if spec.has_expressions else OF_SEEDS
    named = {name: value for name, value in spec.settings.items() if name not in LATER or value != LATER[name]}
    return json.dumps({"dcgan": version} | named, separators=(",", ":"))


def from_metadata(text: str) -> PictureSpec:
    """Read the text of a file's metadata.

    Raises:
        InputError: there is none, it is somebody else's, or of a later version than this.
    """
    try:
        values = json.loads(text if len(text) <= MAX_NOTE_CHARACTERS else "")
    except (ValueError, RecursionError):
        values = None
    version = values.get("dcgan") if isinstance(values, dict) else None
    if not isinstance(version, int) or version < 1:
        raise InputError(
            "This file doesn't say what it was made from. Those that this page makes do, but chat apps and social "
            "networks such as WhatsApp and X strip that: drop the file as it was downloaded here, or use a copied link."
        )
    if version > OF_EXPRESSIONS:
        raise InputError("This file was made by a later version of this page; open it where it was made.")
    return _from_anybody(values)


def from_file(path: Path) -> PictureSpec:
    """Read what a PNG, GIF, WebP or MP4 says that it was made from.

    Raises:
        InputError: what `read_metadata` and `from_metadata` refuse.
    """
    return from_metadata(read_metadata(path))


def _from_anybody(values: Mapping[str, object]) -> PictureSpec:
    """Make the best of values that may be anything: what can be drawn."""
    kind = KIND.clean(values.get("kind"))
    cleaned: dict[str, Any] = {
        name: bounds.clean(values[name]) for name, bounds in SETTINGS[kind].items() if name in values
    }
    if any(isinstance(face, str) for face in cleaned.get("seeds", ())):
        cleaned.pop("grid", None)
    return PictureSpec(kind, **cleaned)


def _last_values(query: Mapping[str, object]) -> dict[str, object]:
    return {name: value[-1] if isinstance(value, list) and value else value for name, value in query.items()}


def _joined(values: Mapping[str, object]) -> str:
    """Write values as a query string that people can read; in those of faces ":" is, too."""
    return "&".join(
        f"{quote(name)}={quote(str(value), safe=',/@:' if name in ('face', 'seeds') else ',/@', errors='replace')}"
        for name, value in values.items()
    )
