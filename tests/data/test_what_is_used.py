"""What of a folder or .zip becomes training pictures, and what is said of all the rest."""

import os
import sys
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from dcgan.config import TrainConfig
from dcgan.data import formats
from dcgan.data.left_out import Why
from dcgan.errors import InputError
from dcgan.layout import CONFIG_NAME, LATEST_NAME, METRICS_NAME, SAMPLES, TRAINING_NAME, WEIGHTS_NAME
from dcgan.names import legible, on_disk, shown
from support.pictures import picture_bytes


def noise(index: int, side: int = 30) -> Image.Image:
    rng = np.random.default_rng(index)
    return Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8))


def write(folder: Path, *names: str, first: int = 0) -> Path:
    """Write pictures of these names below a folder, each another one."""
    for index, name in enumerate(names, first):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture_bytes(noise(index)))
    return folder


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*"), reverse=True):
            archive.write(file, str(Path("inner") / file.relative_to(folder)))
    return path


def left_out(report) -> dict[Why, list[str]]:
    found = {}
    for each in report.left_out:
        found.setdefault(each.why, []).append(each.name.removeprefix("inner/"))
    return found


@pytest.fixture(params=["folder", "zip"])
def held(request, tmp_path):
    """Gives a folder as it is or as a .zip: what is used is the same for both."""
    if request.param == "folder":
        return lambda folder: folder
    return lambda folder: zipped(folder, tmp_path / "held.zip")


# What a run or the system has left there


@pytest.mark.parametrize(
    "marks",
    [[CONFIG_NAME, WEIGHTS_NAME], [TRAINING_NAME, METRICS_NAME], ["state/last"], [TRAINING_NAME, LATEST_NAME],
     ["run-1.wandb"]],
    ids=lambda marks: "+".join(marks),
)  # fmt: skip
def test_a_run_never_trains_on_what_a_run_drew(marks, tmp_path, load, held):
    pictures = write(tmp_path / "set", "a.png", "b.png")
    run = write(pictures / "deep" / "run", f"{SAMPLES}/epoch-0001.png", "epochs/epoch-0001/x.png", first=2)
    for mark in marks:
        (run / mark).parent.mkdir(exist_ok=True)
        (run / mark).touch()
    report = load(held(pictures)).report
    assert (report.found, report.used) == (2, 2)
    assert left_out(report) == {Why.OWN_OUTPUT: ["deep/run"]}
    assert "left by a training run" in "\n".join(report.lines(24))


def test_one_file_that_is_called_as_a_checkpoints_makes_no_checkpoint(tmp_path, load):
    pictures = write(tmp_path / "set", "a.png", "state/ohio.png")
    (pictures / TRAINING_NAME).touch()
    assert load(pictures).report.used == 2


def test_a_checkpoint_folder_itself_is_refused_as_one(tmp_path, load, held):
    run = write(tmp_path / "run", f"{SAMPLES}/epoch-0001.png")
    (run / CONFIG_NAME).touch()
    (run / WEIGHTS_NAME).touch()
    with pytest.raises(InputError, match="none of them a picture to train on .*left by a training run"):
        load(held(run))


@pytest.mark.parametrize(
    "name",
    [".hidden/a.png", ".a.png", "._a.png", ".Trash-1000/files/a.png", ".thumbnails/a.png", ".ipynb_checkpoints/a.png",
     "@eaDir/a.png", "__MACOSX/a.png", "$RECYCLE.BIN/a.png", "System Volume Information/a.png", "lost+found/a.png",
     "Thumbs.db"],
)  # fmt: skip
def test_what_is_hidden_or_of_the_system_is_left_out(name, tmp_path, load, held):
    pictures = write(tmp_path / "set", "b.png", name, f"deep/{name}", "deep/c.png")
    report = load(held(pictures)).report
    assert (report.found, report.used) == (2, 2)
    top = name.split("/")[0]
    assert {why: sorted(names) for why, names in left_out(report).items()} == {Why.HIDDEN: sorted([top, f"deep/{top}"])}


def test_a_hidden_folder_that_is_named_is_used(tmp_path, load):
    assert load(write(tmp_path / ".hidden" / "@eaDir", "a.png")).report.used == 1


# Links


def test_linked_folders_are_followed_and_each_real_folder_is_read_once(tmp_path, load):
    write(tmp_path / "real", "1.png", "deep/2.png")
    pictures = write(tmp_path / "set", "z/3.png", "z/4.png", first=2)
    for link, target in {
        "a": "../real",
        "b": "../real",
        "c": "z",
        "z/up": "..",
        "out": "..",
        "gone": "nowhere",
    }.items():
        (pictures / link).symlink_to(target)
    report = load(pictures).report
    assert (report.found, report.used, report.duplicates) == (4, 4, 0)
    assert sorted(left_out(report)[Why.LINK]) == ["gone", "out", "z/up"]


def test_a_link_to_a_picture_is_a_picture(tmp_path, load):
    write(tmp_path / "real", "1.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").symlink_to(tmp_path / "real" / "1.png")
    assert load(tmp_path / "set").report.used == 1


def test_a_pipe_is_named_and_not_read(tmp_path, load):
    pictures = write(tmp_path / "set", "a.png")
    os.mkfifo(pictures / "b.png")
    assert left_out(load(pictures).report) == {Why.SPECIAL: ["b.png"]}


def test_a_folder_that_can_not_be_opened_is_named_with_the_reason(tmp_path, load, monkeypatch):
    pictures = write(tmp_path / "set", "a.png", "closed/b.png")
    scandir = os.scandir

    def refuse(folder):
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert left_out(load(pictures).report) == {Why.LOCKED: ["closed (Permission denied)"]}
    with pytest.raises(InputError, match="closed can't be opened: Permission denied"):
        load(pictures / "closed")


# Formats


@pytest.mark.parametrize(
    ("ending", "format"),
    [("tif", "TIFF"), ("TIFF", "TIFF"), ("avif", "AVIF"), ("jfif", "JPEG"), ("ppm", "PPM"), ("pgm", "PPM"),
     ("jp2", "JPEG2000"), ("tga", "TGA"), ("ico", "ICO"), ("apng", "PNG"), ("mpo", "MPO"), ("qoi", "QOI"),
     ("pcx", "PCX"), ("dds", "DDS"), ("sgi", "SGI"), ("im", "IM")],
)  # fmt: skip
def test_every_format_that_pillow_reads_is_read(ending, format, tmp_path, load, held):
    (tmp_path / "set").mkdir()
    noise(0).save(tmp_path / "set" / f"a.{ending}", format=format)
    report = load(held(tmp_path / "set")).report
    assert (report.found, report.used, report.left_out) == (1, 1, [])


def test_a_file_of_floating_point_numbers_is_not_black(tmp_path, load):
    (tmp_path / "set").mkdir()
    Image.fromarray(np.full((30, 30), 0.5, np.float32)).save(tmp_path / "set" / "a.tiff")
    assert load(tmp_path / "set").pixels[0, 9, 9].tolist() == [128, 128, 128]


def test_all_that_is_no_picture_is_counted_by_its_ending_with_the_reason(tmp_path, load, held):
    names = ["a.txt", "b.TXT", "README", "c.pdf", "d.eps", "e.svg", "f.mpg", "g.psb", "more.zip", "deep/t.parquet"]
    pictures = write(tmp_path / "set", "a.png", *names)
    report = load(held(pictures)).report
    assert (report.found, report.used) == (1, 1)
    text = "\n".join(report.lines(24)).replace("inner/", "")
    assert "3 left out, no pictures: 2 .txt, 1 without an ending" in text
    assert "1 left out, archives inside (unpack them): more.zip" in text
    assert "1 left out, tables (name a .parquet file, or its folder, by --data): deep/t.parquet" in text
    assert "5 left out, only other programs read them (save them as PNG or JPEG): " in text
    assert len(report.left_out) == len(names)


def test_a_picture_that_needs_another_program_is_not_opened_by_it_whatever_it_is_called(tmp_path, load, monkeypatch):
    pictures = write(tmp_path / "set", "a.png")
    noise(1).save(pictures / "b.png", format="EPS")
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("ghostscript was called"))
    report = load(pictures).report
    assert report.unreadable_names == ["b.png"]


def of_a_phone(path: Path) -> Path:
    pillow_heif.from_pillow(noise(0)).save(path, quality=-1, chroma=444)  # nothing is lost but by rounding
    return path


@pytest.mark.parametrize("ending", ["heic", "HEIF", "hif"])
def test_photographs_of_phones_are_read_where_their_plugin_is_installed(ending, tmp_path, load, held):
    of_a_phone(write(tmp_path / "set", "plain.png") / f"phone.{ending}")
    pictures = load(held(tmp_path / "set"))
    assert (pictures.report.found, pictures.report.used, pictures.report.left_out) == (2, 2, [])
    assert np.abs(pictures.pixels[0].astype(int) - pictures.pixels[1]).max() <= 3


@pytest.fixture
def without_plugins(monkeypatch):
    """Pillow as it is before any plugin is installed."""

    def forget():
        for cached in (formats.readable_formats, formats.picture_endings, formats.endings_for_other_programs):
            cached.cache_clear()

    Image.init()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    own = {ending: format for ending, format in Image.EXTENSION.items() if format != "HEIF"}
    monkeypatch.setattr(Image, "EXTENSION", own)
    forget()
    yield
    forget()


@pytest.mark.usefixtures("without_plugins")
def test_photographs_of_phones_are_named_with_the_reason_where_it_is_not(tmp_path, load, held):
    of_a_phone(write(tmp_path / "set", "plain.png") / "phone.heic")
    report = load(held(tmp_path / "set")).report
    assert (report.found, report.used, left_out(report)) == (1, 1, {Why.OTHER_PROGRAM: ["phone.heic"]})


# The same pictures are the same data


def test_the_same_pictures_are_the_same_data_in_a_folder_a_zip_or_on_another_system(tmp_path, load):
    names = ["B.png", "a.png", "a-b/z.png", "a/é.png", "a/f.png", "头像/2.png"]
    folder = load(write(tmp_path / "set", *names))
    of_macos = load(write(tmp_path / "macos", *(unicodedata.normalize("NFD", name) for name in names)))
    with zipfile.ZipFile(tmp_path / "windows.zip", "w") as archive:
        for index, name in reversed(list(enumerate(names))):
            info = zipfile.ZipInfo("x")
            info.filename = "top\\" + name.replace("/", "\\")
            archive.writestr(info, picture_bytes(noise(index)))
    of_windows = load(tmp_path / "windows.zip")
    for other in (load(zipped(tmp_path / "set", tmp_path / "set.zip")), of_macos, of_windows):
        assert other.fingerprint == folder.fingerprint
        assert np.array_equal(other.pixels, folder.pixels)


def test_names_in_a_zip_of_an_old_system_are_read_as_they_were_meant(tmp_path, load):
    folder = load(write(tmp_path / "set", "脸.png", "像.png", "a.png"))
    with zipfile.ZipFile(tmp_path / "gbk.zip", "w") as archive:
        for index, name in enumerate(("xx.png", "yy.png", "a.png")):
            archive.writestr(name, picture_bytes(noise(index)))
    raw = (tmp_path / "gbk.zip").read_bytes()
    raw = raw.replace(b"xx.png", "脸.png".encode("gbk")).replace(b"yy.png", "像.png".encode("gbk"))
    (tmp_path / "gbk.zip").write_bytes(raw)
    assert load(tmp_path / "gbk.zip").fingerprint == folder.fingerprint


# Names in any encoding


NAMES = ["头像", "😀👩‍👩‍👧", "caf\udce9", "\udccd\udcb7\udccf\udcf1", "a\nb", "plain"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_pictures_are_found_and_named_whatever_encoding_their_names_have(name, tmp_path, load):
    folder = write(tmp_path / name, f"{name}.png")
    (folder / f"{name} broken.png").write_bytes(b"no")
    (folder / f"{name}.odd").touch()
    kept = TrainConfig(data=str(folder)).data  # which is stored and printed, and read again by --resume
    kept.encode("utf-8")
    pictures = load(kept)
    text = "\n".join([pictures.name, *pictures.report.lines(24)])
    text.encode("utf-8")
    assert len(text.splitlines()) == 4
    assert pictures.fingerprint == load(folder).fingerprint


def test_names_in_the_encodings_of_old_systems_are_spelt_as_they_were_meant(tmp_path):
    assert legible("/data/头像") == "/data/头像"
    assert legible(os.fsdecode(b"/x/" + "头像".encode("gbk"))) == "/x/头像"
    assert legible(os.fsdecode("café".encode("latin-1"))) == "café"
    assert shown("a\x1b[31m\nb") == "a\\x1b[31m\\nb"
    assert on_disk(str(tmp_path / "not there")) == tmp_path / "not there"


def test_a_tilde_is_the_home_folder(tmp_path, load, monkeypatch):
    write(tmp_path / "pics", "a.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load("~/pics").report.used == 1
    with pytest.raises(InputError, match="no such folder"):
        load("~nobody-of-that-name/pics")


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("one.png", picture_bytes(noise(0)), "a single picture, and training needs many"),
        ("more.rar", b"Rar!", "an archive that can't be opened here; unpack it"),
        ("cut.zip", b"PK\3\4 and no more", "a .zip that was cut short"),
    ],
)
def test_a_file_that_is_no_set_of_pictures_is_refused_with_what_to_do(name, raw, said, tmp_path, load):
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match=said):
        load(tmp_path / name)
