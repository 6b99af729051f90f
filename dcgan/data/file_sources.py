"""Sources of picture files: a folder, a .zip, a parquet file, a data set of the Hub."""

from __future__ import annotations

import os
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from dcgan.data.attribution import Attribution
from dcgan.data.decoding import decode
from dcgan.data.picture_source import PICTURE_SUFFIXES, Decoded, unusable
from dcgan.parallel import map_in_order

Item = tuple[str, Callable[[], bytes]]  # a picture file's name, and what reads it


class FileSource(ABC):
    """Picture files by name, each with a way to read its bytes; decoded by a thread a core."""

    name: str
    identity: Any
    attribution: Attribution | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """List the files, always in the same order."""

    def pictures(self, size: int) -> Iterator[Decoded]:
        """Decode all files in order."""
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            yield from map_in_order(pool, partial(_decode_item, size), self.items(), waiting=16 * workers)


def _decode_item(size: int, item: Item) -> Decoded:
    name, read = item
    try:
        return decode(read(), size, name)
    except Exception:  # a broken file can raise nearly anything in its decoder; it is counted and named instead
        return Decoded(name, None)


class FolderSource(FileSource):
    """The picture files in a folder and the folders below it; hidden ones are left out."""

    def __init__(self, folder: Path):
        files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
        self.folder = folder
        self.paths = [p for p in files if p.suffix.lower() in PICTURE_SUFFIXES]
        if not self.paths:
            found = f"{len(files)} files, none of them a picture" if files else "nothing"
            raise unusable(f"{folder} is a folder with {found}")
        self.name = folder.resolve().name
        self.identity = ["files", str(folder.resolve()), [_stamp(p, p.relative_to(folder)) for p in self.paths]]

    def __len__(self) -> int:
        return len(self.paths)

    def items(self) -> Iterator[Item]:
        return ((str(p.relative_to(self.folder)), p.read_bytes) for p in self.paths)


class ZipSource(FileSource):
    """The picture files in a .zip; hidden ones and those that macOS adds are left out."""

    def __init__(self, path: Path):
        try:
            self.archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise unusable(f"{path} is a damaged .zip ({_first_line(error)})") from None
        names = self.archive.namelist()
        self.names = sorted(filter(self._is_picture, names))
        if not self.names:
            raise unusable(f"{path} is a .zip with {len(names)} files, none of them a picture")
        self.name = path.name
        self.identity = ["zip", _stamp(path, path.resolve())]

    @staticmethod
    def _is_picture(name: str) -> bool:
        hidden = name.startswith("__MACOSX/") or Path(name).name.startswith(".")
        return name.lower().endswith(PICTURE_SUFFIXES) and not hidden

    def __len__(self) -> int:
        return len(self.names)

    def items(self) -> Iterator[Item]:
        return ((name, partial(self.archive.read, name)) for name in self.names)


class DatasetSource(FileSource):
    """The image column of a data set of the `datasets` library; its train split where it has several."""

    def __init__(self, dataset: Any, name: str):
        import datasets

        if isinstance(dataset, datasets.DatasetDict):
            dataset = dataset["train"] if "train" in dataset else next(iter(dataset.values()))
        columns = [c for c, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
        if not columns:
            raise unusable(f"{name} has no image column, only {', '.join(dataset.features)}")
        self.column = columns[0]
        self.dataset = dataset.select_columns([self.column]).cast_column(self.column, datasets.Image(decode=False))
        self.name = name
        files = [Path(file["filename"]) for file in dataset.cache_files]
        self.identity = ["dataset", name, len(dataset), [_stamp(file, file) for file in files]]

    def __len__(self) -> int:
        return len(self.dataset)

    def items(self) -> Iterator[Item]:
        return ((f"row {i}", partial(self._read, i)) for i in range(len(self.dataset)))

    def _read(self, row: int) -> bytes:
        value = self.dataset[row][self.column]
        return value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes()


class ParquetSource(DatasetSource):
    """The image column of a parquet file."""

    def __init__(self, path: Path):
        import datasets

        try:
            with tempfile.TemporaryDirectory() as scratch:
                dataset = datasets.Dataset.from_parquet(str(path), cache_dir=scratch, keep_in_memory=True)
        except Exception as error:  # Arrow and datasets raise their own families of errors
            raise unusable(f"{path} can't be read as parquet: {_first_line(error)}") from None
        super().__init__(dataset, path.name)
        self.identity = ["parquet", _stamp(path, path.resolve())]


class HubSource(DatasetSource):
    """The image column of a data set on the Hub, or in the cache of the `datasets` library."""

    def __init__(self, name: str):
        import datasets

        try:
            dataset = datasets.load_dataset(name)
        except Exception as error:  # offline, missing, private, malformed: each a different family of errors
            raise unusable(
                f"{name}: there is no such folder or file here, and the Hub data set {name} couldn't be loaded "
                f"({_first_line(error)})"
            ) from None
        super().__init__(dataset, name)


def _stamp(path: Path, name: Path | str) -> list[Any]:
    """Note what tells a changed file from an unchanged one without reading it."""
    status = path.stat()
    return [str(name), status.st_size, status.st_mtime_ns]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
