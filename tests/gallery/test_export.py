import re

import av
import numpy as np
import pytest
from PIL import Image

from dcgan.checkpoints import load_generator
from dcgan.errors import InputError
from dcgan.gallery.export import export_walk, file_name
from dcgan.gallery.file_metadata import read_metadata
from dcgan.gallery.fitting import Form, cost, first_that_fits, forms
from dcgan.gallery.walks import render_walk
from dcgan.images import enlarge
from dcgan.latents import latents
from support.paths import ROOT

FORMATS = ("GIF", "WebP", "MP4")


def sliding(frames: int, side: int = 24) -> np.ndarray:
    """Stripes that move, a little in each frame, in few enough colours for a GIF to be exact."""
    across = np.arange(side) * 4 // side * 64
    pictures = np.zeros((frames, side, side, 3), np.uint8)
    for i, picture in enumerate(pictures):
        picture[:, :, 0] = np.roll(across, i)
        picture[i % side, :, 1] = 255
    return pictures


def noisy_faces(frames: int, side: int) -> np.ndarray:
    """What compresses worst among what a generator draws: soft shapes under noise that differs in every pixel."""
    noise = np.random.default_rng(0).normal(0, 40, (frames, side, side, 3)).astype(np.float32)
    return (sliding(frames, side) / 2 + 60 + noise).clip(0, 255).astype(np.uint8)


def read(path) -> tuple[np.ndarray, list[int]]:
    """A GIF's or WebP's frames and how many milliseconds each stays, by Pillow."""
    with Image.open(path) as file:
        assert file.info["loop"] == 0
        frames, durations = [], []
        for i in range(file.n_frames):
            file.seek(i)
            frames.append(np.asarray(file.convert("RGB")))
            durations.append(file.info["duration"])
    return np.stack(frames), durations


def read_mp4(path) -> tuple[np.ndarray, float]:
    """An MP4's frames and its seconds, by FFmpeg."""
    with av.open(path) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(stream)]
        return np.stack(frames), file.duration / av.time_base


def colour_tables(gif: bytes) -> tuple[bool, int]:
    """Whether a GIF has a global colour table, and how many of its frames have one of their own."""

    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    def after_blocks(at: int) -> int:
        while gif[at]:
            at += gif[at] + 1
        return at + 1

    at, local = 13 + table(gif[10]), 0
    while gif[at] != ord(";"):
        if gif[at] == ord("!"):
            at = after_blocks(at + 2)
        else:
            local += table(gif[at + 9]) > 0
            at = after_blocks(at + 11 + table(gif[at + 9]))
    return table(gif[10]) > 0, local


def test_a_gif_has_every_frame_at_the_size_and_speed_asked_for(tmp_path):
    frames = sliding(12)
    made = export_walk(frames, tmp_path / "a.gif", "GIF", 80, fps=20)
    pictures, durations = read(made.path)
    assert np.array_equal(pictures, enlarge(frames, 72))
    assert durations == [50] * 12
    assert (made.size, made.frames, made.bytes, made.given_up) == (72, 12, made.path.stat().st_size, {})


def test_a_gif_has_one_palette_for_all_frames_and_none_of_their_own(tmp_path):
    for limit in (None, 30_000):
        export_walk(noisy_faces(12, 48), tmp_path / "a.gif", "GIF", 48, 20, limit)
        assert colour_tables((tmp_path / "a.gif").read_bytes()) == (True, 0)


def test_a_webp_has_every_frame_in_high_quality_where_no_limit_is_set(tmp_path):
    frames = sliding(6)
    pictures, durations = read(export_walk(frames, tmp_path / "a.webp", "WebP", 96, fps=20).path)
    assert np.abs(pictures.astype(int) - enlarge(frames, 96)).mean() < 3
    assert durations == [50] * 6


def test_an_mp4_has_every_frame_and_starts_with_the_first_face(tmp_path):
    frames = sliding(30, 48)
    made = export_walk(frames, tmp_path / "a.mp4", "MP4", 96, fps=24)
    pictures, seconds = read_mp4(made.path)
    assert pictures.shape == (30, 96, 96, 3)
    assert seconds == pytest.approx(30 / 24, abs=0.01)
    assert np.abs(pictures[0].astype(int) - enlarge(frames[0], 96)).mean() < 2


@pytest.mark.parametrize("fps", [1, 7, 12, 24, 30, 50])
def test_the_whole_takes_the_time_asked_for_in_every_format(tmp_path, fps):
    frames = sliding(20)
    for format, unit in (("GIF", 10), ("WebP", 1)):
        _, durations = read(export_walk(frames, tmp_path / "a", format, 24, fps).path)
        assert len(durations) == 20
        assert sum(durations) == pytest.approx(20_000 / fps, abs=unit / 2)
        assert max(durations) - min(durations) <= unit
        assert min(durations) >= 20  # less, and browsers make it a tenth of a second
    _, seconds = read_mp4(export_walk(frames, tmp_path / "a", "MP4", 24, fps).path)
    assert seconds == pytest.approx(20 / fps, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("frames", "limit"), [(30, 500_000), pytest.param(120, 2_000_000, marks=pytest.mark.long)], ids=["30", "120"]
)
def test_two_megabytes_for_120_frames_are_enough_for_noisy_ones_at_768_pixels(tmp_path, frames, limit, format):
    made = export_walk(noisy_faces(frames, 96), tmp_path / "a", format, 768, 20, limit)
    assert (tmp_path / "a").stat().st_size == made.bytes <= limit
    assert made.bytes > limit / 5  # nor is more given up than need be
    assert made.given_up
    if format == "MP4":
        pictures, seconds = read_mp4(made.path)
    else:
        pictures, durations = read(made.path)
        seconds = sum(durations) / 1000
    assert pictures.shape == (made.frames, made.size, made.size, 3)
    assert seconds == pytest.approx(frames / 20, abs=0.01)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("limit", [150_000, 40_000, 15_000])
def test_a_limit_always_holds_and_the_time_stays(tmp_path, format, limit):
    made = export_walk(noisy_faces(31, 48), tmp_path / "a", format, 192, 10, limit)
    assert (tmp_path / "a").stat().st_size == made.bytes <= limit
    if format == "MP4":
        pictures, seconds = read_mp4(made.path)
    else:
        pictures, durations = read(made.path)
        seconds = sum(durations) / 1000
    assert len(pictures) == made.frames
    assert seconds == pytest.approx(3.1, abs=0.01)


@pytest.fixture(scope="module", params=("portraits-96", "micah-96"))
def walk_of_faces(request) -> np.ndarray:
    generator = load_generator(ROOT / "checkpoints" / request.param)
    return render_walk(generator, latents([0, 1, 2], generator.latent_dim), 32)


@pytest.mark.parametrize(
    ("format", "limit", "scaling"),
    [("GIF", 250_000, "pixels"), ("GIF", 500_000, "smooth"), ("WebP", 100_000, "smooth"), ("MP4", 50_000, "smooth")],
)
def test_a_limit_that_is_met_is_used(format, limit, scaling, walk_of_faces, tmp_path):
    assert export_walk(walk_of_faces, tmp_path / "free", format, 384, 20, scaling=scaling).bytes > limit
    made = export_walk(walk_of_faces, tmp_path / "a", format, 384, 20, limit, scaling=scaling)
    assert 0.85 * limit <= made.bytes == (tmp_path / "a").stat().st_size <= limit, made


def test_of_all_that_fits_that_is_written_of_which_least_is_missing():
    ways = forms("GIF", [384, 288, 192, 96], 48, 20, 10)
    assert next(iter(ways.items())) == (Form(384, 256), 0)
    taken = {way: round(4e6 * way.size / 384 * way.quality / 256 / way.stride) for way in ways}
    form, written = first_that_fits(ways, taken.__getitem__, lambda way: taken[way] / 3, 1_000_000)
    assert written == taken[form] > 850_000
    assert all(taken[way] > 1_000_000 for way in ways if ways[way] < ways[form] - 0.25)


def test_more_frames_a_second_than_are_seen_go_first():
    every_second = Form(96, 256, 2)
    assert list(forms("GIF", [96], 240, 50, 5))[1] == every_second
    assert cost("GIF", every_second, 96, 50, 5) < 0.1 < 0.8 < cost("GIF", every_second, 96, 20, 5)
    assert cost("GIF", every_second, 96, 20, 12) > 2, "what moves much is jerky sooner"


def test_a_limit_that_is_kept_anyway_changes_nothing(tmp_path):
    for format in FORMATS:
        free = export_walk(sliding(8), tmp_path / "free", format, 96, 20)
        kept = export_walk(sliding(8), tmp_path / "kept", format, 96, 20, 2_000_000)
        assert (kept.given_up, kept.size) == ({}, free.size)
        assert (tmp_path / "kept").read_bytes() == (tmp_path / "free").read_bytes()


def test_what_was_given_up_is_said(tmp_path):
    made = export_walk(noisy_faces(31, 48), tmp_path / "a", "GIF", 192, 10, 20_000)
    assert set(made.given_up) == {"size", "colours", "stride"}
    assert (made.given_up["size"], made.given_up["stride"]) == (made.size, round(31 / made.frames))
    made = export_walk(noisy_faces(31, 48), tmp_path / "a", "WebP", 192, 10, 250_000)
    assert made.given_up["quality"] < 100


def test_a_limit_that_nothing_fits_leaves_no_file(tmp_path):
    for format in FORMATS:
        with pytest.raises(InputError, match="100 bytes: the smallest file is"):
            export_walk(noisy_faces(8, 24), tmp_path / "a", format, 24, 20, 100)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", FORMATS)
def test_metadata_travels_with_the_file_limited_or_not(tmp_path, format):
    for limit in (None, 20_000):
        export_walk(noisy_faces(12, 48), tmp_path / "a", format, 96, 20, limit, metadata="seeds 7 & 42, <ä>")
        assert read_metadata(tmp_path / "a") == "seeds 7 & 42, <ä>"


@pytest.mark.parametrize(
    ("change", "named"),
    [({"format": "AVI"}, "AVI"), ({"fps": 0}, "0 frames a second"), ({"fps": 51}, "51 frames a second")],
)
def test_what_cannot_be_written_is_refused_by_name(tmp_path, change, named):
    with pytest.raises(ValueError, match=named):
        export_walk(sliding(4), **{"path": tmp_path / "a", "format": "GIF", "size": 96, "fps": 20} | change)


def test_an_mp4_of_odd_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match="even"):
        export_walk(sliding(4, 25), tmp_path / "a", "MP4", 25, 20)


def test_a_download_tells_what_it_is():
    assert file_name("adventurer-96", [7, 42, 99], 48, "GIF") == "adventurer-96_seed-7-42-99_48f.gif"
    assert file_name("adventurer-96", [7, 42], 24, "MP4", walks=9) == "adventurer-96_grid-9_seed-7-42_24f.mp4"
    assert file_name("alice/faces@epoch-0003", [1, 2], 8, "WebP") == "alice-faces-epoch-0003_seed-1-2_8f.webp"


def test_the_name_of_a_download_is_safe_and_of_bounded_length():
    name = file_name("../../\x00é " + "x" * 300, [2_000_000_000 + i for i in range(12)], 240, "WebP", walks=16)
    assert re.fullmatch(r"x+_grid-16_seed-2000000000-.*-and-\d-more_240f\.webp", name)
    assert len(name) <= 150
    assert file_name("...", [1, 2], 8, "GIF") == "faces_seed-1-2_8f.gif"


@pytest.mark.parametrize(("format", "size"), [("GIF", 101), ("WebP", 101), ("MP4", 100)])
def test_a_smooth_file_has_just_the_size_that_was_asked_for(format, size, tmp_path):
    made = export_walk(sliding(4), tmp_path / "a", format, 101, 20, scaling="smooth")
    assert (made.size, made.given_up) == (size, {})
    if format == "MP4":
        with av.open(tmp_path / "a") as video:
            assert (video.streams.video[0].width, video.streams.video[0].height) == (100, 100)
    else:
        frames, _ = read(tmp_path / "a")
        assert frames[0].shape == (101, 101, 3)
        for drawn, frame in zip(sliding(4), frames, strict=True):
            wanted = np.asarray(Image.fromarray(drawn).resize((101, 101), Image.Resampling.LANCZOS), np.int16)
            assert np.abs(frame - wanted).mean() < (2.5 if format == "WebP" else 4)


def test_a_smooth_file_that_has_to_be_smaller_falls_back_to_simple_fractions_of_its_own_size(tmp_path):
    frames = noisy_faces(20, 24)
    made = export_walk(frames, tmp_path / "a.gif", "GIF", 110, 20, limit_bytes=60_000, scaling="smooth")
    assert made.bytes <= 60_000
    assert made.given_up["size"] in (96, 84, 72, 60, 48, 42, 36, 30, 24)


def test_a_smooth_file_is_never_smaller_than_what_was_drawn(tmp_path):
    assert export_walk(sliding(4, 128), tmp_path / "a.gif", "GIF", 96, 20, scaling="smooth").size == 128
