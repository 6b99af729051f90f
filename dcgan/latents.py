"""From a seed to its latent z, and from latent to latent: pure functions on CPU tensors.

A face is its seed: `latent(seed, dim)` is the same on every machine, and needs nothing but PyTorch to be made again.
What a seed can't say is in `expressions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from dcgan.errors import InputError

Way = Callable[[Tensor, Tensor, float], Tensor]  # from one latent to another: at 0 the first, at 1 the second
SEEDS = 2**31  # seeds are 0 <= seed < SEEDS, exact in JavaScript too
MIN_LENGTH = 1e-9  # of a latent that points anywhere: a shorter one is what rounding leaves of 0


def latent(seed: int, latent_dim: int) -> Tensor:
    """Draw the latent z `(latent_dim,)` of a seed, standard normal float32.

    Raises:
        ValueError: a seed outside 0 <= seed < 2**31.
    """
    if not 0 <= seed < SEEDS:
        raise ValueError(f"seed {seed} is outside 0 to {SEEDS - 1}")
    return torch.randn(latent_dim, generator=torch.Generator("cpu").manual_seed(seed))


def latents(seeds: list[int], latent_dim: int) -> Tensor:
    """Draw the latents `(N, latent_dim)` of several seeds, each on its own."""
    return torch.stack([latent(seed, latent_dim) for seed in seeds])


def seeds_from(first: int, count: int) -> list[int]:
    """List `count` consecutive seeds; after the largest comes 0."""
    return [(first + i) % SEEDS for i in range(count)]


def slerp(start: Tensor, end: Tensor, t: float) -> Tensor:
    """Interpolate between latents `(..., D)` along an arc, at `t` from 0 to 1.

    It is exactly `start` at t = 0 and `end` at t = 1, and linear where the two are (anti)parallel, so that there is no
    arc. Shoemake 1985, https://doi.org/10.1145/325165.325242; for latents White 2016, https://arxiv.org/abs/1609.04468.
    """
    if t in (0, 1):
        return (end if t else start).clone()
    cosine = torch.nn.functional.cosine_similarity(start, end, dim=-1).clamp(-1, 1)
    angle = torch.arccos(cosine).unsqueeze(-1)
    sine = torch.sin(angle)
    arc = (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / sine
    return torch.where(sine.abs() < 1e-4, torch.lerp(start, end, t), arc)


def on_sphere(z: Tensor) -> Tensor:
    """Bring a latent `(D,)` to the length sqrt(D), about which those of seeds have.

    Sums and differences of latents (Radford et al. 2015, https://arxiv.org/abs/1511.06434) have other lengths, at which
    a generator was never asked for faces.

    Raises:
        InputError: a latent of length 0, which points nowhere.
    """
    return _of_length(z, len(z) ** 0.5)


def step_along(z: Tensor, direction: Tensor, amount: float) -> Tensor:
    """Move a latent `(D,)` by `amount` times a direction `(D,)`, then bring it back to the length that it had.

    Raises:
        InputError: the step leads to length 0.
    """
    return _of_length(z + amount * direction, float(z.norm()))


def along(stops: Tensor, positions: Iterable[float], way: Way = slerp) -> Tensor:
    """Find latents `(N, D)` at N positions between stops `(K, D)`: at 0 the first stop, at 1.5 halfway from 2nd to 3rd.

    At a whole position it is exactly the stop. `way` leads from one stop to the next: `slerp`, or `torch.lerp` for a
    straight line.

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
    """Walk in `frames` even steps of slerp through keyframes `(K, D)`: latents `(frames, D)`, the first keyframe first.

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


def _of_length(z: Tensor, length: float) -> Tensor:
    own = float(z.norm())
    if own < MIN_LENGTH:
        raise InputError("what is taken away leaves nothing of the face, a latent of length 0; take other faces.")
    return z * (length / own)
