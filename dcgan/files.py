"""Files that appear whole or not at all, names that every system takes, and folders that one process holds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

REPLACING_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8) if os.name == "nt" else ()  # seconds; there a file that is read can't go
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # in the names of Windows' files
RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)  # there, whatever follows the dot


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it is synced and renamed to `path` when the block succeeds."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        with open(temporary, "r+b") as file:  # Windows syncs only what may be written to
            os.fsync(file.fileno())
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, as UTF-8; a question mark stands for what no encoding has, of a name in other bytes."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")


def write_json(path: Path, value: Any) -> None:
    """Write a whole JSON file that a person can read, and that gives back each name, whatever bytes it is of."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")  # in JSON that is an escape


def sha256(path: Path) -> str:
    """Compute the SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def portable_name(text: str) -> str:
    """Make a name of any text that a file can have on every system."""
    return RESERVED.sub(r"\1-", FORBIDDEN.sub("-", text).rstrip(". "))


def path_of(text: str) -> Path:
    """Read a path that was typed; `~` is the home folder."""
    return Path(with_home(text))


def with_home(text: str) -> str:
    """Put the home folder in place of a `~` that the shell left, as it does after `=` and in `portraits:~/art`."""
    prefix, tilde, rest = re.fullmatch(r"(\w{2,}:)?(~[^/\\]*)?(.*)", text, re.DOTALL).groups("")  # type: ignore[union-attr]
    return prefix + os.path.expanduser(tilde) + rest if tilde else text  # noqa: PTH111  # which raises for no user


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder, so that no other process does; the system lets go of it when this one ends, however it does.

    Where a file system offers no such locks, everybody holds it.

    Raises:
        BlockingIOError: another process holds it.
    """
    lock = _lock(folder)
    try:
        yield
    finally:
        os.close(lock)


if sys.platform == "win32":

    def _lock(folder: Path) -> int:
        """Lock a file that stands for the folder: folders themselves can't be locked here."""
        name = hashlib.sha256(str(folder.resolve()).casefold().encode()).hexdigest()[:20]
        lock = os.open(Path(tempfile.gettempdir()) / f"dcgan-{name}.lock", os.O_RDWR | os.O_CREAT)
        try:
            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            os.close(lock)
            raise BlockingIOError(*error.args) from None
        return lock

else:

    def _lock(folder: Path) -> int:
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise
        except OSError:  # some network file systems have none
            pass
        return lock


def _replace(temporary: Path, path: Path) -> None:
    for wait in REPLACING_WAITS:
        try:
            temporary.replace(path)
            return
        except PermissionError:  # somebody reads it at this moment
            time.sleep(wait)
    temporary.replace(path)
