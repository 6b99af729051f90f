"""The text that a picture or an animation carries in its metadata, read without decoding the picture.

Files come from strangers: whatever is in one, reading it takes little time and memory, and ends in a text or in a
sentence.
"""

from __future__ import annotations

import html
import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from dcgan.errors import InputError
from dcgan.limits import MAX_OPENED_BYTES


def read_metadata(path: Path) -> str:
    """Read the text that a PNG, GIF, WebP or MP4 carries, whatever its name ends in; "" where it carries none.

    The file is walked from end to end, so that one cut short is noticed, but nothing in it is decoded or unpacked: how
    large a picture claims to be makes no difference.

    Raises:
        InputError: a file that is none of the four, damaged, cut short or larger than MAX_OPENED_BYTES.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_OPENED_BYTES + 1)
    if len(data) > MAX_OPENED_BYTES:
        raise InputError(f"This file is larger than {MAX_OPENED_BYTES >> 20} MB; drop a smaller PNG, GIF, WebP or MP4.")
    name, find_metadata = _recognise(data)
    try:
        return find_metadata(_Bytes(data)).decode(errors="replace")
    except (EOFError, LookupError, OverflowError, ValueError, struct.error):
        raise InputError(f"This {name} is damaged or cut short; take it again from where you had it.") from None


def _recognise(data: bytes) -> tuple[str, Callable[[_Bytes], bytes]]:
    """Tell what a file is by its first bytes: the format's name, and what finds the text in it."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", _png_metadata
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF", _gif_metadata
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP", _webp_metadata
    if data[4:8] == b"ftyp":
        return "MP4", _mp4_metadata
    raise InputError("This file is no PNG, GIF, WebP or MP4; drop a picture or a walk that this page made.")


def _png_metadata(file: _Bytes) -> bytes:
    text, kind = b"", b""
    file.take(8)
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", file.take(8))
        data = file.take(length)
        if file.take(4) != struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))):
            raise ValueError("a chunk's checksum is wrong")
        if kind == b"iTXt" and data.startswith(b"Comment\0\0\0"):  # uncompressed; then language, translation, text
            text = text or data[10:].split(b"\0", 2)[2]
    return text


def _gif_metadata(file: _Bytes) -> bytes:
    def skip_palette(flags: int) -> None:
        if flags & 0x80:
            file.take(3 << (flags & 7) + 1)

    def blocks() -> bytes:
        return b"".join(iter(lambda: file.take(file.take(1)[0]), b""))

    text = b""
    skip_palette(file.take(13)[10])
    while (kind := file.take(1)) != b";":
        if kind == b"!":
            label, data = file.take(1), blocks()
            text = text or (data if label == b"\xfe" else b"")
        elif kind == b",":
            skip_palette(file.take(9)[8])
            file.take(1)  # how many bits the first codes have
            blocks()
        else:
            raise ValueError("neither an extension nor a picture")
    return text


def _webp_metadata(file: _Bytes) -> bytes:
    text = b""
    (length,) = struct.unpack("<4xI", file.take(8))
    file = _Bytes(file.take(length))
    file.take(4)
    while header := file.read(8):
        kind, length = struct.unpack("<4sI", header)
        data = file.take(length + length % 2)[:length]
        if kind == b"XMP " and (found := re.search(_XMP_METADATA, data)):
            text = text or html.unescape(found[1].decode()).encode()
    return text


def _mp4_metadata(file: _Bytes) -> bytes:
    boxes = _mp4_boxes(file)
    body = boxes[b"moov"]  # an MP4 without it is cut short
    # A meta box begins with its version, the data in a comment with its type and language
    for kind, skipped in ((b"udta", 0), (b"meta", 4), (b"ilst", 0), (b"\xa9cmt", 0), (b"data", 8)):
        body = _mp4_boxes(_Bytes(body)).get(kind, b"")[skipped:]
    return body


def _mp4_boxes(file: _Bytes) -> dict[bytes, bytes]:
    boxes = {}
    while len(header := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", header)
        if length == 1:  # the length is too large for its place and comes after the kind
            boxes[kind] = file.take(struct.unpack(">Q", file.take(8))[0] - 16)
        else:
            boxes[kind] = file.take(length - 8) if length else file.read()
    return boxes


class _Bytes(io.BytesIO):
    """A file that is read part by part, in no more parts than an honest file has: millions would take seconds."""

    parts_left = 400_000  # the largest GIF has half as many

    def take(self, count: int) -> bytes:
        """Take exactly `count` bytes; EOFError where fewer are left, or where a damaged file asks for fewer than 0."""
        self.parts_left -= 1
        data = self.read(count)
        if len(data) != count or not self.parts_left:
            raise EOFError
        return data


# Where `images.XMP` has the text
_XMP_METADATA = rb'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">([^<]*)</rdf:li>'
