"""Generator and Discriminator of Radford et al. 2015 (https://arxiv.org/abs/1511.06434), and their weight init."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import torch
from huggingface_hub import PyTorchModelHubMixin
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm as with_spectral_norm

from dcgan.denoising import Denoising
from dcgan.errors import InputError
from dcgan.hub import fetch_checkpoint, is_repo_id, repo_id_in, without_cache_paths
from dcgan.layout import CONFIG_NAME, PICKLE_SUFFIXES, WEIGHTS_NAME
from dcgan.limits import MAX_CONFIG_BYTES, MAX_HEADER_BYTES
from dcgan.network_config import DiscriminatorConfig, GeneratorConfig, ModelConfig

# How the numbers of a type may be stored: shorter ones are widened
_STORED_AS = {"float32": ["float32", "float16", "bfloat16"]}
# (kernel, padding) of the layer next to the picture, by its stride
_LAST_LAYER = {3: (5, 1), 2: (4, 1)}


class _Network(nn.Module, PyTorchModelHubMixin):
    """What both networks share: strict loading of a folder or Hub repository of config.json + model.safetensors."""

    config_class: type[ModelConfig]

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        subfolder: str = "",
        map_location: str | torch.device = "cpu",
        **hub_options: Any,
    ) -> Self:
        """Load from a checkpoint folder or a Hub repository `user/name`, in eval mode; always strictly.

        The discriminator of a run is in its `subfolder` "discriminator". `hub_options` are huggingface_hub's:
        `revision` (a branch, a commit, or a tag such as `epoch-0010`), `token`, `cache_dir`, `force_download`,
        `local_files_only`; and `patience`, a `dcgan.hub.Patience`, says how long the Hub may take for an answer. Of a
        repository config.json and model.safetensors are fetched, from one commit; what is cached serves without the
        Hub.

        Raises:
            InputError: a missing or broken config.json or model.safetensors, an unknown setting, a missing, extra or
                misshaped tensor, or a pickle in the weights' place. The message names it.
            HubError: an InputError too; the repository can't be had.
        """
        if own := sorted(set(hub_options) & {f.name for f in fields(cls.config_class)}):
            raise InputError(f"{own[0]} can't be set here: a checkpoint's own {CONFIG_NAME} decides it.")
        folder, name = Path(pretrained_model_name_or_path), str(pretrained_model_name_or_path)
        if folder.is_dir():
            folder /= subfolder
            read_config(folder)
            return super().from_pretrained(folder, map_location=map_location)

        name = repo_id_in(name)
        if not is_repo_id(name):
            raise InputError(f"there is no folder {name}, nor is that a repository of the Hub, as in user/name.")
        try:
            folder = fetch_checkpoint(name, weight_bytes=cls._weight_bytes, subfolder=subfolder, **hub_options)
            return cls.from_pretrained(folder, map_location=map_location)
        except InputError as error:
            error.args = (without_cache_paths(str(error), name),)
            raise

    @classmethod
    def _weight_bytes(cls, folder: Path) -> tuple[int, int]:
        """Count the least and most bytes of weights that fit a config.json: convolutions as float16, all as float32."""
        with torch.device("meta"):  # takes no memory
            network = cls(**cls._arguments(read_config(folder), str(folder)))
        tensors = network.state_dict().values()
        most = sum(t.numel() * t.itemsize for t in tensors)
        return most - sum(t.numel() * t.itemsize // 2 for t in tensors if t.ndim == 4), most + MAX_HEADER_BYTES

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> Self:
        folder = Path(model_id)
        network = cls(**cls._arguments(read_config(folder), model_id))
        load_weights(network, folder / WEIGHTS_NAME)
        return network.to(options["map_location"]).eval()

    @classmethod
    def _arguments(cls, config: dict[str, Any], folder: str) -> dict[str, Any]:
        return cls.config_class.from_dict(config, f"{CONFIG_NAME} of {folder}").to_dict()


class Generator(
    _Network,
    library_name="pytorch",
    pipeline_tag="unconditional-image-generation",
    paper_url="https://arxiv.org/abs/1511.06434",
):
    """Latents `(N, latent_dim, 1, 1)` or `(N, latent_dim)`, standard normal, to images `(N, C, S, S)` in [-1, 1].

    Transposed convolutions without bias, each but the last followed by BatchNorm and ReLU; tanh at the end. Parameter
    names are those of the `nn.Sequential` called `main` that DCGAN codebases share. With `denoising` what is drawn goes
    through one more layer, which has nothing to learn (see denoising.py), but not while the network is trained: the
    discriminator judges what the weights make.

    Raises:
        InputError: an argument outside its range, such as an image size other than the eight that fit.
    """

    config_class = GeneratorConfig

    def __init__(
        self,
        latent_dim: int = 100,
        image_size: int = 96,
        image_channels: int = 3,
        feature_maps: int = 64,
        denoising: bool = False,
    ):
        super().__init__()
        config = GeneratorConfig(
            latent_dim=latent_dim,
            image_size=image_size,
            image_channels=image_channels,
            feature_maps=feature_maps,
            denoising=denoising,
        )
        self.config, self.latent_dim, self.image_size = config, latent_dim, image_size

        widths = config.widths
        layers = _up_block(latent_dim, widths[0], kernel=4, stride=1, padding=0)  # (N, nz, 1, 1) to (N, C, 4, 4)
        for wide, narrow in pairwise(widths):
            layers += _up_block(wide, narrow, kernel=4, stride=2, padding=1)  # doubles the side
        kernel, padding = _LAST_LAYER[config.last_stride]
        layers += [
            nn.ConvTranspose2d(widths[-1], image_channels, kernel, config.last_stride, padding, bias=False),
            nn.Tanh(),
        ]
        self.main = nn.Sequential(*layers)
        self.denoising = Denoising() if denoising else None
        self.apply(init_weights)

    def forward(self, z: Tensor) -> Tensor:
        """Draw the pictures `(N, C, S, S)`, in [-1, 1], of latents `(N, latent_dim, 1, 1)` or `(N, latent_dim)`."""
        images: Tensor = self.main(z.reshape(len(z), self.latent_dim, 1, 1))  # (N, nz, 1, 1) to (N, C, S, S)
        return images if self.denoising is None or self.training else self.denoising(images)


class Discriminator(_Network, library_name="pytorch", paper_url="https://arxiv.org/abs/1511.06434"):
    """Images `(N, C, S, S)` in [-1, 1] to logits `(N,)`: above 0 it takes the picture for real.

    Strided convolutions with LeakyReLU(0.2). With `norm` "batch" the middle ones are followed by BatchNorm. With the
    other two every convolution has a bias and keeps PyTorch's own initialisation; with "spectral" it is spectrally
    normalised (Miyato et al. 2018, https://arxiv.org/abs/1802.05957), with "none" nothing is normalised.

    Raises:
        InputError: an argument outside its range, such as an image size other than the eight that fit.
    """

    config_class = DiscriminatorConfig

    def __init__(self, image_size: int = 96, image_channels: int = 3, feature_maps: int = 64, norm: str = "batch"):
        super().__init__()
        config = DiscriminatorConfig(
            image_size=image_size, image_channels=image_channels, feature_maps=feature_maps, norm=norm
        )
        self.config = config

        def conv(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> nn.Module:
            return nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=norm != "batch")

        widths = config.widths[::-1]
        kernel, padding = _LAST_LAYER[config.last_stride]
        layers = [conv(image_channels, widths[0], kernel, config.last_stride, padding), nn.LeakyReLU(0.2, inplace=True)]
        for narrow, wide in pairwise(widths):
            layers.append(conv(narrow, wide, kernel=4, stride=2, padding=1))  # halves the side
            if norm == "batch":
                layers.append(nn.BatchNorm2d(wide))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers.append(conv(widths[-1], 1, kernel=4, stride=1, padding=0))  # (N, C, 4, 4) to (N, 1, 1, 1)
        self.main = nn.Sequential(*layers)
        if norm == "batch":
            self.apply(init_weights)
        elif norm == "spectral":
            # PyTorch's own initialisation stays. With N(0, 0.02), in the one run that tried it, D won early and G drew
            # only a few faces: a normalised weight has no scale, but Adam's steps have one, so that from such small
            # weights the first layer learns faster.
            for layer in self.main:
                if isinstance(layer, nn.Conv2d):
                    with_spectral_norm(layer)

    def forward(self, images: Tensor) -> Tensor:
        """Judge pictures `(N, C, S, S)` in [-1, 1]: logits `(N,)`, above 0 for those taken for real."""
        logits: Tensor = self.main(images)  # (N, C, S, S) to (N, 1, 1, 1)
        return logits.flatten()  # (N,)


def init_weights(module: nn.Module) -> None:
    """Draw a layer's first weights: convolutions from N(0, 0.02), BatchNorm from N(1, 0.02) with bias 0.

    The second number is the standard deviation (Radford et al. 2015, https://arxiv.org/abs/1511.06434).
    """
    if any(parameter.is_meta for parameter in module.parameters(recurse=False)):
        return  # only its shapes are needed, and PyTorch would spend a second on importing code for this
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def read_config(folder: Path) -> dict[str, Any]:
    """Parse config.json of a checkpoint folder.

    Raises:
        InputError: no such file, or one that holds no JSON object.
    """
    path = folder / CONFIG_NAME
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
        if len(content) > MAX_CONFIG_BYTES:
            raise InputError(f"{path} is larger than {MAX_CONFIG_BYTES:,} bytes; it is no checkpoint of this kind.")
        config = json.loads(content)
    except FileNotFoundError:
        raise InputError(
            f"{folder} has no {CONFIG_NAME}, so it is no checkpoint folder; one holds {CONFIG_NAME} and {WEIGHTS_NAME}."
        ) from None
    except InputError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} can't be read as JSON: {error}") from None
    if not isinstance(config, dict):
        raise InputError(f"{path} holds a {type(config).__name__}, not an object of named settings.")
    return config


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill `model` from a safetensors file; float16 weights are widened to the model's own type.

    Raises:
        InputError: no such file, one that is damaged or too large, or a tensor that is missing, extra, misshaped, of
            another type or has numbers that are none, named.
    """
    if not path.is_file():
        pickles = sorted(p.name for p in path.parent.glob("*") if p.suffix in PICKLE_SUFFIXES)
        hint = (
            f"; {pickles[0]} is a pickle, which is never loaded: python -m dcgan.checkpoints import "
            f"{path.parent / pickles[0]} FOLDER"
            if pickles
            else ""
        )
        raise InputError(f"{path.parent} has no {path.name}{hint}.")
    wanted = model.state_dict()
    most = sum(tensor.nbytes for tensor in wanted.values()) + MAX_HEADER_BYTES
    if (size := path.stat().st_size) > most:
        raise InputError(f"{path} has {size:,} bytes, but its {CONFIG_NAME} calls for {most:,} at most.")
    with damage_refused(path):
        found = load_file(path)
    for name, tensor in wanted.items():
        if name not in found:
            raise InputError(f"{path} lacks the tensor {name}, which its {CONFIG_NAME} calls for.")
        _refuse_unlike(tensor, found[name], f"{path}: the tensor {name}")
    if extra := sorted(set(found) - set(wanted)):
        raise InputError(f"{path} has the tensor {extra[0]}, which its {CONFIG_NAME} doesn't call for.")
    with torch.no_grad():
        model.load_state_dict(found)


@contextmanager
def damage_refused(path: Path) -> Iterator[None]:
    """Refuse what safetensors and PyTorch can't read in a file: PyTorch has types and sizes of its own.

    Raises:
        InputError: the file is damaged, or no safetensors file.
    """
    try:
        yield
    except (SafetensorError, OSError, KeyError, TypeError, RuntimeError) as error:
        why = str(error).partition("\n")[0]  # PyTorch's trace follows
        raise InputError(f"{path} is damaged or no safetensors file ({why}). Copy or download it again.") from None


def _refuse_unlike(wanted: Tensor, found: Tensor, words: str) -> None:
    """Refuse a tensor that can't take the place of the wanted one; `words` name it."""
    if found.shape != wanted.shape:
        raise InputError(f"{words} is {tuple(found.shape)}, but its {CONFIG_NAME} calls for {tuple(wanted.shape)}.")
    kind, kinds = _kind(found), _STORED_AS.get(_kind(wanted), [_kind(wanted)])
    if kind not in kinds:
        raise InputError(f"{words} is of type {kind}; it must be {' or '.join(kinds)}.")
    if not bool(found.isfinite().all()):
        raise InputError(f"{words} has numbers that are none. Copy or download it again.")


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _up_block(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]
