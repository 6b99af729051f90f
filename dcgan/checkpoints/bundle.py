"""The slim copy of a run that is committed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from dcgan.checkpoints.card import model_card
from dcgan.checkpoints.networks import load_generator, save_network
from dcgan.checkpoints.records import facts_of_the_shown, read_training
from dcgan.checkpoints.snapshots import snapshot_folder, snapshot_names
from dcgan.errors import InputError
from dcgan.files import write_text
from dcgan.layout import (
    CARD_NAME,
    DIRECTIONS_NAME,
    DISCRIMINATOR,
    LATEST_NAME,
    LOSSES_NAME,
    METRICS_NAME,
    SAMPLES,
    TIMELAPSE_NAME,
    TRAINING_NAME,
    sample_name,
)
from dcgan.models import Discriminator, read_config

BUNDLED_FILE_LIMIT = 10 * 2**20  # bytes
BUNDLED_FOLDER_LIMIT = 52 * 2**20
ALL_BUNDLED_LIMIT = 120 * 2**20  # of the committed ones together
BUNDLED_LICENCES = ("CC0", "CC BY ")  # prefixes of names; the space keeps CC BY-SA and CC BY-NC out


def bundle(run: Path, folder: Path, keep: Sequence[str] | None = None, count: int = 5) -> None:
    """Copy what people need of a finished run: float16 convolutions, few snapshots, no resume state.

    `keep` names the snapshots; by default `count` of them, from the first to the last.

    Raises:
        InputError: not a run, a licence that doesn't allow it, or files too large to commit.
    """
    training = read_training(run)
    credit = training.data.attribution
    if credit and not credit.licence.startswith(BUNDLED_LICENCES):
        raise InputError(f"{run} learned from {credit.title} ({credit.licence}); only CC0 and CC BY are bundled.")
    names = _checked_snapshots(run, keep) if keep else _spread(snapshot_names(run), count)
    refuse_files_in(folder)

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        slim = Path(scratch) / folder.name
        save_network(load_generator(run), slim, half=True)
        if (run / DISCRIMINATOR).is_dir():
            save_network(Discriminator.from_pretrained(run / DISCRIMINATOR), slim / DISCRIMINATOR, half=True)
        for name in names:
            save_network(load_generator(run, name), snapshot_folder(slim, name), half=True)
        (slim / SAMPLES).mkdir()
        drawn = (*map(sample_name, names), LATEST_NAME, TIMELAPSE_NAME, LOSSES_NAME)
        for name in (*drawn, DIRECTIONS_NAME, METRICS_NAME, TRAINING_NAME):
            if (run / name).is_file():
                shutil.copyfile(run / name, slim / name)
        write_text(slim / CARD_NAME, model_card(facts_of_the_shown(training), read_config(slim), slim))
        _refuse_too_large(slim)
        slim.replace(folder)


def refuse_files_in(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder.")


def _refuse_too_large(folder: Path) -> None:
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    largest = max(sizes, key=sizes.__getitem__)
    if sizes[largest] > BUNDLED_FILE_LIMIT or sum(sizes.values()) > BUNDLED_FOLDER_LIMIT:
        raise InputError(
            f"{folder.name} would have {sum(sizes.values()) / 2**20:.1f} MB, {largest.name} alone "
            f"{sizes[largest] / 2**20:.1f}; a bundle is at most "
            f"{BUNDLED_FOLDER_LIMIT / 2**20:.0f} MB and a file {BUNDLED_FILE_LIMIT / 2**20:.0f}. "
            "Keep fewer with --snapshots."
        )


def _checked_snapshots(run: Path, names: Sequence[str]) -> list[str]:
    known = snapshot_names(run)
    if missing := [name for name in names if name not in known]:
        raise InputError(f"{run.name} has no snapshot {missing[0]}; it has {', '.join(known) or 'none'}.")
    return list(names)


def _spread(names: list[str], count: int) -> list[str]:
    """Choose at most `count` of `names`, evenly spread from the first to the last."""
    if len(names) <= count:
        return names
    return [names[round(i * (len(names) - 1) / (count - 1))] for i in range(count)]
