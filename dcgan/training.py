"""The training of a DCGAN: losses, one step, the state that a run is, the loop. Prints and writes nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dcgan.augment import augment
from dcgan.config import TrainConfig
from dcgan.data import Pictures, epoch_order
from dcgan.distributed import ALONE, World
from dcgan.errors import InputError
from dcgan.images import to_float
from dcgan.models import Discriminator, Generator

Metrics = dict[str, Tensor]  # name -> scalar, still on the training device


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, kind: str) -> Tensor:
    """What D minimises, from logits `(N,)` of reals and of fakes.

    `bce`: cross entropy with reals as 1 and fakes as 0 (Goodfellow et al. 2014); `hinge`: Lim and Ye 2017;
    `relativistic`: that the i-th real is more real than the i-th fake (RpGAN, Jolicoeur-Martineau 2018,
    https://arxiv.org/abs/1807.00734; as in Huang et al. 2024, https://arxiv.org/abs/2501.05441).
    """
    if kind == "relativistic":
        return F.softplus(fake_logits - real_logits).mean()
    if kind == "hinge":
        return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor, kind: str, real_logits: Tensor | None = None) -> Tensor:
    """What G minimises, from logits `(N,)` of fakes, and for `relativistic` of the reals that they are paired with.

    `bce`: the non-saturating form, fakes as 1; `relativistic`: that the i-th fake is more real than the i-th real.
    """
    if kind == "relativistic":
        return F.softplus(real_logits - fake_logits).mean()
    return -fake_logits.mean() if kind == "hinge" else F.softplus(-fake_logits).mean()


def belief(logits: Tensor, others: Tensor | None, kind: str) -> Tensor:
    """D's mean belief that pictures are real, from their logits `(N,)`.

    For `relativistic` that they are more real than the `others`, their partners: a logit alone means nothing there.
    """
    return (logits - others if kind == "relativistic" else logits).detach().sigmoid().mean()


def gradient_penalty(discriminator: Discriminator, images: Tensor) -> Tensor:
    """Squared gradient of D at the images `(N, C, S, S)`, mean over the batch; without the factor gamma / 2.

    R1 at reals, R2 at fakes (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406).
    """
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


class TrainState:
    """Everything a run is between two steps. `tensors` and `load` carry it through a file, bit for bit.

    In a `world` of several processes each has a state of its own, all with the same weights, optimizers and rng; only
    BatchNorm's running statistics are of each process's share of the batches, as is usual. Those of the main process
    are meant to be kept. `synced_generator` and `synced_discriminator` are the networks with gradients averaged.
    """

    def __init__(self, config: TrainConfig, device: torch.device, world: World = ALONE):
        with torch.random.fork_rng(devices=[]):  # leaves the caller's random numbers alone
            torch.manual_seed(config.seed)
            self.generator = Generator(**config.generator_config().to_dict()).to(device)
            self.discriminator = Discriminator(**config.discriminator_config().to_dict()).to(device)
        self.ema = copy.deepcopy(self.generator).eval().requires_grad_(False) if config.ema else None
        self.rates = {"generator": config.lr_generator, "discriminator": config.lr_discriminator}
        self.optimizers = {
            "generator": _adam(self.generator, config.lr_generator, config),
            "discriminator": _adam(self.discriminator, config.lr_discriminator, config),
        }
        self.rng = torch.Generator("cpu").manual_seed(config.seed)
        self.step = 0
        self.rollbacks = 0  # how often the run was taken back; decides the order of pictures, too
        self.device = device
        self.world = world
        self.synced_generator = world.wrap(self.generator)
        self.synced_discriminator = world.wrap(self.discriminator)

    def set_rates(self, share: float) -> None:
        """Learn at this share of the learning rates."""
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = share * self.rates[name]

    def published_generator(self) -> Generator:
        """The generator people should see, in eval mode: the EMA, or a copy of the trained one where there is none."""
        return self.ema if self.ema is not None else self.trained_generator()

    def trained_generator(self) -> Generator:
        """A copy in eval mode of the generator that learns, which an EMA follows with thousands of steps' delay."""
        return copy.deepcopy(self.generator).eval()

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the state under telling names; `step` and `rollbacks` are not among them."""
        tensors = {"rng": self.rng.get_state()}
        for part, network in self._networks().items():
            tensors |= {f"{part}.{name}": tensor for name, tensor in network.state_dict().items()}
        for part, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"adam.{part}.{index}.{name}": tensor for name, tensor in moments.items()}
        return tensors

    def load(self, tensors: dict[str, Tensor], step: int, rollbacks: int = 0) -> None:
        """Become the state that all these came from; it must have been built from the same config."""
        self.step, self.rollbacks = step, rollbacks
        self.rng.set_state(tensors["rng"])
        for part, network in self._networks().items():
            network.load_state_dict(_below(tensors, part))
        for part, optimizer in self.optimizers.items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, tensor in _below(tensors, f"adam.{part}").items():
                index, name = key.split(".")
                moments.setdefault(int(index), {})[name] = tensor
            optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})

    def _networks(self) -> dict[str, nn.Module]:
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return networks | ({"ema": self.ema} if self.ema is not None else {})


@dataclass(frozen=True)
class Schedule:
    """When things happen in a run on `pictures` pictures, in steps. A step is one batch of reals."""

    steps_per_epoch: int
    total_steps: int
    decay_steps: int  # the last of all, in which learning rates fall
    snapshots: dict[int, int]  # step -> epoch

    @classmethod
    def of(cls, config: TrainConfig, pictures: int) -> Schedule:
        """Raises InputError where the pictures don't fill one batch."""
        steps_per_epoch = pictures // config.batch_size  # an incomplete last batch would upset BatchNorm
        if not steps_per_epoch:
            raise InputError(
                f"--batch-size {config.batch_size} is more than the {pictures} usable pictures; "
                f"use --batch-size {pictures} or less, or more pictures."
            )
        total = config.epochs * steps_per_epoch
        if config.max_steps is not None:
            total = min(total, config.max_steps)
        epochs = {*config.snapshot_epochs, config.epochs}  # the end of a run is always worth keeping
        return cls(
            steps_per_epoch,
            total,
            round(total * config.lr_decay),
            {epoch * steps_per_epoch: epoch for epoch in sorted(epochs) if epoch * steps_per_epoch <= total},
        )

    def rate(self, step: int) -> float:
        """The share of its learning rates at which a step learns: 1, and towards the end down to nearly 0."""
        left = self.total_steps - step
        return left / self.decay_steps if left < self.decay_steps else 1.0


def train(state: TrainState, config: TrainConfig, pictures: Pictures) -> Iterator[Metrics]:
    """Train from `state.step` to the end of the schedule, yielding each finished step's metrics.

    Between two steps `state` is whole: it can be saved or taken back to an earlier one, and the run can be left at any
    yield. Pictures come in an order that depends only on (seed, epoch, rollbacks), so a resumed run sees what an
    uninterrupted one would have seen. Of several processes each reads its rows of every batch and yields the metrics of
    those.
    """
    schedule = Schedule.of(config, len(pictures))
    ordered = None
    while state.step < schedule.total_steps:
        epoch, position = divmod(state.step, schedule.steps_per_epoch)
        if ordered != (epoch, state.rollbacks):
            order = epoch_order(len(pictures), config.seed, epoch, state.rollbacks)
            ordered = epoch, state.rollbacks
        indices = order[position * config.batch_size : (position + 1) * config.batch_size]
        state.set_rates(schedule.rate(state.step))
        yield train_step(state, config, pictures.batch(state.world.rows(indices)))


def train_step(state: TrainState, config: TrainConfig, pixels: Tensor) -> Metrics:
    """One step on a batch of reals `(N, S, S, 3)`, uint8: D, then G on the same fakes, each as often as configured.

    With several processes `pixels` are this one's rows of the batch. Random numbers are drawn for the whole batch
    everywhere, so that they don't depend on the number of processes.
    """
    with torch.autocast(state.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        return _train_step(state, config, pixels)


def _train_step(state: TrainState, config: TrainConfig, pixels: Tensor) -> Metrics:
    updates_d, updates_g = state.step % config.d_every == 0, state.step % config.g_every == 0
    reals = to_float(pixels.to(state.device, non_blocking=True))
    if config.flip:
        reals = _flip_half(reals, state.rng, state.world)
    z = torch.randn(len(reals) * state.world.size, config.latent_dim, generator=state.rng)
    with torch.set_grad_enabled(updates_g):
        fakes = state.synced_generator(state.world.rows(z).to(state.device)).float()

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
    real_logits = state.synced_discriminator(augment(reals, config.augment, state.rng, state.world)).float()
    fake_logits = state.synced_discriminator(augment(fakes, config.augment, state.rng, state.world)).float()
    loss = discriminator_loss(real_logits, fake_logits, config.loss)
    metrics = {"loss_d": loss.detach(), "d_real": belief(real_logits, fake_logits, config.loss)}
    if (state.step // config.d_every) % config.r1_every == 0:
        for gamma, images in ((config.r1_gamma, reals), (config.r2_gamma, fakes)):
            if gamma:  # seldom and as much stronger: "lazy regularization" of StyleGAN2 (Karras et al. 2020)
                loss = loss + config.r1_every * gamma / 2 * gradient_penalty(state.discriminator, images)
    _descend(state.optimizers["discriminator"], loss)
    return metrics


def _update_generator(state: TrainState, config: TrainConfig, reals: Tensor, fakes: Tensor) -> Metrics:
    state.discriminator.requires_grad_(False)  # spares the backward pass D's own gradients
    real_logits = None  # or else of D as it is after its update
    if config.loss == "relativistic":
        real_logits = state.discriminator(augment(reals, config.augment, state.rng, state.world)).float()
    fake_logits = state.discriminator(augment(fakes, config.augment, state.rng, state.world)).float()
    loss = generator_loss(fake_logits, config.loss, real_logits)
    _descend(state.optimizers["generator"], loss)
    state.discriminator.requires_grad_(True)
    return {"loss_g": loss.detach(), "d_fake": belief(fake_logits, real_logits, config.loss)}


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move `ema` towards `network` by 1 - decay, BatchNorm's running statistics included; counters are copied."""
    for averaged, current in zip(ema.state_dict().values(), network.state_dict().values(), strict=True):
        if averaged.is_floating_point():
            averaged.lerp_(current, 1 - decay)
        else:
            averaged.copy_(current)


def _adam(network: nn.Module, lr: float, config: TrainConfig) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=lr, betas=(config.beta1, config.beta2), fused=True)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _flip_half(images: Tensor, rng: torch.Generator, world: World) -> Tensor:
    flipped = world.rows(torch.rand(len(images) * world.size, generator=rng) < 0.5).to(images.device)
    return torch.where(flipped.view(-1, 1, 1, 1), images.flip(3), images)


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(prefix + ".")}
