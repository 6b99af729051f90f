"""Seed -> latent z, and the ways between latents: pure functions on CPU tensors.

A face is its seed: `latent(seed, dim)` is the same on every machine, and needs nothing but PyTorch to be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Way = Callable[[Tensor, Tensor, float], Tensor]  # from one latent to another: at 0 the first, at 1 the second
SEEDS = 2**31  # seeds are 0 <= seed < SEEDS, exact in JavaScript too


def latent(seed: int, latent_dim: int) -> Tensor:
    """The latent z `(latent_dim,)` of a seed, standard normal float32.

    Raises:
        ValueError: a seed outside 0 <= seed < 2**31.
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed {seed} is outside 0 to {SEEDS - 1}")
    return torch.randn(latent_dim, generator=torch.Generator("cpu").manual_seed(seed))


def latents(seeds: list[int], latent_dim: int) -> Tensor:
    """The latents `(N, latent_dim)` of several seeds, each drawn on its own."""
    return torch.stack([latent(seed, latent_dim) for seed in seeds])


def seeds_from(first: int, count: int) -> list[int]:
    """`count` consecutive seeds; after the largest comes 0."""
    return [(first + i) % SEEDS for i in range(count)]


def slerp(start: Tensor, end: Tensor, t: float) -> Tensor:
    """Spherical interpolation between latents `(..., D)` (White 2016, https://arxiv.org/abs/1609.04468).

    Exactly `start` at t = 0 and `end` at t = 1; linear where the two are (anti)parallel and no arc is defined.
    """
    if t in (0, 1):
        return (end if t else start).clone()
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=-1).clamp(-1, 1)
    angle = torch.arccos(cosine).unsqueeze(-1)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / sine
    return torch.where(sine.abs() < 1e-4, torch.lerp(start, end, t), arc)


def along(stops: Tensor, positions: Iterable[float], way: Way = slerp) -> Tensor:
    """Latents `(N, D)` at N positions on the way from stop to stop `(K, D)`: at 0 the first, at 1.5 amid 2nd and 3rd.

    Exactly the stop at a whole position. `way` goes one leg: `slerp`, or `torch.lerp` for a straight one.

    Raises:
        ValueError: a position outside 0 to K - 1.
    """
    path = []
    for position in positions:
        if not 0 <= position <= len(stops) - 1:
            raise ValueError(f"position {position} is outside 0 to {len(stops) - 1}, the last of {len(stops)} stops")
        leg = int(position)
        path.append(way(stops[leg], stops[leg + 1], position - leg) if position > leg else stops[leg])
    return torch.stack(path)


def walk(keyframes: Tensor, frames: int, closed: bool = False) -> Tensor:
    """Latents `(frames, D)` from keyframe to keyframe `(K, D)` by slerp, evenly spaced; frame 0 is the first keyframe.

    An open walk ends on the last keyframe. A closed one goes on to the first again and ends one frame short of it, so
    that it repeats without a jump. With K = 1 every frame is that keyframe.

    Raises:
        ValueError: fewer than two frames.
    """
    if frames < 2:
        raise ValueError(f"a walk of {frames} frames has no way to go; take 2 or more")
    stops = torch.cat([keyframes, keyframes[:1]]) if closed else keyframes
    steps = frames if closed else frames - 1
    return along(stops, (frame * (len(stops) - 1) / steps for frame in range(frames)))
