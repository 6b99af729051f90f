"""Which kind of source it is that --data names."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX
from dcgan.data.drawn_sources import AvatarSource, PortraitSource
from dcgan.data.file_sources import FolderSource, HubSource, ParquetSource, ZipSource
from dcgan.data.picture_source import Source, unusable


def open_source(data: str, data_size: int, backgrounds: Sequence[str], portrait_crop: str = "head") -> Source:
    """Open what `--data` names: an existing path wins, then avatars:STYLE or portraits:FOLDER, then a Hub data set."""
    path = Path(data).expanduser()
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:  # a name that is too long, say
        raise unusable(f"{data[:80]} can't be opened: {error.strerror}") from None
    if is_folder:
        return FolderSource(path)
    if is_file and path.suffix.lower() == ".parquet":
        return ParquetSource(path)
    if is_file and zipfile.is_zipfile(path):
        return ZipSource(path)
    if is_file:
        raise unusable(f"{data} is a file, but neither a .zip nor a .parquet")
    if data.startswith(AVATARS_PREFIX):
        return AvatarSource(data.removeprefix(AVATARS_PREFIX), data_size, backgrounds)
    if data.startswith(PORTRAITS_PREFIX):
        return PortraitSource(data.removeprefix(PORTRAITS_PREFIX), data_size, backgrounds, portrait_crop)
    if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", data):
        return HubSource(data)
    raise unusable(f"{data}: there is no such folder or file")
