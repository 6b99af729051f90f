import pytest
import torch

from dcgan.config import AUGMENTATIONS
from dcgan.training import World
from dcgan.training.augmentation import augment, color, cutout, draw_numbers, translation


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def augmented(images: torch.Tensor, policies, seed: int = 0) -> torch.Tensor:
    return augment(images, policies, draw_numbers(policies, len(images), rng(seed)))


def numbers(policy: str, count: int) -> torch.Tensor:
    return draw_numbers([policy], count, rng())[0]


@pytest.fixture
def images():
    return torch.rand(16, 3, 32, 32, generator=rng(9)) * 2 - 1


@pytest.mark.parametrize("policy", [*([name] for name in AUGMENTATIONS), list(AUGMENTATIONS)])
def test_augmentation_keeps_the_shape_changes_pictures_and_passes_gradients_on(images, policy):
    images.requires_grad_(True)
    changed = augmented(images, policy)
    assert changed.shape == images.shape
    assert not torch.equal(changed, images)
    changed.sum().backward()
    assert images.grad.isfinite().all()
    assert images.grad.any()


def test_the_same_random_numbers_give_the_same_pictures(images):
    assert torch.equal(augmented(images, AUGMENTATIONS, 3), augmented(images, AUGMENTATIONS, 3))
    assert not torch.equal(augmented(images, AUGMENTATIONS, 3), augmented(images, AUGMENTATIONS, 4))


def test_no_policy_changes_nothing(images):
    assert augmented(images, ()) is images


def test_translation_shifts_by_at_most_an_eighth_and_fills_with_zero():
    ones = torch.ones(64, 1, 32, 32)
    moved = translation(ones, numbers("translation", 64))
    rows = moved.amax(dim=(1, 3)).sum(dim=1)
    assert rows.min() == 28
    assert rows.max() == 32
    assert moved[:, :, 4:28, 4:28].all()


def test_translation_moves_each_picture_as_a_whole(images):
    moved = translation(images, numbers("translation", 16))
    for before, after in zip(images, moved, strict=True):
        shifts = [
            torch.equal(torch.roll(before, (dy, dx), (1, 2))[:, 4:28, 4:28], after[:, 4:28, 4:28])
            for dy in range(-4, 5)
            for dx in range(-4, 5)
        ]
        assert sum(shifts) == 1


def test_cutout_clears_at_most_a_quarter_of_each_picture():
    holes = (cutout(torch.ones(64, 3, 32, 32), numbers("cutout", 64)) == 0).float().mean(dim=(1, 2, 3))
    assert holes.min() > 0
    assert holes.max() <= 0.25


def test_color_treats_all_pixels_of_a_picture_alike():
    flat = torch.full((8, 3, 4, 4), 0.2)
    changed = color(flat, numbers("color", 8))
    assert torch.allclose(changed, changed[:, :, :1, :1].expand_as(changed), atol=1e-6)
    assert len(changed[:, 0, 0, 0].unique()) == 8


@pytest.mark.parametrize("policy", [*([name] for name in AUGMENTATIONS), list(AUGMENTATIONS)])
def test_each_of_several_processes_changes_its_rows_as_one_process_would_have(images, policy):
    whole = augmented(images, policy)
    worlds = World(0, 2), World(1, 2)
    shares = [augment(world.rows(images), policy, draw_numbers(policy, 8, rng(), world)) for world in worlds]
    torch.testing.assert_close(torch.cat(shares), whole)
