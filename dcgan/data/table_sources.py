"""Sources of pictures in tables: parquet files, and data sets of the `datasets` library, from disk or the Hub."""

from __future__ import annotations

import io
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from dcgan.data.file_sources import FileSource, Item, first_line
from dcgan.data.folders import read_file, stamp
from dcgan.data.formats import readable_formats
from dcgan.data.left_out import LeftOut, Why
from dcgan.data.listing import File
from dcgan.data.picture_source import UnusablePictureError, unusable
from dcgan.names import shown

LOOKED_AT = 8  # rows that decide which column holds the pictures
ROWS_AT_ONCE = 16
BYTES, PATH = "bytes", "path"  # of a picture, as the `datasets` library writes one


class TableSource(FileSource):
    """The pictures of one column of a table."""

    folder = Path()  # from where paths in the table lead

    @abstractmethod
    def values(self) -> Iterator[Any]:
        """Read the column."""

    def items(self) -> Iterator[Item]:
        return ((f"row {i}", partial(self._picture, value)) for i, value in enumerate(self.values()))

    def _picture(self, value: Any) -> bytes:
        raw, path = parts_of(value)
        if raw is None and path is None:
            raise UnusablePictureError("an empty row")
        return raw if raw is not None else read_file(self.folder / str(path))


class DatasetSource(TableSource):
    """The image column of a data set of the `datasets` library; its train split where it has several."""

    def __init__(self, dataset: Any, name: str):
        import datasets

        self.name = shown(name)
        if isinstance(dataset, datasets.DatasetDict):
            splits, train = list(dataset), "train" if "train" in dataset else next(iter(dataset))
            self.left_out = [LeftOut(split, Why.OTHER_SPLIT) for split in splits if split != train]
            dataset = dataset[train]
        for column, feature in dataset.features.items():
            if isinstance(feature, datasets.Image):
                dataset = dataset.cast_column(column, datasets.Image(decode=False))
        first = dataset.select(range(min(LOOKED_AT, len(dataset))))
        self.column = image_column(self.name, {column: first[column] for column in dataset.features})
        self.dataset = dataset.select_columns([self.column])
        files = [Path(file["filename"]) for file in dataset.cache_files]
        self.identity = ["dataset", name, len(dataset), [stamp(str(file), file.stat()) for file in files]]

    def __len__(self) -> int:
        return len(self.dataset)

    def values(self) -> Iterator[Any]:
        return (row[self.column] for row in self.dataset)


class SavedSource(DatasetSource):
    """The image column of a folder that `save_to_disk` has written."""

    def __init__(self, folder: Path):
        import datasets

        try:
            dataset = datasets.load_from_disk(str(folder))
        except Exception as error:  # Arrow and datasets raise their own families of errors
            raise unusable(f"{shown(str(folder))} can't be read as a saved data set: {first_line(error)}") from None
        super().__init__(dataset, folder.resolve().name)

    @staticmethod
    def is_one(folder: Path) -> bool:
        """Tell whether a folder is what `save_to_disk` leaves."""
        is_whole = (folder / "dataset_info.json").is_file() and any(folder.glob("data-*.arrow"))
        return is_whole or (folder / "dataset_dict.json").is_file()


class HubSource(DatasetSource):
    """The image column of a data set on the Hub, or in the cache of the `datasets` library."""

    def __init__(self, name: str):
        import datasets

        try:
            dataset = datasets.load_dataset(name)
        except Exception as error:  # offline, missing, private, malformed: each a different family of errors
            raise unusable(
                f"{name}: there is no such folder or file here, and the Hub data set {name} couldn't be loaded "
                f"({first_line(error)})"
            ) from None
        super().__init__(dataset, name)


class ParquetSource(TableSource):
    """The image column of a parquet file, or of the files that a table is divided into."""

    def __init__(self, path: Path, shards: Sequence[Path], left_out: Sequence[LeftOut] = ()):
        self.name, self.left_out = shown(path.resolve().name), left_out
        self.folder = path if path.is_dir() else path.parent
        self.shards = [self._opened(shard) for shard in shards]
        columns = self.shards[0].schema_arrow.names
        rows: list[dict[str, Any]] = next((batch.to_pylist() for batch in self.shards[0].iter_batches(LOOKED_AT)), [])
        self.column = image_column(self.name, {column: [row[column] for row in rows] for column in columns})
        for shard, file in zip(self.shards, shards, strict=True):
            if self.column not in shard.schema_arrow.names:
                raise unusable(f"{shown(str(file))} has no column {self.column}, unlike {shown(shards[0].name)}")
        self.identity = ["parquet", [stamp(str(file.resolve()), file.stat()) for file in shards]]

    @staticmethod
    def _opened(path: Path) -> Any:
        import pyarrow.parquet

        try:
            return pyarrow.parquet.ParquetFile(path)
        except Exception as error:  # Arrow raises its own family of errors
            raise unusable(f"{shown(str(path))} can't be read as parquet: {first_line(error)}") from None

    def __len__(self) -> int:
        return sum(shard.metadata.num_rows for shard in self.shards)

    def values(self) -> Iterator[Any]:
        for shard in self.shards:
            for batch in shard.iter_batches(ROWS_AT_ONCE, columns=[self.column]):
                yield from batch.column(0).to_pylist()


def of_the_train_split(tables: Sequence[File]) -> tuple[list[File], list[LeftOut]]:
    """Choose among a folder's tables those that a name or folder says to train on; all, if none does."""
    train = [table for table in tables if any(part.lower().startswith("train") for part in table.parts)] or [*tables]
    return train, [LeftOut(table.name, Why.OTHER_SPLIT) for table in tables if table not in train]


def image_column(name: str, columns: Mapping[str, Iterable[Any]]) -> str:
    """Choose the column of a table that holds pictures, by its first rows.

    Raises:
        InputError: none does; names them.
    """
    for holds_pictures in (_is_picture, _is_meant_for_one):
        for column, values in columns.items():
            if any(map(holds_pictures, values)):
                return column
    raise unusable(f"{name} has no image column, only {', '.join(map(shown, columns)) or 'nothing'}")


def parts_of(value: Any) -> tuple[bytes | None, str | None]:
    """Take apart a picture in a table: its bytes, or else a path to them."""
    if isinstance(value, Mapping):
        value, path = value.get(BYTES), value.get(PATH)
        return (bytes(value) if isinstance(value, bytes | bytearray) else None), path
    return (bytes(value), None) if isinstance(value, bytes | bytearray) else (None, None)


def _is_picture(value: Any) -> bool:
    raw, _ = parts_of(value)
    try:
        with Image.open(io.BytesIO(raw or b""), formats=readable_formats()):
            return True
    except Exception:  # nearly anything, for bytes of another kind
        return False


def _is_meant_for_one(value: Any) -> bool:
    return isinstance(value, Mapping) and BYTES in value
