"""Whose work training pictures are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Attribution:
    """Title, author and licence of the work that pictures were made from, as whoever shares them has to name it."""

    title: str
    creator: str
    source: str
    licence: str
    licence_url: str
    licence_text: str
    changes: str = ""  # what was done to the work, which CC BY asks to say
