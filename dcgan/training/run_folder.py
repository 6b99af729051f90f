"""What a run's folder shows people: its snapshots, the best of them at the top, and what is told of the run."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from dcgan.checkpoints import (
    Training,
    facts_of_the_shown,
    is_shown,
    load_generator,
    model_card,
    new_snapshot,
    read_evaluation,
    read_training,
    save_network,
    show_snapshot,
    snapshot_names,
)
from dcgan.errors import InputError
from dcgan.files import replacing, write_json, write_text
from dcgan.images import grid, save_gif, save_png
from dcgan.layout import (
    CARD_NAME,
    DISCRIMINATOR,
    EVALUATION_NAME,
    LATEST_NAME,
    LOSSES_NAME,
    METRICS_NAME,
    NEIGHBOURS_NAME,
    SAMPLES,
    SHOWN,
    TIMELAPSE_NAME,
    TRAINING_NAME,
    WEIGHTS_NAME,
    is_snapshot,
    sample_name,
)
from dcgan.sampling import faces
from dcgan.training.metrics_log import draw_losses, read_metrics
from dcgan.training.state import TrainState
from dcgan.training.supervisor import WATCHED_SEEDS

SAMPLE_SEEDS = WATCHED_SEEDS[:32]  # the faces drawn at every snapshot
SAMPLE_COLUMNS = 8
TIMELAPSE_MS = (700, 2500)  # of each snapshot; of the last one
GENERATOR_FILES = tuple(name for name in SHOWN if name != CARD_NAME)  # the card at the top tells of the run, too


def write_snapshot(folder: Path, name: str, state: TrainState, pixels: np.ndarray, facts: Training) -> np.ndarray:
    """Keep the networks as a whole snapshot, with all that is told of the run; return its sheet of samples `(H, W, 3)`.

    `pixels` are the faces `(N, S, S, 3)`, uint8, of the watched seeds; `facts` is what training.json says.
    """
    sheet = _sheet(pixels)
    with new_snapshot(folder, name) as unfinished:
        _write_generator(unfinished, state, sheet)
        shutil.copyfile(unfinished / LATEST_NAME, unfinished / sample_name(name))
        _draw_timelapse(unfinished / TIMELAPSE_NAME, _sheets(folder) | {name: sheet})
        shutil.copyfile(folder / METRICS_NAME, unfinished / METRICS_NAME)
        _tell(unfinished, facts, folder)
        _write_card(unfinished, facts, state, folder)
    return sheet


def show(folder: Path, best: str, newest: str, state: TrainState) -> None:
    """Make the top of the folder show the generator of one snapshot, and tell of the run what the newest does."""
    show_snapshot(folder, best, GENERATOR_FILES)
    show_snapshot(folder, newest, (sample_name(newest), TIMELAPSE_NAME, LOSSES_NAME, TRAINING_NAME))
    _write_card(folder, facts_of_the_shown(read_training(folder)), state, folder)


def show_again(folder: Path, best: str, state: TrainState, facts: Training) -> None:
    """Make the top of the folder show the generator of a snapshot, and tell what `facts` says."""
    show_snapshot(folder, best, GENERATOR_FILES)
    tell(folder, facts)
    _write_card(folder, facts_of_the_shown(facts), state, folder)


def show_without_snapshot(folder: Path, state: TrainState, pixels: np.ndarray, facts: Training) -> None:
    """Make the top of a folder that has no snapshot show the networks as they are, and tell what `facts` says."""
    _write_generator(folder, state, _sheet(pixels))
    tell(folder, facts)
    _write_card(folder, facts, state, folder)


def tell(folder: Path, facts: Training) -> None:
    """Bring losses.png and training.json at the top up to date."""
    _tell(folder, facts, folder)


def redraw_samples(folder: Path) -> None:
    """Draw anew the sheets of samples that a folder holds, by its generators as they are now."""
    sheets = {LATEST_NAME: None} | {sample_name(name): name for name in snapshot_names(folder)}
    for path, name in sheets.items():
        if (folder / path).is_file():
            with replacing(folder / path) as temporary:
                save_png(_sheet(faces(load_generator(folder, name), list(SAMPLE_SEEDS))), temporary)
    if (folder / TIMELAPSE_NAME).is_file():
        _draw_timelapse(folder / TIMELAPSE_NAME, _sheets(folder))


def is_bare(folder: Path) -> bool:
    """Tell whether the top shows nothing yet, or nothing finished; the card is written last."""
    return not all((folder / name).exists() for name in (WEIGHTS_NAME, CARD_NAME))


def shows_best(folder: Path, best: str) -> bool:
    """Tell whether the top shows this snapshot as the best; it doesn't where a run was killed meanwhile."""
    try:
        told = read_training(folder).best
    except InputError:
        return False
    return (
        told is not None
        and told.snapshot == best
        and is_shown(folder, best, GENERATOR_FILES)
        and (folder / CARD_NAME).is_file()
    )


def _write_generator(target: Path, state: TrainState, sheet: np.ndarray) -> None:
    save_network(state.published_generator(), target)
    save_network(state.discriminator, target / DISCRIMINATOR)
    (target / SAMPLES).mkdir(exist_ok=True)
    with replacing(target / LATEST_NAME) as temporary:
        save_png(sheet, temporary)


def _tell(target: Path, facts: Training, folder: Path) -> None:
    draw_losses(read_metrics(folder), target / LOSSES_NAME)
    write_json(target / TRAINING_NAME, facts.to_json())


def _write_card(target: Path, facts: Training, state: TrainState, folder: Path) -> None:
    if read_evaluation(target) is None:  # an evaluation is of other weights than these, or there is none
        for name in (EVALUATION_NAME, NEIGHBOURS_NAME):
            (target / name).unlink(missing_ok=True)
    card = model_card(facts, state.generator.config.to_dict(), target, folder.resolve().name)
    write_text(target / CARD_NAME, card)


def _sheet(pixels: np.ndarray) -> np.ndarray:
    """Put the samples among the watched faces `(N, S, S, 3)` side by side, as one picture `(H, W, 3)`."""
    return grid(pixels[: len(SAMPLE_SEEDS)], SAMPLE_COLUMNS)


def _sheets(folder: Path) -> dict[str, np.ndarray]:
    """Read the sheets of samples `(H, W, 3)` at the top, by their snapshots."""
    files = [file for file in (folder / SAMPLES).glob("*.png") if is_snapshot(file.stem)]
    return {file.stem: np.asarray(Image.open(file).convert("RGB")) for file in files}


def _draw_timelapse(path: Path, sheets: dict[str, np.ndarray]) -> None:
    if len(sheets) < 2:
        return
    frames = np.stack([sheets[name] for name in sorted(sheets)])
    each, last = TIMELAPSE_MS
    with replacing(path) as temporary:
        save_gif(frames, temporary, [each] * (len(frames) - 1) + [last])
