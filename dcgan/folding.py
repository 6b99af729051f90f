"""A generator made ready for drawing: with fewer passes over its pictures, in the layout that convolutions want.

In eval mode BatchNorm is a factor and a summand for each channel, which the convolution before it can apply by itself
(Jacob et al. 2017, https://arxiv.org/abs/1712.05877, section 3.2). And on a CPU PyTorch puts a convolution's weights in
oneDNN's order in each call: here that is done once.
"""

from __future__ import annotations

import copy
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dcgan.latents import latents
from dcgan.models import Generator

MAX_DIFFERENCE = 1e-4  # of values in [-1, 1], of which a level of the 256 is 0.008
BATCH = 8  # rows of a forward pass, so that a face's arithmetic never depends on how many were asked for


class Folded:
    """A generator's layers as they are now, folded."""

    def __init__(self, generator: Generator):
        self.version = _version(generator)
        self.layers, self._latent_dim = _folded(generator), generator.latent_dim
        self._device = next(generator.parameters()).device
        if self._device.type == "cpu":
            self.layers = _packed_where_possible(self.layers, latents(list(range(BATCH)), self._latent_dim))
        self._may_be_alone = False
        self._may_be_alone = self._draws_the_same_alone()

    @torch.inference_mode()
    def draw(self, z: Tensor) -> Tensor:
        """Turn latents `(N, latent_dim)`, at most BATCH of them, into images `(N, C, S, S)` in [-1, 1].

        They are padded to BATCH; one alone isn't where that makes no difference on this machine.
        """
        count = len(z)
        rows = z if count == 1 and self._may_be_alone else F.pad(z, (0, 0, 0, BATCH - count))  # (BATCH, nz)
        images: Tensor = self.layers(rows.to(self._device)[:, :, None, None])  # (BATCH, C, S, S)
        return images[:count]

    def _draws_the_same_alone(self) -> bool:
        """Draw faces in a batch, then alone; tell whether they are equal bit for bit."""
        z = latents(list(range(BATCH)), self._latent_dim)
        together = self.draw(z)
        self._may_be_alone = True
        return all(torch.equal(self.draw(z[i : i + 1])[0], together[i]) for i in range(BATCH))


class _Packed(nn.Module):
    """A transposed convolution on the CPU whose weights lie in oneDNN's order for images of one size."""

    def __init__(self, layer: nn.ConvTranspose2d, size: torch.Size):
        super().__init__()
        shape = (layer.padding, layer.output_padding, layer.stride, layer.dilation)
        self._shape = [*map(list, shape), layer.groups]
        self._weight = torch.ops.mkldnn._reorder_convolution_transpose_weight(layer.weight, *self._shape, list(size))
        self._bias = layer.bias

    def forward(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=torch.channels_last)
        drawn: Tensor = torch.ops.mkldnn._convolution_transpose_pointwise(
            images, self._weight, self._bias, *self._shape, "none", [], ""
        )
        return drawn


@torch.inference_mode()
def _packed_where_possible(layers: nn.Sequential, z: Tensor) -> nn.Sequential:
    """Pack the weights of all transposed convolutions, or give the layers as they are: where this machine or PyTorch
    can't, since what its own compiler calls is no public function, or where packed ones draw latents otherwise.
    """
    images = z[:, :, None, None]
    try:
        packed = _packed(layers, images)
        draws_the_same = torch.allclose(packed(images), layers(images), atol=MAX_DIFFERENCE)
    except (AttributeError, RuntimeError):
        return layers
    return packed if draws_the_same else layers


def _packed(layers: nn.Sequential, images: Tensor) -> nn.Sequential:
    packed: list[nn.Module] = []
    for layer in layers:
        packed.append(_Packed(layer, images.shape) if isinstance(layer, nn.ConvTranspose2d) else layer)
        images = layer(images)
    return nn.Sequential(*packed)


_KEPT: WeakKeyDictionary[Generator, Folded] = WeakKeyDictionary()


def folded(generator: Generator) -> Folded:
    """Fold a generator in eval mode, once for as long as its weights stay what they are."""
    kept = _KEPT.get(generator)
    if kept is None or kept.version != _version(generator):
        kept = _KEPT[generator] = Folded(generator)
    return kept


def _version(generator: Generator) -> tuple[tuple[int, int], ...]:
    """Tell a generator's weights from what they were before: where they lie, and how often each was written to."""
    tensors = (*generator.parameters(), *generator.buffers())
    return tuple((tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version) for tensor in tensors)


@torch.no_grad()
def _folded(generator: Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    for layer in generator.main:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers[-1]
            assert isinstance(convolution, nn.ConvTranspose2d)
            layers[-1] = fuse_conv_bn_eval(convolution, layer, transpose=True)
        else:
            layers.append(copy.deepcopy(layer))
    if generator.denoising is not None:
        layers.append(copy.deepcopy(generator.denoising))
    network = nn.Sequential(*layers)
    if next(generator.parameters()).device.type == "mps":
        return network
    return network.to(memory_format=torch.channels_last)
