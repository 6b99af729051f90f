"""What every catalog of checkpoints can be asked, whether it is of a folder, of several, or of the Hub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from torch import Tensor

from dcgan.errors import InputError
from dcgan.layout import CARD_NAME, HELD_OUT_NAME, LATEST_NAME, METRICS_NAME, TRAINING_NAME
from dcgan.models import Discriminator, Generator

TEXTS = (TRAINING_NAME, METRICS_NAME, CARD_NAME)  # what a checkpoint says of itself
PICTURES = (LATEST_NAME, HELD_OUT_NAME)
COMMIT_DIGITS = 12  # enough to tell versions apart, short enough for a link


class Catalog(Protocol):
    """The checkpoints that can be chosen, by name. What isn't asked by a name is of the first model in it."""

    @property
    def notice(self) -> str:
        """One line for the page where something else is shown than was asked for, else ""."""

    @property
    def model(self) -> str:
        """What links and files call the model."""

    @property
    def default(self) -> str:
        """The first of `names`."""

    @property
    def names(self) -> list[str]:
        """What can be chosen: a model's own generator first, then its snapshots, the latest first."""

    @property
    def stages(self) -> list[str]:
        """What the training of the model made, the earliest first and each once."""

    def generator(self, name: str | None = None) -> Generator:
        """Load the generator called `name`, in eval mode on the catalog's device; without a name the default's.

        Raises:
            InputError: no such name, which says which there are; or a checkpoint that can't be had any more.
        """

    def discriminator(self, name: str | None = None) -> Discriminator | None:
        """Load the discriminator that was trained against `generator(name)`, where there is one.

        Raises:
            InputError: as `generator`.
        """

    def commit(self, name: str | None = None) -> str:
        """Give 12 hexadecimal digits that tell the weights of `generator(name)` from all others.

        Raises:
            InputError: as `generator`.
        """

    def directions(self, name: str | None = None) -> Mapping[str, Tensor]:
        """Give the named directions `(latent_dim,)` of the model that has `name`; its snapshots draw by the same.

        Raises:
            InputError: as `generator`, or directions that can't be read.
        """

    def lacks_directions(self, name: str | None = None) -> bool:
        """Tell whether the model that has `name` is known to have no directions; nothing is fetched for it."""

    def text(self, file: str) -> str:
        """Read one of TEXTS; "" where there is none."""

    def picture(self, file: str) -> np.ndarray | None:
        """Read one of PICTURES as pixels `(H, W, 3)`, uint8; None where there is none at hand."""

    @property
    def going_on(self) -> str:
        """What tells the state of a run that is still going on from its next one; "" where no run is."""

    def refresh(self) -> None:
        """Look for what is new, without making anybody wait."""

    def of(self, name: str | None = None) -> Catalog:
        """Find the catalog of the model that has the checkpoint called `name`.

        Raises:
            InputError: as `generator`.
        """


def unknown_checkpoint(name: str | None, names: list[str]) -> InputError:
    """Make the error that says which names there are."""
    return InputError(f"There is no checkpoint {name!r}; there are {', '.join(names)}.")
