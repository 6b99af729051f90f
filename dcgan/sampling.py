"""From a loaded Generator to faces: the one place that decides on which device and in which batches it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dcgan.errors import InputError
from dcgan.folding import BATCH, folded
from dcgan.images import to_float, to_uint8
from dcgan.latents import latents
from dcgan.models import Discriminator, Generator

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str) -> torch.device:
    """Choose the device for `auto`, `cpu`, `cuda` or `mps`; auto is the first of cuda, mps, cpu that is there.

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


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether a device has instructions of its own for bfloat16, so that layers are faster in it."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported())


@torch.inference_mode()
def render(generator: Generator, z: Tensor) -> np.ndarray:
    """Turn latents `(N, latent_dim)` into pixels `(N, S, S, 3)`, uint8, on the generator's own device.

    Raises:
        ValueError: the generator is in train mode, where a face would depend on its batch-mates.
    """
    if generator.training:
        raise ValueError(
            "the generator is in train mode, where faces depend on each other; call generator.eval() first"
        )
    network = folded(generator)
    return np.concatenate([to_uint8(network.draw(rows)) for rows in z.split(BATCH)])  # (N, S, S, 3)


def faces(generator: Generator, seeds: list[int], psi: float = 1.0) -> np.ndarray:
    """Draw the faces of `seeds` as pixels `(N, S, S, 3)`, uint8; a face is the same alone and in any company.

    `psi` scales the latents: below 1 faces come nearer to the average one, above 1 they get stranger (Marchesi 2017,
    https://arxiv.org/abs/1706.00082; the truncation trick of Brock et al. 2018, https://arxiv.org/abs/1809.11096, draws
    large values again instead).

    Raises:
        ValueError: a seed outside 0 <= seed < 2**31, or a generator in train mode.
    """
    return render(generator, latents(seeds, generator.latent_dim) * psi)


@torch.inference_mode()
def belief(discriminator: Discriminator, pixels: np.ndarray) -> np.ndarray:
    """Ask D how real pixels `(N, S, S, 3)`, uint8, look: logits `(N,)`, above 0 where it takes them for real."""
    images = to_float(torch.from_numpy(pixels))[:, : discriminator.config.image_channels]  # (N, C, S, S)
    device = next(discriminator.parameters()).device
    logits = []
    for rows in images.split(BATCH):
        padded = F.pad(rows, (0, 0, 0, 0, 0, 0, 0, BATCH - len(rows))).to(device)  # (BATCH, C, S, S)
        logits.append(discriminator(padded)[: len(rows)].cpu())
    return torch.cat(logits).numpy()  # (N,)


@dataclass(frozen=True)
class ScoredFace:
    """A face as pixels `(S, S, 3)`, uint8, and D's logit of it: above 0 it takes the face for real."""

    seed: int
    pixels: np.ndarray
    logit: float


def most_convincing_faces(
    generator: Generator, discriminator: Discriminator, seeds: list[int], count: int, psi: float = 1.0
) -> list[ScoredFace]:
    """Draw the faces of `seeds` and keep the `count` with D's highest logits, the most convincing first.

    That D can choose after the training is the idea of discriminator rejection sampling (Azadi et al. 2018,
    https://arxiv.org/abs/1810.06758), which keeps faces by chance so as to match the pictures; here the best are kept.
    """
    pixels = faces(generator, seeds, psi)
    logits = belief(discriminator, pixels)
    order = np.argsort(-logits, kind="stable")[:count]
    return [ScoredFace(seeds[i], pixels[i], float(logits[i])) for i in order]
