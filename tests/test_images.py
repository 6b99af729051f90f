from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
import torch
from PIL import Image

from dcgan.errors import InputError
from dcgan.images import (
    check_colours,
    enlarge,
    grid,
    save_gif,
    save_mp4,
    save_png,
    save_webp,
    scaled,
    to_float,
    to_uint8,
)


def stripes(count: int, side: int = 24) -> np.ndarray:
    """Frames that all differ, in few enough colours for a GIF to be exact."""
    frames = np.full((count, side, side, 3), 255, np.uint8)
    for i, frame in enumerate(frames):
        frame[:, i % side] = (200, 30 * (i % 5), 0)
    return frames


def test_pixels_are_rounded_and_clamped():
    images = torch.tensor([-2, -1, -0.999, 0, 0.999, 1, 2]).view(1, 1, 1, 7).expand(1, 3, 1, 7)
    assert to_uint8(images)[0, 0, :, 0].tolist() == [0, 0, 0, 128, 255, 255, 255]


def test_every_pixel_value_survives_the_way_to_floats_and_back():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).expand(1, 16, 16, 3)
    images = to_float(pixels)
    assert images.shape == (1, 3, 16, 16)
    assert (images.min(), images.max()) == (-1, 1)
    assert np.array_equal(to_uint8(images), pixels.numpy())


def test_grey_images_become_three_channels():
    assert to_uint8(torch.zeros(2, 1, 4, 4)).shape == (2, 4, 4, 3)


@pytest.mark.parametrize(("size", "side"), [(24, 24), (47, 24), (48, 48), (100, 96), (5, 24)])
def test_enlarging_takes_the_largest_whole_multiple_that_fits(size, side):
    assert enlarge(stripes(2), size).shape == (2, side, side, 3)


def test_enlarging_keeps_pixels_sharp():
    frame = stripes(1)[0]
    assert np.array_equal(enlarge(frame, 72)[::3, ::3], frame)
    assert np.array_equal(enlarge(frame, 72)[1::3, 2::3], frame)


def test_a_grid_holds_each_picture_in_its_place_on_white():
    sheet = grid(np.zeros((5, 10, 10, 3), np.uint8), columns=3)
    assert sheet.shape == (26, 38, 3)
    assert not sheet[2:12, 2:12].any()
    assert not sheet[14:24, 14:24].any()
    assert (sheet[14:24, 26:36] == 255).all()


@pytest.mark.parametrize(("count", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (5, 2, 3), (9, 3, 3), (10, 3, 4)])
def test_a_grid_is_nearly_a_square_and_is_read_row_by_row(count, rows, columns):
    pictures = np.stack([np.full((4, 6, 3), number, np.uint8) for number in range(count)])
    sheet = grid(pictures, gap=1)
    assert sheet.shape == (5 * rows + 1, 7 * columns + 1, 3)
    places = sheet[2::5, 3::7, 0].ravel()[:count]
    assert places.tolist() == list(range(count))


@pytest.mark.parametrize(
    ("size", "scaling", "side"), [(60, "pixels", 48), (60, "smooth", 60), (24, "smooth", 24), (10, "smooth", 24)]
)
def test_pictures_are_scaled_in_whole_steps_or_smoothly_to_any_size_and_never_down(size, scaling, side):
    frames = stripes(2)
    large = scaled(frames, size, scaling)
    assert large.shape == (2, side, side, 3)
    colours = {tuple(colour) for colour in large.reshape(-1, 3)}
    assert (len(colours) > 10) == (side == 60)  # between those that were there


def test_a_png_read_back_is_the_same(tmp_path):
    save_png(stripes(1)[0], tmp_path / "a")
    with Image.open(tmp_path / "a") as png:
        assert png.format == "PNG"
        assert np.array_equal(np.asarray(png), stripes(1)[0])


def png_note(path: Path) -> str | None:
    with Image.open(path) as png:
        return png.info.get("Comment")


def gif_note(path: Path) -> str | None:
    with Image.open(path) as gif:
        return gif.info.get("comment", b"").decode() or None


def webp_note(path: Path) -> str | None:
    with Image.open(path) as webp:
        xmp = webp.info.get("xmp")
        return xmp and ElementTree.fromstring(xmp).findtext(".//{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li")


def mp4_note(path: Path) -> str | None:
    with av.open(path) as video:
        return video.metadata.get("comment")


@pytest.mark.parametrize(
    ("save", "read"),
    [
        (lambda path, **note: save_png(stripes(1)[0], path, **note), png_note),
        (lambda path, **note: save_gif(stripes(2), path, 50, **note), gif_note),
        (lambda path, **note: save_webp(stripes(2), path, 50, **note), webp_note),
        (lambda path, **note: save_mp4(stripes(2), path, 20, **note), mp4_note),
    ],
    ids=["PNG", "GIF", "WebP", "MP4"],
)
def test_a_note_stands_where_other_programs_look_for_it(save, read, tmp_path):
    note = 'kind=faces&seed=7 <a> "b" 脸'
    save(tmp_path / "a", note=note)
    assert read(tmp_path / "a") == note
    save(tmp_path / "a")
    assert read(tmp_path / "a") is None


def test_a_gif_has_the_frames_colours_and_durations_asked_for(tmp_path):
    frames = stripes(12)
    save_gif(frames, tmp_path / "a.gif", 50)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 12
        assert gif.info["loop"] == 0
        for i, frame in enumerate(frames):
            gif.seek(i)
            assert gif.info["duration"] == 50
            assert np.array_equal(np.asarray(gif.convert("RGB")), frame)


def test_a_gif_has_one_palette_for_all_frames(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), dtype=np.uint8)
    save_gif(noise, tmp_path / "a.gif", 50)
    colours = set()
    with Image.open(tmp_path / "a.gif") as gif:
        for i in range(4):
            gif.seek(i)
            colours |= {tuple(c) for c in np.asarray(gif.convert("RGB")).reshape(-1, 3)}
    assert len(colours) <= 256


def test_a_gif_is_enlarged_to_sharp_squares_unless_it_is_to_be_smooth(tmp_path):
    frames = stripes(2)
    for scaling, off in (({}, 0), ({"scaling": "pixels"}, 0), ({"scaling": "smooth"}, 3)):
        save_gif(frames, tmp_path / "a", 50, size=60, **scaling)
        large = scaled(frames, 60, scaling.get("scaling", "pixels"))
        with Image.open(tmp_path / "a") as gif:
            assert gif.format == "GIF"
            assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - large[0]).mean() <= off


def test_the_colours_of_a_gif_are_chosen_while_it_is_small(monkeypatch, tmp_path):
    """At 768 pixels a side that takes seconds."""
    sizes, quantize = [], Image.Image.quantize

    def noted(image: Image.Image, *arguments, **options) -> Image.Image:
        sizes.append(image.size)
        return quantize(image, *arguments, **options)

    monkeypatch.setattr(Image.Image, "quantize", noted)
    save_gif(stripes(2), tmp_path / "a", 50, size=60)
    assert sizes == [(24, 48)]


@pytest.mark.parametrize("scaling", ["pixels", "smooth"])
def test_a_gif_has_as_few_colours_as_asked_for_and_no_dither(scaling, tmp_path):
    """Dither would crawl from frame to frame; it goes from left to right, so that nothing stays symmetric."""
    half = np.random.default_rng(0).integers(0, 256, (3, 24, 12, 3), dtype=np.uint8)
    frames = np.concatenate([half, half[:, :, ::-1]], axis=2)
    save_gif(frames, tmp_path / "a", 50, colours=8, size=72, scaling=scaling)
    colours = set()
    with Image.open(tmp_path / "a") as gif:
        for i in range(3):
            gif.seek(i)
            frame = np.asarray(gif.convert("RGB"))
            assert np.array_equal(frame, frame[:, ::-1])
            colours |= {tuple(colour) for colour in frame.reshape(-1, 3)}
    assert 1 < len(colours) <= 8


@pytest.mark.parametrize("scaling", ["pixels", "smooth"])
def test_the_table_of_a_gif_has_no_colours_that_no_frame_has(scaling, tmp_path):
    """Each of them would take time in every frame."""
    frames = np.kron([[[[250], [40]]], [[[30], [120]]]], np.ones((1, 24, 12, 3))).astype(np.uint8)
    save_gif(frames, tmp_path / "a", 50, size=72, scaling=scaling)
    with Image.open(tmp_path / "a") as gif:
        assert len(gif.getpalette()) == 4 * 3


def test_a_gif_can_hold_each_frame_for_its_own_time(tmp_path):
    save_gif(stripes(3), tmp_path / "a.gif", [100, 200, 900])
    with Image.open(tmp_path / "a.gif") as gif:
        durations = []
        for i in range(3):
            gif.seek(i)
            durations.append(gif.info["duration"])
    assert durations == [100, 200, 900]


def test_a_webp_has_every_frame_nearly_as_it_was(tmp_path):
    frames = stripes(6)
    save_webp(frames, tmp_path / "a", [50, 60, 70, 80, 90, 100])
    with Image.open(tmp_path / "a") as webp:
        assert (webp.format, webp.n_frames, webp.info["loop"]) == ("WEBP", 6, 0)
        for i, frame in enumerate(frames):
            webp.seek(i)
            webp.load()
            assert webp.info["duration"] == 50 + 10 * i
            assert np.abs(np.asarray(webp.convert("RGB")).astype(int) - frame).mean() < 4


def test_an_mp4_is_h264_that_every_browser_plays(tmp_path):
    frames = enlarge(stripes(10), 96)
    save_mp4(frames, tmp_path / "a", 20)
    with av.open(tmp_path / "a") as video:
        assert "mp4" in video.format.name
        stream = video.streams.video[0]
        decoded = [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 20
    assert len(decoded) == 10
    assert np.abs(decoded[0].astype(int) - frames[0]).mean() < 1


@pytest.mark.parametrize(
    ("save", "better", "poorer"),
    [
        (lambda frames, path, **how: save_webp(frames, path, 50, **how), {}, {"quality": 20}),
        (lambda frames, path, **how: save_mp4(frames, path, 20, **how), {}, {"crf": 40}),
    ],
    ids=["WebP", "MP4"],
)
def test_a_poorer_quality_takes_less_room(save, better, poorer, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (4, 48, 48, 3), dtype=np.uint8)
    save(noise, tmp_path / "better", **better)
    save(noise, tmp_path / "poorer", **poorer)
    assert (tmp_path / "poorer").stat().st_size < 0.7 * (tmp_path / "better").stat().st_size


def test_the_first_colour_that_is_none_is_named():
    check_colours(["white", "#b6e3f4"])
    with pytest.raises(InputError, match="background 'nought' is no colour; use names or hex"):
        check_colours(["white", "nought", "#12345"])
