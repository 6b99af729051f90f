"""Names of files as text, in whatever encoding the disk has them: to print and to store, and to be found by again."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

ENCODINGS = ("utf-8", "gb18030", "latin-1")  # that a name is read in, the first that can; any bytes are Latin-1
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def legible(path: str) -> str:
    """Spell a path so that it can be printed and stored as UTF-8: parts in another encoding are read in theirs."""
    return re.sub(r"[^/]+", lambda part: _decoded(part[0]), path)


def alike(name: str) -> str:
    """Spell a name as all systems have it: legible, and with its accents composed, which macOS takes apart."""
    return unicodedata.normalize("NFC", legible(name))


def shown(name: str) -> str:
    """Spell a name for one line of a report: legible, with its control characters escaped."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), legible(name))


def on_disk(path: str) -> Path:
    """Find the path that `legible` spelt so, or that somebody wrote with a `~`; as it is where there is none."""
    try:
        written = Path(path).expanduser()
    except RuntimeError:  # nobody's home
        return Path(path)
    if written.exists():
        return written
    found = Path(written.anchor)
    for part in written.parts[len(found.parts) :]:
        found = next((found / name for name in _spellings(part) if (found / name).exists()), found / part)
    return found


def _decoded(name: str) -> str:
    try:
        raw = name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a half of a pair, which Windows allows
        return name.encode("utf-8", "backslashreplace").decode()
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise AssertionError("any bytes are Latin-1")


def _spellings(name: str) -> Iterator[str]:
    """Yield the names on disk that are legible as `name`."""
    for encoding in ENCODINGS:
        try:
            yield os.fsdecode(name.encode(encoding))
        except UnicodeError:
            continue
