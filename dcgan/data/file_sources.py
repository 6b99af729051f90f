"""Sources of picture files: what they share, a folder, a .zip."""

from __future__ import annotations

import os
import stat
import warnings
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from dcgan.data.attribution import Attribution
from dcgan.data.decoding import decode, why_undecodable
from dcgan.data.folders import stamp, too_large_a_file
from dcgan.data.formats import readable_formats
from dcgan.data.left_out import LeftOut, Why, in_words
from dcgan.data.listing import File, Listing, sort_out
from dcgan.data.picture_source import Decoded, UnusablePictureError, unusable
from dcgan.limits import MAX_PICTURE_BYTES
from dcgan.names import alike, shown
from dcgan.parallel import map_in_order

Item = tuple[str, Callable[[], bytes]]  # a picture file's name, and what reads it
ENCRYPTED, NAMED_IN_UTF8 = 0x1, 0x800  # flags of a file in a zip
ZIP_BEGINS = b"PK\3\4"


class FileSource(ABC):
    """Picture files by name, each with a way to read its bytes; decoded by a thread a core."""

    name: str
    identity: Any
    attribution: Attribution | None = None
    left_out: Sequence[LeftOut] = ()

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """List the files, always in the same order."""

    def pictures(self, size: int) -> Iterator[Decoded]:
        """Decode all files in order."""
        workers = os.cpu_count() or 1
        readable_formats()  # here, as Pillow's plugins are loaded by one thread at a time
        with ThreadPoolExecutor(workers) as pool, warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")  # of metadata, mostly; what matters is in the report
            yield from map_in_order(pool, partial(_decode_item, size), self.items(), waiting=16 * workers)


def _decode_item(size: int, item: Item) -> Decoded:
    name, read = item
    try:
        return decode(read(), size, name)
    except Exception as error:  # a broken file can raise nearly anything; it is counted and named instead
        return Decoded(name, None, why=why_undecodable(error))


class ListedSource(FileSource):
    """The picture files of a listing."""

    def __init__(self, name: str, listing: Listing):
        self.name = shown(name)
        self.files, self.left_out = listing.pictures, listing.left_out

    def __len__(self) -> int:
        return len(self.files)

    def items(self) -> Iterator[Item]:
        return ((file.name, file.read) for file in self.files)


class FolderSource(ListedSource):
    """The picture files in a folder, the folders below it and those that they link to."""

    def __init__(self, folder: Path, listing: Listing):
        super().__init__(folder.resolve().name, listing)
        if not self.files:
            raise unusable(f"{shown(str(folder))} is a folder with {found_instead(listing.left_out)}")
        self.identity = ["files", str(folder.resolve()), [file.stamp for file in self.files]]


class ZipSource(ListedSource):
    """The picture files in a .zip."""

    def __init__(self, path: Path):
        try:
            self.archive = zipfile.ZipFile(path)
            listing = self._listing()
        except Exception as error:  # a broken directory can raise nearly anything
            raise unusable(f"{shown(str(path))} is a damaged .zip ({first_line(error)}); get it again") from None
        super().__init__(path.name, listing)
        if not self.files:
            raise unusable(f"{shown(str(path))} is a .zip with {found_instead(listing.left_out)}")
        self.identity = ["zip", stamp(str(path.resolve()), path.stat()), [file.name for file in self.files]]

    def _listing(self) -> Listing:
        files, left_out = [], []
        for member in self.archive.infolist():
            name = _name_of(member)
            parts = tuple(alike(part) for part in name.split("/") if part not in ("", ".", ".."))
            if stat.S_ISLNK(member.external_attr >> 16):
                left_out.append(LeftOut("/".join(parts), Why.LINK))
            elif parts and not name.endswith("/"):
                files.append(File(parts, [], partial(self._read, member)))
        return sort_out(files, left_out)

    def _read(self, member: zipfile.ZipInfo) -> bytes:
        if member.flag_bits & ENCRYPTED:
            raise UnusablePictureError("behind a password: unpack the .zip and name the folder")
        if member.file_size > MAX_PICTURE_BYTES:
            raise too_large_a_file()
        try:
            return self.archive.read(member)
        except NotImplementedError:
            raise UnusablePictureError(
                f"packed by method {member.compress_type}, unknown here: unpack the .zip otherwise and name the folder"
            ) from None
        except Exception:  # each method has errors of its own
            raise UnusablePictureError("damaged in the .zip") from None


def _name_of(member: zipfile.ZipInfo) -> str:
    """Read a file's name as its bytes are meant: old programs write those of their system, and Windows' slashes."""
    name = member.filename
    if not member.flag_bits & NAMED_IN_UTF8:
        with suppress(UnicodeEncodeError):  # which says that Python has found the name elsewhere in the file
            name = name.encode("cp437").decode("utf-8", "surrogateescape")
    return name.replace("\\", "/")


def is_cut_zip(path: Path) -> bool:
    """Tell whether a file that zipfile can't open begins as a .zip does."""
    with open(path, "rb") as file:
        return file.read(len(ZIP_BEGINS)) == ZIP_BEGINS


def found_instead(left_out: Sequence[LeftOut]) -> str:
    """Say what a source holds that has no pictures."""
    if not left_out:
        return "nothing in it"
    return f"{len(left_out):,} files, none of them a picture to train on ({'; '.join(in_words(left_out))})"


def first_line(error: Exception) -> str:
    """Take an error's first line, or its name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
