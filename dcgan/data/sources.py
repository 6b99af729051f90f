"""Which kind of source it is that --data names."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX
from dcgan.data.drawn_sources import AvatarSource, PortraitSource
from dcgan.data.file_sources import FolderSource, ZipSource, is_cut_zip
from dcgan.data.folders import FolderWalk
from dcgan.data.formats import ARCHIVES, PARQUET, ending, picture_endings
from dcgan.data.listing import sort_out
from dcgan.data.picture_source import Source, unusable
from dcgan.data.table_sources import HubSource, ParquetSource, SavedSource, of_the_train_split
from dcgan.errors import InputError
from dcgan.names import on_disk, shown


def open_source(data: str, data_size: int, backgrounds: Sequence[str], portrait_crop: str = "head") -> Source:
    """Open what `--data` names: an existing path wins, then avatars:STYLE or portraits:FOLDER, then a Hub data set."""
    try:
        path = on_disk(data)
        is_folder, is_file = path.is_dir(), path.is_file()
        if is_folder:
            return open_folder(path)
        if is_file:
            return open_file(path)
    except OSError as error:  # a name that is too long, say
        raise unusable(f"{shown(data[:80])} can't be opened: {error.strerror}") from None
    if data.startswith(AVATARS_PREFIX):
        return AvatarSource(data.removeprefix(AVATARS_PREFIX), data_size, backgrounds)
    if data.startswith(PORTRAITS_PREFIX):
        return PortraitSource(data.removeprefix(PORTRAITS_PREFIX), data_size, backgrounds, portrait_crop)
    if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", data):
        return HubSource(data)
    raise unusable(f"{shown(data)}: there is no such folder or file")


def open_folder(folder: Path) -> Source:
    """Open a folder of picture files, or of tables where it has none, or a data set that was saved there."""
    if SavedSource.is_one(folder):
        return SavedSource(folder)
    walk = FolderWalk(folder)
    listing = sort_out(walk.files, walk.left_out)
    if listing.tables and not listing.pictures:
        tables, others = of_the_train_split(listing.tables)
        return ParquetSource(folder, [table.path for table in tables if table.path], others)
    return FolderSource(folder, listing)


def open_file(path: Path) -> Source:
    """Open a file that holds pictures.

    Raises:
        InputError: it is of another kind; says what would work.
    """
    last = ending(path.name)
    if last == PARQUET:
        return ParquetSource(path, [path])
    if zipfile.is_zipfile(path):
        return ZipSource(path)
    if is_cut_zip(path):
        raise unusable(f"{shown(str(path))} is a .zip that was cut short; copy or download it again")
    if last in picture_endings():
        raise InputError(
            f"--data {shown(str(path))} is a single picture, and training needs many; put them into one folder, "
            "and name that."
        )
    if last in ARCHIVES:
        raise InputError(
            f"--data {shown(str(path))} is an archive that can't be opened here; unpack it, and name the folder."
        )
    raise unusable(f"{shown(str(path))} is a file, but neither a .zip nor a .parquet")
