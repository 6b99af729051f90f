import json
import os
import subprocess
import zipfile
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from dcgan.data import avatars
from dcgan.data.decoding import decode
from dcgan.data.sources import open_source
from dcgan.data.table_sources import DatasetSource
from dcgan.errors import InputError
from support import warm
from support.paths import ROOT
from support.pictures import SIZE, avatar, picture_bytes, write_avatars


def colour_at(pixels: np.ndarray, x: float, y: float) -> list[int]:
    return pixels[int(y * len(pixels)), int(x * len(pixels))].tolist()


# One picture


def test_transparency_is_laid_on_white():
    picture = Image.new("RGBA", (30, 30), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 15, 30))
    decoded = decode(picture_bytes(picture), SIZE)
    assert decoded.alpha
    assert colour_at(decoded.pixels, 0.1, 0.5) == [0, 0, 255]
    assert colour_at(decoded.pixels, 0.9, 0.5) == [255, 255, 255]


def test_half_transparency_mixes_with_white():
    decoded = decode(picture_bytes(Image.new("RGBA", (30, 30), (0, 0, 0, 128))), SIZE)
    assert colour_at(decoded.pixels, 0.5, 0.5) == pytest.approx([127] * 3, abs=1)


def test_a_transparent_palette_entry_is_laid_on_white():
    picture = Image.new("P", (30, 30), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.paste(1, (15, 0, 30, 30))
    decoded = decode(picture_bytes(picture, transparency=0), SIZE)
    assert decoded.alpha
    assert colour_at(decoded.pixels, 0.1, 0.5) == [255, 255, 255]
    assert colour_at(decoded.pixels, 0.9, 0.5) == [200, 100, 50]


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 30 * 30).reshape(30, 30).astype(np.uint16)
    pixels = decode(picture_bytes(Image.fromarray(ramp)), SIZE).pixels
    assert pixels[0, 0, 0] < 10
    assert pixels[-1, -1, 0] > 245
    assert pixels[SIZE // 2, SIZE // 2].tolist() == pytest.approx([127] * 3, abs=8)


@pytest.mark.parametrize(
    ("picture", "format", "expected"),
    [
        (Image.new("L", (30, 30), 90), "PNG", [90, 90, 90]),
        (Image.new("LA", (30, 30), (90, 255)), "PNG", [90, 90, 90]),
        (Image.new("1", (30, 30), 1), "PNG", [255, 255, 255]),
        (Image.new("RGB", (30, 30), (1, 2, 3)).quantize(4), "GIF", [1, 2, 3]),
        (Image.new("CMYK", (30, 30), (0, 255, 255, 0)), "JPEG", [255, 0, 0]),
        (Image.new("RGB", (30, 30), (250, 5, 90)), "BMP", [250, 5, 90]),
        (Image.new("RGB", (30, 30), (250, 5, 90)), "WEBP", [250, 5, 90]),
    ],
    ids=["grey", "grey-alpha", "bitmap", "palette", "cmyk", "bmp", "webp"],
)
def test_every_kind_of_pixel_becomes_rgb(picture, format, expected):
    options = {"lossless": True} if format == "WEBP" else {}
    pixels = decode(picture_bytes(picture, format, **options), SIZE).pixels
    assert pixels.shape == (SIZE, SIZE, 3)
    assert colour_at(pixels, 0.5, 0.5) == pytest.approx(expected, abs=3)


def test_exif_orientation_is_applied():
    picture = Image.new("RGB", (30, 30), "red")
    picture.paste((0, 0, 255), (0, 0, 30, 15))  # blue on top as stored
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    pixels = decode(picture_bytes(picture, "PNG", exif=exif), SIZE).pixels
    assert colour_at(pixels, 0.5, 0.1) == [255, 0, 0]
    assert colour_at(pixels, 0.5, 0.9) == [0, 0, 255]


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "lime")]
    raw = picture_bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert colour_at(decode(raw, SIZE).pixels, 0.5, 0.5) == [255, 0, 0]


def test_a_wide_picture_is_covered_and_cropped_at_its_centre():
    picture = Image.new("RGB", (90, 30), "white")
    picture.paste((0, 128, 0), (30, 0, 60, 30))
    pixels = decode(picture_bytes(picture), SIZE).pixels
    assert (pixels[:, 2:-2] == [0, 128, 0]).all()


def test_shrinking_is_antialiased():
    checks = np.indices((240, 240)).sum(axis=0) % 2 * 255
    pixels = decode(picture_bytes(Image.fromarray(checks.astype(np.uint8))), SIZE).pixels
    assert np.abs(pixels.astype(int) - 127).max() <= 3


def test_a_smaller_picture_is_enlarged_and_counted():
    decoded = decode(picture_bytes(avatar(0, 12)), SIZE)
    assert decoded.small
    assert decoded.pixels.shape == (SIZE, SIZE, 3)
    assert not decode(picture_bytes(avatar(0, SIZE)), SIZE).small


# Sources


def test_a_nested_folder_is_read_in_a_stable_order(tmp_path, load):
    write_avatars(tmp_path / "set" / "b", 3)
    write_avatars(tmp_path / "set" / "a" / "deep", 2, first=3)
    pictures = load(tmp_path / "set")
    assert len(pictures) == 5
    assert pictures.name == "set"
    expected = decode((tmp_path / "set" / "a" / "deep" / "003.png").read_bytes(), SIZE).pixels
    assert np.array_equal(pictures.pixels[0], expected)


def test_every_listed_file_type_is_read_whatever_the_case_of_its_name(tmp_path, load):
    folder = tmp_path / "set"
    folder.mkdir()
    names = ["a.png", "b.JPG", "c.jpeg", "d.webp", "e.bmp", "f.GIF"]
    for i, name in enumerate(names):
        avatar(i).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    assert load(folder).report.used == len(names)


def test_a_zip_gives_the_same_pictures_as_its_folder(tmp_path, load):
    write_avatars(tmp_path / "set", 5)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in (tmp_path / "set").iterdir():
            archive.write(file, f"inner/{file.name}")
            archive.writestr(f"__MACOSX/inner/._{file.name}", b"resource fork")
    from_zip, from_folder = load(tmp_path / "set.zip"), load(tmp_path / "set")
    assert np.array_equal(from_zip.pixels, from_folder.pixels)
    assert from_zip.fingerprint == from_folder.fingerprint
    assert from_zip.report.unreadable == 0


def test_a_parquet_file_of_pictures_is_read(tmp_path, load):
    rows = {"face": [{"bytes": picture_bytes(avatar(i)), "path": None} for i in range(4)], "id": list(range(4))}
    features = datasets.Features({"face": datasets.Image(), "id": datasets.Value("int64")})
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "faces.parquet")
    pictures = load(tmp_path / "faces.parquet")
    assert len(pictures) == 4
    assert np.array_equal(pictures.pixels[2], decode(picture_bytes(avatar(2)), SIZE).pixels)


def test_a_data_set_of_the_datasets_library_is_read_by_its_image_column(tmp_path):
    write_avatars(tmp_path / "set" / "train", 4)
    write_avatars(tmp_path / "set" / "test", 1, first=4)
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "set"), cache_dir=str(tmp_path / "hf"))
    source = DatasetSource(loaded, "somebody/faces")
    decoded = list(source.pictures(SIZE))
    assert len(source) == len(decoded) == 4
    assert all(d.pixels is not None for d in decoded)
    assert json.loads(json.dumps(source.identity)) == source.identity


def test_a_data_set_without_pictures_is_refused_with_its_columns():
    with pytest.raises(InputError, match="no image column, only text"):
        DatasetSource(datasets.Dataset.from_dict({"text": ["a"]}), "somebody/words")


def test_avatars_carry_their_licence(load):
    pictures = load("avatars:lorelei", data_size=6)
    assert len(pictures) == 6
    assert pictures.attribution["creator"] == "Lisa Wischofsky"
    assert pictures.attribution["licence"] == "CC0 1.0"
    assert np.array_equal(pictures.pixels[5], avatars.render("lorelei", 5, SIZE))


def test_an_existing_path_wins_over_a_data_set_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_avatars(Path("somebody/faces"), 1)
    assert open_source("somebody/faces", 1, ()).name == "faces"


# Bad input


def empty_folder(folder):
    folder.mkdir()


def folder_of_text(folder):
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "b.md").write_text("b")


def broken_pictures(folder):
    folder.mkdir()
    (folder / "a.png").write_text("a")


def text_file(path):
    path.write_text("hello")


def zip_of_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: None, "no such folder or file"),
        (empty_folder, "with nothing"),
        (folder_of_text, "2 files, none of them a picture"),
        (broken_pictures, "of 1 pictures found, none could be read"),
        (text_file, "neither a .zip nor a .parquet"),
        (zip_of_text, "1 files, none of them a picture"),
    ],
)
def test_a_source_without_usable_pictures_is_refused_with_what_was_found_and_what_works(
    make, found, tmp_path, load, cache
):
    make(tmp_path / "source")
    with pytest.raises(InputError, match=found) as error:
        load(tmp_path / "source")
    assert "What works" in str(error.value)
    assert "\n" not in str(error.value)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_name_too_long_for_a_file_is_refused(load):
    with pytest.raises(InputError, match="can't be opened"):
        load("x" * 5000)


def test_a_damaged_zip_is_refused(tmp_path, load):
    write_avatars(tmp_path / "set", 3)
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for file in (tmp_path / "set").iterdir():
            archive.write(file, file.name)
    whole = (tmp_path / "set.zip").read_bytes()
    (tmp_path / "set.zip").write_bytes(whole[:500] + whole[-100:])  # half of its directory
    with pytest.raises(InputError, match="damaged .zip"):
        load(tmp_path / "set.zip")


def test_a_broken_parquet_file_is_refused(tmp_path, load):
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(InputError, match="can't be read as parquet"):
        load(tmp_path / "a.parquet")


@pytest.mark.slow
def test_a_hub_data_set_that_can_not_be_had_is_refused_and_the_missing_folder_is_mentioned(tmp_path):
    code = "from dcgan.data import load_pictures; load_pictures('nobody/faces', 24)"
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    result = subprocess.run(warm.python("-c", code), cwd=ROOT, capture_output=True, text=True, env=offline)
    last = result.stderr.strip().splitlines()[-1]
    assert "InputError" in last
    assert "there is no such folder or file here, and the Hub data set nobody/faces couldn't be loaded" in last
