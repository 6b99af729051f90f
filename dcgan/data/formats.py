"""Which files are pictures, by their endings: all that Pillow and its plugins read without another program."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module

from PIL import Image

NEED_PROGRAMS = ("EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5", "IPTC")  # Pillow knows them, but doesn't draw them
OTHER_PROGRAMS = frozenset(
    (".ai", ".arw", ".avi", ".cdr", ".cr2", ".cr3", ".djvu", ".dng", ".exr", ".hdr", ".heic", ".heif", ".hif", ".jxl",
     ".kra", ".m4v", ".mkv", ".mov", ".mp4", ".nef", ".orf", ".psb", ".raf", ".raw", ".rw2", ".svg", ".svgz", ".webm",
     ".wmv", ".xcf")
)  # fmt: skip
ARCHIVES = frozenset((".7z", ".bz2", ".cbr", ".cbz", ".gz", ".lz4", ".rar", ".tar", ".tgz", ".xz", ".zip", ".zst"))
PARQUET = ".parquet"
TABLES = frozenset((PARQUET, ".arrow", ".tfrecord"))


def ending(name: str) -> str:
    """Take a file name's ending, with its dot, in small letters; nothing where it has none."""
    stem, dot, last = name.rpartition("/")[2].rpartition(".")
    return dot + last.lower() if stem else ""


@cache
def readable_formats() -> tuple[str, ...]:
    """List the formats that a picture may have, as Pillow calls them."""
    Image.init()
    with suppress(ImportError):  # photographs of phones; used where somebody has installed it
        import_module("pillow_heif").register_heif_opener()
    named = set(Image.registered_extensions().values())
    return tuple(each for each in Image.OPEN if each in named and each not in NEED_PROGRAMS)


@cache
def picture_endings() -> frozenset[str]:
    """List the endings of picture files."""
    formats = {*readable_formats(), "MPO"}  # MPO is a JPEG with more pictures behind it
    return frozenset(each for each, format in Image.registered_extensions().items() if format in formats)


@cache
def endings_for_other_programs() -> frozenset[str]:
    """List the endings of what shows pictures, but only by another program."""
    return (OTHER_PROGRAMS | frozenset(Image.registered_extensions())) - picture_endings()
