"""What one training run is: every option of it, with its default, bounds and help. Imports no torch."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

from dcgan.limits import MAX_FEATURE_MAPS, MAX_LATENT_DIM
from dcgan.names import legible
from dcgan.network_config import (
    IMAGE_SIZES,
    NORMS,
    SPECTRAL_NORM,
    DiscriminatorConfig,
    GeneratorConfig,
    with_named_norm,
)
from dcgan.options import UNSAID, check_options, option, options_of

MAX_SEED = 2**31 - 1
AVATARS_PREFIX, PORTRAITS_PREFIX = "avatars:", "portraits:"  # of --data that is drawn here
PORTRAIT_BACKGROUNDS = ("#f6e7e9", "#e7ebf7", "#e5f2ea", "#f6f0df", "#ede6f5", "#e1f1f4")
PORTRAIT_CROPS = ("head", "bust")
LOSSES = ("bce", "hinge", "relativistic")
AUGMENTATIONS = ("color", "translation", "cutout")
AUTO = "auto"  # --precision that the machine decides
PRECISIONS = ("float32", "bfloat16", AUTO)
# What `--recipe` sets; any option given beside it wins. "plain" is the loop of Radford et al. 2015, "best" what
# benchmarks/recipes.md settles on.
RECIPES: dict[str, dict[str, Any]] = {
    "best": {"loss": "hinge", "d_norm": "spectral", "r1_gamma": 1.0, "r2_gamma": 0.0, "ema": True}
    | {"beta1": 0.0, "batch_size": 16, "lr_generator": 8e-4, "lr_discriminator": 8e-4},
    "plain": {"loss": "bce", "d_norm": "batch", "r1_gamma": 0.0, "r2_gamma": 0.0, "ema": False}
    | {"beta1": 0.5, "batch_size": 64, "lr_generator": 2e-4, "lr_discriminator": 2e-4},
}
PICTURES, NETWORKS, LENGTH, RECIPE, MACHINE = "pictures", "networks", "length and output", "recipe", "machine"


def _unless_drawn(run: TrainConfig) -> str | None:
    return None if is_drawn(run.data) else f"the pictures of --data {run.data} aren't drawn here"


def _unless_portraits(run: TrainConfig) -> str | None:
    return None if run.data.startswith(PORTRAITS_PREFIX) else f"--data {run.data} holds no portraits to crop"


def _without_penalty(run: TrainConfig) -> str | None:
    return None if run.r1_gamma or run.r2_gamma else "--r1-gamma and --r2-gamma are 0, so there is no penalty"


def _without_average(run: TrainConfig) -> str | None:
    return None if run.ema else "by --no-ema there is no average"


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """Which pictures, and how they are shown."""

    data: str = option(
        help="a folder, .zip, .parquet, Hub data set user/name, avatars:STYLE or portraits:FOLDER",
        doc="Pictures of your own may have any size; avatars and portraits are drawn here, as many as `--data-size`. "
        "It is the one option that every new run needs.",
        group=PICTURES,
        holds_path=True,
    )
    data_size: int = option(
        20_000,
        help="how many avatars or portraits to draw",
        doc="They are numbered, and a smaller set is the beginning of a larger one.",
        group=PICTURES,
        unit="pictures",
        minimum=1,
        idle=_unless_drawn,
    )
    background: tuple[str, ...] = option(
        None,
        help="colours behind avatars or portraits, as in white,#b6e3f4",
        doc="Each picture has one of them.",
        group=PICTURES,
        unit="colours",
        example="white,#b6e3f4",
        by_data={AVATARS_PREFIX: ("white",), PORTRAITS_PREFIX: PORTRAIT_BACKGROUNDS},
        idle=_unless_drawn,
    )
    portrait_crop: str = option(
        "head",
        help="how much of a portrait is in the picture",
        group=PICTURES,
        choices=PORTRAIT_CROPS,
        metavar="CROP",
        idle=_unless_portraits,
    )
    flip: bool = option(
        False,
        help="mirror half of the pictures, chosen anew each time",
        doc="Not for faces that are asymmetric on purpose, by a parting or a scar.",
        group=PICTURES,
    )


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """How large the networks are."""

    image_size: int = option(
        96,
        help="width and height of a picture",
        doc="Pictures are resized to cover the square, and cropped to it.",
        group=NETWORKS,
        unit="pixels",
        choices=IMAGE_SIZES,
    )
    latent_dim: int = option(
        100, help="length of the latent vector, nz", group=NETWORKS, unit="numbers", minimum=1, maximum=MAX_LATENT_DIM
    )
    generator_feature_maps: int = option(
        64,
        help="width of the generator, ngf",
        doc="Of its last hidden layer; each one before is twice as wide.",
        group=NETWORKS,
        unit="channels",
        minimum=1,
        maximum=MAX_FEATURE_MAPS,
    )
    discriminator_feature_maps: int = option(
        64,
        help="width of the discriminator, ndf",
        doc="Of its first layer; each one after is twice as wide.",
        group=NETWORKS,
        unit="channels",
        minimum=1,
        maximum=MAX_FEATURE_MAPS,
    )
    denoising: bool = option(
        None,
        help="draw faces without grain, by a last layer that learns nothing",
        doc="For drawings, whose surfaces have one colour; photographs lose their finest detail by it. Networks learn "
        "as they do without.",
        group=NETWORKS,
        by_data={"": False, AVATARS_PREFIX: True, PORTRAITS_PREFIX: True},
        before=False,
    )


@dataclass(frozen=True, kw_only=True)
class LengthOptions:
    """How long a run goes on, and what it keeps."""

    epochs: int = option(
        66,
        help="passes over the pictures, in total",
        doc="Beside `--resume` the new total counts, and a `--max-steps` that was given before counts no more.",
        group=LENGTH,
        unit="epochs",
        minimum=1,
        resumable=True,
    )
    max_steps: int | None = option(
        None,
        help="stop after so many batches, in total",
        doc="Where `--epochs` ends earlier, that counts.",
        group=LENGTH,
        unit="steps",
        minimum=1,
        resumable=True,
    )
    snapshot_epochs: tuple[int, ...] = option(
        (1, 5, 10, 20, 30, 40, 50, 60, 65, 66),
        help="epochs to keep",
        doc="The end of a run is always kept. A run that goes wrong goes back to one of these or of `--save-every`.",
        group=LENGTH,
        unit="epochs",
        minimum=1,
        example="1,5,10,20",
        resumable=True,
    )
    save_every: int = option(
        1000,
        help="steps between saved resume states",
        doc="What a power cut costs at most; a run that goes wrong goes back to one of these.",
        group=LENGTH,
        unit="steps",
        minimum=1,
        resumable=True,
    )


@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """How the networks are trained."""

    recipe: str = option(
        "best",
        help="what the options below default to",
        doc="Any option given beside it wins; what each does is measured in [recipes.md](../benchmarks/recipes.md).",
        group=RECIPE,
        choices=tuple(RECIPES),
    )
    batch_size: int = option(
        16,
        help="pictures a step",
        doc="With several processes each gets an equal share of them.",
        group=RECIPE,
        unit="pictures",
        minimum=2,
        because="BatchNorm needs at least 2 pictures a batch",
    )
    loss: str = option(
        "hinge",
        help="what both networks minimise",
        doc="bce is the cross entropy of the original; relativistic compares each face with a picture.",
        group=RECIPE,
        choices=LOSSES,
    )
    d_norm: str = option(
        "spectral", help="normalisation in D", group=RECIPE, choices=NORMS, metavar="NORM", older=SPECTRAL_NORM
    )
    r1_gamma: float = option(
        1.0, help="weight of D's gradient penalty at reals, 0 for none", group=RECIPE, metavar="WEIGHT"
    )
    r2_gamma: float = option(
        0.0, help="weight of the same penalty at fakes, 0 for none", group=RECIPE, metavar="WEIGHT", before=0.0
    )
    r1_every: int = option(
        4,
        help="apply both every so many updates of D, as many times as strong",
        doc="Seldom is faster, and learns as well.",
        group=RECIPE,
        unit="updates",
        minimum=1,
        before=1,
        idle=_without_penalty,
    )
    augment: tuple[str, ...] = option(
        (),
        help=f"DiffAugment: {','.join(AUGMENTATIONS)} or some of them; all without a value",
        doc="Helps where there are few pictures. An empty value, `--augment ''`, is off.",
        group=RECIPE,
        unit="changes",
        choices=AUGMENTATIONS,
        bare=AUGMENTATIONS,
    )
    ema: bool = option(True, help="publish the average of G's weights", group=RECIPE)
    ema_decay: float = option(
        0.9998,
        help="how slowly that average moves in the end",
        doc="At first it moves faster.",
        group=RECIPE,
        metavar="SHARE",
        below=1,
        idle=_without_average,
    )
    lr_generator: float = option(8e-4, help="Adam's step size for G", group=RECIPE, metavar="RATE")
    lr_discriminator: float = option(8e-4, help="Adam's step size for D", group=RECIPE, metavar="RATE")
    lr_decay: float = option(
        0.0,
        help="the share of the run, its last, in which both fall to 0",
        doc="0 is never, 1 from the first step on. 0.25 leaves cleaner lines where a run's length is settled.",
        group=RECIPE,
        metavar="SHARE",
        maximum=1,
        because="0 is never and 1 is from the first step on",
    )
    beta1: float = option(0.0, help="Adam's momentum, for both", group=RECIPE, metavar="SHARE", below=1)
    beta2: float = option(
        0.999, help="Adam's decay of squared gradients, for both", group=RECIPE, metavar="SHARE", below=1, before=0.999
    )
    d_every: int = option(1, help="update D every so many steps", group=RECIPE, unit="steps", minimum=1)
    g_every: int = option(1, help="update G every so many steps", group=RECIPE, unit="steps", minimum=1)


@dataclass(frozen=True, kw_only=True)
class MachineOptions:
    """How it is computed."""

    seed: int = option(
        0,
        help="of the initial weights, latents and picture order",
        doc="The same options with the same seed are the same run, bit for bit on the CPU.",
        group=MACHINE,
        maximum=MAX_SEED,
    )
    precision: str = option(
        AUTO,
        help="of the layers; weights stay float32",
        doc="bfloat16 is faster where the processor or GPU has instructions for it, and draws as well; auto takes it "
        "just there, and the run keeps what that came to.",
        group=MACHINE,
        choices=PRECISIONS,
    )


@dataclass(frozen=True, kw_only=True)
class TrainConfig(MachineOptions, RecipeOptions, LengthOptions, NetworkOptions, PictureOptions):
    """One training run. Field names are the long options of train.py, with `_` for `-`; see dcgan/options.py.

    Raises:
        InputError: a value outside its range; the message names the option and what would work.
    """

    RECIPES: ClassVar = RECIPES

    def __post_init__(self) -> None:
        for each in options_of(type(self)).values():
            if each.by_data and getattr(self, each.name) is None:
                object.__setattr__(self, each.name, each.usual(self.data))
        check_options(self)
        object.__setattr__(self, "data", legible(self.data))

    def generator_config(self) -> GeneratorConfig:
        """Give the configuration of the generator that this run trains."""
        return GeneratorConfig(
            latent_dim=self.latent_dim,
            image_size=self.image_size,
            feature_maps=self.generator_feature_maps,
            denoising=self.denoising,
        )

    def discriminator_config(self) -> DiscriminatorConfig:
        """Give the configuration of the discriminator that this run trains."""
        return DiscriminatorConfig(
            image_size=self.image_size,
            feature_maps=self.discriminator_feature_maps,
            norm=self.d_norm,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give JSON-ready values, of which `from_dict` makes the same run again."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the run that `to_dict` described, also that of a version without some of today's settings."""
        before = {name: each.before for name, each in options_of(cls).items() if each.before is not UNSAID}
        known = before | with_named_norm(values, "d_norm", "the saved run")
        settings: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in known.items()}
        return cls(**settings)

    def command(self) -> str:
        """Spell this run's train.py command with each option that has an effect, so that no later default changes it.

        Those in RESUMABLE_CHANGES are named like all others: they decide how far the run goes and, once it goes wrong,
        to which state it goes back. Left out are options without effect beside the others, as those of drawn pictures
        are where the pictures come from a folder, and those that say "none" by not being there.
        """
        words = ["python", "train.py"]
        for each in options_of(type(self)).values():
            value = getattr(self, each.name)
            if value is not None and not each.idle(self):
                words += each.words(value)
        return shlex.join(words)

    def but(self, **changes: Any) -> Self:
        """Copy the configuration with some fields changed, validated again."""
        return replace(self, **changes)


# What `--resume` may change: how far the run goes and what it leaves behind, never what it computes.
RESUMABLE_CHANGES = frozenset(name for name, each in options_of(TrainConfig).items() if each.resumable)


def config_of(given: Mapping[str, Any]) -> TrainConfig:
    """Make a new run's configuration: the recipe's settings, and over them the options that were given."""
    return TrainConfig(**(RECIPES.get(given.get("recipe", TrainConfig.recipe), {}) | dict(given)))


def is_drawn(data: str) -> bool:
    """Tell whether `--data` names pictures that are drawn here, as many as wanted and on any background."""
    return data.startswith((AVATARS_PREFIX, PORTRAITS_PREFIX))


def usual_background(data: str) -> tuple[str, ...]:
    """Give the colours behind drawn pictures where none are chosen."""
    colours: tuple[str, ...] = options_of(TrainConfig)["background"].usual(data)
    return colours
