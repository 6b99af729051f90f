"""What a checkpoint says of the run that made it: training.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dcgan.errors import InputError
from dcgan.files import sha256
from dcgan.layout import EVALUATION_NAME, TRAINING_NAME, WEIGHTS_NAME


def facts_of_the_shown(facts: dict[str, Any]) -> dict[str, Any]:
    """What a training.json says of the generator that shows, which is the best snapshot where there is one."""
    return facts | facts.get("best", {})


def read_training(folder: Path) -> dict[str, Any]:
    """The facts of the run that made a checkpoint folder."""
    try:
        facts = json.loads((folder / TRAINING_NAME).read_text(encoding="utf-8"))
        facts["data"]["attribution"], facts["command"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / TRAINING_NAME} can't be read ({type(error).__name__}: {error}); is {folder} a run of train.py?"
        ) from None
    return facts


def read_evaluation(folder: Path) -> dict[str, Any] | None:
    """What dcgan.evaluation measured of the weights that `folder` holds now; None where that isn't known."""
    try:
        evaluation = json.loads((folder / EVALUATION_NAME).read_text(encoding="utf-8"))
        return evaluation if evaluation["weights_sha256"] == sha256(folder / WEIGHTS_NAME) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def measures_of(evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """The evaluation itself, and the second measure beside it where there is one."""
    return [evaluation, *([evaluation["second"]] if "second" in evaluation else [])]
