"""DiffAugment (Zhao et al. 2020, https://arxiv.org/abs/2006.10738): what D sees, of reals and fakes alike.

Every function takes images `(N, C, H, W)` in [-1, 1] and is differentiable in them; random numbers come from `rng`, a
CPU generator, so that a run is the same on every device and can be resumed. They are drawn for the whole batch of all
processes in `world`, whose `rows` the images are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.training.distributed import SINGLE_PROCESS, World


def augment(images: Tensor, policies: Sequence[str], rng: torch.Generator, world: World = SINGLE_PROCESS) -> Tensor:
    """Apply the named policies (`color`, `translation`, `cutout`) in turn, each picture with numbers of its own."""
    for name in policies:
        images = _POLICIES[name](images, rng, world)
    return images


def color(images: Tensor, rng: torch.Generator, world: World = SINGLE_PROCESS) -> Tensor:
    """Change brightness by up to 0.5 either way, saturation by 0 to 2, contrast by 0.5 to 1.5."""
    drawn = _uniform(images, 3, rng, world).view(3, -1, 1, 1, 1)
    brightness, saturation, contrast = drawn.unbind()  # (N, 1, 1, 1) each
    images = images + (brightness - 0.5)
    grey = images.mean(dim=1, keepdim=True)  # (N, 1, H, W)
    images = grey + (images - grey) * (saturation * 2)
    middle = images.mean(dim=(1, 2, 3), keepdim=True)  # (N, 1, 1, 1)
    return middle + (images - middle) * (contrast + 0.5)


def translation(images: Tensor, rng: torch.Generator, world: World = SINGLE_PROCESS, ratio: float = 0.125) -> Tensor:
    """Shift by up to `ratio` of the side either way; what comes in from outside is 0."""
    count, _, side, _ = images.shape
    reach = int(side * ratio + 0.5)
    shifts = (_uniform(images, 2, rng, world) * (2 * reach + 1)).long()  # (2, N)
    padded = F.pad(images, [reach] * 4)  # (N, C, side + 2 reach, side + 2 reach)
    pictures = torch.arange(count, device=images.device).view(-1, 1, 1)
    along = torch.arange(side, device=images.device)
    rows = (along + shifts[0].unsqueeze(1)).unsqueeze(2)  # (N, side, 1)
    columns = (along + shifts[1].unsqueeze(1)).unsqueeze(1)  # (N, 1, side)
    return padded.permute(0, 2, 3, 1)[pictures, rows, columns].permute(0, 3, 1, 2)


def cutout(images: Tensor, rng: torch.Generator, world: World = SINGLE_PROCESS, ratio: float = 0.5) -> Tensor:
    """Set a square of `ratio` of the side to 0; its centre may lie anywhere, so part of it may lie outside."""
    side = images.shape[-1]
    reach = int(side * ratio / 2)
    centres = (_uniform(images, 2, rng, world) * side).long()  # (2, N)
    distance = (torch.arange(side, device=images.device) - centres.unsqueeze(2)).abs()  # (2, N, side)
    hole = (distance[0].unsqueeze(2) < reach) & (distance[1].unsqueeze(1) < reach)  # (N, side, side)
    return images.masked_fill(hole.unsqueeze(1), 0.0)


_POLICIES = {"color": color, "translation": translation, "cutout": cutout}


def _uniform(images: Tensor, rows: int, rng: torch.Generator, world: World) -> Tensor:
    """Draw `(rows, N)` numbers from [0, 1), on the images' device."""
    return world.rows(torch.rand(rows, len(images) * world.size, generator=rng), dim=1).to(images.device)
