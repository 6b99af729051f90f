"""The checkpoints of one folder: its own generator and its snapshots."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from torch import Tensor

from dcgan.checkpoints import load_discriminator, load_generator, read_directions, snapshot_folder, snapshot_names
from dcgan.errors import InputError
from dcgan.files import sha256
from dcgan.gallery.bounds import NAME
from dcgan.gallery.catalog_protocol import COMMIT_DIGITS, unknown_checkpoint
from dcgan.layout import WEIGHTS_NAME
from dcgan.limits import MAX_TEXT_BYTES
from dcgan.models import Discriminator, Generator


class LocalCatalog:
    """The generators of one checkpoint folder, by name: `NAME` is the folder's own, `NAME@epoch-0010` a snapshot.

    The folder's own is loaded at once, so that a bad folder is an InputError here; snapshots when first asked for.
    """

    notice = ""  # one line for the page where something else is shown than was asked for

    def __init__(self, folder: Path, device: torch.device):
        self.folder, self.device = Path(folder).resolve(), device
        self.default = self.folder.name
        self._snapshots = {f"{self.default}@{name}": name for name in reversed(snapshot_names(self.folder))}
        if any(NAME.clean(name) != name for name in self.names):
            raise InputError(f"{self.default!r} can't be a checkpoint's name in links and files; rename the folder.")
        self._loading = threading.Lock()
        self._commits: dict[str, str] = {}
        self._generators = {self.default: load_generator(Path(folder)).to(device)}
        self._discriminators: dict[str, Discriminator | None] = {}
        self._directions: Mapping[str, Tensor] | None = None

    @property
    def model(self) -> str:
        """What links and files call this catalog."""
        return self.default

    @property
    def names(self) -> list[str]:
        """What can be chosen: the folder's own generator first, then its snapshots, the latest first."""
        return [self.default, *self._snapshots]

    @property
    def stages(self) -> list[str]:
        """The snapshots, the earliest first; last the folder's own, where it shows none of them or has none."""
        stages = list(self._snapshots)[::-1]
        return stages if self._shows_a_snapshot() else [*stages, self.default]

    def generator(self, name: str | None = None) -> Generator:
        """Load the generator called `name`, on the catalog's device, in eval mode; without a name the first of `names`.

        Raises:
            InputError: no such name; says which there are.
        """
        name = name or self.default
        with self._loading:
            if name not in self._generators:
                if name not in self._snapshots:
                    raise unknown_checkpoint(name, self.names)
                self._generators[name] = load_generator(self.folder, self._snapshots[name]).to(self.device)
            return self._generators[name]

    def discriminator(self, name: str | None = None) -> Discriminator | None:
        """Load the discriminator that was trained against `generator(name)`, where the folder has it."""
        name = name or self.default
        folder = self._folder(name)
        with self._loading:
            if name not in self._discriminators:
                self._discriminators[name] = load_discriminator(folder, self.device)
            return self._discriminators[name]

    def commit(self, name: str | None = None) -> str:
        """Tell a generator's weights from all others by the beginning of their file's SHA-256.

        Raises:
            InputError: no such name, or a snapshot whose files are gone.
        """
        name = name or self.default
        if name not in self._commits:
            folder = self._folder(name)
            try:
                self._commits[name] = sha256(folder / WEIGHTS_NAME)[:COMMIT_DIGITS]
            except OSError:
                raise InputError(f"{name} is not in {self.folder.name} any more; choose another checkpoint.") from None
        return self._commits[name]

    def directions(self, name: str | None = None) -> Mapping[str, Tensor]:
        """Read the folder's named directions, by which its snapshots draw, too.

        Raises:
            InputError: no such name, or directions that can't be read.
        """
        self._folder(name or self.default)
        with self._loading:
            if self._directions is None:
                self._directions = read_directions(self.folder, self._generators[self.default].latent_dim)
            return self._directions

    def text(self, file: str) -> str:
        """Read one of TEXTS; "" where the folder hasn't it, or one too large to be ours."""
        path = self.folder / file
        if not path.is_file() or path.stat().st_size > MAX_TEXT_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")

    def refresh(self) -> None:
        """Do nothing: a folder is what it was when the app started."""

    def of(self, name: str | None = None) -> LocalCatalog:
        """Give itself: there is one model."""
        return self

    def _shows_a_snapshot(self) -> bool:
        for name in self._snapshots:
            with suppress(InputError):  # it is gone
                if self.commit(name) == self.commit():
                    return True
        return False

    def _folder(self, name: str) -> Path:
        if name not in self.names:
            raise unknown_checkpoint(name, self.names)
        snapshot = self._snapshots.get(name)
        return snapshot_folder(self.folder, snapshot) if snapshot else self.folder
