import json
import math

import pytest
import torch
from torch.nn import functional as F

from dcgan import faces
from dcgan.checkpoints import load_generator, snapshot_names
from dcgan.data import load_pictures
from dcgan.training import health
from dcgan.training.health import Health, Reading, best_of, compare, fell_apart, not_finite
from support.paths import ADVENTURER


@pytest.fixture(scope="module")
def pixels():
    pictures = load_pictures("avatars:adventurer", 24, 200)
    return pictures.batch(torch.arange(200))


@pytest.fixture(scope="module")
def reals(pixels):
    return pixels[:100]


def blurred(pixels):
    small = F.avg_pool2d(pixels.permute(0, 3, 1, 2).float(), 2)
    return F.interpolate(small, scale_factor=2, mode="bilinear").permute(0, 2, 3, 1).round().to(torch.uint8)


def dusty(pixels, sigma):
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0)) * sigma
    return (pixels + noise).clamp(0, 255).round().to(torch.uint8)


# What the faces say


def test_other_pictures_of_the_same_kind_are_no_distance_away_and_as_diverse(pixels, reals):
    reading = compare(reals, pixels[100:])
    assert abs(reading.distance) < 0.02
    assert reading.diversity == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("count", [1, 2, 4, 10])
def test_a_few_pictures_again_and_again_are_about_one_over_their_number_away(count, pixels, reals):
    reading = compare(reals, pixels[100 : 100 + count].repeat(100 // count, 1, 1, 1))
    assert reading.distance == pytest.approx(1 / count, rel=0.4)
    assert reading.diversity == pytest.approx(1 - 1 / count, abs=0.15)


def test_blur_and_dust_that_eyes_see_are_some_distance_away(pixels, reals):
    far = [compare(reals, dusty(pixels[100:], sigma)).distance for sigma in (0, 3, 6, 12)]
    assert far == sorted(far)
    assert far[2] > 0.1
    assert compare(reals, blurred(pixels[100:])).distance > 0.05


def test_pictures_of_one_plain_colour_can_be_compared(reals):
    plain = torch.full((4, 24, 24, 3), 200, dtype=torch.uint8)
    assert compare(plain, plain) == Reading(0, 0)
    assert all(map(math.isfinite, vars(compare(plain, reals)).values()))


@pytest.mark.parametrize("size", [24, 32, 48, 64, 96, 128, 192, 256])
def test_pictures_of_every_size_can_be_compared(size):
    pixels = torch.randint(0, 256, (3, size, size, 3), dtype=torch.uint8)
    assert compare(pixels, pixels.flip(0)).diversity == pytest.approx(1, abs=1e-3)


def test_the_first_snapshot_of_the_bundled_checkpoint_is_far_behind_its_last():
    bundled = ADVENTURER
    reals = load_pictures("avatars:adventurer", 96, 100).batch(torch.arange(100))
    first, *_, last = snapshot_names(bundled)
    drawn = [torch.from_numpy(faces(load_generator(bundled, name), list(range(64)))) for name in (first, last)]
    early, late = (compare(reals, each) for each in drawn)
    assert early.distance > 1.5 * late.distance


def test_faces_fall_apart_only_from_where_they_were_good():
    assert fell_apart(Reading(2.0, 0.0), Health()) is None
    assert fell_apart(Reading(2.0, 0.0), Health(lowest=1.1)) is None  # a young run wavers
    assert fell_apart(Reading(0.35, 0.5), Health(lowest=0.12, widest=0.9)) is None
    assert fell_apart(Reading(0.98, 0.01), Health(lowest=0.12)) == (
        "the faces fell apart (distance to the pictures 0.98 after 0.12, diversity 0.01)"
    )


def test_faces_that_become_alike_before_they_were_good_are_told():
    assert fell_apart(Reading(1.07, 0.18), Health(lowest=1.05, widest=0.34)) is None
    assert fell_apart(Reading(1.07, 0.10), Health(lowest=1.05, widest=0.34)) == (
        "the faces became alike (diversity 0.10 after 0.34)"
    )


def test_the_first_grey_of_a_run_that_draws_nothing_yet_is_no_collapse():
    assert fell_apart(Reading(1.82, 0.04), Health(lowest=1.65, widest=0.14)) is None


def test_the_best_is_the_nearest_and_the_newest_where_all_are_hopeless():
    assert best_of({"a": 0.3, "b": 0.2, "c": 0.25}) == "b"
    assert best_of({"a": 1.5, "b": 1.8}) == "b"
    assert best_of({"a": 0.2, "b": 0.2}) == "b"
    assert best_of({"a": 0.9, "b": 1.8}) == "a"
    assert best_of({}) is None


def test_of_distances_that_chance_alone_sets_apart_the_last_one_is_the_best():
    assert best_of({"a": 0.3, "b": 0.0123, "c": 0.0125}) == "c"
    assert best_of({"a": 0.0123, "b": 0.0125, "c": 0.02}) == "b"


# What the tensors and losses say


def test_a_tensor_with_a_value_that_is_no_number_is_named():
    tensors = {"rng": torch.zeros(2, dtype=torch.uint8), "a": torch.ones(2)}
    assert not_finite(tensors) is None
    for bad in (math.nan, math.inf, -math.inf):
        assert not_finite(tensors | {"b": torch.tensor([0, bad])}) == "b holds values that are no numbers"


def losses(*values):
    return [{"loss_d": value, "loss_g": -value, "d_real": 0.5} for value in values]


def test_losses_that_move_are_no_trouble():
    assert Health().after(losses(*(i / 1000 for i in range(2000)))).trouble is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_trouble_for_good(bad):
    seen = Health().after([*losses(1, 2), {"loss_g": bad}, *losses(3, 4)])
    assert seen.trouble == f"loss_g is {bad}"
    json.dumps(seen.to_dict(), allow_nan=False)


def test_a_loss_that_stands_still_is_trouble_though_the_other_moves(monkeypatch):
    monkeypatch.setattr(health, "FROZEN_STEPS", 5)
    steps = [{"loss_d": 2.0, "loss_g": i} for i in range(6)]
    assert Health().after(steps[:5]).trouble is None
    assert Health().after(steps).trouble == "loss_d has stood at 2 for 5 updates"


def test_a_step_without_a_loss_neither_breaks_nor_makes_its_standing_still(monkeypatch):
    monkeypatch.setattr(health, "FROZEN_STEPS", 5)
    steps = [{"loss_d": 2.0}, {}] * 6
    assert Health().after(steps[:10]).trouble is None
    assert Health().after(steps).trouble


def test_a_watch_that_went_through_a_file_halfway_sees_the_same(monkeypatch):
    monkeypatch.setattr(health, "FROZEN_STEPS", 8)
    steps = losses(0.1, 0.7, *[1 / 3] * 7, 0.2)
    for steps_seen in (steps, losses(*[0.3] * 10), [*losses(1), {"loss_d": math.nan}, *losses(2)]):
        for cut in range(len(steps_seen)):
            half = Health(lowest=0.1, tries=2).after(steps_seen[:cut])
            half = Health(**json.loads(json.dumps(half.to_dict())))
            assert half.after(steps_seen[cut:]) == Health(lowest=0.1, tries=2).after(steps_seen)


def test_a_good_state_lowers_the_bar_and_ends_the_tries():
    seen = Health(tries=2).after_good_state(Reading(0.3, 0.5))
    assert (seen.lowest, seen.widest, seen.tries) == (0.3, 0.5, 0)
    worse, better = (seen.after_good_state(Reading(*values)) for values in ((0.4, 0.4), (0.2, 0.6)))
    assert (worse.lowest, worse.widest) == (0.3, 0.5)
    assert (better.lowest, better.widest) == (0.2, 0.6)
    assert seen.after_good_state(None) == seen
