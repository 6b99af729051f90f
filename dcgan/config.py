"""What a network is (it travels with the weights) and what one training run is. Imports no torch."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from dcgan.errors import InputError
from dcgan.layout import CONFIG_NAME

IMAGE_SIZES = (24, 32, 48, 64, 96, 128, 192, 256)
MAX_FEATURE_MAPS = 512
MAX_LATENT_DIM = 4096
MAX_SEED = 2**31 - 1
FIRST_SIZE = 4  # pixels a side of the smallest feature map of both networks


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
        _require_choice("image_size", self.image_size, IMAGE_SIZES)
        _require_choice("image_channels", self.image_channels, (1, 3))
        _require_range("feature_maps", self.feature_maps, 1, MAX_FEATURE_MAPS)

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
        """The same settings as JSON-ready values."""
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
    """`ModelConfig` plus the length of the latent vector."""

    latent_dim: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_range("latent_dim", self.latent_dim, 1, MAX_LATENT_DIM)


@dataclass(frozen=True, kw_only=True)
class DiscriminatorConfig(ModelConfig):
    """`ModelConfig` plus what stands in the normalisation's place."""

    norm: str = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_choice("norm", self.norm, NORMS)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = CONFIG_NAME) -> Self:
        """As of any network; an older config.json has `spectral_norm`, true or false, in the place of `norm`."""
        known = with_named_norm(values, "norm", source) if isinstance(values, Mapping) else values
        return super().from_dict(known, source)


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run. Field names are the long options of train.py, with `_` for `-`.

    Raises:
        InputError: a value outside its range; the message names the option and what would work.
    """

    data: str
    data_size: int = 20_000
    background: tuple[str, ...] = ("white",)
    portrait_crop: str = "head"
    flip: bool = False
    image_size: int = 96
    latent_dim: int = 100
    generator_feature_maps: int = 64
    discriminator_feature_maps: int = 64
    seed: int = 0

    epochs: int = 66
    max_steps: int | None = None
    batch_size: int = 16
    d_every: int = 1
    g_every: int = 1
    snapshot_epochs: tuple[int, ...] = (1, 5, 10, 20, 30, 40, 50, 60, 65, 66)
    save_every: int = 1000

    recipe: str = "best"
    loss: str = "hinge"
    d_norm: str = "spectral"
    r1_gamma: float = 1.0
    r2_gamma: float = 0.0
    r1_every: int = 4
    augment: tuple[str, ...] = ()
    ema: bool = True
    ema_decay: float = 0.9998
    lr_generator: float = 8e-4
    lr_discriminator: float = 8e-4
    lr_decay: float = 0.0
    beta1: float = 0.0
    beta2: float = 0.999
    precision: str = "float32"

    def __post_init__(self) -> None:
        _require_choice("--image-size", self.image_size, IMAGE_SIZES)
        _require_range("--latent-dim", self.latent_dim, 1, MAX_LATENT_DIM)
        for name in ("generator_feature_maps", "discriminator_feature_maps"):
            _require_range(_option(name), getattr(self, name), 1, MAX_FEATURE_MAPS)
        for name in ("data_size", "epochs", "batch_size", "d_every", "g_every", "r1_every", "save_every"):
            _require_range(_option(name), getattr(self, name), 1)
        if self.batch_size < 2:
            raise InputError("--batch-size is 1, but BatchNorm needs at least 2 pictures a batch.")
        if not self.background:
            raise InputError("--background takes one colour or more, as in white,#b6e3f4.")
        if self.max_steps is not None:
            _require_range("--max-steps", self.max_steps, 1)
        if not self.snapshot_epochs or min(self.snapshot_epochs) < 1:
            raise InputError("--snapshot-epochs takes epochs from 1 up, as in 1,5,10,20.")
        _require_range("--seed", self.seed, 0, MAX_SEED)
        _require_choice("--recipe", self.recipe, tuple(RECIPES))
        _require_choice("--portrait-crop", self.portrait_crop, PORTRAIT_CROPS)
        _require_choice("--loss", self.loss, LOSSES)
        _require_choice("--d-norm", self.d_norm, NORMS)
        _require_choice("--precision", self.precision, PRECISIONS)
        for policy in self.augment:
            _require_choice("--augment", policy, AUGMENTATIONS)
        for name in ("r1_gamma", "r2_gamma", "lr_generator", "lr_discriminator"):
            _require_range(_option(name), getattr(self, name), 0.0)
        if not 0 <= self.lr_decay <= 1:
            raise InputError(f"--lr-decay is {self.lr_decay}; it must be from 0 (never) to 1 (from the first step on).")
        for name in ("ema_decay", "beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{_option(name)} is {getattr(self, name)}; it must be from 0 to below 1.")

    def generator_config(self) -> GeneratorConfig:
        """The generator this run trains."""
        return GeneratorConfig(
            latent_dim=self.latent_dim, image_size=self.image_size, feature_maps=self.generator_feature_maps
        )

    def discriminator_config(self) -> DiscriminatorConfig:
        """The discriminator this run trains."""
        return DiscriminatorConfig(
            image_size=self.image_size,
            feature_maps=self.discriminator_feature_maps,
            norm=self.d_norm,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; `from_dict` gives the same run back."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The run that `to_dict` described, also of a version that lacked some of today's settings."""
        known = BEFORE_IT_WAS_A_SETTING | with_named_norm(values, "d_norm", "the saved run")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in known.items()})

    def command(self) -> str:
        """The train.py command of this run, naming each option that isn't at its recipe's default."""
        words = ["python", "train.py", "--data", self.data]
        if self.recipe != TrainConfig.recipe:
            words += ["--recipe", self.recipe]
        usual = TrainConfig(data=self.data, recipe=self.recipe, **RECIPES[self.recipe])
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("data", "recipe") or value == getattr(usual, f.name):
                continue
            if isinstance(value, bool):
                words.append(_option(f.name) if value else "--no-" + _option(f.name)[2:])
            else:
                words += [_option(f.name), ",".join(map(str, value)) if isinstance(value, tuple) else str(value)]
        return shlex.join(words)

    def but(self, **changes: Any) -> TrainConfig:
        """A copy with some fields changed, validated again."""
        return replace(self, **changes)


def with_named_norm(values: Mapping[str, Any], name: str, source: str) -> dict[str, Any]:
    """Saved settings that call D's normalisation `name`, as older ones don't: they have `spectral_norm`, on or off.

    Raises:
        InputError: `spectral_norm` is something else; the message says that it is of `source`.
    """
    if name in values or "spectral_norm" not in values:
        return dict(values)
    older = values["spectral_norm"]
    _require_choice(f"{source}: spectral_norm", older, (False, True))
    return {k: v for k, v in values.items() if k != "spectral_norm"} | {name: norm_named_by(older)}


def norm_named_by(spectral_norm: bool) -> str:
    """D's normalisation as it was chosen before there was a third one."""
    return "spectral" if spectral_norm else "batch"


PORTRAIT_CROPS = ("head", "bust")
LOSSES = ("bce", "hinge", "relativistic")
NORMS = ("batch", "spectral", "none")  # in D; the generator has BatchNorm
AUGMENTATIONS = ("color", "translation", "cutout")
PRECISIONS = ("float32", "bfloat16")
# What `--recipe` sets; any option given beside it wins. "plain" is the loop of Radford et al. 2015, "best" what
# benchmarks/recipes.md settles on.
RECIPES: dict[str, dict[str, Any]] = {
    "best": {"loss": "hinge", "d_norm": "spectral", "r1_gamma": 1.0, "r2_gamma": 0.0, "ema": True}
    | {"beta1": 0.0, "batch_size": 16, "lr_generator": 8e-4, "lr_discriminator": 8e-4},
    "plain": {"loss": "bce", "d_norm": "batch", "r1_gamma": 0.0, "r2_gamma": 0.0, "ema": False}
    | {"beta1": 0.5, "batch_size": 64, "lr_generator": 2e-4, "lr_discriminator": 2e-4},
}
# What a saved run did that doesn't say so, since it couldn't be chosen then.
BEFORE_IT_WAS_A_SETTING = {"r1_every": 1, "r2_gamma": 0.0, "beta2": 0.999}
# What `--resume` may change: how far the run goes and what it leaves behind, never what it computes.
RESUMABLE_CHANGES = frozenset({"epochs", "max_steps", "snapshot_epochs", "save_every"})


def _option(field_name: str) -> str:
    return "--" + field_name.replace("_", "-")


def _require_choice(name: str, value: Any, choices: tuple) -> None:
    if not any(value == c and type(value) is type(c) for c in choices):
        raise InputError(f"{name} is {value!r}; it must be one of {', '.join(map(str, choices))}.")


def _require_range(name: str, value: Any, low: float, high: float | None = None) -> None:
    whole = isinstance(low, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise InputError(f"{name} is {value!r}; it must be a {'whole ' if whole else ''}number.")
    if value < low or (high is not None and value > high) or value != value:
        bounds = f"from {low} up" if high is None else f"from {low} to {high}"
        raise InputError(f"{name} is {value}; it must be {bounds}.")
