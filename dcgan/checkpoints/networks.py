"""The networks of a checkpoint folder: saved, and loaded strictly."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save as serialize
from torch import Tensor

from dcgan.checkpoints.snapshots import snapshot_folder, snapshot_names
from dcgan.errors import InputError
from dcgan.files import replacing, write_json
from dcgan.layout import CONFIG_NAME, DISCRIMINATOR, PICKLE_SUFFIXES, WEIGHTS_NAME
from dcgan.models import Discriminator, Generator


def save_network(network: Generator | Discriminator, folder: Path, half: bool = False) -> None:
    """Write config.json and model.safetensors; `half` stores convolution weights as float16, all else stays float32."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.ndim == 4 else t for name, t in tensors.items()}
    write_json(folder / CONFIG_NAME, network.config.to_dict())
    save_tensors(tensors, folder / WEIGHTS_NAME)


def load_generator(folder: str | Path, snapshot: str | None = None) -> Generator:
    """Load the generator of a checkpoint folder, or of its snapshot `epoch-0010`, in eval mode.

    Raises:
        InputError: not a checkpoint folder, no such snapshot, or files that don't fit; the message names what.
    """
    folder = Path(folder)
    if folder.suffix in PICKLE_SUFFIXES and folder.is_file():
        raise InputError(
            f"{folder} is a pickle, which is never loaded as a model. Turn it into a checkpoint folder with: "
            f"python -m dcgan.checkpoints import {folder} checkpoints/{folder.stem}"
        )
    if not folder.is_dir():
        raise InputError(
            f"there is no checkpoint folder {folder}; one holds {CONFIG_NAME} and {WEIGHTS_NAME}, as train.py leaves."
        )
    if snapshot is not None:
        if snapshot not in snapshot_names(folder):
            known = ", ".join(snapshot_names(folder)) or "none"
            raise InputError(f"{folder.name} has no snapshot {snapshot}; it has {known}.")
        folder = snapshot_folder(folder, snapshot)
    return Generator.from_pretrained(folder)


def save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    with replacing(path) as temporary:  # not by save_file, whose files other users of the machine can't read
        temporary.write_bytes(serialize(tensors, metadata={"format": "pt"}))


def load_discriminator(folder: Path, device: torch.device) -> Discriminator | None:
    if not (folder / DISCRIMINATOR).is_dir():
        return None
    return Discriminator.from_pretrained(folder, subfolder=DISCRIMINATOR, map_location=device)
