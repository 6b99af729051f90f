"""A checkpoint is measured: its faces against reals, and among training pictures.

The first measure is the one that decides; a second, with other features, stands beside it as a check.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dcgan.checkpoints import FORMAT, Evaluation, Measure, read_evaluation
from dcgan.data import Pictures
from dcgan.errors import InputError
from dcgan.evaluation.copies import look_for_copies, same_as_trained
from dcgan.evaluation.extractors import EfficientNetLite0, Extractor
from dcgan.evaluation.metrics import SUBSET_SEED, compare, to_five_digits
from dcgan.evaluation.nearest import spread
from dcgan.evaluation.references import ReferencePictures
from dcgan.latents import seeds_from
from dcgan.layout import EVALUATION_NAME
from dcgan.models import Generator
from dcgan.sampling import faces

LOOKED_UP = 1000  # faces whose nearest training picture is looked for, and held-out pictures
COMPARED = ("--data", "--count", "--seed", "--background")  # what decides which faces are compared with which reals


@dataclass(frozen=True)
class Measured:
    """What was measured: values of an Evaluation, and the page of pairs as pixels `(H, W, 3)`."""

    report: dict[str, Any]
    page: np.ndarray


def evaluate(
    generator: Generator,
    reals: ReferencePictures,
    pictures: Pictures,
    extractor: Extractor,
    count: int,
    first_seed: int = 0,
) -> Measured:
    """Compare the faces of `count` seeds with as many reals, and look for copies of `pictures` among them."""
    fakes = faces(generator, seeds_from(first_seed, count))
    compared = compare(fakes, reals, extractor)
    some = min(count, LOOKED_UP)
    some_fakes, some_reals = fakes[:some], reals.pixels(0, some)
    neighbours, page = look_for_copies(some_fakes, some_reals, reals.rows(0, some, pictures), pictures.pixels)
    report = {
        "extractor": compared["extractor"],
        "reals": {"words": reals.words, "held_out": reals.held_out} | same_as_trained(reals, count, pictures),
        "samples": compared["samples"],
        "seeds": {"first_face": first_seed, "subsets": SUBSET_SEED},
        "kid": compared["kid"],
        "fakes": compared["fakes"] | {"spread": to_five_digits(spread(some_fakes))},
        "floor": compared["floor"] | {"spread": to_five_digits(spread(some_reals))},
        "neighbours": neighbours,
        "versions": compared["versions"],
    }
    return Measured(report, page)


def first_measure(folder: Path) -> Evaluation:
    """Read the evaluation of a folder that a second measure can stand beside, strictly since it is written again."""
    before = read_evaluation(folder)
    if before is None or not before.command:  # nothing, or directions alone
        raise InputError(
            f"{folder} has no evaluation of these weights for a second measure to stand beside; measure with "
            f"--extractor {EfficientNetLite0.option} first."
        )
    return Evaluation.read(folder / EVALUATION_NAME)


def add_second_measure(
    first: Evaluation,
    generator: Generator,
    reals: ReferencePictures,
    extractor: Extractor,
    count: int,
    first_seed: int,
    command: str,
) -> Evaluation:
    """Compare the faces of an evaluation with its reals once more, by other features; the rest stays as it is.

    Raises:
        InputError: `command`, by which the second is made, is of other faces or other reals than the first's.
    """
    if _compared(first.command) != _compared(command):
        raise InputError(
            f"a second measure is of the same faces and reals as the first, which was: {first.command}. "
            "Give the same options, but for --extractor."
        )
    compared = compare(faces(generator, seeds_from(first_seed, count)), reals, extractor)
    return replace(first, format=FORMAT, second=Measure.take(compared | {"command": command}, lenient=True))


def second_kept(before: Evaluation | None, command: str) -> Measure | None:
    """Keep the second measure of the evaluation before, where the first is made anew of the same faces and reals."""
    if before and before.second and before.command and _compared(before.command) == _compared(command):
        return before.second
    return None


def _compared(command: str) -> dict[str, str]:
    """Read what a command says of the faces and reals; all of its options have a value."""
    words = shlex.split(command)[4:]  # after python -m dcgan.evaluation FOLDER
    return {name: value for name, value in zip(words[::2], words[1::2], strict=True) if name in COMPARED}
