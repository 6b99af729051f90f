"""Damaged files of many kinds: none ends a run, and each is either used or counted with a reason."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import machine, promises
from dcgan.data import Pictures
from dcgan.data.report import Report
from support.pictures import SIZE, picture_bytes

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "TGA", "PPM", "AVIF", "JPEG2000", "ICO", "PCX")
Rng = np.random.Generator


def picture(rng: Rng, mode: str = "RGB") -> Image.Image:
    return Image.fromarray(rng.integers(0, 256, (30, 30, 3), dtype=np.uint8)).convert(mode)


def whole(rng: Rng) -> tuple[str, bytes]:
    format = FORMATS[rng.integers(len(FORMATS))]
    return Image.MIME.get(format, "image/x-tga").rpartition("/")[2], picture_bytes(picture(rng), format)


def cut(rng: Rng) -> tuple[str, bytes]:
    _, raw = whole(rng)
    return "png", raw[: rng.integers(1, len(raw))]


def header_cut(rng: Rng) -> tuple[str, bytes]:
    return "png", whole(rng)[1][: rng.integers(1, 40)]


def half_a_jpeg(rng: Rng) -> tuple[str, bytes]:
    raw = picture_bytes(picture(rng), "JPEG")
    return "jpg", raw[: len(raw) // 2]


def bits_flipped(rng: Rng) -> tuple[str, bytes]:
    raw = bytearray(whole(rng)[1])
    for at in rng.integers(len(raw), size=rng.integers(1, 9)):
        raw[at] ^= 1 << rng.integers(8)
    return "png", bytes(raw)


def zeroed(rng: Rng) -> tuple[str, bytes]:
    raw = bytearray(whole(rng)[1])
    start = int(rng.integers(len(raw)))
    raw[start : start + 200] = bytes(len(raw[start : start + 200]))
    return "png", bytes(raw)


def empty(rng: Rng) -> tuple[str, bytes]:
    return "jpg", b""


def text_as_png(rng: Rng) -> tuple[str, bytes]:
    return "png", b"P" + bytes(rng.integers(32, 127, 300, dtype=np.uint8))


def html_as_jpg(rng: Rng) -> tuple[str, bytes]:
    return "jpg", b"<!DOCTYPE html><html><body>404: no such picture</body></html>"


def wrong_ending(rng: Rng) -> tuple[str, bytes]:
    return ("txt", "json", "pdf", "mp4", "zip", "")[rng.integers(6)], whole(rng)[1]


def huge_claim(rng: Rng) -> tuple[str, bytes]:
    raw = bytearray(picture_bytes(picture(rng)))
    raw[16:24] = struct.pack(">II", *(int(side) for side in rng.integers(50_000, 2**31, 2)))
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    return "png", bytes(raw)


def bad_checksum(rng: Rng) -> tuple[str, bytes]:
    raw = bytearray(picture_bytes(picture(rng)))
    at = raw.index((b"IHDR", b"IDAT")[rng.integers(2)]) - 4
    end = at + 8 + int.from_bytes(raw[at : at + 4], "big")
    raw[end : end + 4] = b"oops"
    return "png", bytes(raw)


def bad_palette(rng: Rng) -> tuple[str, bytes]:
    raw = picture_bytes(picture(rng).quantize(64))
    at = raw.index(b"PLTE") - 4
    length = int.from_bytes(raw[at : at + 4], "big")
    shorter = b"PLTE" + raw[at + 8 : at + 8 + int(rng.integers(length))]
    chunk = struct.pack(">I", len(shorter) - 4) + shorter + struct.pack(">I", zlib.crc32(shorter))
    return "png", raw[:at] + chunk + raw[at + 12 + length :]


NEVER_USED = (half_a_jpeg, empty, text_as_png, html_as_jpg, huge_claim, bad_checksum)
DAMAGES = (*NEVER_USED, cut, header_cut, bits_flipped, zeroed, bad_palette, wrong_ending)


def write_damaged(folder: Path, count: int, seed: int) -> None:
    """Write `count` files, each kind of damage in its turn, and two pictures that are whole."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for i in range(count):
        damage = DAMAGES[i % len(DAMAGES)]
        last, raw = damage(rng)
        (folder / f"{i:04d} {damage.__name__}.{last}".rstrip(".")).write_bytes(raw)
    for i in range(2):
        (folder / f"whole {i}.png").write_bytes(picture_bytes(picture(rng)))


def zipped(folder: Path) -> Path:
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    return folder.with_suffix(".zip")


def check(load: Callable[..., Pictures], folder: Path, count: int) -> Report:
    pictures = load(folder)
    report = pictures.report
    assert report.found == report.used + report.duplicates + report.unreadable
    assert report.found + len(report.left_out) == count + 2
    assert sum(report.unreadable_why.values()) == report.unreadable
    assert all(why for why in report.unreadable_why)
    assert len(report.left_out) == count // len(DAMAGES)
    assert 2 <= report.used <= count + 2 - count // len(DAMAGES) * (len(NEVER_USED) + 1)
    assert len(pictures) == report.used
    assert pictures.pixels.shape[1:] == (SIZE, SIZE, 3)
    "\n".join(report.lines(SIZE)).encode()
    packed = load(zipped(folder))
    assert (packed.fingerprint, packed.report) == (pictures.fingerprint, report)
    return report


def test_every_damaged_file_is_used_or_counted_with_a_reason(tmp_path, load):
    write_damaged(tmp_path / "set", 60, seed=0)
    check(load, tmp_path / "set", 60)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_one_of_thousands_of_damaged_files_is_used_or_counted_with_a_reason(tmp_path, load):
    began, seeds, used = machine.now(), range(1, 6), 0
    for seed in seeds:
        write_damaged(tmp_path / f"set-{seed}", 1000, seed)
        used += check(load, tmp_path / f"set-{seed}", 1000).used
    promises.leave(
        "damaged pictures",
        command="python -m pytest -m long tests/data/test_damaged_files.py",
        seed=seeds[0],
        began=began,
        counts={"damaged files": 1000 * len(seeds), "kinds": len(DAMAGES),
                "of them used all the same": used - 2 * len(seeds), "not counted": 0},
    )  # fmt: skip


@pytest.mark.parametrize("damage", NEVER_USED, ids=lambda damage: damage.__name__)
def test_damage_to_pixels_is_never_trained_on(damage, tmp_path, load):
    (tmp_path / "set").mkdir()
    last, raw = damage(np.random.default_rng(1))
    (tmp_path / "set" / f"a.{last}").write_bytes(raw)
    (tmp_path / "set" / "b.png").write_bytes(picture_bytes(picture(np.random.default_rng(2))))
    report = load(tmp_path / "set").report
    assert (report.used, report.unreadable_names) == (1, [f"a.{last}"])
