from functools import cache

import numpy as np
import pytest
import torch

from dcgan.checkpoints import load_generator
from dcgan.gallery.walks import METHODS, MODES, render_grid_walk, render_walk
from dcgan.images import grid
from dcgan.latents import along, latents, slerp
from dcgan.models import Generator
from dcgan.sampling import faces, render
from support.paths import ADVENTURER

pytestmark = pytest.mark.slow

SEED_SETS = ([7, 42], [99, 5, 1000], [3, 14, 15, 92, 65])


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load_generator(ADVENTURER).eval()


@pytest.fixture(scope="module")
def tiny() -> Generator:
    torch.manual_seed(0)
    return Generator(latent_dim=8, image_size=24, feature_maps=4).eval()


@pytest.fixture(scope="module")
def walk(generator):
    """The bundled checkpoint's walk through seeds, drawn once for all tests."""

    @cache
    def drawn(seeds: tuple[int, ...], frames: int, mode: str = "loop", method: str = "slerp") -> np.ndarray:
        return render_walk(generator, latents(list(seeds), 100), frames, mode, method)

    return drawn


def steps(pictures: np.ndarray, closed: bool) -> np.ndarray:
    """Root mean square distances of neighbours, at full size, where the code measures smaller pictures."""
    following = np.concatenate([pictures[1:], pictures[:1]]) if closed else pictures[1:]
    differences = following - pictures[: len(following)].astype(np.float32)
    return np.sqrt(np.square(differences).mean(axis=(1, 2, 3)))


def unevenness(pictures: np.ndarray, mode: str) -> float:
    measured = steps(pictures, closed=mode != "open")
    return measured.max() / np.median(measured)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seeds", SEED_SETS, ids=str)
def test_no_step_of_a_walk_is_much_larger_than_the_others(walk, seeds, method, mode):
    assert unevenness(walk(tuple(seeds), 60, mode, method), mode) < 1.6  # up to 1.5 was seen, of 24 to 240 frames
    assert (
        unevenness(walk(tuple(seeds), 8, mode, method), mode) < 2
    )  # frames this far apart say less of what lies between


def test_a_walk_is_much_more_even_than_equal_steps_between_latents(generator, walk):
    for seeds in SEED_SETS:
        path = along(latents(seeds, 100), np.linspace(0, len(seeds) - 1, 60))
        assert unevenness(walk(tuple(seeds), 60, "open"), "open") < 0.7 * unevenness(render(generator, path), "open")


def test_a_walk_never_stands_still(walk):
    for mode in MODES:
        measured = steps(walk((99, 5, 1000), 60, mode), closed=mode != "open")
        assert measured.min() > 0.5 * np.median(measured)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("frames", [2, 7, 60])
def test_frame_0_is_bit_for_bit_the_still_of_its_seed(generator, walk, frames, mode):
    pictures = walk((99, 5, 1000), frames, mode)
    assert (pictures.shape, pictures.dtype) == ((frames, 96, 96, 3), np.uint8)
    assert np.array_equal(pictures[0], faces(generator, [99])[0])


def test_an_open_walk_ends_on_the_last_still(generator, walk):
    assert np.array_equal(walk((99, 5, 1000), 60, "open")[-1], faces(generator, [1000])[0])


@pytest.mark.parametrize("mode", MODES)
def test_every_keyframe_is_among_the_frames_where_there_are_enough(generator, walk, mode):
    shown = {picture.tobytes() for picture in walk((99, 5, 1000), 60, mode)}
    assert {still.tobytes() for still in faces(generator, [99, 5, 1000])} <= shown


def test_a_ping_pong_returns_through_the_same_pictures_and_shows_its_ends_once(generator, walk):
    pictures = walk((99, 5, 1000), 60, "ping-pong")
    assert np.array_equal(pictures[31:], pictures[29:0:-1])
    assert np.array_equal(pictures[30], faces(generator, [1000])[0])
    assert len({picture.tobytes() for picture in pictures}) == 31


def test_an_odd_ping_pong_has_one_step_more_on_the_way_there(generator, walk):
    assert np.array_equal(walk((99, 5, 1000), 7, "ping-pong")[4], faces(generator, [1000])[0])


def test_a_loop_of_two_faces_turns_at_the_second_halfway(generator, walk):
    pictures = walk((7, 42), 60)
    assert np.array_equal(pictures[30], faces(generator, [42])[0])
    assert np.array_equal(pictures[31:], pictures[29:0:-1])


def test_slerp_and_linear_go_different_ways_between_the_same_faces(walk):
    arc, line = walk((7, 42), 60, "open", "slerp"), walk((7, 42), 60, "open", "linear")
    assert np.array_equal(arc[[0, -1]], line[[0, -1]])
    assert not np.array_equal(arc[30], line[30])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seeds", [[1, 1, 2], [1, 2, 2, 2, 3], [1, 2, 1], [1, 2, 3, 1]], ids=str)
def test_a_face_twice_in_a_row_is_no_place_to_wait(tiny, seeds, mode):
    pictures = render_walk(tiny, latents(seeds, 8), 24, mode)
    closed = mode != "open"
    assert np.array_equal(pictures[0], faces(tiny, [1])[0])
    assert steps(pictures, closed).min() > 0


def test_a_walk_from_a_face_to_itself_stands_still(tiny):
    assert np.array_equal(render_walk(tiny, latents([3, 3], 8), 5), faces(tiny, [3]).repeat(5, axis=0))


@pytest.mark.parametrize("mode", MODES)
def test_twelve_keyframes_in_few_frames_still_make_a_walk(tiny, mode):
    assert render_walk(tiny, latents(list(range(12)), 8), 8, mode).shape == (8, 24, 24, 3)


@pytest.mark.parametrize("mode", MODES)
def test_progress_goes_up_with_the_pictures_and_ends_at_the_total(tiny, mode):
    told = []
    render_walk(tiny, latents([1, 2, 3], 8), 30, mode, progress=lambda done, total: told.append((done, total)))
    done, totals = zip(*told, strict=True)
    assert list(done) == sorted(set(done))
    assert len(done) > 5
    assert set(totals) == {done[-1]}


def test_progress_ends_at_the_total_also_where_there_is_no_way_to_measure(tiny):
    told = []
    render_walk(tiny, latents([3, 3], 8), 5, progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1]


def test_a_walk_is_measured_by_a_few_pictures_for_each_frame(tiny):
    totals = {}
    for frames in (8, 48, 240):
        told = []
        render_walk(tiny, latents([1, 2, 3], 8), frames, progress=lambda *pictures, told=told: told.append(pictures))
        totals[frames] = told[-1][1]
    assert totals[48] < 5 * 48
    assert totals[240] < 3 * 240


@pytest.mark.parametrize("count", [4, 9, 16])
def test_a_grid_is_that_many_walks_side_by_side_each_at_its_own_speed(tiny, count):
    keyframes = [latents([i, i + 50, i + 90], 8) for i in range(count)]
    alone = [render_walk(tiny, each, 10, "ping-pong") for each in keyframes]
    together = render_grid_walk(tiny, keyframes, 10, "ping-pong")
    assert np.array_equal(together, np.stack([grid(pictures) for pictures in np.stack(alone, axis=1)]))


def test_a_grid_of_one_is_the_walk_itself(tiny):
    keyframes = latents([1, 2], 8)
    assert np.array_equal(render_grid_walk(tiny, [keyframes], 6), render_walk(tiny, keyframes, 6))


def test_walks_of_a_grid_may_pass_different_numbers_of_faces(tiny):
    walks = [latents(seeds, 8) for seeds in ([1, 2], [3, 4, 5], [6, 7], [8, 8])]
    assert np.array_equal(render_grid_walk(tiny, walks, 7)[0], grid(faces(tiny, [1, 3, 6, 8])))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"frames": 1}, "1 frames"),
        ({"mode": "spiral"}, "spiral"),
        ({"method": "cubic"}, "cubic"),
        ({"keyframes": latents([1], 8)}, "2 to 12 .* are 1"),
        ({"keyframes": latents(list(range(13)), 8)}, "2 to 12 .* are 13"),
        ({"keyframes": latents([1, 2], 9)}, r"\(K, 8\)"),
        ({"keyframes": slerp(*latents([1, 2], 8), 0.5)}, r"\(K, 8\)"),
    ],
)
def test_a_walk_that_cannot_be_is_refused_by_name(tiny, change, named):
    with pytest.raises(ValueError, match=named):
        render_walk(tiny, **{"keyframes": latents([1, 2], 8), "frames": 8} | change)


@pytest.mark.parametrize("count", [0, 2, 5, 25])
def test_other_numbers_of_walks_make_no_grid(tiny, count):
    with pytest.raises(ValueError, match=f"{count} walks"):
        render_grid_walk(tiny, [latents([1, 2], 8)] * count, 8)
