"""The checkpoints of one folder: its own generator and its snapshots, also of a run that is going on in it."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dcgan.checkpoints import load_discriminator, load_generator, read_directions, snapshot_folder, snapshot_names
from dcgan.errors import InputError
from dcgan.files import sha256
from dcgan.gallery.bounds import NAME
from dcgan.gallery.catalog_protocol import COMMIT_DIGITS, unknown_checkpoint
from dcgan.layout import METRICS_NAME, STATES, WEIGHTS_NAME
from dcgan.limits import MAX_TEXT_BYTES
from dcgan.models import Discriminator, Generator

MAX_SHEET_PIXELS = 30_000_000
GOING_ON_SECONDS = 600  # a run writes to its metrics much more often, and pauses less long


class LocalCatalog:
    """The generators of one checkpoint folder, by name: `NAME` is the folder's own, `NAME@epoch-0010` a snapshot.

    The folder's own is loaded at once, so that a bad folder is an InputError here; snapshots when first asked for.
    """

    notice = ""  # one line for the page where something else is shown than was asked for

    def __init__(self, folder: Path, device: torch.device):
        self.folder, self.device = Path(folder).resolve(), device
        self.default = self.folder.name
        self._snapshots = self._find_snapshots()
        if any(NAME.clean(name) != name for name in self.names):
            raise InputError(f"{self.default!r} can't be a checkpoint's name in links and files; rename the folder.")
        self._loading = threading.Lock()
        self._commits: dict[str, str] = {}
        self._generators = {self.default: load_generator(Path(folder)).to(device)}
        # By name, what tells the weights that were loaded from those that replace them
        self._loaded_from = {self.default: self._weights_of(self.default)}
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
                self._generators[name] = self._load(name)
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

    def lacks_directions(self, name: str | None = None) -> bool:
        """Tell whether the folder has no directions; whoever asks for those that can't be read is told why."""
        with suppress(InputError):
            return not self.directions(name)
        return False

    def text(self, file: str) -> str:
        """Read one of TEXTS; "" where the folder hasn't it, or one too large to be ours."""
        path = self.folder / file
        if not path.is_file() or path.stat().st_size > MAX_TEXT_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")

    def picture(self, file: str) -> np.ndarray | None:
        """Read one of PICTURES; None where the folder hasn't it, or one that is no PNG or too large to be ours."""
        try:
            with Image.open(self.folder / file, formats=("PNG",)) as picture:
                if picture.width * picture.height > MAX_SHEET_PIXELS:
                    return None
                return np.asarray(picture.convert("RGB"))
        except Exception:  # a damaged file makes Pillow raise nearly anything
            return None

    @property
    def going_on(self) -> str:
        try:
            changed = (self.folder / METRICS_NAME).stat().st_mtime_ns
        except OSError:
            return ""
        is_run = (self.folder / STATES).is_dir()
        is_lately = time.time() - changed / 1e9 < GOING_ON_SECONDS
        return f"{changed}-{'-'.join(self._snapshots.values())}" if is_run and is_lately else ""

    def refresh(self) -> None:
        """Take over what a run that goes on in the folder made since: its snapshots, and what it shows now."""
        with self._loading:
            self._snapshots = self._find_snapshots()
            for name in list(self._generators):
                if name not in self.names:
                    self._forget(name)
                elif self._weights_of(name) not in (None, self._loaded_from[name]):
                    with suppress(InputError):  # what is loaded draws on
                        generator = self._load(name)
                        self._forget(name)
                        self._generators[name] = generator

    def of(self, name: str | None = None) -> LocalCatalog:
        """Give itself: there is one model."""
        return self

    def _find_snapshots(self) -> dict[str, str]:
        return {f"{self.default}@{name}": name for name in reversed(snapshot_names(self.folder))}

    def _load(self, name: str) -> Generator:
        weights = self._weights_of(name)
        generator = load_generator(self.folder, self._snapshots.get(name)).to(self.device)
        self._loaded_from[name] = weights
        return generator

    def _weights_of(self, name: str) -> object:
        """Tell the weights in a file from those that replace them; None where there are none."""
        try:
            found = (self._folder(name) / WEIGHTS_NAME).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _forget(self, name: str) -> None:
        """Let go of all that hangs on a generator's weights."""
        held: tuple[dict[str, Any], ...] = (self._generators, self._discriminators, self._commits)
        for each in held:
            each.pop(name, None)
        if name == self.default:
            self._directions = None

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
