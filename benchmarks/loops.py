"""Training loops that are measured beside each other: ours, and one as everybody writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measuring import Effort
from dcgan.config import TrainConfig, config_of
from dcgan.data import Pictures, Report
from dcgan.images import to_float
from dcgan.models import Discriminator, Generator
from dcgan.training import TrainState, train

PICTURES = 512  # of noise: what is in them costs no time
CPU = torch.device("cpu")
DEFAULT_NETWORKS = {"generator_feature_maps": 48, "discriminator_feature_maps": 32}
SMALLEST = {"image_size": 24, "generator_feature_maps": 4, "discriminator_feature_maps": 4, "batch_size": 4}


def noise(size: int, count: int = PICTURES) -> Pictures:
    """Make `count` pictures of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)
    return Pictures(pixels, "noise", "", Report(found=count), None)


def configured(effort: Effort, **settings: Any) -> TrainConfig:
    """Configure a run without an end; of the smallest networks where it is only to work."""
    endless = {"data": "noise", "epochs": 1_000_000}
    return config_of(endless | settings | (SMALLEST if effort.tiny else {}))


def steps_of(config: TrainConfig, prepare: Callable[[TrainState], None] | None = None) -> Callable[[int], None]:
    """Make what takes so many of our steps; `prepare` may change the state before the first."""
    state = TrainState(config, CPU)
    if prepare:
        prepare(state)
    metrics = train(state, config, noise(config.image_size))

    def take(steps: int) -> None:
        for _ in range(steps):
            next(metrics)["loss_d"].item()

    return take


def in_the_plain_layout(state: TrainState) -> None:
    """Lay the networks out as PyTorch does by itself, and give them the optimizers that everybody takes."""
    for name, network in (("generator", state.generator), ("discriminator", state.discriminator)):
        network.to(memory_format=torch.contiguous_format)
        usual = state.optimizers[name].defaults
        state.optimizers[name] = torch.optim.Adam(network.parameters(), lr=usual["lr"], betas=usual["betas"])
    if state.ema is not None:
        state.ema.to(memory_format=torch.contiguous_format)


def everybodys_steps(config: TrainConfig) -> Callable[[int], None]:
    """Make what takes so many steps of the loop that pytorch/examples' dcgan is copied from.

    Contiguous tensors, the usual Adam, reals and fakes one after the other, losses read at each step, all pictures as
    floats in memory.
    """
    images = to_float(torch.from_numpy(noise(config.image_size).pixels)).contiguous()  # (N, C, S, S)
    steps = _everybodys_loop(config, images)

    def take(count: int) -> None:
        for _ in range(count):
            next(steps)

    return take


def _everybodys_loop(config: TrainConfig, images: Tensor) -> Iterator[tuple[float, float]]:
    torch.manual_seed(0)
    generator = Generator(**config.generator_config().to_dict())
    discriminator = Discriminator(**config.discriminator_config().to_dict())
    betas = config.beta1, config.beta2
    of_g = torch.optim.Adam(generator.parameters(), lr=config.lr_generator, betas=betas)
    of_d = torch.optim.Adam(discriminator.parameters(), lr=config.lr_discriminator, betas=betas)
    loss, batch = nn.BCEWithLogitsLoss(), config.batch_size
    ones, zeros = torch.ones(batch), torch.zeros(batch)
    while True:
        for reals in images[torch.randperm(len(images))].split(batch):
            discriminator.zero_grad()
            loss_of_reals = loss(discriminator(reals), ones)
            loss_of_reals.backward()
            fakes = generator(torch.randn(batch, config.latent_dim, 1, 1))
            loss_of_fakes = loss(discriminator(fakes.detach()), zeros)
            loss_of_fakes.backward()
            of_d.step()
            generator.zero_grad()
            loss_of_g = loss(discriminator(fakes), ones)
            loss_of_g.backward()
            of_g.step()
            yield (loss_of_reals + loss_of_fakes).item(), loss_of_g.item()
