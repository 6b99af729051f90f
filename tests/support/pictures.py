"""Pictures for tests to read: rendered faces, and the bytes of picture files."""

import io
import struct
import zlib
from pathlib import Path

from PIL import Image

from dcgan.data import avatars

SIZE = 24  # pixels a side that tests decode to


def picture_bytes(picture: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format=format, **options)
    return buffer.getvalue()


def png_that_says_it_is(width: int, height: int) -> bytes:
    """A PNG with the pixels of another size than it says."""
    raw = bytearray(picture_bytes(Image.new("RGB", (1, 1))))
    raw[16:24] = struct.pack(">II", width, height)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    return bytes(raw)


def avatar(index: int, size: int = 40) -> Image.Image:
    return Image.fromarray(avatars.render("adventurer", index, size))


def write_avatars(folder: Path, count: int, first: int = 0) -> None:
    """Write avatars `first` to `first + count - 1` as 000.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        avatar(i).save(folder / f"{i:03d}.png")
