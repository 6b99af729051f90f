"""Who hears of a run while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dcgan.training.trackers import Trackers


@dataclass(frozen=True)
class Listeners:
    """Who hears of a run: nobody by default."""

    on_saved: Callable[[], object] | None = None  # called when there is something new in the folder
    tell: Callable[[str], object] = lambda line: None  # called with what people should read in the log
    trackers: Trackers = field(default_factory=Trackers)  # get what the folder gets


NOBODY = Listeners()
