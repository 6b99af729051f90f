"""Windows' rules for files: what is open stays where it is, and only what may be written to is synced."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from dcgan.files import FORBIDDEN, RESERVED


def keep_windows_rules(patch: pytest.MonkeyPatch) -> None:
    """Let this process's files obey them, as far as they go through pathlib and fsync."""
    rename, replace, unlink, sync = Path.rename, Path.replace, Path.unlink, os.fsync

    def renamed(self: Path, target: Path) -> Path:
        if Path(target).exists():
            raise FileExistsError(errno.EEXIST, "Cannot create a file when that file already exists", str(target))
        _check(self, Path(target))
        return rename(self, target)

    def replaced(self: Path, target: Path) -> Path:
        _check(self, Path(target))
        return replace(self, target)

    def unlinked(self: Path, **options: Any) -> None:
        _refuse_open(self)
        unlink(self, **options)

    def synced(number: int) -> None:
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        sync(number)

    for name, function in {"rename": renamed, "replace": replaced, "unlink": unlinked}.items():
        patch.setattr(Path, name, function)
    patch.setattr(os, "fsync", synced)


def _check(source: Path, target: Path) -> None:
    for path in (source, target):
        _refuse_open(path)
    assert not FORBIDDEN.search(target.name), target
    assert not RESERVED.search(target.name), target
    assert not target.name.endswith((".", " ")), target


def _refuse_open(path: Path) -> None:
    """Refuse to move a file that this process has open or mapped, and a folder with one in it."""
    used = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    used += [line.split(maxsplit=5)[-1].strip() for line in Path("/proc/self/maps").read_text().splitlines()]
    own = str(path.resolve())
    if any(name == own or name.startswith(f"{own}/") for name in used):
        raise PermissionError(errno.EACCES, "The process cannot access the file because it is being used", own)
