"""The face nearest to a picture: found where there is one, whatever file the picture comes in."""

from itertools import count

import numpy as np
import pytest
import torch
from PIL import Image

from dcgan import Generator
from dcgan.checkpoints import load_discriminator, load_generator
from dcgan.errors import InputError
from dcgan.expressions import parse, to_latent
from dcgan.gallery import LocalCatalog, Renderer, finding
from dcgan.gallery.finding import SEEDS_TRIED, find, picture_in
from dcgan.layout import BUNDLED
from dcgan.sampling import faces, render
from support.paths import ROOT
from support.pictures import png_that_says_it_is

FAR_AWAY = 5_000_000  # seeds that no search starts at


@pytest.fixture(scope="module")
def networks(trained_run):
    return load_generator(trained_run), load_discriminator(trained_run, torch.device("cpu"))


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(finding, "STEPS", 40)
    monkeypatch.setattr(finding, "SEEDS_TRIED", 64)


def test_a_generated_face_is_found_again_and_its_expression_draws_it(networks):
    generator, _ = networks
    nearest_seeds = faces(generator, list(range(SEEDS_TRIED))).astype(float)
    for picture in faces(generator, [FAR_AWAY, FAR_AWAY + 1]):
        first, *_, last = find(*networks, picture)
        assert first.distance == pytest.approx(np.abs(nearest_seeds - picture).mean((1, 2, 3)).min(), abs=0.1)
        assert last.distance < 2
        drawn = render(generator, to_latent(parse(last.face), {}, generator.latent_dim)[None])
        assert np.array_equal(drawn[0], last.pixels)
        assert np.abs(drawn[0].astype(float) - picture).mean() == pytest.approx(last.distance)


@pytest.mark.slow
def test_a_face_of_the_default_checkpoint_is_found_within_eight_grey_levels():
    folder = ROOT / "checkpoints" / BUNDLED[0]
    generator = load_generator(folder)
    [picture] = faces(generator, [FAR_AWAY])
    told = find(generator, load_discriminator(folder, torch.device("cpu")), picture, max_seconds=100)
    nearest_seed = next(told)
    assert any(nearer.distance < min(8, nearest_seed.distance / 2) for nearer in told)


def test_what_is_told_only_gets_better_and_ends_with_all_done(networks, short):
    picture = np.full((24, 24, 3), 200, np.uint8)
    told = list(find(*networks, picture))
    distances = [found.distance for found in told]
    assert distances == sorted(distances, reverse=True)
    assert [found.done for found in told] == [0, 0.5, 1]


def test_time_that_is_over_ends_the_search_with_what_there_is(networks):
    told = list(find(*networks, np.full((24, 24, 3), 200, np.uint8), max_seconds=0))
    assert [found.done for found in told] == [0, 1]


def test_a_slow_machine_takes_fewer_steps_and_comes_to_rest_all_the_same(networks, monkeypatch):
    clock = count()
    monkeypatch.setattr(finding, "monotonic", lambda: next(clock))
    [picture] = faces(networks[0], [FAR_AWAY])
    first, *_, last = find(*networks, picture, max_seconds=50)
    assert last.done == 1
    assert next(clock) == 51  # a second a step, of which there are 260 where they are quicker
    assert last.distance < first.distance


def test_a_checkpoint_without_a_discriminator_finds_by_pixels_alone(networks, short):
    [picture] = faces(networks[0], [FAR_AWAY])
    first, *_, last = find(networks[0], None, picture)
    assert last.distance < first.distance


def test_latents_that_are_too_long_to_be_written_are_refused():
    generator = Generator(latent_dim=513, image_size=24, feature_maps=2).eval()
    with pytest.raises(InputError, match="too long"):
        next(find(generator, None, np.zeros((24, 24, 3), np.uint8)))


def saved(path, picture: Image.Image, **options):
    picture.save(path, **options)
    return path


def test_a_picture_is_turned_upright_laid_on_white_and_cropped_to_its_middle(tmp_path):
    left_red = Image.new("RGB", (60, 20), "blue")
    left_red.paste("red", (0, 0, 30, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned = picture_in(saved(tmp_path / "a.jpg", left_red, exif=exif, quality=95), 20)
    assert turned.shape == (20, 20, 3)
    assert turned[0, 10, 0] > 200 > 50 > turned[0, 10, 2]  # red is above now
    assert turned[-1, 10, 2] > 200
    clear = picture_in(saved(tmp_path / "b.png", Image.new("RGBA", (30, 30), (0, 0, 0, 0))), 24)
    assert (clear == 255).all()


def test_of_an_animation_the_first_frame_is_taken(tmp_path):
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert tuple(picture_in(tmp_path / "a.gif", 24)[0, 0]) == (255, 0, 0)


def test_a_picture_of_fifty_megapixels_is_read(tmp_path):
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (10_000, 5_000), "green"))
    assert picture_in(path, 24).shape == (24, 24, 3)


@pytest.mark.parametrize(
    "content",
    [b"", b"Dear all,", b"<svg xmlns='http://www.w3.org/2000/svg'/>", png_that_says_it_is(100, 100)],
    ids=["empty", "text", "svg", "cut short"],
)
def test_a_file_that_is_no_picture_gets_a_sentence(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="no picture that can be read; choose one of PNG, JPEG"):
        picture_in(tmp_path / "a.png", 24)
    with pytest.raises(InputError, match="no picture"):
        picture_in(tmp_path / "gone.png", 24)


def test_a_snapshot_whose_discriminator_cannot_be_had_finds_all_the_same(trained_run, tmp_path, monkeypatch, short):
    catalog = LocalCatalog(trained_run, torch.device("cpu"))
    renderer = Renderer(catalog, tmp_path / "files")

    def gone(_):
        raise InputError("it is gone")

    monkeypatch.setattr(catalog, "discriminator", gone)
    path = saved(tmp_path / "a.png", Image.fromarray(faces(catalog.generator(), [FAR_AWAY])[0]))
    *_, (yours, last) = renderer.find("tiny", path)
    assert yours.shape == (24, 24, 3)
    assert last.done == 1
