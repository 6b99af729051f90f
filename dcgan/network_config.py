"""The shape of a network, which is kept beside its weights. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from dcgan.errors import InputError
from dcgan.layout import CONFIG_NAME
from dcgan.limits import MAX_FEATURE_MAPS, MAX_LATENT_DIM
from dcgan.options import OlderName, require_choice, require_number

IMAGE_SIZES = (24, 32, 48, 64, 96, 128, 192, 256)
FIRST_SIZE = 4  # pixels a side of the smallest feature map of both networks
NORMS = ("batch", "spectral", "none")  # in D; the generator has BatchNorm
SPECTRAL_NORM = OlderName("spectral_norm", on="spectral", off="batch")  # D's norm as it was chosen without a third one


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The shape of a network: `image_size = 4 * 2**doublings * last_stride`, the last stride being 3 or 2.

    Raises:
        InputError: a value outside its range; the message names it and what would work.
    """

    image_size: int = 96
    image_channels: int = 3
    feature_maps: int = 64

    def __post_init__(self) -> None:
        require_choice("image_size", self.image_size, IMAGE_SIZES)
        require_choice("image_channels", self.image_channels, (1, 3))
        require_number("feature_maps", self.feature_maps, int, 1, MAX_FEATURE_MAPS)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = CONFIG_NAME) -> Self:
        """Build from a parsed config.json; a key this network doesn't have is an error that names it."""
        if not isinstance(values, Mapping):
            raise InputError(f"{source} holds a {type(values).__name__}, not an object of named settings.")
        names = [f.name for f in fields(cls)]
        if unknown := sorted(set(values) - set(names)):
            raise InputError(f"{source} has the unknown key {unknown[0]!r}; known are {', '.join(names)}.")
        try:
            return cls(**values)
        except InputError as error:
            raise InputError(f"{source}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Give the same settings as JSON-ready values."""
        return asdict(self)

    @property
    def last_stride(self) -> int:
        """Stride of the layer next to the picture: 3 where the size has a factor 3, else 2."""
        return 3 if self.image_size % 3 == 0 else 2

    @property
    def doublings(self) -> int:
        """How many stride-2 layers lie between the 4x4 feature map and the layer next to the picture."""
        return (self.image_size // (FIRST_SIZE * self.last_stride)).bit_length() - 1

    @property
    def widths(self) -> list[int]:
        """Channels of the generator's feature maps, widest (4x4) first."""
        return [self.feature_maps * 2**k for k in range(self.doublings, -1, -1)]


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig(ModelConfig):
    """`ModelConfig` plus the length of the latent vector, and whether a last layer takes the grain out of pictures."""

    latent_dim: int = 100
    denoising: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number("latent_dim", self.latent_dim, int, 1, MAX_LATENT_DIM)
        require_choice("denoising", self.denoising, (False, True))

    def to_dict(self) -> dict[str, Any]:
        """Give the same settings as JSON-ready values; without `denoising` where older versions know the network."""
        return {name: value for name, value in super().to_dict().items() if name != "denoising" or value}


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig(ModelConfig):
    """`ModelConfig` plus the normalisation of the discriminator's layers."""

    norm: str = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("norm", self.norm, NORMS)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = CONFIG_NAME) -> Self:
        """Build as any network's; an older config.json has `spectral_norm`, true or false, in the place of `norm`."""
        known = with_named_norm(values, "norm", source) if isinstance(values, Mapping) else values
        return super().from_dict(known, source)


def with_named_norm(values: Mapping[str, Any], name: str, source: str) -> dict[str, Any]:
    """Rename saved settings so that D's normalisation is `name`; older ones have `spectral_norm`, true or false.

    Raises:
        InputError: `spectral_norm` is something else; the message says that it is of `source`.
    """
    if name in values or "spectral_norm" not in values:
        return dict(values)
    older = values["spectral_norm"]
    require_choice(f"{source}: spectral_norm", older, (False, True))
    return {k: v for k, v in values.items() if k != "spectral_norm"} | {name: norm_named_by(older)}


def norm_named_by(spectral_norm: bool) -> str:
    """Give D's normalisation as it was chosen before there was a third one."""
    return SPECTRAL_NORM.word(spectral_norm)
