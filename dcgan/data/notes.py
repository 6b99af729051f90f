"""What stands in a picture file beside its pixels, which may be broken without costing a picture."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
KEPT_CHUNKS = (b"tRNS", b"eXIf")  # beside those without which there is no picture: transparency, which side is up
EXIF = b"\xff\xe1", b"Exif\0\0"
KEPT_SEGMENTS = (0xE0, 0xEE)  # JFIF and Adobe, which say how colours are meant
NOTES = (*range(0xE0, 0xF0), 0xFE)  # of a JPEG: segments of applications, comments
START_OF_PIXELS = 0xDA


def without_notes(raw: bytes) -> bytes:
    """Leave out of a PNG or JPEG all that neither its pixels nor their orientation needs; of others, nothing."""
    if raw.startswith(PNG):
        return PNG + b"".join(_needed_chunks(raw))
    if raw.startswith(JPEG):
        return JPEG + b"".join(_needed_segments(raw))
    return raw


def _needed_chunks(raw: bytes) -> Iterator[bytes]:
    position = len(PNG)
    while position < len(raw):
        length, kind = int.from_bytes(raw[position : position + 4], "big"), raw[position + 4 : position + 8]
        chunk = raw[position : position + length + 12]
        is_whole = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        if kind[:1].isupper() or (kind in KEPT_CHUNKS and is_whole):
            yield chunk
        position += length + 12


def _needed_segments(raw: bytes) -> Iterator[bytes]:
    position = len(JPEG)
    while raw[position : position + 1] == b"\xff" and raw[position + 1] != START_OF_PIXELS:
        kind, length = raw[position + 1], int.from_bytes(raw[position + 2 : position + 4], "big")
        segment = raw[position : position + 2 + length]
        if kind not in NOTES or kind in KEPT_SEGMENTS or _is_exif(segment):
            yield segment
        position += 2 + length
    yield raw[position:]


def _is_exif(segment: bytes) -> bool:
    return (segment[:2], segment[4:10]) == EXIF
