"""The checkpoints that the app can choose from: of a folder, of a repository on the Hub, or of several folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dcgan.errors import InputError
from dcgan.gallery.catalog_protocol import Catalog, unknown_checkpoint
from dcgan.gallery.hub_catalog import HubCatalog
from dcgan.gallery.local_catalog import LocalCatalog
from dcgan.hub import DEFAULT_PATIENCE, Patience, is_repo_id, repo_id_in
from dcgan.models import Discriminator, Generator


def open_catalog(
    model: str | None,
    revision: str | None,
    bundled: Sequence[Path],
    device: torch.device,
    patience: Patience = DEFAULT_PATIENCE,
) -> Catalog:
    """Open the catalog of a checkpoint folder or, where there is no such path and it is written user/name, of the Hub.

    Without a model it is a combined one of all that is bundled.

    Raises:
        InputError: a folder that is no checkpoint. A repository that can't be had is none: the first of `bundled`
            serves then.
    """
    model, revision = (text and text.strip() for text in (model, revision))
    if model and not _is_local(model):
        return HubCatalog(repo_id_in(model), revision, LocalCatalog(bundled[0], device), patience)
    if revision:
        raise InputError(
            f"--revision {revision} goes with a repository of the Hub; the snapshots of a folder such as "
            f"{model or bundled[0]} are chosen on the page."
        )
    if model:
        return LocalCatalog(Path(model), device)
    return CombinedCatalog([LocalCatalog(folder, device) for folder in bundled])


def _is_local(model: str) -> bool:
    path = Path(model)
    return path.exists() or not is_repo_id(repo_id_in(model)) or path.parent.is_dir()  # as in checkpoints/misspelled


class CombinedCatalog:
    """Several catalogs in one: what a name stands for is as in the catalog that has it."""

    notice = ""

    def __init__(self, catalogs: Sequence[Catalog]):
        self._catalogs = list(catalogs)

    @property
    def model(self) -> str:
        """The first catalog's model."""
        return self._catalogs[0].model

    @property
    def stages(self) -> list[str]:
        """The first catalog's stages."""
        return self._catalogs[0].stages

    @property
    def default(self) -> str:
        return self._catalogs[0].default

    @property
    def names(self) -> list[str]:
        """What can be chosen: each catalog's own generator, then their snapshots, catalog by catalog."""
        names = [catalog.names for catalog in self._catalogs]
        return [*(own for own, *_ in names), *(snapshot for _, *snapshots in names for snapshot in snapshots)]

    def of(self, name: str | None = None) -> Catalog:
        """Find the catalog that has the checkpoint called `name`; without a name the first.

        Raises:
            InputError: no such name; says which there are.
        """
        for catalog in self._catalogs:
            if (name or self.default) in catalog.names:
                return catalog
        raise unknown_checkpoint(name, self.names)

    def generator(self, name: str | None = None) -> Generator:
        return self.of(name).generator(name)

    def discriminator(self, name: str | None = None) -> Discriminator | None:
        return self.of(name).discriminator(name)

    def commit(self, name: str | None = None) -> str:
        return self.of(name).commit(name)

    def directions(self, name: str | None = None) -> Mapping[str, Tensor]:
        return self.of(name).directions(name)

    def lacks_directions(self, name: str | None = None) -> bool:
        return self.of(name).lacks_directions(name)

    def text(self, file: str) -> str:
        """Read one of TEXTS, of the first catalog."""
        return self._catalogs[0].text(file)

    def picture(self, file: str) -> np.ndarray | None:
        """Read one of PICTURES, of the first catalog."""
        return self._catalogs[0].picture(file)

    @property
    def going_on(self) -> str:
        """The first catalog's run."""
        return self._catalogs[0].going_on

    def refresh(self) -> None:
        """Look for what is new in each of the catalogs."""
        for catalog in self._catalogs:
            catalog.refresh()
