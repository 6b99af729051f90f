"""What a visitor can have: faces, stills, walks, and how a face was learned, as files that say what they are made from.

Nothing here remembers a visitor, and nothing here knows Gradio.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dcgan.errors import InputError
from dcgan.expressions import AnyFace
from dcgan.gallery.catalog_protocol import Catalog
from dcgan.gallery.drawing import Decorator, Drawing, Group
from dcgan.gallery.export import Exported, export_walk, file_name, named_faces, safe_name
from dcgan.gallery.finding import Found, picture_in
from dcgan.gallery.looking import Look
from dcgan.gallery.spec import PictureSpec, to_metadata
from dcgan.gallery.walks import ProgressCallback
from dcgan.images import grid, save_gif, save_png, scaled
from dcgan.latents import SEEDS
from dcgan.limits import MAX_OPENED_BYTES

FILES_KEPT_SECONDS = 3600
STILL_FACTORS = (1, 2, 4, 8)
STAGE_FACTOR = 4
TABLE_FACTOR, TABLE_GAP = 2, 4  # of a mixing table: how large its faces are, and pixels between them
STAGE_MS, LAST_STAGE_MS = 700, 2500  # in the GIF of how a face was learned
MEGABYTE = 1_000_000  # as people who set limits count
MAX_MEGABYTES = MAX_OPENED_BYTES // MEGABYTE  # of a walk without a limit, so that the page can read it back


@dataclass(frozen=True)
class Face:
    """A face, which is a seed or an expression, as a PNG and as pixels `(S, S, 3)`, uint8."""

    expression: AnyFace
    path: Path
    pixels: np.ndarray = field(compare=False, repr=False)


class Renderer:
    """Draws from a catalog's generators into `files`, a folder of its own, in which a file lives for an hour.

    `on_gpu` decorates every function that runs a network; these take plain values alone. `progress(done, total)` hears
    how far a walk is.
    """

    def __init__(
        self,
        catalog: Catalog,
        files: Path,
        on_gpu: Decorator = lambda function: function,
        progress: ProgressCallback | None = None,
    ):
        self.catalog, self.files, self._progress = catalog, files, progress
        self._drawing = Drawing(catalog, on_gpu, self._tell_drawing)

    def signed(self, spec: PictureSpec) -> PictureSpec:
        """Give the spec the names of what it is drawn by here.

        Raises:
            InputError: a checkpoint that is not in the catalog.
        """
        name = spec.checkpoint or self.catalog.default
        catalog = self.catalog.of(name)
        return replace(spec, model=catalog.model, checkpoint=name, commit=catalog.commit(name))

    def faces(self, spec: PictureSpec, best_of: int = 1) -> tuple[PictureSpec, list[Face]]:
        """Draw the faces of a spec; with them comes the spec that draws the same again.

        With `best_of` above 1 that many times as many seeds are drawn, and those kept that the discriminator most takes
        for real, the most convincing first.

        Raises:
            InputError: a checkpoint that can't be had.
            NothingChoosesError: one without the discriminator that `best_of` needs.
        """
        spec = self.signed(spec)
        if best_of > 1:
            drawn: Sequence[tuple[AnyFace, np.ndarray]] = self._drawing.best_faces(
                spec.checkpoint, spec.seed, spec.count, best_of, spec.psi
            )
            spec = replace(spec, seeds=tuple(seed for seed, _ in drawn))
        else:
            drawn = list(zip(spec.shown, self.pixels(spec.checkpoint, spec.shown, spec.psi), strict=True))
        folder = self._fresh_folder()
        return spec, [self._saved_face(folder, of_one_face(spec, face), picture) for face, picture in drawn]

    def stills(self, spec: PictureSpec, drawn: np.ndarray | None = None) -> dict[int, Path]:
        """Save PNGs of a spec's first face by their pixels a side: as it is, and 2, 4 and 8 times as large.

        `drawn` is that face, where it was drawn before: pixels `(S, S, 3)`.

        Raises:
            InputError: a checkpoint that can't be had.
        """
        spec = of_one_face(self.signed(spec), spec.shown[0])
        picture = self.pixels(spec.checkpoint, spec.shown, spec.psi)[0] if drawn is None else drawn
        folder = self._fresh_folder()
        made = {}
        for size in (len(picture) * factor for factor in STILL_FACTORS):
            made[size] = folder / f"{_stem(spec)}_{size}px.png"
            save_png(scaled(picture, size, spec.scaling), made[size], to_metadata(spec))
        return made

    def walk(self, spec: PictureSpec) -> tuple[PictureSpec, Exported]:
        """Make the walk of a spec as one file, within its limit and always small enough to be read back.

        A grid's first walk goes through the spec's seeds, the next through the seeds after those, and so on: frame 0
        shows consecutive seeds.

        Raises:
            InputError: a checkpoint that can't be had, or a face that is none of it.
        """
        spec = self.signed(spec)
        walks = [[_after(face, i) for face in spec.seeds] for i in range(spec.grid)]
        frames = self._drawing.walk(spec.checkpoint, walks, spec.frames, spec.mode, spec.method, spec.psi)
        path = self.fresh_file(file_name(spec.checkpoint, spec.seeds, spec.frames, spec.format, spec.grid))
        limit = (spec.limit or MAX_MEGABYTES) * MEGABYTE
        file = export_walk(frames, path, spec.format, spec.size, spec.fps, limit, to_metadata(spec), spec.scaling)
        self._tell(1, 1)
        return spec, file

    def stages(self, checkpoint: str | None = None) -> list[str]:
        """Name what the training of a checkpoint made, in order, each once. Raises InputError: no such checkpoint."""
        return self.catalog.of(checkpoint).stages

    def faces_at_stages(self, face: AnyFace, checkpoint: str | None = None) -> tuple[dict[str, Face], Path]:
        """Draw one face at every stage of a checkpoint's training, by the stage, and a GIF of it, four times as large.

        Stages that can't be had are left out.

        Raises:
            InputError: none of them can be had.
        """
        drawn = self._drawn_at_stages(face, self.stages(checkpoint))
        folder = self._fresh_folder()
        made = {spec.checkpoint: self._saved_face(folder, spec, picture) for spec, picture in drawn}
        last, _ = drawn[-1]
        film = folder / f"{safe_name(last.model)}_{named_faces([face])}_learned.gif"
        durations = [STAGE_MS] * (len(drawn) - 1) + [LAST_STAGE_MS]
        pictures = np.stack([picture for _, picture in drawn])
        save_gif(pictures, film, durations, to_metadata(last), size=STAGE_FACTOR * pictures.shape[1])
        return made, film

    def find(self, checkpoint: str, picture: Path) -> Iterator[tuple[np.ndarray, Found]]:
        """Look for the face nearest to a picture file; give the picture as it is compared, and the nearest so far.

        Raises:
            InputError: no picture, a checkpoint that can't be had, or one whose latents can't be written.
        """
        pixels = picture_in(picture, self.catalog.generator(checkpoint).image_size)
        for found in self._drawing.find(checkpoint, pixels):
            yield pixels, found

    def look(self, spec: PictureSpec) -> Look | None:
        """Ask the discriminator, if there is one, about a spec's first face. Raises InputError as `pixels`."""
        spec = self.signed(spec)
        return self._drawing.look(spec.checkpoint, spec.shown[0], spec.psi)

    def mixing_table(self, spec: PictureSpec, rows: list[list[AnyFace]]) -> tuple[np.ndarray, Path]:
        """Draw rows of faces, all equally long, as one table: its pixels and a PNG, which remembers the spec's faces.

        Raises:
            InputError: a checkpoint that can't be had, or a face that is none of it.
        """
        spec = self.signed(spec)
        drawn = self.pixels(spec.checkpoint, [face for row in rows for face in row], spec.psi)
        table = grid(scaled(drawn, TABLE_FACTOR * drawn.shape[1], "smooth"), columns=len(rows[0]), gap=TABLE_GAP)
        path = self.fresh_file(f"{_stem(spec)}_table.png")
        save_png(table, path, to_metadata(spec))
        return table, path

    def pixels(self, checkpoint: str, faces: list[AnyFace], psi: float) -> np.ndarray:
        """Draw faces as pixels `(N, S, S, 3)`, uint8.

        Raises:
            InputError: a checkpoint that can't be had, or a face that is none of it.
        """
        [drawn] = self.pixels_of_groups([(checkpoint, faces, psi)])
        if isinstance(drawn, InputError):
            raise drawn
        return drawn

    def pixels_of_groups(self, groups: list[Group]) -> list[np.ndarray | InputError]:
        """Draw several groups of faces as `pixels` does, in one loan of a GPU.

        In the place of a group that can't be drawn is the InputError that says why.
        """
        drawn = self._drawing.faces(groups) if groups else []
        return [InputError(each) if isinstance(each, str) else each for each in drawn]

    def fresh_file(self, name: str) -> Path:
        """Give a path at which one request may write a file called `name`."""
        return self._fresh_folder() / name

    def _drawn_at_stages(self, face: AnyFace, stages: list[str]) -> list[tuple[PictureSpec, np.ndarray]]:
        """Draw a face at those stages that can be had. Raises InputError where none can."""
        specs, problems = [], []
        for stage in stages:
            try:
                specs.append(self.signed(of_one_face(PictureSpec(checkpoint=stage), face)))
            except InputError as problem:  # a snapshot that is gone
                problems.append(problem)
        pictures = self.pixels_of_groups([(spec.checkpoint, spec.shown, spec.psi) for spec in specs])
        problems += [each for each in pictures if isinstance(each, InputError)]
        drawn = [
            (spec, picture[0])
            for spec, picture in zip(specs, pictures, strict=True)
            if not isinstance(picture, InputError)
        ]
        if not drawn:
            raise problems[0]
        return drawn

    def _saved_face(self, folder: Path, spec: PictureSpec, picture: np.ndarray) -> Face:
        path = folder / f"{_stem(spec)}.png"
        save_png(picture, path, to_metadata(spec))
        return Face(spec.shown[0], path, picture)

    def _tell_drawing(self, done: int, total: int) -> None:
        self._tell(4 * done, 5 * total)  # the last fifth is writing the file

    def _tell(self, done: int, total: int) -> None:
        if self._progress:
            self._progress(done, total)

    def _fresh_folder(self) -> Path:
        """Make a folder for one request's files. Older ones than an hour go: Gradio keeps copies of what it serves.

        `files` itself is made again where a cleaner of temporary folders took it.
        """
        with suppress(FileExistsError):
            self.files.mkdir(mode=0o700, parents=True)
        for old in self.files.iterdir():
            with suppress(FileNotFoundError):  # another request may be clearing up too
                if time.time() - old.stat().st_mtime > FILES_KEPT_SECONDS:
                    shutil.rmtree(old, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=self.files))


def of_one_face(spec: PictureSpec, face: AnyFace) -> PictureSpec:
    """Make the spec of one face of a gallery or a walk."""
    made_by = {name: getattr(spec, name) for name in ("model", "checkpoint", "commit", "psi", "scaling")}
    return PictureSpec(**made_by, face=str(face))


def _after(face: AnyFace, places: int) -> AnyFace:
    """Give the seed so many places after one; a face that is more than a seed has no place."""
    return (face + places) % SEEDS if isinstance(face, int) else face


def _stem(spec: PictureSpec) -> str:
    return f"{safe_name(spec.checkpoint)}_{named_faces(spec.shown)}"
