"""Everything that makes up a run between two steps."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from dcgan.config import TrainConfig
from dcgan.models import Discriminator, Generator
from dcgan.training.distributed import SINGLE_PROCESS, World

Metrics = dict[str, Tensor]  # name -> scalar, still on the training device
Network = TypeVar("Network", bound=nn.Module)


class TrainState:
    """Everything that makes up a run between two steps. `tensors` and `load` carry it through a file, bit for bit.

    In a `world` of several processes each has a state of its own, all with the same weights, optimizers and rng; only
    BatchNorm's running statistics are of each process's share of the batches, as is usual; those of the main process
    are saved. `synced_generator` and `synced_discriminator` are the networks with gradients averaged.
    """

    def __init__(self, config: TrainConfig, device: torch.device, world: World = SINGLE_PROCESS):
        torch.backends.cudnn.benchmark = True  # shapes stay the same for the whole run
        with torch.random.fork_rng(devices=[]):  # leaves the caller's random numbers alone
            torch.manual_seed(config.seed)
            self.generator = _placed(Generator(**config.generator_config().to_dict()), device)
            self.discriminator = _placed(Discriminator(**config.discriminator_config().to_dict()), device)
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
        """Set the learning rates to this share of the configured ones, from 0 to 1."""
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(share * self.rates[name])
                else:
                    group["lr"] = share * self.rates[name]

    def published_generator(self) -> Generator:
        """Give the generator people should see, in eval mode: the EMA, or where there is none a copy of the other."""
        return self.ema if self.ema is not None else self.trained_generator()

    def trained_generator(self) -> Generator:
        """Copy, in eval mode, the generator that learns, which an EMA follows thousands of steps behind."""
        return copy.deepcopy(self.generator).eval()

    def tensors(self) -> dict[str, Tensor]:
        """Give all tensors of the state under telling names; `step` and `rollbacks` are not among them."""
        tensors = {"rng": self.rng.get_state()}
        for part, network in self._networks().items():
            tensors |= {f"{part}.{name}": tensor for name, tensor in network.state_dict().items()}
        for part, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                tensors |= {f"adam.{part}.{index}.{name}": tensor for name, tensor in moments.items()}
        return tensors

    def load(self, tensors: dict[str, Tensor], step: int, rollbacks: int = 0) -> None:
        """Become the state whose `tensors` these are. It must have been built from the same config."""
        self.step, self.rollbacks = step, rollbacks
        self.rng.set_state(tensors["rng"])
        for part, network in self._networks().items():
            network.load_state_dict(_below(tensors, part))
        for part, optimizer in self.optimizers.items():
            moments: dict[int, dict[str, Tensor]] = {}
            parameters = optimizer.param_groups[0]["params"]
            for key, tensor in _below(tensors, f"adam.{part}").items():
                index, name = key.split(".")
                moments.setdefault(int(index), {})[name] = _laid_out_as(parameters[int(index)], tensor)
            optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})

    def _networks(self) -> dict[str, nn.Module]:
        networks: dict[str, nn.Module] = {"generator": self.generator, "discriminator": self.discriminator}
        return networks | ({"ema": self.ema} if self.ema is not None else {})


def _placed(network: Network, device: torch.device) -> Network:
    """Bring a network to its device, in the memory format that convolutions are fastest in there."""
    network = network.to(device)
    return network if device.type == "mps" else network.to(memory_format=torch.channels_last)


def _adam(network: nn.Module, lr: float, config: TrainConfig) -> torch.optim.Adam:
    """Make an optimizer; on a GPU one whose steps can be recorded, which reads its learning rate there."""
    device, betas = next(network.parameters()).device, (config.beta1, config.beta2)
    if device.type != "cuda":
        return torch.optim.Adam(network.parameters(), lr=lr, betas=betas, fused=True)
    rate = torch.tensor(lr, device=device)
    return torch.optim.Adam(network.parameters(), lr=rate, betas=betas, fused=True, capturable=True)


def _laid_out_as(parameter: Tensor, moment: Tensor) -> Tensor:
    """Give a moment of Adam in its parameter's memory format; the count of steps is left as it is."""
    return torch.empty_like(parameter).copy_(moment) if moment.shape == parameter.shape else moment


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(prefix + ".")}
