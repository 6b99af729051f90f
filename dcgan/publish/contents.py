"""What the commit of a checkpoint folder holds."""

from __future__ import annotations

import json
from pathlib import Path

from dcgan.checkpoints import PLACEHOLDER, Training, published_files, read_training
from dcgan.layout import CARD_NAME, TRAINING_NAME

Contents = dict[str, Path | bytes]  # by path in the repository
SAID_OF_A_SLIM_COPY = ("format", "run_id", "command", "data")


def contents_of(folder: Path, repo_id: str, run_folder: Path | None) -> Contents:
    """Collect what of `folder` is pushed; in the model card its own path becomes the repository's name.

    A slim copy of a snapshot has no training.json. It gets one that says which run it is of, out of `run_folder`; None
    where it is of no run.
    """
    contents: Contents = dict(published_files(folder))
    if CARD_NAME in contents:
        card = (folder / CARD_NAME).read_text(encoding="utf-8")
        contents[CARD_NAME] = card.replace(PLACEHOLDER, repo_id).encode()
    if TRAINING_NAME not in contents and run_folder:
        told = read_training(run_folder).to_json()
        contents[TRAINING_NAME] = json.dumps({key: told[key] for key in SAID_OF_A_SLIM_COPY}).encode()
    return contents


def training_in(contents: Contents) -> Training:
    """Read what the training.json among them says; nothing where there is none."""
    told = contents.get(TRAINING_NAME, b"")
    return Training.glean(told if isinstance(told, bytes) else told.read_bytes())


def step_in(contents: Contents) -> int:
    """Find out which step of the run they are of; 0 where they don't say."""
    return training_in(contents).step or 0
