"""DiffAugment (Zhao et al. 2020, https://arxiv.org/abs/2006.10738): what D sees, of reals and fakes alike.

Every policy takes images `(N, C, H, W)` in [-1, 1] and uniform numbers `(K, N)` from [0, 1), K of them for each
picture, and is differentiable in the images. The numbers are drawn apart, by a CPU generator, so that a run is the same
on every device and can be resumed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.training.distributed import SINGLE_PROCESS, World


def draw_numbers(
    policies: Sequence[str], count: int, rng: torch.Generator, world: World = SINGLE_PROCESS
) -> list[Tensor]:
    """Draw what the named policies need for `count` pictures: `(K, N)` each, of uniform numbers from [0, 1).

    They are drawn for the pictures of all processes in `world`, whose rows are kept.
    """
    return [world.rows(torch.rand(NUMBERS[name], count * world.size, generator=rng), dim=1) for name in policies]


def augment(images: Tensor, policies: Sequence[str], numbers: Sequence[Tensor]) -> Tensor:
    """Apply the named policies (`color`, `translation`, `cutout`) in turn, each by its own of `numbers`."""
    for name, drawn in zip(policies, numbers, strict=True):
        images = _POLICIES[name](images, drawn)
    return images


def color(images: Tensor, numbers: Tensor) -> Tensor:
    """Change brightness by up to 0.5 either way, saturation by 0 to 2, contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = numbers.view(3, -1, 1, 1, 1).unbind()  # (N, 1, 1, 1) each
    images = images + (brightness - 0.5)
    grey = images.mean(dim=1, keepdim=True)  # (N, 1, H, W)
    images = grey + (images - grey) * (saturation * 2)
    middle = images.mean(dim=(1, 2, 3), keepdim=True)  # (N, 1, 1, 1)
    return middle + (images - middle) * (contrast + 0.5)


def translation(images: Tensor, numbers: Tensor, ratio: float = 0.125) -> Tensor:
    """Shift by up to `ratio` of the side either way; what comes in from outside is 0."""
    count, _, side, _ = images.shape
    reach = int(side * ratio + 0.5)
    shifts = (numbers * (2 * reach + 1)).long()  # (2, N)
    padded = F.pad(images, [reach] * 4)  # (N, C, side + 2 reach, side + 2 reach)
    pictures = torch.arange(count, device=images.device).view(-1, 1, 1)
    along = torch.arange(side, device=images.device)
    rows = (along + shifts[0].unsqueeze(1)).unsqueeze(2)  # (N, side, 1)
    columns = (along + shifts[1].unsqueeze(1)).unsqueeze(1)  # (N, 1, side)
    return padded.permute(0, 2, 3, 1)[pictures, rows, columns].permute(0, 3, 1, 2)


def cutout(images: Tensor, numbers: Tensor, ratio: float = 0.5) -> Tensor:
    """Set a square of `ratio` of the side to 0; its centre may lie anywhere, so part of it may lie outside."""
    side = images.shape[-1]
    reach = int(side * ratio / 2)
    centres = (numbers * side).long()  # (2, N)
    distance = (torch.arange(side, device=images.device) - centres.unsqueeze(2)).abs()  # (2, N, side)
    hole = (distance[0].unsqueeze(2) < reach) & (distance[1].unsqueeze(1) < reach)  # (N, side, side)
    return images.masked_fill(hole.unsqueeze(1), 0.0)


_POLICIES = {"color": color, "translation": translation, "cutout": cutout}
NUMBERS = {"color": 3, "translation": 2, "cutout": 2}  # that a policy needs for each picture
