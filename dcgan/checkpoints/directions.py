"""The named directions beside a generator: along which of them its faces change, and in what."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor

from dcgan.checkpoints.networks import save_tensors
from dcgan.errors import InputError
from dcgan.layout import DIRECTIONS_NAME, is_direction
from dcgan.limits import MAX_DIRECTIONS, MAX_DIRECTIONS_BYTES
from dcgan.models import damage_refused


def read_directions(folder: Path, latent_dim: int) -> dict[str, Tensor]:
    """Read the directions of a checkpoint folder, each `(latent_dim,)`, float32, by name; none where it has no file.

    Raises:
        InputError: a file that is too large or damaged, more than 64 directions, or one with a name, a shape or numbers
            that none has; the message names it.
    """
    path = folder / DIRECTIONS_NAME
    if not path.is_file():
        return {}
    directions = _tensors(path)
    if len(directions) > MAX_DIRECTIONS:
        raise InputError(f"{path} has {len(directions)} directions; there can be {MAX_DIRECTIONS}.")
    for name, direction in directions.items():
        _check(path, name, direction, latent_dim)
    return directions


def save_directions(directions: dict[str, Tensor], folder: Path) -> None:
    """Write directions `(latent_dim,)` into a checkpoint folder, in place of those that are there; no file for none."""
    if directions:
        tensors = {name: direction.float().contiguous() for name, direction in directions.items()}
        save_tensors(tensors, folder / DIRECTIONS_NAME)
    else:
        (folder / DIRECTIONS_NAME).unlink(missing_ok=True)


def _tensors(path: Path) -> dict[str, Tensor]:
    with open(path, "rb") as file:
        data = file.read(MAX_DIRECTIONS_BYTES + 1)
    if len(data) > MAX_DIRECTIONS_BYTES:
        raise InputError(f"{path} is larger than {MAX_DIRECTIONS_BYTES:,} bytes, so it wasn't read.")
    with damage_refused(path):
        tensors: dict[str, Tensor] = load(data)
    return tensors


def _check(path: Path, name: str, direction: Tensor, latent_dim: int) -> None:
    if not is_direction(name):
        raise InputError(f"{path}: {name[:40]!r} is no direction's name, which has up to 24 of a-z, 0-9 and _.")
    if direction.dtype != torch.float32 or direction.shape != (latent_dim,):
        kind, wanted = str(direction.dtype).removeprefix("torch."), f"({latent_dim},) float32"
        raise InputError(f"{path}: the direction {name} is {tuple(direction.shape)} {kind}; it must be {wanted}.")
    if not bool(direction.isfinite().all()):
        raise InputError(f"{path}: the direction {name} has numbers that are none. Copy or compute it again.")
