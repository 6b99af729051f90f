import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan import data
from dcgan.data import epoch_order, file_sources, load_pictures
from dcgan.errors import InputError
from support.pictures import SIZE, avatar, picture_bytes, write_avatars

# The report


def test_the_report_counts_what_became_of_every_picture(tmp_path, load):
    folder = tmp_path / "set"
    write_avatars(folder, 4)
    (folder / "again.png").write_bytes((folder / "000.png").read_bytes())
    avatar(7, 12).save(folder / "small.png")
    Image.new("RGBA", (40, 40), (9, 9, 9, 99)).save(folder / "glass.png")
    jpeg = picture_bytes(avatar(8, 200), "JPEG")
    (folder / "truncated.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (folder / "text.png").write_text("hello")
    (folder / "empty.png").touch()
    report = load(folder).report
    assert (report.found, report.used, report.duplicates, report.small, report.with_alpha) == (10, 6, 1, 1, 1)
    assert report.unreadable == 3
    assert sorted(report.unreadable_names) == ["empty.png", "text.png", "truncated.jpg"]
    text = "\n".join(report.lines(SIZE))
    for part in ("6 of 10", "truncated.jpg", "1 exact duplicates", "1 smaller than 24x24", "1 with transparency"):
        assert part in text


def test_at_most_ten_unreadable_pictures_are_named(tmp_path, load):
    folder = tmp_path / "set"
    write_avatars(folder, 1)
    for i in range(12):
        (folder / f"bad{i:02d}.png").write_text("no")
    report = load(folder).report
    assert report.unreadable == 12
    assert report.unreadable_names == [f"bad{i:02d}.png" for i in range(10)]
    assert "bad09.png, ..." in "\n".join(report.lines(SIZE))


# The cache


def test_a_second_run_starts_without_decoding(tmp_path, load, monkeypatch):
    write_avatars(tmp_path / "set", 3)
    first = load(tmp_path / "set")
    monkeypatch.setattr(file_sources, "decode", lambda *_: pytest.fail("decoded again"))
    second = load(tmp_path / "set")
    assert np.array_equal(first.pixels, second.pixels)
    assert (first.fingerprint, first.report) == (second.fingerprint, second.report)


def test_a_changed_folder_is_decoded_anew(tmp_path, load):
    write_avatars(tmp_path / "set", 3)
    before = load(tmp_path / "set")
    avatar(50).save(tmp_path / "set" / "000.png")
    after = load(tmp_path / "set")
    assert before.fingerprint != after.fingerprint
    assert not np.array_equal(before.pixels[0], after.pixels[0])


def test_each_size_and_each_count_has_a_cache_of_its_own(cache):
    shapes = [
        load_pictures("avatars:micah", size, count, cache=cache).pixels.shape
        for size, count in ((24, 3), (32, 3), (24, 4))
    ]
    assert shapes == [(3, 24, 24, 3), (3, 32, 32, 3), (4, 24, 24, 3)]


def test_the_pictures_stay_on_disk_until_they_are_needed(load):
    pictures = load("avatars:micah", data_size=5)
    assert isinstance(pictures.pixels, np.memmap)
    assert not pictures.pixels.flags.writeable
    batch = pictures.batch(torch.tensor([3, 0]))
    assert batch.dtype == torch.uint8
    assert np.array_equal(batch.numpy(), pictures.pixels[[3, 0]])


def test_a_decoding_that_breaks_off_leaves_nothing_behind(tmp_path, cache, load, monkeypatch):
    def break_off(pictures, total):
        yield next(iter(pictures))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load("avatars:micah", data_size=5, track=break_off)
    assert list(cache.iterdir()) == []


def test_a_cache_made_by_another_run_meanwhile_is_taken(cache, load):
    def let_another_run_win(pictures, total):
        yield from pictures
        load("avatars:micah", data_size=5)

    assert len(load("avatars:micah", data_size=5, track=let_another_run_win)) == 5
    assert len(list(cache.iterdir())) == 1


def test_half_made_caches_that_vanish_meanwhile_disturb_nobody(cache, load, monkeypatch):
    abandoned = cache / "a-24.partial-x"
    abandoned.mkdir(parents=True)
    (abandoned / "pictures.u8").touch()
    listing = Path.iterdir

    def vanish_once_listed(folder):
        found = list(listing(folder))
        if folder == abandoned:
            shutil.rmtree(folder)
        return found

    monkeypatch.setattr(Path, "iterdir", vanish_once_listed)
    assert len(load("avatars:micah", data_size=2)) == 2


def test_dcgan_cache_moves_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DCGAN_CACHE", str(tmp_path / "elsewhere"))
    load_pictures("avatars:micah", SIZE, 2)
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    monkeypatch.delenv("DCGAN_CACHE")
    assert data.cache_root() == Path.home() / ".cache" / "dcgan"


def test_a_damaged_cache_is_made_anew(cache, load):
    whole = load("avatars:micah", data_size=5)
    expected = np.array(whole.pixels)
    (folder,) = cache.iterdir()
    for damage in (lambda: (folder / "pictures.u8").write_bytes(b"short"), lambda: (folder / "pictures.json").unlink(),
                   lambda: (folder / "pictures.json").write_text("{")):  # fmt: skip
        damage()
        assert np.array_equal(load("avatars:micah", data_size=5).pixels, expected)


def test_what_a_killed_run_left_half_decoded_is_cleared_away_after_a_day(cache, load):
    old, fresh = cache / "a-24.partial-x", cache / "b-24.partial-y"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "pictures.u8").write_bytes(b"half")
    two_days_ago = time.time() - 2 * 24 * 3600
    for path in (old / "pictures.u8", old):
        os.utime(path, (two_days_ago, two_days_ago))
    load("avatars:micah", data_size=2)
    assert not old.exists()
    assert fresh.exists()


def test_a_cache_that_can_not_be_written_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="DCGAN_CACHE"):
        load_pictures("avatars:micah", SIZE, 2, cache=tmp_path / "file" / "cache")


# Order


def test_an_epoch_visits_every_picture_once_in_an_order_of_its_own():
    orders = [epoch_order(100, seed, epoch).tolist() for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert all(sorted(order) == list(range(100)) for order in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert orders[1] == epoch_order(100, 0, 1).tolist()
