"""A disk that is full for some files: what is written to them goes to /dev/full, which has no room for a byte."""

from __future__ import annotations

import builtins
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def full_disk(is_full: Callable[[Path], bool]) -> Iterator[None]:
    """Leave no room for the files that `is_full` is true of when they are opened to be written."""
    really = open

    def opened(file: Any, mode: str = "r", *others: Any, **options: Any) -> Any:
        is_written = isinstance(file, str | Path) and set(mode) & set("wax")
        if is_written and is_full(Path(file)):
            file = "/dev/full"
        return really(file, mode, *others, **options)

    with pytest.MonkeyPatch.context() as patch:
        for owner in (builtins, io):
            patch.setattr(owner, "open", opened)
        yield
