"""What lies in a source beside its pictures, and why it isn't used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from dcgan.data.formats import ending
from dcgan.names import shown

NAMED = 10  # how many of a kind are named


class Why(StrEnum):
    """A reason to leave something out, in words for the report."""

    NO_PICTURE = "no pictures"
    OTHER_PROGRAM = "only other programs read them (save them as PNG or JPEG)"
    ARCHIVE = "archives inside (unpack them)"
    TABLE = "tables (name a .parquet file, or its folder, by --data)"
    OTHER_SPLIT = "of another split than train"
    OWN_OUTPUT = "left by a training run, which drew the pictures there"
    HIDDEN = "hidden or of the system"
    LOCKED = "can't be opened"
    LINK = "links that lead nowhere, or back to where they lie"
    SPECIAL = "neither files nor folders"


BY_ENDING = (Why.NO_PICTURE, Why.OTHER_PROGRAM)


@dataclass(frozen=True)
class LeftOut:
    """A file or folder of a source that isn't used, and why."""

    name: str
    why: Why


def in_words(left_out: Iterable[LeftOut]) -> list[str]:
    """Put what was left out as a person reads it, a line a reason."""
    names: dict[Why, list[str]] = {}
    for each in left_out:
        names.setdefault(each.why, []).append(each.name)
    return [f"{len(names[why]):,} left out, {why}: {_details(why, names[why])}" for why in Why if why in names]


def first_few(names: Iterable[str], count: int) -> str:
    """Name the first of `count` things."""
    few = [shown(name) for _, name in zip(range(NAMED), names, strict=False)]
    return ", ".join(few) + (", ..." if count > len(few) else "")


def _details(why: Why, names: list[str]) -> str:
    if why not in BY_ENDING:
        return first_few(names, len(names))
    endings = Counter(ending(name) or "without an ending" for name in names)
    return first_few((f"{count:,} {each}" for each, count in endings.most_common()), len(endings))
