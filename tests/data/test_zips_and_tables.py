"""Zips that are broken in one way or another, and tables of pictures as people have them."""

import io
import struct
import zipfile
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pytest

from dcgan.data.decoding import decode
from dcgan.data.left_out import Why
from dcgan.data.sources import open_source
from dcgan.errors import InputError
from support.pictures import SIZE, avatar, picture_bytes

RAW = [picture_bytes(avatar(i)) for i in range(4)]

# Zips


def zip_of(*members: tuple[str, bytes], **options) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, raw in members:
            archive.writestr(name, raw)
    return buffer.getvalue()


def patched(raw: bytes, name: bytes, at_file: int, in_directory: int, value: int) -> bytes:
    """Set a number of a member, both where it lies and in the directory."""
    changed = bytearray(raw)
    for signature, offset, header in ((b"PK\3\4", at_file, 30), (b"PK\1\2", in_directory, 46)):
        start = -1
        while (start := raw.find(signature, start + 1)) >= 0:
            if raw[start + header :].startswith(name):
                changed[start + offset : start + offset + 2] = struct.pack("<H", value)
    return bytes(changed)


WHOLE = zip_of(("a.png", RAW[0]), ("b.png", RAW[1]))
BEHIND_A_PASSWORD = (6, 8, 1)
DEFLATE64 = (8, 10, 9)


@pytest.mark.parametrize(
    ("patch", "why"),
    [(BEHIND_A_PASSWORD, "1 behind a password: unpack the .zip"), (DEFLATE64, "1 packed by method 9, unknown here")],
)
def test_a_member_of_a_zip_that_can_not_be_read_is_named_with_the_reason(patch, why, tmp_path, load):
    (tmp_path / "a.zip").write_bytes(patched(WHOLE, b"b.png", *patch))
    report = load(tmp_path / "a.zip").report
    assert (report.used, report.unreadable_names) == (1, ["b.png"])
    assert why in "\n".join(report.lines(SIZE))
    (tmp_path / "b.zip").write_bytes(patched(WHOLE, b"", *patch))
    with pytest.raises(InputError, match=why.replace("1 ", "2 ")):
        load(tmp_path / "b.zip")


def test_a_damaged_member_of_a_zip_costs_only_itself(tmp_path, load):
    raw = bytearray(WHOLE)
    raw[60] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(raw)
    report = load(tmp_path / "a.zip").report
    assert (report.used, report.unreadable_why) == (1, {"damaged in the .zip": 1})


@pytest.mark.parametrize("kept", [20, len(WHOLE) // 2, len(WHOLE) - 10])
def test_a_zip_that_was_cut_short_is_refused_as_one(kept, tmp_path, load):
    (tmp_path / "a.zip").write_bytes(WHOLE[:kept])
    with pytest.raises(InputError, match=r"a.zip is a .zip that was cut short; copy or download it again"):
        load(tmp_path / "a.zip")


def test_a_member_that_unpacks_to_more_than_a_picture_is_left_packed(tmp_path, load, monkeypatch):
    monkeypatch.setattr("dcgan.data.file_sources.MAX_PICTURE_BYTES", 2**20)
    bomb = zip_of(("a.png", RAW[0]), ("b.png", bytes(2**20 + 1)), compression=zipfile.ZIP_DEFLATED)
    (tmp_path / "a.zip").write_bytes(bomb)
    assert load(tmp_path / "a.zip").report.unreadable_names == ["b.png"]


def test_a_link_in_a_zip_is_named(tmp_path, load):
    link = zipfile.ZipInfo("b.png")
    link.external_attr = 0o120777 << 16
    (tmp_path / "a.zip").write_bytes(zip_of(("a.png", RAW[0]), (link, b"a.png")))
    report = load(tmp_path / "a.zip").report
    assert [(each.name, each.why) for each in report.left_out] == [("b.png", Why.LINK)]


# Tables


def structs(raw: list[bytes]) -> list[dict]:
    return [{"bytes": each, "path": f"{i}.png"} for i, each in enumerate(raw)]


def of_pandas(path: Path, **columns) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(columns).to_parquet(path)
    return path


def data_set(raw: list[bytes], column: str = "image") -> datasets.Dataset:
    features = datasets.Features({"label": datasets.Value("int64"), column: datasets.Image()})
    return datasets.Dataset.from_dict({"label": [*range(len(raw))], column: structs(raw)}, features=features)


def saved(folder: Path) -> Path:
    data_set(RAW).save_to_disk(folder)
    return folder


def saved_splits(folder: Path) -> Path:
    datasets.DatasetDict({"test": data_set(RAW[:1]), "train": data_set(RAW)}).save_to_disk(folder)
    return folder


def in_shards(folder: Path) -> Path:
    for shard in range(2):
        path = folder / "data" / f"train-{shard:05d}-of-00002.parquet"
        of_pandas(path, image=structs(RAW[2 * shard : 2 * shard + 2]))
    of_pandas(folder / "data" / "test-00000-of-00001.parquet", image=structs(RAW[:1]))
    (folder / "README.md").touch()
    return folder


def of_the_library(path: Path) -> Path:
    data_set(RAW, "Gesicht 1").to_parquet(path)
    return path


TABLES = {
    "pandas, structs": lambda path: of_pandas(path / "a.parquet", image=structs(RAW)),
    "pandas, bytes": lambda path: of_pandas(path / "a.PARQUET", label=[1, 2, 3, 4], key=[b"x"] * 4, jpg=RAW),
    "pandas, bytes only": lambda path: of_pandas(path / "a.parquet", img=[{"bytes": raw} for raw in RAW]),
    "datasets": lambda path: of_the_library(path / "a.parquet"),
    "a folder of shards": lambda path: in_shards(path / "set"),
    "a folder without splits": lambda path: of_pandas(path / "set" / "0000.parquet", image=structs(RAW)).parent,
    "saved": lambda path: saved(path / "set"),
    "saved in splits": lambda path: saved_splits(path / "set"),
}


@pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
def test_pictures_in_tables_are_the_same_data_as_in_a_folder(make, tmp_path, load):
    (tmp_path / "files").mkdir()
    for i, raw in enumerate(RAW):
        (tmp_path / "files" / f"{i}.png").write_bytes(raw)
    pictures, files = load(make(tmp_path)), load(tmp_path / "files")
    assert pictures.fingerprint == files.fingerprint
    assert np.array_equal(pictures.pixels, files.pixels)


@pytest.mark.parametrize("make", [in_shards, saved_splits])
def test_the_splits_that_are_not_trained_on_are_named(make, tmp_path, load):
    (other,) = load(make(tmp_path / "set")).report.left_out
    assert other.why is Why.OTHER_SPLIT
    assert "test" in other.name


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"text": ["a"], "number": [1]}, "a.parquet has no image column, only text, number"),
        ({"raw": [b"no picture"]}, "a.parquet has no image column, only raw"),
        ({"image": structs([b"no picture"])}, "of 1 pictures found, none could be read"),
        ({"image": []}, "no image column, only image"),
    ],
)
def test_a_table_without_pictures_is_refused_with_its_columns(columns, said, tmp_path, load):
    with pytest.raises(InputError, match=said):
        load(of_pandas(tmp_path / "a.parquet", **columns))


def test_rows_of_a_table_that_hold_no_picture_are_counted_with_the_reason(tmp_path, load):
    (tmp_path / "here.png").write_bytes(RAW[2])
    rows = [
        *structs([RAW[0], b"broken"]),
        {"bytes": None, "path": "here.png"},
        {"bytes": None, "path": "gone.png"},
        None,
    ]
    report = load(of_pandas(tmp_path / "a.parquet", image=rows)).report
    assert (report.found, report.used, report.unreadable_names) == (5, 2, ["row 1", "row 3", "row 4"])
    assert set(report.unreadable_why) == {"no picture inside", "No such file or directory", "an empty row"}


def test_a_table_is_read_a_few_rows_at_a_time(tmp_path):
    path = of_pandas(tmp_path / "a.parquet", image=structs(RAW * 20))
    source = open_source(str(path), 1, ())
    assert len(source) == 80
    _, read = next(source.items())
    assert np.array_equal(decode(read(), SIZE).pixels, decode(RAW[0], SIZE).pixels)


@pytest.mark.parametrize("broken", ["dataset_info.json", "state.json"])
def test_a_saved_data_set_that_is_broken_is_refused(broken, tmp_path, load):
    (saved(tmp_path / "set") / broken).write_text("{")
    with pytest.raises(InputError, match="can't be read as a saved data set"):
        load(tmp_path / "set")


def test_tables_beside_pictures_are_named(tmp_path, load):
    of_pandas(tmp_path / "set" / "metadata.parquet", image=structs(RAW))
    (tmp_path / "set" / "a.png").write_bytes(RAW[0])
    report = load(tmp_path / "set").report
    assert report.found == 1
    assert [(each.name, each.why) for each in report.left_out] == [("metadata.parquet", Why.TABLE)]
