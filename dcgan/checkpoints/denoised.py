"""A checkpoint that is there already is told to draw faces without grain, or as its layers leave them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from dcgan.checkpoints.networks import load_generator, save_tensors
from dcgan.checkpoints.records import read_training
from dcgan.checkpoints.snapshots import snapshot_folder, snapshot_names
from dcgan.denoising import MAX_LEVELS
from dcgan.files import write_json
from dcgan.layout import CONFIG_NAME, TRAINING_NAME, WEIGHTS_NAME
from dcgan.models import read_config
from dcgan.network_config import GeneratorConfig
from dcgan.options import require_number

LEVELS_NAME = "denoising.levels"  # among a generator's tensors


def set_denoising(folder: Path, levels: float) -> None:
    """Give the generator of a checkpoint folder and all of its snapshots a last layer that denoises, or take it away.

    `levels` says how strongly, 0 to MAX_LEVELS of 255; 0 takes the layer away. What was learned stays as it is, and
    training.json says from then on how such networks are trained at once.

    Raises:
        InputError: not a checkpoint folder, or a number outside its range. Then nothing is written.
    """
    require_number("levels", levels, float, 0, MAX_LEVELS)
    names = [None, *snapshot_names(folder)]
    for name in names:
        load_generator(folder, name)
    for name in names:
        _set_denoising(snapshot_folder(folder, name) if name else folder, levels)


def _set_denoising(folder: Path, levels: float) -> None:
    config = read_config(folder)
    tensors = {name: tensor for name, tensor in load_file(folder / WEIGHTS_NAME).items() if name != LEVELS_NAME}
    if levels:
        tensors[LEVELS_NAME] = torch.tensor(float(levels))
    save_tensors(tensors, folder / WEIGHTS_NAME)
    write_json(folder / CONFIG_NAME, GeneratorConfig.from_dict(config | {"denoising": levels > 0}).to_dict())
    if (folder / TRAINING_NAME).is_file():
        facts = read_training(folder)
        settings = facts.settings().but(denoising=levels > 0)
        told = replace(facts, config=settings.to_dict(), command=settings.command())
        write_json(folder / TRAINING_NAME, told.to_json())
