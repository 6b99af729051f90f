"""Batches of pictures for a training: on a GPU from its own memory, where they fit in there."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dcgan.data import Pictures

MAX_SHARE = 0.5  # of a GPU's free memory that pictures may take
CHUNK = 4096  # pictures that are copied at once


class Feed:
    """Hands out pictures by their numbers. On a GPU with room for all of them they are copied there at the start."""

    def __init__(self, pictures: Pictures, device: torch.device):
        self.pictures, self.device = pictures, device
        self.on_device = _copied(pictures.pixels, device) if _fits(pictures, device) else None

    def batch(self, indices: Tensor) -> Tensor:
        """Give the pictures at `indices` `(N,)`, as uint8 `(N, S, S, 3)`, on the GPU or on the CPU."""
        if self.on_device is None:
            return self.pictures.batch(indices)
        return self.on_device[indices.to(self.device, non_blocking=True)]


def _fits(pictures: Pictures, device: torch.device) -> bool:
    return device.type == "cuda" and pictures.pixels.nbytes <= MAX_SHARE * torch.cuda.mem_get_info(device)[0]


def _copied(pixels: np.ndarray, device: torch.device) -> Tensor:
    """Copy pixels to `device` a few at a time: they are in a file, and may be more than there is memory."""
    copy = torch.empty(pixels.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(pixels), CHUNK):
        copy[start : start + CHUNK] = torch.from_numpy(np.array(pixels[start : start + CHUNK]))
    return copy
