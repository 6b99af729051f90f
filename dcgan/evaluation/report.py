"""What was measured of a checkpoint, in its evaluation.json, its card and words."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dcgan.checkpoints import (
    Evaluation,
    Figures,
    Measure,
    Training,
    facts_of_the_shown,
    in_todays_words,
    model_card,
    name_in,
    read_evaluation,
    read_training,
)
from dcgan.data import AVATARS_PREFIX, Pictures, cache_root
from dcgan.errors import InputError
from dcgan.evaluation.copies import look_for_copies, same_as_trained
from dcgan.evaluation.extractors import EfficientNetLite0, Extractor
from dcgan.evaluation.metrics import SUBSET_SEED, compare, rounded
from dcgan.evaluation.nearest import spread
from dcgan.evaluation.references import Reals
from dcgan.files import replacing, write_json, write_text
from dcgan.images import save_png
from dcgan.latents import seeds_from
from dcgan.layout import CARD_NAME, EVALUATION_NAME, NEIGHBOURS_NAME, TRAINING_NAME
from dcgan.models import Generator, read_config
from dcgan.sampling import faces

LOOKED_UP = 1000  # faces whose nearest training picture is looked for, and held-out pictures
COMPARED = ("--data", "--count", "--seed", "--background")  # what decides which faces are compared with which reals


@dataclass(frozen=True)
class Measured:
    """What was measured: values of an Evaluation, and the page of pairs as pixels `(H, W, 3)`, if there is one."""

    report: dict[str, Any]
    page: np.ndarray | None


def evaluate(
    generator: Generator,
    reals: Reals,
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
        "fakes": compared["fakes"] | {"spread": rounded(spread(some_fakes))},
        "floor": compared["floor"] | {"spread": rounded(spread(some_reals))},
        "neighbours": neighbours,
        "versions": compared["versions"],
    }
    return Measured(report, page)


def trained_facts(folder: Path) -> Training | None:
    """What training.json says of the run that made a checkpoint; None where there is no such file, as in an import."""
    return read_training(folder) if (folder / TRAINING_NAME).is_file() else None


def write_evaluation(
    folder: Path, evaluation: Evaluation, page: np.ndarray | None, pictures: Pictures, training: Training | None
) -> list[str]:
    """Write what was measured into the checkpoint and its card, and the page, if any, where the pictures may be shown.

    Returns what was written, and what wasn't and why, in words.
    """
    card = folder / CARD_NAME
    before = card.read_text("utf-8", errors="replace") if card.is_file() else None
    try:
        told, left_alone = _facts_told_by(before, folder, training), None
    except InputError as error:
        told, left_alone = None, str(error)
    write_json(folder / EVALUATION_NAME, evaluation.to_json())
    written = [f"report: {folder / EVALUATION_NAME}"]
    if page is not None:
        written.append(f"faces and their nearest pictures: {_write_page(page, folder, pictures)}")
    if told:
        write_text(card, _card(told, folder, before))
    return [*written, f"model card: {left_alone or card}"]


def _write_page(pixels: np.ndarray, folder: Path, pictures: Pictures) -> Path:
    page = page_path(folder, pictures)
    page.parent.mkdir(parents=True, exist_ok=True)
    with replacing(page) as temporary:
        save_png(pixels, temporary)
    if page != folder / NEIGHBOURS_NAME:
        (folder / NEIGHBOURS_NAME).unlink(missing_ok=True)  # of an earlier evaluation
    return page


def _facts_told_by(card: str | None, folder: Path, training: Training | None) -> Training:
    """The facts that a folder's card was written of: those of the best snapshot, or in a snapshot its own.

    Raises:
        InputError: why a card can't be written in its place.
    """
    if training is None:
        raise InputError(f"left alone, since it needs {TRAINING_NAME}")
    try:
        for told in (facts_of_the_shown(training), training):
            if card is None or in_todays_words(card) == _card(told, folder, card):
                return told
    except InputError as error:
        raise InputError(
            f"left alone, since {folder / TRAINING_NAME} isn't what this version's train.py writes ({error})"
        ) from None
    raise InputError(
        f"left alone, since {folder / CARD_NAME} was changed since the run wrote it; delete it to have it written anew"
    )


def _card(training: Training, folder: Path, before: str | None) -> str:
    """The card of a folder, which keeps the name it had in the one before."""
    return model_card(training, read_config(folder), folder, name_in(before or ""))


def page_path(folder: Path, pictures: Pictures) -> Path:
    """Where the page of pairs goes: into the checkpoint, and so to the Hub, only if the pictures were rendered."""
    if pictures.name.startswith(AVATARS_PREFIX):
        return folder / NEIGHBOURS_NAME
    return cache_root() / "neighbours" / f"{folder.resolve().name}.png"


def lines(evaluation: Evaluation) -> list[str]:
    """What was measured as a person reads it in a terminal."""
    near, count, second = evaluation.neighbours, evaluation.samples.fakes, evaluation.second
    return [
        f"{count:,} faces (seeds from {evaluation.seeds.first_face:,}) against {count:,} {evaluation.reals.words}",
        *_measure_lines(evaluation),
        *(["a second measure of the same, by which nothing is decided:", *_measure_lines(second)] if second else []),
        f"nearest of {near.pictures:,} pictures, {near.relation}, in grey levels:",
        *(
            f"  {name:12}" + ", ".join(f"{quantile} {value:.4g}" for quantile, value in found.items())
            for name, found in (("fakes", near.fakes), ("reals", near.reals))
        ),
        f"  {near.nearer:.1%} of the faces are nearer than the nearest 5% of the reals",
    ]


def _measure_lines(measure: Evaluation | Measure) -> list[str]:
    extractor, distance = measure.extractor, measure.extractor.distance
    return [
        f"features: {extractor.name}; {extractor.protocol}",
        *(["these aren't Inception's features: no figure here is an FID"] if distance != "FID" else []),
        f"{'':12}{'faces':>10}{'floor: reals against other reals':>36}",
        *(
            f"{label:12}{value:10.4g}{least:36.4g}"
            for label, value, least in _rows(measure.fakes, measure.floor)
            if value is not None and least is not None
        ),
    ]


def _rows(fakes: Figures, floor: Figures) -> list[tuple[str, float | None, float | None]]:
    """What faces got and the floor, each after its label."""
    thousandfold = [None if each.kid is None else 1000 * each.kid for each in (fakes, floor)]
    labels = {"FID": "fid", "FD": "fd"} | {name: name for name in ("precision", "recall", "spread")}
    return [
        ("KID x 1000", *thousandfold),
        *((label, getattr(fakes, name), getattr(floor, name)) for label, name in labels.items()),
    ]


def first_measure(folder: Path) -> Evaluation:
    """The evaluation of a folder that a second measure can stand beside, read strictly since it is written again."""
    if read_evaluation(folder) is None:
        raise InputError(
            f"{folder} has no evaluation of these weights for a second measure to stand beside; measure with "
            f"--extractor {EfficientNetLite0.option} first."
        )
    return Evaluation.read(folder / EVALUATION_NAME)


def refuse_other_faces(first: str, second: str) -> None:
    """Raise an InputError where the commands of two measures compare other faces or other reals."""
    if _compared(first) != _compared(second):
        raise InputError(
            f"a second measure is of the same faces and reals as the first, which was: {first}. "
            "Give the same options, but for --extractor."
        )


def second_kept(before: Evaluation | None, asked: str) -> Measure | None:
    """The second measure of the evaluation before, where the first is now made anew of the same faces and reals."""
    if before and before.second and before.command and _compared(before.command) == _compared(asked):
        return before.second
    return None


def _compared(asked: str) -> dict[str, str]:
    """What a command says of the faces and reals; all of its options have a value."""
    words = shlex.split(asked)[4:]  # after python -m dcgan.evaluation FOLDER
    return {name: value for name, value in zip(words[::2], words[1::2], strict=True) if name in COMPARED}
