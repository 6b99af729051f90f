"""What a visitor can have: faces, stills, walks, and how a face was learned, as files that carry their recipe.

Nothing here remembers a visitor, and nothing here knows Gradio.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dcgan.errors import InputError, NothingChoosesError
from dcgan.gallery.catalog import HubLibrary, Library, Shelf
from dcgan.gallery.export import Exported, export_walk, file_name, safe_name
from dcgan.gallery.file_metadata import MOST_BYTES
from dcgan.gallery.spec import Recipe, to_note
from dcgan.gallery.walks import Progress, render_grid_walk
from dcgan.images import enlarge, save_gif, save_png
from dcgan.latents import SEEDS, latents, seeds_from
from dcgan.sampling import faces, most_realistic

FILES_KEPT_SECONDS = 3600
STILL_FACTORS = (1, 2, 4, 8)
SHOWN_LARGE = 2  # of the stills, the one that fits a page
STAGE_MS, LAST_STAGE_MS = 700, 2500  # in the GIF of how a face was learned
MEGABYTE = 1_000_000  # as people who set limits count
MOST_MEGABYTES = MOST_BYTES // MEGABYTE  # of a walk that no limit was set for: it can be read back
Decorator = Callable[[Callable], Callable]


@dataclass(frozen=True)
class Face:
    """A face as a PNG; `logit` is the discriminator's where it was asked: above 0 it takes the face for real."""

    seed: int
    path: Path
    logit: float | None = None


class Studio:
    """Draws from a library's generators into `files`, a folder of its own, in which a file lives for an hour.

    `on_gpu` decorates every function that runs a network; these take plain values alone. `progress(done, total)` hears
    how far a walk is.
    """

    def __init__(
        self,
        library: Library | HubLibrary | Shelf,
        files: Path,
        on_gpu: Decorator = lambda function: function,
        progress: Progress | None = None,
    ):
        self.library, self.files, self._progress = library, files, progress
        self.pixels, self._pick, self._frames = on_gpu(self.pixels), on_gpu(self._pick), on_gpu(self._frames)

    def signed(self, recipe: Recipe) -> Recipe:
        """The recipe with the names of what it is drawn by here.

        Raises:
            InputError: a checkpoint that is not in the library.
        """
        name = recipe.checkpoint or self.library.default
        library = self.library.of(name)
        return replace(recipe, model=library.model, checkpoint=name, commit=library.commit(name))

    def faces(self, recipe: Recipe, best_of: int = 1) -> tuple[Recipe, list[Face]]:
        """The faces of a recipe, each with a recipe of its own, and what draws the same again.

        With `best_of` above 1 so many times as many seeds are drawn, and those kept that the discriminator takes for
        real most, the most believed first.

        Raises:
            InputError: a checkpoint that can't be had.
            NothingChoosesError: one without the discriminator that `best_of` needs.
        """
        recipe = self.signed(recipe)
        beliefs: Sequence[float | None] = [None] * len(recipe.shown)
        if best_of > 1:
            picked = self._pick(recipe.checkpoint, recipe.seed, recipe.count, best_of, recipe.psi)
            seeds, beliefs = zip(*picked, strict=True)
            recipe = replace(recipe, seeds=seeds)
        folder = self._fresh_folder()
        made = []
        pictures = self.pixels(recipe.checkpoint, recipe.shown, recipe.psi)
        for seed, picture, logit in zip(recipe.shown, pictures, beliefs, strict=True):
            path = folder / f"{_stem(recipe, seed)}.png"
            save_png(picture, path, to_note(of_one_face(recipe, seed)))
            made.append(Face(seed, path, logit))
        return recipe, made

    def stills(self, recipe: Recipe) -> dict[int, Path]:
        """PNGs of a recipe's first face by their pixels a side: as it is, and 2, 4 and 8 times as large.

        Raises:
            InputError: a checkpoint that can't be had.
        """
        recipe = of_one_face(self.signed(recipe), recipe.shown[0])
        picture = self.pixels(recipe.checkpoint, [recipe.seed], recipe.psi)[0]
        folder = self._fresh_folder()
        made = {}
        for size in (len(picture) * factor for factor in STILL_FACTORS):
            made[size] = folder / f"{_stem(recipe, recipe.seed)}_{size}px.png"
            save_png(enlarge(picture, size), made[size], to_note(recipe))
        return made

    def walk(self, recipe: Recipe) -> tuple[Recipe, Exported]:
        """The walk of a recipe as one file, within its limit and always small enough to be read back.

        A grid's first walk goes through the recipe's seeds, the next through the seeds after those, and so on: frame 0
        shows consecutive seeds.

        Raises:
            InputError: a checkpoint that can't be had.
        """
        recipe = self.signed(recipe)
        walks = [[(seed + i) % SEEDS for seed in recipe.seeds] for i in range(recipe.grid)]
        frames = self._frames(recipe.checkpoint, walks, recipe.frames, recipe.mode, recipe.method, recipe.psi)
        name = file_name(recipe.checkpoint, recipe.seeds, recipe.frames, recipe.format, recipe.grid)
        limit = (recipe.limit or MOST_MEGABYTES) * MEGABYTE
        path = self._fresh_folder() / name
        file = export_walk(frames, path, recipe.format, recipe.size, recipe.fps, limit, to_note(recipe))
        self._tell(1, 1)
        return recipe, file

    def stages(self, checkpoint: str | None = None) -> list[str]:
        """What the training of a checkpoint made, in the order in which it did, each once.

        Raises:
            InputError: no such checkpoint.
        """
        return self.library.of(checkpoint).stages

    def growth(self, seed: int, checkpoint: str | None = None) -> tuple[dict[str, Face], Path]:
        """One face at every stage of a checkpoint's training, by the stage, and the GIF of it, four times as large.

        Stages that can't be had are left out.

        Raises:
            InputError: none of them can be had.
        """
        recipes, pictures = self._at_stages(seed, self.stages(checkpoint))
        folder = self._fresh_folder()
        made = {}
        for recipe, picture in zip(recipes, pictures, strict=True):
            made[recipe.checkpoint] = Face(seed, folder / f"{_stem(recipe, recipe.seed)}.png")
            save_png(picture, made[recipe.checkpoint].path, to_note(recipe))
        film = folder / f"{safe_name(recipes[-1].model)}_seed-{seed}_learned.gif"
        durations = [STAGE_MS] * (len(pictures) - 1) + [LAST_STAGE_MS]
        save_gif(np.stack(pictures), film, durations, to_note(recipes[-1]), factor=4)
        return made, film

    def _at_stages(self, seed: int, stages: list[str]) -> tuple[list[Recipe], list[np.ndarray]]:
        """A face at those stages that can be had: its recipes and its pictures. Raises InputError where none can."""
        recipes, pictures, problems = [], [], []
        for stage in stages:
            try:
                recipe = self.signed(Recipe(checkpoint=stage, seed=seed, count=1))
                pictures.append(self.pixels(recipe.checkpoint, [recipe.seed], recipe.psi)[0])
                recipes.append(recipe)
            except InputError as problem:  # a snapshot that is gone
                problems.append(problem)
        if not recipes:
            raise problems[0]
        return recipes, pictures

    def pixels(self, checkpoint: str, seeds: list[int], psi: float) -> np.ndarray:
        """Faces as pixels `(N, S, S, 3)`, uint8."""
        return faces(self.library.generator(checkpoint), seeds, psi)

    def fresh_file(self, name: str) -> Path:
        """Where one request may write a file called `name`."""
        return self._fresh_folder() / name

    def _pick(self, checkpoint: str, first: int, count: int, best_of: int, psi: float) -> list[tuple[int, float]]:
        discriminator = self.library.discriminator(checkpoint)
        if discriminator is None:
            raise NothingChoosesError(
                f"{checkpoint} came without the discriminator that would choose the best; set Best of to 1, or choose "
                "another checkpoint."
            )
        seeds = seeds_from(first, count * best_of)
        return most_realistic(self.library.generator(checkpoint), discriminator, seeds, count, psi)

    def _frames(
        self, checkpoint: str, walks: list[list[int]], frames: int, mode: str, method: str, psi: float
    ) -> np.ndarray:
        generator = self.library.generator(checkpoint)
        keyframes = [latents(seeds, generator.latent_dim) * psi for seeds in walks]
        return render_grid_walk(generator, keyframes, frames, mode, method, self._tell_drawing)

    def _tell_drawing(self, done: int, total: int) -> None:
        self._tell(4 * done, 5 * total)  # the last fifth is writing the file

    def _tell(self, done: int, total: int) -> None:
        if self._progress:
            self._progress(done, total)

    def _fresh_folder(self) -> Path:
        """A folder for one request's files. Those of an hour ago go: Gradio keeps copies of what it still serves."""
        for old in self.files.iterdir():
            with suppress(FileNotFoundError):  # another request may be clearing up too
                if time.time() - old.stat().st_mtime > FILES_KEPT_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self.files))


def of_one_face(recipe: Recipe, seed: int) -> Recipe:
    """The recipe of one face of a gallery or a walk."""
    made_by = {"model": recipe.model, "checkpoint": recipe.checkpoint, "commit": recipe.commit}
    return Recipe(seed=seed, count=1, psi=recipe.psi, **made_by)


def _stem(recipe: Recipe, seed: int) -> str:
    return f"{safe_name(recipe.checkpoint)}_seed-{seed}"
