"""What was measured of a checkpoint, in its evaluation.json, its card and the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import UndefinedError

from dcgan.checkpoints import facts_of_the_shown, model_card, name_in, read_training
from dcgan.data import AVATARS_PREFIX, Pictures, cache_root
from dcgan.errors import InputError
from dcgan.evaluation.measure import Evaluation
from dcgan.files import replacing, write_json, write_text
from dcgan.images import save_png
from dcgan.layout import CARD_NAME, EVALUATION_NAME, NEIGHBOURS_NAME, TRAINING_NAME
from dcgan.models import read_config


def trained_facts(folder: Path) -> dict[str, Any] | None:
    """Read what training.json says of the run that made a checkpoint; None where there is none, as in an import."""
    if not (folder / TRAINING_NAME).is_file():
        return None
    facts = read_training(folder)
    try:
        facts["data"]["name"], facts["data"]["fingerprint"], facts["config"]["data_size"], facts["config"]["background"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{folder / TRAINING_NAME} lacks {error}; it isn't what this version's train.py writes."
        ) from None
    return facts


def write_evaluation(
    folder: Path, evaluation: Evaluation, pictures: Pictures, facts: dict[str, Any] | None
) -> list[str]:
    """Write the report into the checkpoint and its card, and the page, if any, where the pictures may be shown.

    Returns what was written, and what wasn't and why, in words.
    """
    card = folder / CARD_NAME
    before = card.read_text("utf-8", errors="replace") if card.is_file() else None
    try:
        told, left_alone = _facts_told_by(before, folder, facts), None
    except InputError as error:
        told, left_alone = None, str(error)
    write_json(folder / EVALUATION_NAME, evaluation.report)
    written = [f"report: {folder / EVALUATION_NAME}"]
    if evaluation.page is not None:
        written.append(f"faces and their nearest pictures: {_write_page(evaluation.page, folder, pictures)}")
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


def _facts_told_by(card: str | None, folder: Path, facts: dict[str, Any] | None) -> dict[str, Any]:
    """Find the facts that a folder's card was written of: those of the best snapshot, or in a snapshot its own.

    Raises:
        InputError: why a card can't be written in its place.
    """
    if facts is None:
        raise InputError(f"left alone, since it needs {TRAINING_NAME}")
    try:
        for told in (facts_of_the_shown(facts), facts):
            if card in (None, _card(told, folder, card)):
                return told
    except (KeyError, TypeError, UndefinedError) as error:
        raise InputError(
            f"left alone, since {folder / TRAINING_NAME} isn't what this version's train.py writes ({error})"
        ) from None
    raise InputError(
        f"left alone, since {folder / CARD_NAME} was changed since the run wrote it; delete it to have it written anew"
    )


def _card(facts: dict[str, Any], folder: Path, before: str | None) -> str:
    """Write the card of a folder, which keeps the name it had in the one before."""
    return model_card(facts, read_config(folder), folder, name_in(before or ""))


def page_path(folder: Path, pictures: Pictures) -> Path:
    """Say where the page of pairs goes: into the checkpoint, and so to the Hub, only if the pictures were rendered."""
    if pictures.name.startswith(AVATARS_PREFIX):
        return folder / NEIGHBOURS_NAME
    return cache_root() / "neighbours" / f"{folder.resolve().name}.png"


def lines(report: dict[str, Any]) -> list[str]:
    """Put the report as a person reads it in a terminal."""
    near, count, seed = report["neighbours"], report["samples"]["fakes"], report["seeds"]["first_face"]
    second = report.get("second")
    return [
        f"{count:,} faces (seeds from {seed:,}) against {count:,} {report['reals']['words']}",
        *_measure_lines(report),
        *(["a second measure of the same, by which nothing is decided:", *_measure_lines(second)] if second else []),
        f"nearest of {near['pictures']:,} pictures, {near['relation']}, in grey levels:",
        *(
            f"  {name:12}" + ", ".join(f"{quantile} {value:.4g}" for quantile, value in near[name].items())
            for name in ("fakes", "reals")
        ),
        f"  {near['nearer_than_5%_of_reals']:.1%} of the faces are nearer than the nearest 5% of the reals",
    ]


def _measure_lines(measure: dict[str, Any]) -> list[str]:
    extractor, fakes, floor = (measure[part] for part in ("extractor", "fakes", "floor"))
    distance = extractor["distance"]
    rows = [
        ("KID x 1000", fakes["kid"] * 1000, floor["kid"] * 1000),
        (distance, fakes[distance.lower()], floor[distance.lower()]),
        *((name, fakes[name], floor[name]) for name in ("precision", "recall", "diversity") if name in fakes),
    ]
    return [
        f"features: {extractor['name']}; {extractor['protocol']}",
        *(["these aren't Inception's features: no figure here is an FID"] if distance != "FID" else []),
        f"{'':12}{'faces':>10}{'floor: reals against other reals':>36}",
        *(f"{name:12}{value:10.4g}{least:36.4g}" for name, value, least in rows),
    ]
