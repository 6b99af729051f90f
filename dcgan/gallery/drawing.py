"""Where networks run: every function here takes and gives plain values, so that it can run on a GPU that is lent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import numpy as np

from dcgan.errors import InputError, NothingChoosesError
from dcgan.expressions import AnyFace
from dcgan.gallery.catalog_protocol import Catalog
from dcgan.gallery.finding import Found, find
from dcgan.gallery.looking import Look, look
from dcgan.gallery.studio import latents_of
from dcgan.gallery.walks import ProgressCallback, render_grid_walk
from dcgan.latents import seeds_from
from dcgan.sampling import most_convincing_faces, render

COMPARED = 64  # faces, beside which it is told how real one looks
Group = tuple[str, list[AnyFace], float]  # a checkpoint, faces and a truncation
Function = TypeVar("Function", bound=Callable[..., Any])


class Decorator(Protocol):
    """Makes a function of another one, to be called in the same way."""

    def __call__(self, function: Function, /) -> Function: ...


class Drawing:
    """What `DrawingHere` does, each call within one loan of a GPU: `on_gpu` decorates what may ask for one."""

    def __init__(self, catalog: Catalog, on_gpu: Decorator, progress: ProgressCallback):
        here = DrawingHere(catalog, progress)
        self.faces, self.best_faces, self.walk = on_gpu(here.faces), on_gpu(here.best_faces), on_gpu(here.walk)
        self.find, self.look = on_gpu(here.find), on_gpu(here.look)


class DrawingHere:
    """Runs the networks of a catalog where they are."""

    def __init__(self, catalog: Catalog, progress: ProgressCallback):
        self._catalog, self._progress = catalog, progress

    def faces(self, groups: list[Group]) -> list[np.ndarray | str]:
        """Draw groups of faces.

        Returns:
            For each group its pixels `(N, S, S, 3)`, uint8, or why it can't be drawn.
        """
        return [self._one_group(*group) for group in groups]

    def best_faces(
        self, checkpoint: str, first: int, count: int, best_of: int, psi: float
    ) -> list[tuple[int, np.ndarray]]:
        """Draw `best_of` times as many faces and keep the `count` that the discriminator takes for real most.

        Returns:
            Seed and pixels `(S, S, 3)` of each, the most convincing first.

        Raises:
            InputError: the checkpoint can't be had.
            NothingChoosesError: it came without a discriminator.
        """
        discriminator = self._catalog.discriminator(checkpoint)
        if discriminator is None:
            raise NothingChoosesError(
                f"{checkpoint} came without the discriminator that would choose the best; set Best of to 1, or choose "
                "another checkpoint."
            )
        seeds = seeds_from(first, count * best_of)
        best = most_convincing_faces(self._catalog.generator(checkpoint), discriminator, seeds, count, psi)
        return [(face.seed, face.pixels) for face in best]

    def walk(
        self, checkpoint: str, walks: list[list[AnyFace]], frames: int, mode: str, method: str, psi: float
    ) -> np.ndarray:
        """Draw walks side by side, each through its faces: pixels `(frames, H, W, 3)`, uint8.

        Raises:
            InputError: the checkpoint can't be had, or a face is none of it.
        """
        generator = self._catalog.generator(checkpoint)
        keyframes = [latents_of(self._catalog, checkpoint, faces) * psi for faces in walks]
        return render_grid_walk(generator, keyframes, frames, mode, method, self._progress)

    def find(self, checkpoint: str, picture: np.ndarray) -> Iterator[Found]:
        """Look for the face that comes nearest to a picture `(S, S, 3)`, uint8; give the nearest, again and again.

        Raises:
            InputError: the checkpoint can't be had, or its latents can't be written.
        """
        discriminator = None
        with suppress(InputError):  # pixels alone find it nearly as well
            discriminator = self._catalog.discriminator(checkpoint)
        yield from find(self._catalog.generator(checkpoint), discriminator, picture)

    def look(self, checkpoint: str, face: AnyFace, psi: float) -> Look | None:
        """Ask the discriminator about a face, beside those of the first seeds; None where there is no discriminator.

        Raises:
            InputError: the checkpoint can't be had, or it is none of its faces.
        """
        discriminator = self._catalog.discriminator(checkpoint)
        if discriminator is None:
            return None
        shown: list[AnyFace] = [face, *range(COMPARED)]
        drawn = render(self._catalog.generator(checkpoint), latents_of(self._catalog, checkpoint, shown) * psi)
        return look(discriminator, drawn[0], drawn[1:])

    def _one_group(self, checkpoint: str, faces: list[AnyFace], psi: float) -> np.ndarray | str:
        try:
            return render(self._catalog.generator(checkpoint), latents_of(self._catalog, checkpoint, faces) * psi)
        except InputError as problem:
            return str(problem)
