"""What was found in a source of pictures, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from dcgan.data.left_out import NAMED, LeftOut, first_few, in_words
from dcgan.data.picture_source import Decoded


@dataclass
class Report:
    """What was found in a source and what became of it. Counts are pictures."""

    found: int = 0
    used: int = 0
    unreadable: int = 0
    unreadable_names: list[str] = field(default_factory=list)  # the first few
    unreadable_why: dict[str, int] = field(default_factory=dict)  # how many for which reason
    small: int = 0
    with_alpha: int = 0
    duplicates: int = 0
    left_out: list[LeftOut] = field(default_factory=list)  # what else lies there

    def count(self, picture: Decoded, is_duplicate: bool) -> None:
        """Count what became of one picture."""
        if picture.pixels is None:
            self.unreadable += 1
            self.unreadable_why[picture.why] = self.unreadable_why.get(picture.why, 0) + 1
            if len(self.unreadable_names) < NAMED:
                self.unreadable_names.append(picture.name)
        elif is_duplicate:
            self.duplicates += 1
        else:
            self.used += 1
            self.small += picture.small
            self.with_alpha += picture.alpha

    def lines(self, image_size: int) -> list[str]:
        """Put the report as a person reads it."""
        lines = [f"{self.used:,} of {self.found:,} pictures used at {image_size}x{image_size}"]
        if self.unreadable:
            lines.append(f"{self.unreadable:,} unreadable, skipped: {self.names()} ({self.reasons()})")
        if self.duplicates:
            lines.append(f"{self.duplicates:,} exact duplicates, dropped")
        if self.small:
            lines.append(f"{self.small:,} smaller than {image_size}x{image_size}, enlarged")
        if self.with_alpha:
            lines.append(f"{self.with_alpha:,} with transparency, laid on white")
        return lines + in_words(self.left_out)

    def names(self) -> str:
        """Name the first of the pictures that couldn't be read."""
        return first_few(self.unreadable_names, self.unreadable)

    def reasons(self) -> str:
        """Say why pictures couldn't be read, and how many of them."""
        return ", ".join(f"{count:,} {why}" for why, count in self.unreadable_why.items())

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values of what was decoded; what else lies there isn't kept, as it may change meanwhile."""
        return {name: value for name, value in asdict(self).items() if name != "left_out"}
