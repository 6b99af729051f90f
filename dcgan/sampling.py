"""A loaded Generator -> faces. The one place that decides where and how it runs."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.errors import InputError
from dcgan.images import to_float, to_uint8
from dcgan.latents import latents
from dcgan.models import Discriminator, Generator

DEVICES = ("auto", "cpu", "cuda", "mps")
BATCH = 8  # every forward pass has this many rows, so a face's arithmetic never depends on how many were asked for


def pick_device(name: str) -> torch.device:
    """The device for `auto`, `cpu`, `cuda` or `mps`; auto is the first of cuda, mps, cpu that is there.

    Raises:
        InputError: a device that isn't one of these, or isn't on this machine.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, available in there.items() if available))
    if name not in there:
        raise InputError(f"--device {name} is unknown; choose one of {', '.join(DEVICES)}.")
    if not there[name]:
        raise InputError(f"--device {name}: PyTorch finds no {name} device here; use --device auto or cpu.")
    return torch.device(name)


@torch.inference_mode()
def render(generator: Generator, z: Tensor) -> np.ndarray:
    """Latents `(N, latent_dim)` to pixels `(N, S, S, 3)`, uint8, on the generator's own device.

    Raises:
        ValueError: the generator is in train mode, where a face would depend on its batch-mates.
    """
    if generator.training:
        raise ValueError(
            "the generator is in train mode, where faces depend on each other; call generator.eval() first"
        )
    device = next(generator.parameters()).device
    pictures = []
    for rows in z.split(BATCH):
        padded = F.pad(rows, (0, 0, 0, BATCH - len(rows))).to(device)
        pictures.append(to_uint8(generator(padded)[: len(rows)]))
    return np.concatenate(pictures)


def faces(generator: Generator, seeds: list[int], psi: float = 1.0) -> np.ndarray:
    """The faces of `seeds` as pixels `(N, S, S, 3)`, uint8; a face is the same alone and in any company.

    `psi` scales the latents (truncation): below 1 faces come nearer to the average one, above 1 they get stranger.
    """
    return render(generator, latents(seeds, generator.latent_dim) * psi)


@torch.inference_mode()
def belief(discriminator: Discriminator, pixels: np.ndarray) -> np.ndarray:
    """How real D takes pictures for, pixels `(N, S, S, 3)` uint8 to logits `(N,)`: above 0 rather real than not."""
    images = to_float(torch.from_numpy(pixels))[:, : discriminator.config.image_channels]
    device = next(discriminator.parameters()).device
    logits = []
    for rows in images.split(BATCH):
        padded = F.pad(rows, (0, 0, 0, 0, 0, 0, 0, BATCH - len(rows))).to(device)
        logits.append(discriminator(padded)[: len(rows)].cpu())
    return torch.cat(logits).numpy()


def most_realistic(
    generator: Generator, discriminator: Discriminator, seeds: list[int], count: int, psi: float = 1.0
) -> list[tuple[int, float]]:
    """The `count` seeds whose faces D takes for real most, each with D's logit; the most realistic first."""
    logits = belief(discriminator, faces(generator, seeds, psi))
    order = np.argsort(-logits, kind="stable")[:count]
    return [(seeds[i], float(logits[i])) for i in order]
