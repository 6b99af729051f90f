"""Where training pictures come from, and the one way in which a picture file is decoded."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image, ImageOps

from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX
from dcgan.data import avatars, portraits
from dcgan.data.attribution import Attribution
from dcgan.errors import InputError
from dcgan.images import check_colours
from dcgan.parallel import map_in_order

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
FIRST_HELD_OUT = 1_000_000  # rendered pictures from here on are for evaluation only; training draws from 0 up
WHAT_WORKS = (
    f"What works: a folder of {' '.join(PICTURE_SUFFIXES)} files, a .zip of them, a .parquet file, "
    "a Hub data set user/name, avatars:STYLE such as avatars:adventurer, or portraits:FOLDER of layers"
)


@dataclass(frozen=True)
class Decoded:
    """One picture of a source: its pixels `(size, size, 3)`, or None where it couldn't be read."""

    name: str
    pixels: np.ndarray | None
    digest: bytes = b""
    small: bool = False
    alpha: bool = False


class Source(Protocol):
    """Where pictures come from."""

    name: str  # what a model card may say: never a path of the user's machine
    identity: Any  # JSON-ready; equal exactly when the pictures are
    attribution: Attribution | None

    def __len__(self) -> int: ...

    def pictures(self, size: int) -> Iterator[Decoded]: ...


def open_source(data: str, data_size: int, backgrounds: Sequence[str], portrait_crop: str = "head") -> Source:
    """What `--data` names: an existing path wins, then avatars:STYLE or portraits:FOLDER, then a Hub data set."""
    path = Path(data).expanduser()
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, say
        raise InputError(f"--data {data[:80]} can't be opened: {error.strerror}. {WHAT_WORKS}.") from None
    if is_folder:
        return _FolderSource(path)
    if is_file:
        if path.suffix.lower() == ".parquet":
            return _parquet_source(path)
        if zipfile.is_zipfile(path):
            return _ZipSource(path)
        raise InputError(f"--data {data} is a file, but neither a .zip nor a .parquet. {WHAT_WORKS}.")
    if data.startswith(AVATARS_PREFIX):
        return _AvatarSource(data.removeprefix(AVATARS_PREFIX), data_size, backgrounds)
    if data.startswith(PORTRAITS_PREFIX):
        return _PortraitSource(data.removeprefix(PORTRAITS_PREFIX), data_size, backgrounds, portrait_crop)
    if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", data):
        return _hub_source(data)
    raise InputError(f"--data {data}: there is no such folder or file. {WHAT_WORKS}.")


def decode(raw: bytes, size: int, name: str = "") -> Decoded:
    """A picture file's bytes to RGB pixels `(size, size, 3)`; whatever Pillow raises where they can't be read.

    The first frame of an animation; turned as EXIF says; transparency laid on white; resized (antialiased) to cover
    the square, then centre-cropped.
    """
    from torchvision.transforms.v2 import functional as transforms  # takes a second, and cached pictures need none

    with Image.open(io.BytesIO(raw)) as opened:
        picture = ImageOps.exif_transpose(opened)
        alpha = picture.has_transparency_data
        pixels = torch.from_numpy(np.array(_to_rgb(picture))).permute(2, 0, 1)
    small = min(pixels.shape[1:]) < size
    fitted = transforms.center_crop(transforms.resize(pixels, [size], antialias=True), [size, size])
    return Decoded(name, fitted.permute(1, 2, 0).numpy(), hashlib.sha256(raw).digest(), small, alpha)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion would clip instead of scale
        return Image.fromarray((np.asarray(picture) / 257).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def _decode_named(size: int, item: tuple[str, Callable[[], bytes]]) -> Decoded:
    name, read = item
    try:
        return decode(read(), size, name)
    except Exception:  # a broken file can raise nearly anything in its decoder; it is counted and named instead
        return Decoded(name, None)


class _FileSource(ABC):
    """Picture files by name, each with a way to read its bytes; decoded by a thread a core."""

    name: str
    identity: Any
    attribution: Attribution | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def items(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Names and readers of the files, always in the same order."""

    def pictures(self, size: int) -> Iterator[Decoded]:
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            yield from map_in_order(pool, partial(_decode_named, size), self.items(), waiting=16 * workers)


class _FolderSource(_FileSource):
    def __init__(self, folder: Path):
        files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
        self.folder = folder
        self.paths = [p for p in files if p.suffix.lower() in PICTURE_SUFFIXES]
        if not self.paths:
            found = f"{len(files)} files, none of them a picture" if files else "nothing"
            raise InputError(f"--data {folder} is a folder with {found}. {WHAT_WORKS}.")
        self.name = folder.resolve().name
        self.identity = ["files", str(folder.resolve()), [_stamp(p, p.relative_to(folder)) for p in self.paths]]

    def __len__(self) -> int:
        return len(self.paths)

    def items(self):
        return ((str(p.relative_to(self.folder)), p.read_bytes) for p in self.paths)


class _ZipSource(_FileSource):
    def __init__(self, path: Path):
        try:
            self.archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise InputError(f"--data {path} is a damaged .zip ({_first_line(error)}). {WHAT_WORKS}.") from None
        self.names = sorted(
            name
            for name in self.archive.namelist()
            if name.lower().endswith(PICTURE_SUFFIXES)
            and not name.startswith("__MACOSX/")
            and not Path(name).name.startswith(".")
        )
        if not self.names:
            raise InputError(
                f"--data {path} is a .zip with {len(self.archive.namelist())} files, none of them a picture. "
                f"{WHAT_WORKS}."
            )
        self.name = path.name
        self.identity = ["zip", _stamp(path, path.resolve())]

    def __len__(self) -> int:
        return len(self.names)

    def items(self):
        return ((name, partial(self.archive.read, name)) for name in self.names)


class DatasetSource(_FileSource):
    """The image column of a data set of the `datasets` library; its train split where it has several."""

    def __init__(self, dataset: Any, name: str, attribution: Attribution | None = None):
        import datasets

        if isinstance(dataset, datasets.DatasetDict):
            dataset = dataset["train"] if "train" in dataset else next(iter(dataset.values()))
        columns = [c for c, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
        if not columns:
            raise InputError(f"--data {name} has no image column, only {', '.join(dataset.features)}. {WHAT_WORKS}.")
        self.column = columns[0]
        self.dataset = dataset.select_columns([self.column]).cast_column(self.column, datasets.Image(decode=False))
        self.name = name
        self.attribution = attribution
        files = [Path(file["filename"]) for file in dataset.cache_files]
        self.identity = ["dataset", name, len(dataset), [_stamp(file, file) for file in files]]

    def __len__(self) -> int:
        return len(self.dataset)

    def items(self):
        return ((f"row {i}", partial(self._read, i)) for i in range(len(self.dataset)))

    def _read(self, row: int) -> bytes:
        value = self.dataset[row][self.column]
        return value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes()


class _RenderedSource(ABC):
    """Pictures that are drawn by number, from 0 up."""

    name: str
    identity: Any
    attribution: Attribution | None

    def __init__(self, count: int):
        if count > FIRST_HELD_OUT:
            raise InputError(
                f"--data-size {count} reaches into the pictures that are held out for evaluation, number "
                f"{FIRST_HELD_OUT} and up; it must be from 1 to {FIRST_HELD_OUT}."
            )
        self.count = count

    def __len__(self) -> int:
        return self.count

    @abstractmethod
    def drawn(self, size: int) -> Iterator[np.ndarray]:
        """All pictures in order, as pixels `(size, size, 3)`."""

    def pictures(self, size: int) -> Iterator[Decoded]:
        for index, pixels in enumerate(self.drawn(size)):
            yield Decoded(f"{self.name} {index}", pixels, hashlib.sha256(pixels.tobytes()).digest())


class _AvatarSource(_RenderedSource):
    def __init__(self, style: str, count: int, backgrounds: Sequence[str]):
        self.attribution = avatars.attribution(style)
        check_colours(backgrounds)
        super().__init__(count)
        self.style, self.backgrounds = style, list(backgrounds)
        self.name = AVATARS_PREFIX + style
        self.identity = ["avatars", style, count, self.backgrounds, avatars.renderer_versions()]

    def drawn(self, size: int) -> Iterator[np.ndarray]:
        return avatars.render_many(self.style, self.count, size, self.backgrounds)


class _PortraitSource(_RenderedSource):
    def __init__(self, place: str, count: int, backgrounds: Sequence[str], crop: str):
        self.art = portraits.open_art(place)
        self.attribution = self.art.attribution
        super().__init__(count)
        self.crop, self.backgrounds = crop, list(backgrounds)
        self.name = PORTRAITS_PREFIX + Path(place).expanduser().resolve().name
        self.identity = ["portraits", portraits.VERSION, self.art.digest, count, crop, self.backgrounds]

    def drawn(self, size: int) -> Iterator[np.ndarray]:
        composer = portraits.Composer(self.art, size, self.crop, self.backgrounds)
        return portraits.compose_many(composer, self.count)


def _parquet_source(path: Path) -> DatasetSource:
    import datasets

    try:
        with tempfile.TemporaryDirectory() as scratch:
            dataset = datasets.Dataset.from_parquet(str(path), cache_dir=scratch, keep_in_memory=True)
    except Exception as error:  # Arrow and datasets raise their own families of errors
        raise InputError(f"--data {path} can't be read as parquet: {_first_line(error)}. {WHAT_WORKS}.") from None
    source = DatasetSource(dataset, path.name)
    source.identity = ["parquet", _stamp(path, path.resolve())]
    return source


def _hub_source(name: str) -> DatasetSource:
    import datasets

    try:
        dataset = datasets.load_dataset(name)
    except Exception as error:  # offline, missing, private, malformed: each a different family of errors
        raise InputError(
            f"--data {name}: there is no such folder or file here, and the Hub data set {name} couldn't be loaded "
            f"({_first_line(error)}). {WHAT_WORKS}."
        ) from None
    return DatasetSource(dataset, name)


def _stamp(path: Path, name: Path | str) -> list:
    """What tells a changed file from an unchanged one without reading it."""
    status = path.stat()
    return [str(name), status.st_size, status.st_mtime_ns]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
