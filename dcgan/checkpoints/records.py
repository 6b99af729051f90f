"""What a checkpoint folder says of itself: training.json, the facts of a resume state, evaluation.json.

What older files mean by keys that they lack, and the names that keys had before, are written down here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from dcgan.checkpoints.reading import Part, Record, anything, count, flag, named, number, object_in, part, text
from dcgan.config import TrainConfig
from dcgan.errors import InputError
from dcgan.files import sha256
from dcgan.layout import EVALUATION_NAME, TRAINING_NAME, WEIGHTS_NAME

OLDER_NAME = "diversity"  # which two things had: a run's relative_diversity and an evaluation's spread


# training.json


@dataclass(frozen=True, kw_only=True)
class Credit(Part):
    """Whose work the training pictures are, as dcgan.data's Attribution has it."""

    title: str = part(text, absent="")
    creator: str = part(text, absent="")
    source: str = part(text, absent="")
    licence: str = part(text, absent="")
    licence_url: str = part(text, absent="")
    licence_text: str = part(text, absent="")
    changes: str = part(text, absent="")  # nobody said so before portraits could be changed


@dataclass(frozen=True, kw_only=True)
class Data(Part):
    """The training pictures."""

    name: str = part(text)
    pictures: int = part(count)
    fingerprint: str = part(text)
    attribution: Credit | None = part(Credit.take, absent=None)


@dataclass(frozen=True, kw_only=True)
class FacesReading(Part):
    """How a run's faces compared with its pictures; `relative_diversity` is a share of how much pictures differ."""

    distance: float = part(number)
    relative_diversity: float = part(number, OLDER_NAME)


@dataclass(frozen=True, kw_only=True)
class Parameters(Part):
    """How many parameters each network has."""

    generator: int | None = part(count, absent=None)
    discriminator: int | None = part(count, absent=None)


@dataclass(frozen=True, kw_only=True)
class Best(Part):
    """The best snapshot, and what differs from the run's end in it; None where that isn't said."""

    snapshot: str = part(text)
    step: int | None = part(count, absent=None)
    epoch: float | None = part(number, absent=None)
    images_seen: int | None = part(count, absent=None)
    seconds: float | None = part(number, absent=None)
    metrics: Mapping[str, float] | None = part(named(number), absent=None)
    reading: FacesReading | None = part(FacesReading.take, key="watch", absent=None)

    @classmethod
    def of(cls, snapshot: str, training: Training) -> Self:
        """Take from a snapshot's training.json what is of its generator, not of the run."""
        own = [each.name for each in fields(cls) if each.name != "snapshot"]
        return cls(snapshot=snapshot, **{name: getattr(training, name) for name in own})


@dataclass(frozen=True, kw_only=True)
class Training(Record):
    """training.json: what a run was, for whoever wants to know.

    Runs from before faces were looked at have no `reading`, `rollbacks` or `best`.
    """

    run_id: str = part(text)
    command: str = part(text)
    recipe: str | None = part(text, absent=None)
    config: Mapping[str, Any] = part(named(anything))
    data: Data = part(Data.take)
    step: int = part(count)
    epoch: float = part(number)
    images_seen: int = part(count)
    seconds: float = part(number)
    metrics: Mapping[str, float] = part(named(number), absent={})
    reading: FacesReading | None = part(FacesReading.take, key="watch", absent=None)
    rollbacks: int = part(count, absent=0)
    parameters: Parameters = part(Parameters.take, absent=Parameters())
    hardware: str | None = part(text, absent=None)
    versions: Mapping[str, str] = part(named(text), absent={})
    best: Best | None = part(Best.take, absent=None, omit=True)

    def settings(self) -> TrainConfig:
        """Make the run's configuration.

        Raises:
            InputError: it has options that this version doesn't know.
        """
        try:
            return TrainConfig.from_dict(self.config)
        except (TypeError, InputError) as error:
            raise InputError(f"{TRAINING_NAME}: config: {error}") from None

    @classmethod
    def _refusal(cls, path: Path, why: str) -> InputError:
        return InputError(f"{path} can't be read ({why}); is {path.parent} a run of train.py?")


def read_training(folder: Path) -> Training:
    """Read strictly the facts of the run that made a checkpoint folder."""
    return Training.read(folder / TRAINING_NAME)


def facts_of_the_shown(training: Training) -> Training:
    """Give what a training.json says of the generator that shows, which is the best snapshot where there is one."""
    if training.best is None:
        return training
    of_the_best = {name: value for name, value in vars(training.best).items() if value is not None}
    return replace(training, **{name: value for name, value in of_the_best.items() if name != "snapshot"})


# metrics.jsonl


def glean_metrics(content: str) -> list[dict[str, Any]]:
    """Read what can be understood of the lines of a metrics.jsonl, under today's names, whoever wrote them."""
    return [_with_todays_names(line) for line in map(object_in, content.splitlines()) if line]


def _with_todays_names(line: dict[str, Any]) -> dict[str, Any]:
    return {"relative_diversity" if key == OLDER_NAME else key: value for key, value in line.items()}


# The facts of a resume state


@dataclass(frozen=True, kw_only=True)
class Watched(Part):
    """What a run remembers of its health, as dcgan.training's Watch has it."""

    trouble: str | None = part(text, absent=None)
    lowest: float | None = part(number, absent=None)
    widest: float | None = part(number, absent=None)
    tries: int = part(count, absent=0)
    losses: Mapping[str, float] = part(named(number), absent={})
    still: Mapping[str, int] = part(named(count), absent={})


@dataclass(frozen=True, kw_only=True)
class StateFacts(Record):
    """state.json: what exact resume needs beside tensors.

    States from before runs were taken back have no `rollbacks`, `good` or `watch`; all of them count as good.
    """

    step: int = part(count)
    run_id: str = part(text)
    seconds: float = part(number)
    data_name: str = part(text)
    data_fingerprint: str = part(text)
    config: Mapping[str, Any] = part(named(anything))
    rollbacks: int = part(count, absent=0)
    good: bool = part(flag, absent=True)
    watch: Watched = part(Watched.take, absent=Watched())


# evaluation.json


@dataclass(frozen=True, kw_only=True)
class Extraction(Part):
    """The network that made the features; `distance` is what the Fréchet distance of these is called: FID or FD."""

    name: str = part(text)
    protocol: str = part(text)
    weights_sha256: str | None = part(text, absent=None, omit=True)
    distance: str = part(text)
    features: int | None = part(count, absent=None, omit=True)


@dataclass(frozen=True, kw_only=True)
class Figures(Part):
    """The figures of a set of pictures; `spread` is the mean distance of two of them, in grey levels."""

    kid: float | None = part(number, absent=None, omit=True)
    kid_std: float | None = part(number, absent=None, omit=True)
    fid: float | None = part(number, absent=None, omit=True)
    fd: float | None = part(number, absent=None, omit=True)
    precision: float | None = part(number, absent=None, omit=True)
    recall: float | None = part(number, absent=None, omit=True)
    spread: float | None = part(number, OLDER_NAME, absent=None, omit=True)


@dataclass(frozen=True, kw_only=True)
class Samples(Part):
    """How many pictures were compared."""

    fakes: int = part(count)
    reals: int = part(count)
    other_reals: int | None = part(count, absent=None, omit=True)


@dataclass(frozen=True, kw_only=True)
class Subsets(Part):
    """How a KID was estimated."""

    subsets: int = part(count)
    subset_size: int = part(count)


@dataclass(frozen=True, kw_only=True)
class RealsTold(Part):
    """What the faces were compared with."""

    words: str = part(text)
    held_out: bool | None = part(flag, absent=None, omit=True)
    same_as_trained: int | None = part(count, absent=None, omit=True)


@dataclass(frozen=True, kw_only=True)
class Seeds(Part):
    """The seeds of random choices."""

    first_face: int = part(count)
    subsets: int | None = part(count, absent=None, omit=True)


@dataclass(frozen=True, kw_only=True)
class Neighbours(Part):
    """How near faces and reals come to the training pictures, by quantile and in grey levels."""

    pictures: int = part(count)
    looked_up: int = part(count)
    fakes: Mapping[str, float] = part(named(number))
    reals: Mapping[str, float] = part(named(number))
    nearer: float = part(number, key="nearer_than_5%_of_reals")
    relation: str = part(text)


@dataclass(frozen=True, kw_only=True)
class Measure(Part):
    """Faces compared with reals on the features of one network, and the floor: these with others of their source."""

    command: str = part(text)
    extractor: Extraction = part(Extraction.take)
    samples: Samples | None = part(Samples.take, absent=None, omit=True)
    kid: Subsets | None = part(Subsets.take, absent=None, omit=True)
    fakes: Figures = part(Figures.take)
    floor: Figures = part(Figures.take)
    versions: Mapping[str, str] = part(named(text), absent={})


@dataclass(frozen=True, kw_only=True)
class Direction(Part):
    """What was measured of a named direction on held-out seeds, in standard deviations of attributes over seeds.

    `r2` is the share of its attribute's variance that a linear function of the latents tells, `sefa_r2` what the best
    direction of SeFa tells. At AMOUNT 1 the attribute changes by `effect`, and the other one that changes most, which
    is `leaks_into`, by `leakage`; at AMOUNT 2 it is raised for the share `moved` of the seeds. `by_eye` is how many of
    10 pairs a person told apart.
    """

    r2: float = part(number)
    sefa_r2: float = part(number)
    effect: float = part(number)
    moved: float = part(number)
    leakage: float = part(number)
    leaks_into: str | None = part(text, absent=None, omit=True)
    by_eye: int | None = part(count, absent=None, omit=True)
    shipped: bool = part(flag)


@dataclass(frozen=True, kw_only=True)
class Directions(Part):
    """The directions that were looked for, by name: those that are shipped, and those that failed."""

    command: str = part(text)
    fitted_on: int = part(count)
    tested_on: int = part(count)
    steered: int = part(count)
    found: Mapping[str, Direction] = part(named(Direction.take))


@dataclass(frozen=True, kw_only=True)
class Evaluation(Record):
    """evaluation.json: what was measured of the weights with this SHA-256.

    Where nothing but directions was measured, it has nothing else.
    """

    command: str = part(text)
    weights_sha256: str = part(text)
    data: str = part(text)
    extractor: Extraction = part(Extraction.take)
    reals: RealsTold = part(RealsTold.take)
    samples: Samples = part(Samples.take)
    seeds: Seeds = part(Seeds.take)
    kid: Subsets | None = part(Subsets.take, absent=None, omit=True)
    fakes: Figures = part(Figures.take)
    floor: Figures = part(Figures.take)
    neighbours: Neighbours = part(Neighbours.take)
    versions: Mapping[str, str] = part(named(text), absent={})
    second: Measure | None = part(Measure.take, absent=None, omit=True)
    directions: Directions | None = part(Directions.take, absent=None, omit=True)

    @property
    def measures(self) -> list[Self | Measure]:
        """The evaluation itself, and the second measure beside it where there is one."""
        return [self, *([self.second] if self.second else [])]


def read_evaluation(folder: Path) -> Evaluation | None:
    """Read leniently what was measured of the weights that `folder` holds now; None where that isn't known."""
    try:
        evaluation = Evaluation.glean((folder / EVALUATION_NAME).read_bytes())
        return evaluation if evaluation.weights_sha256 == sha256(folder / WEIGHTS_NAME) else None
    except OSError:
        return None
