"""What the convolutions of a step take alone: oneDNN's own rate at a network's shapes, on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dcgan.config import TrainConfig
from dcgan.models import Discriminator, Generator

LAYOUTS = (torch.contiguous_format, torch.channels_last)
# How often a step of the plain recipe goes through each: forwards, and backwards to inputs and to weights
G_PASSES = (1, 1, 1)
D_PASSES = (3, 3, 2)  # of reals, of fakes, and of fakes once more for G, which asks for no gradients of D's weights


@dataclass(frozen=True)
class Convolution:
    """A layer with what it is given `(N, C, H, W)`, and how often a step goes through it in each of three ways."""

    layer: nn.Conv2d | nn.ConvTranspose2d
    images: Tensor
    passes: tuple[int, int, int]

    def seconds(self, dtype: torch.dtype, repeats: int) -> float:
        """Time all its passes of a step, in the better of both layouts."""
        return min(self._seconds(dtype, layout, repeats) for layout in LAYOUTS)

    def _seconds(self, dtype: torch.dtype, layout: torch.memory_format, repeats: int) -> float:
        layer, transposed = self.layer, isinstance(self.layer, nn.ConvTranspose2d)
        images = self.images.to(dtype).contiguous(memory_format=layout)
        weight = layer.weight.detach().to(dtype).contiguous(memory_format=layout)
        shape = (layer.stride, layer.padding, layer.dilation, transposed, layer.output_padding, layer.groups)

        def forwards() -> Tensor:
            return torch.ops.aten.convolution(images, weight, None, *shape)  # type: ignore[no-any-return]

        gradient = torch.ones_like(forwards())

        def backwards(to_inputs: bool, to_weights: bool) -> None:
            mask = [to_inputs, to_weights, False]
            torch.ops.aten.convolution_backward(gradient, images, weight, None, *shape, mask)

        ways = (forwards, lambda: backwards(True, False), lambda: backwards(False, True))
        return sum(count * _fastest(way, repeats) for count, way in zip(self.passes, ways, strict=True) if count)


@torch.no_grad()
def seconds_a_step(config: TrainConfig, repeats: int) -> float:
    """Time the convolutions of a step of the plain recipe, each by itself."""
    dtype = torch.bfloat16 if config.precision == "bfloat16" else torch.float32
    return sum(each.seconds(dtype, repeats) for each in _convolutions(config))


def _convolutions(config: TrainConfig) -> Iterator[Convolution]:
    size, batch = config.image_size, config.batch_size
    generator = Generator(**config.generator_config().to_dict())
    discriminator = Discriminator(**config.discriminator_config().to_dict())
    yield from _layers(generator.main, torch.randn(batch, config.latent_dim, 1, 1), G_PASSES, (1, 0, 1))
    yield from _layers(discriminator.main, torch.randn(batch, 3, size, size), D_PASSES, (3, 1, 2))


def _layers(
    network: nn.Module, images: Tensor, passes: tuple[int, int, int], of_the_first: tuple[int, int, int]
) -> Iterator[Convolution]:
    """List a network's convolutions; nobody asks for gradients of the latents, and only G for those of pictures."""
    now = of_the_first
    for layer in network.children():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            yield Convolution(layer, images, now)
            now = passes
        images = layer(images)


def _fastest(run: object, repeats: int) -> float:
    assert callable(run)
    run()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
