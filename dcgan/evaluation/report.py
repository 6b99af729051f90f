"""What was measured of a checkpoint, in its evaluation.json, its card and the terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor

from dcgan.checkpoints import (
    FORMAT,
    Directions,
    Evaluation,
    Figures,
    Measure,
    Training,
    facts_of_the_shown,
    in_todays_words,
    model_card,
    name_in,
    object_in,
    read_evaluation,
    read_training,
    save_directions,
)
from dcgan.config import AVATARS_PREFIX
from dcgan.data import Pictures, cache_root
from dcgan.errors import InputError
from dcgan.files import replacing, sha256, write_json, write_text
from dcgan.images import save_png
from dcgan.layout import CARD_NAME, DIRECTIONS_NAME, EVALUATION_NAME, NEIGHBOURS_NAME, TRAINING_NAME, WEIGHTS_NAME
from dcgan.models import read_config


def trained_facts(folder: Path) -> Training | None:
    """Read what training.json says of the run that made a checkpoint; None without such a file, as in an import."""
    return read_training(folder) if (folder / TRAINING_NAME).is_file() else None


def write_evaluation(
    folder: Path, evaluation: Evaluation, page: np.ndarray | None, pictures: Pictures, training: Training | None
) -> list[str]:
    """Write what was measured into the checkpoint and its card, and the page, if any, where the pictures may be shown.

    Returns what was written, and what wasn't and why, in words.
    """
    retell = _card_teller(folder, training)
    write_json(folder / EVALUATION_NAME, evaluation.to_json())
    written = [f"report: {folder / EVALUATION_NAME}"]
    if page is not None:
        written.append(f"faces and their nearest pictures: {_write_page(page, folder, pictures)}")
    return [*written, retell()]


def write_directions(folder: Path, vectors: dict[str, Tensor], measured: Directions) -> list[str]:
    """Write directions into the checkpoint, and what was measured of them and of those that failed into its report.

    Returns what was written, and what wasn't and why, in words.
    """
    retell = _card_teller(folder, trained_facts(folder))
    save_directions(vectors, folder)
    report = folder / EVALUATION_NAME
    before = object_in(report.read_bytes()) if read_evaluation(folder) else {}  # of these weights
    about = {"format": FORMAT, "weights_sha256": sha256(folder / WEIGHTS_NAME)}
    write_json(report, about | before | {"directions": measured.to_json()})
    kept = f"directions: {folder / DIRECTIONS_NAME}" if vectors else "directions: none, since all of them failed"
    return [kept, f"report: {report}", retell()]


def _card_teller(folder: Path, training: Training | None) -> Callable[[], str]:
    """Look at a card before what it tells of changes; gives what writes it anew afterwards, and says so."""
    card = folder / CARD_NAME
    before = card.read_text("utf-8", errors="replace") if card.is_file() else None
    try:
        told = _facts_told_by(before, folder, training)
    except InputError as error:
        left_alone = f"model card: {error}"
        return lambda: left_alone

    def retell() -> str:
        write_text(card, _card(told, folder, before))
        return f"model card: {card}"

    return retell


def _write_page(pixels: np.ndarray, folder: Path, pictures: Pictures) -> Path:
    page = page_path(folder, pictures)
    page.parent.mkdir(parents=True, exist_ok=True)
    with replacing(page) as temporary:
        save_png(pixels, temporary)
    if page != folder / NEIGHBOURS_NAME:
        (folder / NEIGHBOURS_NAME).unlink(missing_ok=True)  # of an earlier evaluation
    return page


def _facts_told_by(card: str | None, folder: Path, training: Training | None) -> Training:
    """Find the facts from which a folder's card was written: those of the best snapshot, or in a snapshot its own.

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
    """Write a folder's card anew; the model keeps the name that it had in the card before."""
    return model_card(training, read_config(folder), folder, name_in(before or ""))


def page_path(folder: Path, pictures: Pictures) -> Path:
    """Say where the page of pairs goes: into the checkpoint, and so to the Hub, only if the pictures were rendered."""
    if pictures.name.startswith(AVATARS_PREFIX):
        return folder / NEIGHBOURS_NAME
    return cache_root() / "neighbours" / f"{folder.resolve().name}.png"


def lines(evaluation: Evaluation) -> list[str]:
    """Put what was measured as a person reads it in a terminal."""
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
    """List the faces' figures and the floor's, each after its label."""
    of_fakes, of_floor = (None if each.kid is None else 1000 * each.kid for each in (fakes, floor))
    labels = {"FID": "fid", "FD": "fd"} | {name: name for name in ("precision", "recall", "spread")}
    return [
        ("KID x 1000", of_fakes, of_floor),
        *((label, getattr(fakes, name), getattr(floor, name)) for label, name in labels.items()),
    ]
