"""The checkpoints that the app can choose from, loaded as they are asked for."""

from __future__ import annotations

import threading
from pathlib import Path

import torch

from dcgan.checkpoints import load_generator, snapshots
from dcgan.errors import InputError
from dcgan.models import Generator


class Library:
    """The generators of one checkpoint folder, by name: `NAME` is the folder's own, `NAME@epoch-0010` a snapshot.

    The folder's own is loaded at once, so that a bad folder is an InputError here; snapshots when first asked for.
    """

    def __init__(self, folder: Path, device: torch.device):
        self.folder, self.device = Path(folder).resolve(), device
        self.default = self.folder.name
        self._snapshots = {f"{self.default}@{name}": name for name in reversed(snapshots(self.folder))}
        self._loading = threading.Lock()
        self._generators = {self.default: load_generator(Path(folder)).to(device)}

    @property
    def names(self) -> list[str]:
        """What can be chosen: the folder's own generator first, then its snapshots, the latest first."""
        return [self.default, *self._snapshots]

    def generator(self, name: str | None = None) -> Generator:
        """The generator called `name`, on the library's device, in eval mode; without a name the folder's own.

        Raises:
            InputError: no such name; says which there are.
        """
        name = name or self.default
        with self._loading:
            if name not in self._generators:
                if name not in self._snapshots:
                    raise InputError(f"There is no checkpoint {name!r}; there are {', '.join(self.names)}.")
                self._generators[name] = load_generator(self.folder, self._snapshots[name]).to(self.device)
            return self._generators[name]
