"""No file decides how much memory is used, and nothing beside its pixels costs a picture."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from dcgan import limits
from dcgan.data import decoding
from dcgan.data.decoding import decode
from dcgan.data.notes import PNG, without_notes
from support.pictures import SIZE, avatar, picture_bytes


@pytest.fixture
def sizes_held(monkeypatch) -> list[int]:
    """How many pixels were in memory at a time, by each picture that was read or copied."""
    held = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(
        ImageFile.ImageFile, "load", lambda picture: held.append(picture.width * picture.height) or load(picture)
    )
    return held


def png(width: int, height: int, pixels: bytes = b"", extra: bytes = b"") -> bytes:
    """A grey PNG that claims a size, with whatever pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    check = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def tiff_of_absurd_size() -> bytes:
    raw = picture_bytes(Image.new("L", (10, 10)), "TIFF")
    width = struct.pack("<HHII", 256, 4, 1, 10)
    short = struct.pack("<HHIHH", 256, 3, 1, 10, 0)
    claimed = struct.pack("<HHII", 256, 4, 1, 4_000_000_000)
    return raw.replace(width, claimed).replace(short, claimed)


@pytest.mark.parametrize(
    "raw",
    [png(60_000, 60_000), png(1, 200_000_000), png(13_000, 13_000), tiff_of_absurd_size()],
    ids=["bomb", "thin", "just too large", "tiff"],
)
def test_a_picture_that_claims_too_many_pixels_is_refused_before_it_is_opened(raw, tmp_path, load, sizes_held):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").write_bytes(raw)
    avatar(0).save(tmp_path / "set" / "b.png")
    report = load(tmp_path / "set").report
    assert report.unreadable_why == {f"more than {limits.MAX_PIXELS // 10**6} million pixels": 1}
    assert max(sizes_held) == 40 * 40


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (20, 60_000)])
def test_a_thin_picture_is_cropped_before_it_is_enlarged(size, monkeypatch):
    seen = []
    monkeypatch.setattr(decoding, "_to_rgb", lambda picture: seen.append(picture.size) or picture.convert("RGB"))
    picture = Image.new("RGB", size, "white")
    middle = [max(0, side // 2 - 60) for side in size]
    picture.paste((0, 128, 0), (*middle, *(side - start for side, start in zip(size, middle, strict=True))))
    assert decode(picture_bytes(picture), SIZE).pixels.tolist() == [[[0, 128, 0]] * SIZE] * SIZE
    assert max(seen[0]) == limits.MAX_RATIO * min(size)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16"])
def test_a_large_picture_looks_as_a_small_one_does(mode, monkeypatch):
    ramp = np.linspace(0, 255, 800).astype(np.uint8)[None, :].repeat(800, axis=0)
    picture = Image.fromarray(ramp.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(ramp).convert(mode)
    raw = picture_bytes(picture, "TIFF" if mode == "CMYK" else "PNG")
    small = decode(raw, SIZE)
    monkeypatch.setattr(decoding, "LARGE_PIXELS", 10_000)
    large = decode(raw, SIZE)
    assert np.abs(large.pixels.astype(int) - small.pixels).max() <= 3
    assert (large.alpha, large.small) == (small.alpha, small.small)


def test_of_a_large_jpeg_only_what_is_needed_is_read(sizes_held):
    raw = picture_bytes(avatar(0, 400).resize((2400, 2400)), "JPEG", quality=95)
    sizes_held.clear()
    pixels = decode(raw, SIZE).pixels
    assert max(sizes_held) == 300 * 300
    assert np.abs(pixels.astype(int) - decode(picture_bytes(avatar(0, 400)), SIZE).pixels).mean() < 3


@pytest.mark.parametrize(("format", "ending"), [("GIF", "gif"), ("PNG", "png"), ("WEBP", "webp"), ("TIFF", "tiff")])
def test_of_many_frames_only_the_first_is_read(format, ending, tmp_path, load, sizes_held):
    frames = [Image.new("RGB", (40, 40), (8 * i, 255 - 8 * i, 0)) for i in range(30)]
    (tmp_path / "set").mkdir()
    frames[0].save(tmp_path / "set" / f"a.{ending}", format, save_all=True, append_images=frames[1:])
    pixels = load(tmp_path / "set").pixels
    assert pixels[0, 9, 9].tolist() == pytest.approx([0, 255, 0], abs=3)
    assert len([size for size in sizes_held if size]) < 5


# Notes in the file


def jpeg_with(segment: bytes, marker: int = 0xE1, length: int | None = None) -> bytes:
    raw = picture_bytes(avatar(0), "JPEG")
    size = struct.pack(">H", len(segment) + 2 if length is None else length)
    return raw[:2] + bytes([0xFF, marker]) + size + segment + raw[2:]


def png_with(*chunks: bytes) -> bytes:
    raw = picture_bytes(avatar(0))
    return raw[:33] + b"".join(chunks) + raw[33:]


def bomb_of_text() -> bytes:
    return chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(70 * 2**20)))


BROKEN_NOTES = {
    "jpeg: EXIF": jpeg_with(b"Exif\0\0MM\0\x2a\xff\xff\xff\xff"),
    "jpeg: EXIF of noise": jpeg_with(b"Exif\0\0" + bytes(range(200))),
    "jpeg: colour profile": jpeg_with(b"ICC_PROFILE\0", 0xE2),
    "jpeg: Photoshop": jpeg_with(b"Photoshop 3.0\0" + b"8BIM\x04\x04" * 9, 0xED),
    "jpeg: more pictures": jpeg_with(b"MPF\0II\x2a\0\xff\xff", 0xE2),
    "png: colour profile": png_with(chunk(b"iCCP", b"name\0\0nonsense")),
    "png: colour profile without an end": png_with(chunk(b"iCCP", b"name")),
    "png: checksum of a text": png_with(chunk(b"tEXt", b"Comment\0hello", crc=1)),
    "png: empty text": png_with(chunk(b"zTXt", b"")),
    "png: text that is a bomb": png_with(bomb_of_text()),
    "png: EXIF": png_with(chunk(b"eXIf", b"MM\0\x2a\xff\xff\xff\xff")),
    "png: short resolution": png_with(chunk(b"pHYs", b"\0")),
    "png: short gamma": png_with(chunk(b"gAMA", b"\0")),
}


@pytest.mark.parametrize("raw", BROKEN_NOTES.values(), ids=BROKEN_NOTES.keys())
def test_a_broken_note_in_a_file_costs_nothing(raw, tmp_path, load):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").write_bytes(raw)
    pictures = load(tmp_path / "set")
    whole = picture_bytes(avatar(0), "PNG" if raw.startswith(PNG) else "JPEG")
    assert np.array_equal(pictures.pixels[0], decode(whole, SIZE).pixels)


@pytest.mark.parametrize(
    ("format", "note"), [("PNG", chunk(b"tEXt", b"a\0b", crc=1)), ("JPEG", b"\xff\xe2\0\x0eICC_PROFILE\0")]
)
def test_a_picture_is_turned_upright_whatever_else_is_broken(format, note):
    picture = Image.new("RGB", (30, 30), "red")
    picture.paste((0, 0, 255), (0, 0, 30, 15))
    exif = Image.Exif()
    exif[0x0112] = 3
    raw = picture_bytes(picture, format, exif=exif)
    at = 33 if format == "PNG" else 2
    pixels = decode(raw[:at] + note + raw[at:], SIZE).pixels
    assert pixels[2, 12, 0] > 240
    assert pixels[-2, 12, 2] > 240


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_as_pillow_does(orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = picture_bytes(avatar(3), "PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(raw)))
    assert np.array_equal(decode(raw, 40).pixels, np.asarray(upright))


def test_notes_are_left_out_and_pixels_are_not():
    info = PngInfo()
    info.add_text("Comment", "hello")
    glass = Image.new("P", (9, 9))
    for raw in (picture_bytes(avatar(0), pnginfo=info), picture_bytes(glass, transparency=0), jpeg_with(b"http://x")):
        bare = without_notes(raw)
        assert (b"hello" in bare, b"http" in bare, b"tRNS" in bare) == (False, False, b"tRNS" in raw)
        with Image.open(io.BytesIO(raw)) as one, Image.open(io.BytesIO(bare)) as other:
            assert one.convert("RGBA").tobytes() == other.convert("RGBA").tobytes()
    assert without_notes(b"GIF89a") == b"GIF89a"
