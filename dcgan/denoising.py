"""A last layer that takes the grain out of drawn pictures and leaves their edges: a bilateral filter.

Each pixel moves towards its neighbours, most towards those of nearly its own colour (Tomasi and Manduchi 1998,
https://doi.org/10.1109/ICCV.1998.710815). The filter goes over the picture three times with neighbours one, two and
four pixels away, which together reach as far as one large filter would at a fraction of its cost (the edge-avoiding
à-trous transform of Dammertz et al. 2010, https://doi.org/10.2312/EGGH/HPG10/067-075).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LEVELS = 16.0  # of 255: neighbours whose colour is further away count less than 0.61
MAX_LEVELS = 64.0
REACHES = (1, 2, 4)  # pixels
MIN_EXPONENT = -80.0  # e to its power is nothing beside 1; below it come numbers that processors are slow with
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns away; the other four are these seen from over there


class Denoising(nn.Module):
    """Pictures `(N, C, S, S)` in [-1, 1] to such pictures without grain.

    `levels`, how far apart two colours of one surface may be in levels of 255, is a tensor, which is saved and is not
    trained: so the weights' file alone tells what is drawn.
    """

    levels: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("levels", torch.tensor(LEVELS))

    def forward(self, images: Tensor) -> Tensor:
        """Filter pictures `(N, C, S, S)`; each by itself, so that none depends on its batch-mates."""
        width = self.levels.clamp(1e-3, MAX_LEVELS) / 127.5
        images = images.contiguous()  # as planes, which this is faster on
        for reach in REACHES:
            images = _filtered(images, reach, -0.5 / width.square())
        return images


def _filtered(images: Tensor, reach: int, factor: Tensor) -> Tensor:
    moved, weights = torch.zeros_like(images), torch.ones_like(images[:, :1])
    for rows, columns in NEIGHBOURS:
        here, there = _Part(rows * reach, columns * reach), _Part(-rows * reach, -columns * reach)
        apart = there.of(images) - here.of(images)  # (N, C, S - rows, S - columns)
        exponent = (apart * apart).sum(1, keepdim=True).mul(factor)  # (N, 1, S - rows, S - columns)
        weight = exponent.clamp(min=MIN_EXPONENT).exp()
        apart = apart * weight
        moved = there.added(here.added(moved, apart), apart, sign=-1)
        weights = there.added(here.added(weights, weight), weight)
    return images + moved / weights


class _Part:
    """The part of a picture whose neighbours so many rows below and columns to the right are in the picture, too."""

    def __init__(self, rows: int, columns: int):
        self.above, self.below = max(-rows, 0), max(rows, 0)
        self.left, self.right = max(-columns, 0), max(columns, 0)

    def of(self, images: Tensor) -> Tensor:
        """Give a view of it in pictures `(N, C, S, S)`."""
        height, width = images.shape[2:]
        return images[:, :, self.above : height - self.below, self.left : width - self.right]

    def added(self, images: Tensor, part: Tensor, sign: int = 1) -> Tensor:
        """Add something of this part's size to it in pictures `(N, C, S, S)`, which are changed, and give these."""
        if torch.compiler.is_compiling():  # as an export does: ONNX knows no views, and would take longer
            around = (self.left, self.right, self.above, self.below)
            return images.add(F.pad(part, around), alpha=sign)
        self.of(images).add_(part, alpha=sign)
        return images
