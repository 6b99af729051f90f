import pytest
import torch

from dcgan.latents import SEEDS, along, latent, latents, seeds_from, slerp, walk


def test_a_latent_is_five_lines_of_anyones_pytorch():
    expected = torch.randn(100, generator=torch.Generator("cpu").manual_seed(42))
    assert torch.equal(latent(42, 100), expected)


def test_drawing_latents_leaves_the_global_random_numbers_alone():
    before = torch.random.get_rng_state()
    latents([1, 2, 3], 100)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_latent_is_the_same_in_any_company():
    assert torch.equal(latents([5, 6, 7], 10)[1], latent(6, 10))


@pytest.mark.parametrize("seed", [0, SEEDS - 1])
def test_the_smallest_and_the_largest_seed_work(seed):
    assert latent(seed, 4).shape == (4,)


@pytest.mark.parametrize("seed", [-1, SEEDS])
def test_a_seed_outside_the_range_is_refused(seed):
    with pytest.raises(ValueError, match=str(seed)):
        latent(seed, 4)


def test_consecutive_seeds_start_again_at_zero():
    assert seeds_from(SEEDS - 2, 4) == [SEEDS - 2, SEEDS - 1, 0, 1]


def test_slerp_is_exact_at_both_ends():
    for seed in range(20):
        start, end = latent(seed, 10), latent(seed + 1, 10)
        assert torch.equal(slerp(start, end, 0), start)
        assert torch.equal(slerp(start, end, 1), end)


def test_slerp_of_unit_vectors_stays_on_the_sphere_at_constant_angles():
    start, end = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    for t in (0.25, 0.5, 0.75):
        angle = torch.tensor(t * torch.pi / 2)
        torch.testing.assert_close(slerp(start, end, t), torch.stack([angle.cos(), angle.sin()]))


def test_slerp_between_any_directions_goes_at_a_constant_angle():
    start, end = torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.75**0.5])  # 60 degrees apart
    for t in (0.25, 0.5, 0.75):
        angle = torch.tensor(t * torch.pi / 3)
        torch.testing.assert_close(slerp(start, end, t), torch.stack([angle.cos(), angle.sin()]))


@pytest.mark.parametrize("factor", [1.0, 2.0, 3.0, -1.0, -2.0])
def test_slerp_between_parallel_latents_has_no_nan(factor):
    cosines = []
    for seed in range(20):  # of some of which the cosine is rounded to more than 1
        start = latent(seed, 100)
        assert slerp(start, factor * start, 0.5).isfinite().all()
        cosines.append(abs(torch.nn.functional.cosine_similarity(start, factor * start, dim=-1)))
    assert max(cosines) > 1


def test_a_walk_starts_and_ends_exactly_on_its_keyframes():
    keyframes = latents([1, 2, 3], 100)
    path = walk(keyframes, 9)
    assert path.shape == (9, 100)
    assert torch.equal(path[[0, 4, 8]], keyframes)


def test_a_closed_walk_passes_every_keyframe_and_ends_one_frame_short_of_the_first():
    keyframes = latents([1, 2, 3], 100)
    path = walk(keyframes, 12, closed=True)
    assert torch.equal(path[[0, 4, 8]], keyframes)
    torch.testing.assert_close(path[11], slerp(keyframes[2], keyframes[0], 0.75))


def test_a_walk_with_one_keyframe_stands_still():
    assert torch.equal(walk(latents([4], 10), 3), latent(4, 10).repeat(3, 1))


def test_a_walk_of_two_frames_is_its_ends():
    assert torch.equal(walk(latents([1, 2], 10), 2), latents([1, 2], 10))


def test_a_walk_of_one_frame_is_refused():
    with pytest.raises(ValueError, match="2 or more"):
        walk(latents([1, 2], 10), 1)


def test_along_is_exact_at_every_stop_and_a_slerp_between_them():
    stops = latents([1, 2, 3], 100)
    path = along(stops, [0, 1, 1.25, 2])
    assert torch.equal(path[[0, 1, 3]], stops)
    assert torch.equal(path[2], slerp(stops[1], stops[2], 0.25))


def test_along_can_go_straight():
    stops = latents([1, 2], 100)
    torch.testing.assert_close(along(stops, [0.5], torch.lerp)[0], stops.mean(dim=0))


@pytest.mark.parametrize("position", [-0.1, 2.1, float("nan")])
def test_along_has_no_positions_off_its_stops(position):
    with pytest.raises(ValueError, match="outside 0 to 2"):
        along(latents([1, 2, 3], 10), [position])
