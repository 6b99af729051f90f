"""What the options of an evaluation come to: which pictures, how many, and the command that measures the same."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypeVar

from tqdm import tqdm

from dcgan.checkpoints import Training
from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX, TrainConfig, usual_background
from dcgan.data import Pictures, load_pictures
from dcgan.errors import InputError
from dcgan.evaluation.extractors import Extractor
from dcgan.evaluation.references import ReferencePictures, held_out_pictures, pictures_given
from dcgan.latents import SEEDS

MIN_COUNT = 16  # pictures in a set; with fewer no figure means anything
TRAINED_ON = "which were trained on"
T = TypeVar("T")


class PictureSets(NamedTuple):
    """The reals, the pictures among which copies are looked for, and in words what training had to do with these."""

    reals: ReferencePictures
    pictures: Pictures
    relation: str


def check(options: argparse.Namespace) -> None:
    """Raise an InputError for an option outside its range."""
    if options.count < MIN_COUNT:
        raise InputError(f"--count is {options.count}; it must be from {MIN_COUNT} up, and means little below 1000.")
    if not 0 <= options.seed < SEEDS:
        raise InputError(f"--seed is {options.seed}; it must be from 0 to {SEEDS - 1}.")
    if options.data_size is not None and options.data_size < 1:
        raise InputError(f"--data-size is {options.data_size}; it must be from 1 up.")


def require_torch_fidelity() -> None:
    """Raise an InputError where the package that measures is missing, before minutes are spent on features."""
    if find_spec("torch_fidelity") is None:
        raise InputError(
            "evaluation needs torch_fidelity, which is missing; install it with: pip install -r requirements-train.txt"
        )


def open_pictures(options: argparse.Namespace, training: Training | None, size: int) -> PictureSets:
    """Open what --data and --trained-on name.

    Number and background of avatars are those of the run, where the options don't say otherwise. Without --trained-on,
    copies are looked for among the pictures of --data.
    """
    settings = training.settings() if training else TrainConfig(data=options.data)
    data_size = options.data_size or settings.data_size
    backgrounds, crop = (
        options.background or settings.background or usual_background(options.data),
        settings.portrait_crop,
    )
    given, pictures = (
        load_pictures(data, size, data_size, backgrounds, track=_decoding, portrait_crop=crop)
        for data in (options.data, options.trained_on or options.data)
    )
    if given.name.startswith((AVATARS_PREFIX, PORTRAITS_PREFIX)):
        reals = held_out_pictures(options.data, size, crop, backgrounds)
    else:
        reals = pictures_given(given, _relation(given, training))
    return PictureSets(reals, pictures, _relation(pictures, training))


def sample_count(asked: int, reals: ReferencePictures) -> int:
    """Decide how many faces and reals to compare: as many as asked for, or what there are reals for."""
    if reals.count is None:
        return asked
    count = min(asked, reals.count // 2)
    if count < MIN_COUNT:
        raise InputError(
            f"--data {reals.data} has {reals.count} pictures; two sets of {MIN_COUNT} or more are needed, one to "
            "compare the faces with and one to compare that with."
        )
    return count


def command_line(options: argparse.Namespace, folder: Path, sets: PictureSets, extractor: Extractor, count: int) -> str:
    """Spell the command that measures the same again; of any path only its last component."""
    words = ["python", "-m", "dcgan.evaluation", folder.resolve().name, "--data", sets.reals.data]
    words += ["--trained-on", sets.pictures.name] if options.trained_on else []
    words += ["--extractor", extractor.option, "--count", str(count)]
    for name, value in (("--seed", options.seed), ("--data-size", options.data_size)):
        words += [name, str(value)] if value else []
    words += ["--background", ",".join(options.background)] if options.background else []
    words += ["--weights", options.weights.name] if options.weights else []
    return shlex.join(words)


def _relation(pictures: Pictures, training: Training | None) -> str:
    """Say what training had to do with pictures."""
    if training is None:
        return "of which it isn't known whether they were trained on"
    if training.data.fingerprint == pictures.fingerprint:
        return TRAINED_ON
    return "not the set that was trained on, though some may be in both"


def _decoding(pictures: Iterable[T], total: int) -> Iterable[T]:
    shown: Iterable[T] = tqdm(pictures, total=total, unit="picture", desc="decoding", leave=False, disable=None)
    return shown
