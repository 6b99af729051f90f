import numpy as np
import pytest

from dcgan.evaluation import nearest
from dcgan.evaluation.nearest import nearest_pictures, spread
from support.pictures import SIZE, avatar


@pytest.fixture(scope="module")
def avatars() -> np.ndarray:
    return np.stack([np.asarray(avatar(index, SIZE)) for index in range(12)])


def test_an_exact_copy_is_its_own_nearest_at_distance_0(avatars):
    distances, rows = nearest_pictures(avatars[[7, 3]], avatars)
    assert rows.tolist() == [7, 3]
    assert distances.tolist() == [0, 0]


def test_a_copy_under_dust_is_found_and_is_not_at_0(avatars):
    dust = np.random.default_rng(0).normal(0, 12, avatars.shape)
    distances, rows = nearest_pictures((avatars + dust).clip(0, 255).astype(np.uint8), avatars)
    assert rows.tolist() == list(range(12))
    assert np.all((distances > 0) & (distances < 12))


def test_distances_are_in_grey_levels(avatars):
    black, grey = np.zeros_like(avatars[:1]), np.full_like(avatars[:1], 40)
    assert nearest_pictures(grey, black)[0] == pytest.approx(40)


def test_a_picture_is_not_its_own_neighbour_where_its_row_is_given(avatars):
    _, rows = nearest_pictures(avatars, avatars, own_rows=np.arange(12))
    assert not np.any(rows == np.arange(12))
    doubled = np.concatenate([avatars, avatars[:1]])
    assert nearest_pictures(doubled[:1], doubled, own_rows=np.array([0]))[1] == 12
    assert nearest_pictures(avatars[:2], avatars, own_rows=np.array([-1, 1]))[1].tolist()[0] == 0


def test_a_large_set_is_searched_to_its_end(avatars, monkeypatch):
    whole = nearest_pictures(avatars, avatars, own_rows=np.arange(12))
    monkeypatch.setattr(nearest, "CHUNK", 5)
    in_parts = nearest_pictures(avatars, avatars, own_rows=np.arange(12))
    assert np.array_equal(whole[1], in_parts[1])
    assert np.array_equal(whole[0], in_parts[0])


def test_the_same_face_again_and_again_has_no_spread(avatars):
    assert spread(avatars[:1].repeat(9, axis=0)) == pytest.approx(0, abs=0.1)
    assert spread(avatars) > 10
    assert spread(avatars[:6].repeat(2, axis=0)) < spread(avatars)


def test_spread_is_the_mean_distance_of_two():
    shades = np.stack([np.full((SIZE, SIZE, 3), shade, np.uint8) for shade in (0, 30, 90)])
    assert spread(shades) == pytest.approx((30 + 60 + 90) / 3, rel=1e-3)
