"""One step of a training: D, then G on the same fakes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dcgan.config import TrainConfig
from dcgan.images import to_float
from dcgan.training.augmentation import augment
from dcgan.training.distributed import World
from dcgan.training.losses import belief, discriminator_loss, generator_loss, gradient_penalty
from dcgan.training.state import Metrics, TrainState


def train_step(state: TrainState, config: TrainConfig, pixels: Tensor) -> Metrics:
    """Take a step on a batch of reals `(N, S, S, 3)`, uint8: D, then G on the same fakes, each as often as configured.

    With several processes `pixels` are this one's rows of the batch. Random numbers are drawn for the whole batch
    everywhere, so that they don't depend on the number of processes.
    """
    with torch.autocast(state.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        return _train_step(state, config, pixels)


def _train_step(state: TrainState, config: TrainConfig, pixels: Tensor) -> Metrics:
    updates_d, updates_g = state.step % config.d_every == 0, state.step % config.g_every == 0
    reals = to_float(pixels.to(state.device, non_blocking=True))  # (N, C, S, S)
    if config.flip:
        reals = _flip_half(reals, state.rng, state.world)
    z = torch.randn(len(reals) * state.world.size, config.latent_dim, generator=state.rng)  # (size * N, nz)
    with torch.set_grad_enabled(updates_g):
        fakes = state.synced_generator(state.world.rows(z).to(state.device)).float()  # (N, C, S, S)

    metrics: Metrics = {}
    if updates_d:
        metrics |= _update_discriminator(state, config, reals, fakes.detach())
    if updates_g:
        metrics |= _update_generator(state, config, reals, fakes)
        if state.ema is not None:
            update_ema(state.ema, state.generator, min(config.ema_decay, (state.step + 1) / (state.step + 10)))
    state.step += 1
    return metrics


def _update_discriminator(state: TrainState, config: TrainConfig, reals: Tensor, fakes: Tensor) -> Metrics:
    """Update D by reals and fakes, both `(N, C, S, S)` in [-1, 1].

    The gradient penalties are computed at every `r1_every`-th update only, and weighted that many times as much: lazy
    regularization (Karras et al. 2019, https://arxiv.org/abs/1912.04958).
    """
    real_logits = state.synced_discriminator(augment(reals, config.augment, state.rng, state.world)).float()  # (N,)
    fake_logits = state.synced_discriminator(augment(fakes, config.augment, state.rng, state.world)).float()  # (N,)
    loss = discriminator_loss(real_logits, fake_logits, config.loss)
    metrics = {"loss_d": loss.detach(), "d_real": belief(real_logits, fake_logits, config.loss)}
    if (state.step // config.d_every) % config.r1_every == 0:
        for gamma, images in ((config.r1_gamma, reals), (config.r2_gamma, fakes)):
            if gamma:  # at every r1_every-th update, that many times as strong: lazy regularization, see above
                loss = loss + config.r1_every * gamma / 2 * gradient_penalty(state.discriminator, images)
    _descend(state.optimizers["discriminator"], loss)
    return metrics


def _update_generator(state: TrainState, config: TrainConfig, reals: Tensor, fakes: Tensor) -> Metrics:
    """Update G by D's logits of its fakes `(N, C, S, S)`, and of the reals where the loss compares them."""
    state.discriminator.requires_grad_(False)  # so that the backward pass leaves out D's own gradients
    real_logits = None
    if config.loss == "relativistic":
        real_logits = state.discriminator(augment(reals, config.augment, state.rng, state.world)).float()
    fake_logits = state.discriminator(augment(fakes, config.augment, state.rng, state.world)).float()  # (N,)
    loss = generator_loss(fake_logits, config.loss, real_logits)
    _descend(state.optimizers["generator"], loss)
    state.discriminator.requires_grad_(True)
    return {"loss_g": loss.detach(), "d_fake": belief(fake_logits, real_logits, config.loss)}


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `ema` towards `network` by 1 - decay, BatchNorm's running statistics included; counters are copied.

    An average of G's weights draws better than the last of them (Yazıcı et al. 2018, "The unusual effectiveness of
    averaging in GAN training", https://arxiv.org/abs/1806.04498).
    """
    for averaged, current in zip(ema.state_dict().values(), network.state_dict().values(), strict=True):
        if averaged.is_floating_point():
            averaged.lerp_(current, 1 - decay)
        else:
            averaged.copy_(current)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _flip_half(images: Tensor, rng: torch.Generator, world: World) -> Tensor:
    flipped = world.rows(torch.rand(len(images) * world.size, generator=rng) < 0.5).to(images.device)
    return torch.where(flipped.view(-1, 1, 1, 1), images.flip(3), images)
