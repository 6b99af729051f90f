"""All files below a folder, linked folders among them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dcgan.data.left_out import LeftOut, Why
from dcgan.data.listing import File, Parts, is_of_the_system
from dcgan.data.picture_source import UnusablePictureError, unusable
from dcgan.limits import MAX_PICTURE_BYTES
from dcgan.names import alike, shown


class FolderWalk:
    """Finds every file below a folder once, whatever links lead to it.

    Hidden folders are not looked into. Links are followed after all that lies there itself, so that a file that can be
    reached by both ways has the name that it was given, not that of a link.

    Raises:
        InputError: the folder itself can't be opened.
    """

    def __init__(self, root: Path):
        self.files: list[File] = []
        self.left_out: list[LeftOut] = []
        self._entered: set[Path] = set()
        self._folders: list[tuple[Parts, Path]] = []
        self._links: deque[tuple[Parts, Path]] = deque()
        try:
            self._enter((), root.resolve())
        except OSError as error:
            raise unusable(f"{shown(str(root))} can't be opened: {error.strerror}") from None
        while self._folders or self._links:
            if self._folders:
                self._open(*self._folders.pop())
            else:
                self._follow(*self._links.popleft())

    def _follow(self, parts: Parts, link: Path) -> None:
        target = link.resolve()
        if link.parent.is_relative_to(target):
            self._leave_out(parts, Why.LINK)
        else:
            self._open(parts, target)

    def _open(self, parts: Parts, folder: Path) -> None:
        if folder not in self._entered:
            with self._problem_named(parts):
                self._enter(parts, folder)

    def _enter(self, parts: Parts, folder: Path) -> None:
        """Take up what lies in a folder that is no link itself."""
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        self._entered.add(folder)
        for entry in found:
            inner = (*parts, alike(entry.name))
            with self._problem_named(inner):
                self._take_up(inner, folder / entry.name, entry)

    def _take_up(self, parts: Parts, path: Path, entry: os.DirEntry[str]) -> None:
        if is_of_the_system(entry.name):
            self._leave_out(parts, Why.HIDDEN)
        elif entry.is_file():
            self.files.append(File(parts, stamp("/".join(parts), entry.stat()), partial(read_file, path), path))
        elif entry.is_dir():
            (self._links if entry.is_symlink() else self._folders).append((parts, path))
        else:
            self._leave_out(parts, Why.LINK if entry.is_symlink() else Why.SPECIAL)

    @contextmanager
    def _problem_named(self, parts: Parts) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._leave_out(parts, Why.LOCKED, f" ({error.strerror})")

    def _leave_out(self, parts: Parts, why: Why, detail: str = "") -> None:
        self.left_out.append(LeftOut("/".join(parts) + detail, why))


def read_file(path: Path) -> bytes:
    """Read a picture file, unless it is too large to be one."""
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise too_large_a_file()
    return path.read_bytes()


def too_large_a_file() -> UnusablePictureError:
    """Make the error that says how large a picture file may be."""
    return UnusablePictureError(f"larger than {MAX_PICTURE_BYTES // 2**20} MB")


def stamp(name: str, status: os.stat_result) -> list[Any]:
    """Note what tells a changed file from an unchanged one without reading it."""
    return [name, status.st_size, status.st_mtime_ns]
