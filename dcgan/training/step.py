"""One step of a training: D, then G on the same fakes.

What is left to chance is drawn first, on the CPU. `learn` then computes on the training device alone, without waiting
for it, so that it can be recorded as a CUDA graph (see cuda_graphs.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from dcgan.config import TrainConfig
from dcgan.images import to_float
from dcgan.training.augmentation import augment, draw_numbers
from dcgan.training.losses import belief, discriminator_loss, generator_loss, gradient_penalty
from dcgan.training.state import Metrics, TrainState


class Kind(NamedTuple):
    """What a step does; all steps of one kind compute the same."""

    updates_d: bool
    updates_g: bool
    penalises: bool  # D, by its gradients

    @classmethod
    def of(cls, step: int, config: TrainConfig) -> Kind:
        """Say what a step does.

        The gradient penalties are computed at every `r1_every`-th update of D only, and weighted that many times as
        much: lazy regularization (Karras et al. 2019, https://arxiv.org/abs/1912.04958).
        """
        updates_d = step % config.d_every == 0
        return cls(updates_d, step % config.g_every == 0, updates_d and step // config.d_every % config.r1_every == 0)


class Inputs(NamedTuple):
    """What a step computes with, on the training device: this process's rows of the batch, and what was drawn."""

    pixels: Tensor  # reals (N, S, S, 3), uint8
    z: Tensor  # (N, nz)
    flipped: Tensor | None  # (N,), which of the reals are mirrored; None where none ever is
    numbers: tuple[tuple[Tensor, ...], ...]  # for each time that D judges pictures: those of each augmentation


Learn = Callable[[TrainState, TrainConfig, Kind, Inputs], Metrics]


def learn(state: TrainState, config: TrainConfig, kind: Kind, inputs: Inputs) -> Metrics:
    """Update the networks once by a step's `inputs`; everything but the average and the count of steps."""
    with torch.autocast(state.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        reals = to_float(inputs.pixels)  # (N, C, S, S)
        if inputs.flipped is not None:
            reals = torch.where(inputs.flipped.view(-1, 1, 1, 1), reals.flip(3), reals)
        with torch.set_grad_enabled(kind.updates_g):
            fakes = state.synced_generator(inputs.z).float()  # (N, C, S, S)
        metrics: Metrics = {}
        numbers = list(inputs.numbers)
        if kind.updates_d:
            of_d, numbers = numbers[:2], numbers[2:]
            metrics |= _update_discriminator(state, config, kind, reals, fakes.detach(), of_d)
        if kind.updates_g:
            metrics |= _update_generator(state, config, reals, fakes, numbers)
        return metrics


def train_step(state: TrainState, config: TrainConfig, pixels: Tensor, learn: Learn = learn) -> Metrics:
    """Take a step on a batch of reals `(N, S, S, 3)`, uint8: D, then G on the same fakes, each as often as configured.

    With several processes `pixels` are this one's rows of the batch. Random numbers are drawn for the whole batch
    everywhere, so that they don't depend on the number of processes. `learn` is what computes.
    """
    kind = Kind.of(state.step, config)
    metrics = learn(state, config, kind, _draw(state, config, kind, pixels))
    if kind.updates_g and state.ema is not None:
        update_ema(state.ema, state.generator, min(config.ema_decay, (state.step + 1) / (state.step + 10)))
    state.step += 1
    return metrics


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `ema` towards `network` by 1 - decay, BatchNorm's running statistics included; counters are copied.

    An average of G's weights draws better than the last of them (Yazıcı et al. 2018, "The unusual effectiveness of
    averaging in GAN training", https://arxiv.org/abs/1806.04498).
    """
    averaged, current = list(ema.state_dict().values()), list(network.state_dict().values())
    numbers = [index for index, tensor in enumerate(averaged) if tensor.is_floating_point()]
    get_ema_multi_avg_fn(decay)([averaged[i] for i in numbers], [current[i] for i in numbers], None)
    for index in set(range(len(averaged))) - set(numbers):
        averaged[index].copy_(current[index])


def _draw(state: TrainState, config: TrainConfig, kind: Kind, pixels: Tensor) -> Inputs:
    """Draw what a step leaves to chance, and bring it to the training device without waiting for that."""
    rng, world, count = state.rng, state.world, len(pixels)

    def there(drawn: Tensor) -> Tensor:
        return drawn.to(state.device, non_blocking=True)

    flipped = world.rows(torch.rand(count * world.size, generator=rng) < 0.5) if config.flip else None
    z = world.rows(torch.randn(count * world.size, config.latent_dim, generator=rng))
    of_g = 2 if config.loss == "relativistic" else 1  # which compares each face with a picture
    times = 2 * kind.updates_d + of_g * kind.updates_g  # that D judges pictures
    numbers = [draw_numbers(config.augment, count, rng, world) for _ in range(times)]
    return Inputs(
        there(pixels),
        there(z),
        None if flipped is None else there(flipped),
        tuple(tuple(map(there, drawn)) for drawn in numbers),
    )


def _update_discriminator(
    state: TrainState, config: TrainConfig, kind: Kind, reals: Tensor, fakes: Tensor, numbers: list[tuple[Tensor, ...]]
) -> Metrics:
    """Update D by reals and fakes, both `(N, C, S, S)` in [-1, 1]."""
    of_reals, of_fakes = numbers
    real_logits = state.synced_discriminator(augment(reals, config.augment, of_reals)).float()  # (N,)
    fake_logits = state.synced_discriminator(augment(fakes, config.augment, of_fakes)).float()  # (N,)
    loss = discriminator_loss(real_logits, fake_logits, config.loss)
    metrics = {"loss_d": loss.detach(), "d_real": belief(real_logits, fake_logits, config.loss)}
    if kind.penalises:
        for gamma, images in ((config.r1_gamma, reals), (config.r2_gamma, fakes)):
            if gamma:
                loss = loss + config.r1_every * gamma / 2 * gradient_penalty(state.discriminator, images)
    _descend(state.optimizers["discriminator"], loss)
    return metrics


def _update_generator(
    state: TrainState, config: TrainConfig, reals: Tensor, fakes: Tensor, numbers: list[tuple[Tensor, ...]]
) -> Metrics:
    """Update G by D's logits of its fakes `(N, C, S, S)`, and of the reals where the loss compares them."""
    *of_reals, of_fakes = numbers
    state.discriminator.requires_grad_(False)  # so that the backward pass leaves out D's own gradients
    real_logits = state.discriminator(augment(reals, config.augment, of_reals[0])).float() if of_reals else None
    fake_logits = state.discriminator(augment(fakes, config.augment, of_fakes)).float()  # (N,)
    loss = generator_loss(fake_logits, config.loss, real_logits)
    _descend(state.optimizers["generator"], loss)
    state.discriminator.requires_grad_(True)
    return {"loss_g": loss.detach(), "d_fake": belief(fake_logits, real_logits, config.loss)}


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
