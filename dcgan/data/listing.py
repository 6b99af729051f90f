"""Which files of a folder or .zip are pictures to train on: by their names alone, so that it is the same for both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dcgan.data.formats import ARCHIVES, PARQUET, TABLES, ending, endings_for_other_programs, picture_endings
from dcgan.data.left_out import LeftOut, Why
from dcgan.layout import CONFIG_NAME, LATEST_NAME, METRICS_NAME, POINTER, STATES, TRAINING_NAME, WEIGHTS_NAME

Parts = tuple[str, ...]  # a path below the source's top, as `alike` spells it

OF_THE_SYSTEM = frozenset(
    ("@eadir", "#recycle", "#snapshot", "__macosx", "$recycle.bin", "recycler", "system volume information",
     "lost+found", "network trash folder", "temporary items", "thumbs.db", "ehthumbs.db", "desktop.ini")
)  # fmt: skip
RESUMABLE = f"{STATES}/{POINTER}"
CHECKPOINT_FILES = (CONFIG_NAME, WEIGHTS_NAME, TRAINING_NAME, METRICS_NAME, LATEST_NAME, RESUMABLE)
TRACKED_ENDING = ".wandb"  # the log of a run beside the samples that it was sent


@dataclass(frozen=True)
class File:
    """A file of a source: where it lies there, what tells whether it has changed, and what reads it."""

    parts: Parts
    stamp: list[Any]
    read: Callable[[], bytes]
    path: Path | None = None  # where it is on disk, unless it is packed

    @property
    def name(self) -> str:
        return "/".join(self.parts)


@dataclass(frozen=True)
class Listing:
    """The pictures of a source, in order, and what else lies there."""

    pictures: list[File]
    tables: list[File]  # parquet files; they are left out where there are pictures
    left_out: list[LeftOut] = field(default_factory=list)


def is_of_the_system(name: str) -> bool:
    """Tell whether a file or folder is hidden, or one that a system leaves everywhere."""
    return name.startswith(".") or name.lower() in OF_THE_SYSTEM


def sort_out(files: Iterable[File], left_out: Iterable[LeftOut] = ()) -> Listing:
    """Find the pictures among files, in an order that is the same on every system."""
    files = sorted(files, key=lambda file: file.parts)
    runs = folders_of_runs({file.parts for file in files})
    pictures, tables, others = [], [], dict.fromkeys(left_out)
    for file in files:
        if (reason := _reason(file.parts, runs)) is None:
            pictures.append(file)
            continue
        others[reason] = None
        if reason.why is Why.TABLE and ending(file.name) == PARQUET:
            tables.append(file)
    return Listing(pictures, tables, list(others))


def folders_of_runs(files: Collection[Parts]) -> set[Parts]:
    """Find the folders that a training run, or a tracker that heard of one, has left, by what lies in them."""
    folders = {parts[:depth] for parts in files for depth in range(len(parts))}
    tracked = {parts[:-1] for parts in files if ending(parts[-1]) == TRACKED_ENDING}
    return tracked | {folder for folder in folders if _is_checkpoint(folder, files)}


def _is_checkpoint(folder: Parts, files: Collection[Parts]) -> bool:
    """Tell whether a folder can be resumed, or has two files of a checkpoint: one alone may be called so by chance."""
    found = [name for name in CHECKPOINT_FILES if (*folder, *name.split("/")) in files]
    return RESUMABLE in found or len(found) > 1


def _reason(parts: Parts, runs: Collection[Parts]) -> LeftOut | None:
    """Say why a file isn't used, and from which folder up, if it isn't."""
    for depth, name in enumerate(parts):
        if is_of_the_system(name):
            return LeftOut("/".join(parts[: depth + 1]), Why.HIDDEN)
        if parts[:depth] in runs:
            return LeftOut("/".join(parts[:depth]) or ".", Why.OWN_OUTPUT)
    last = ending(parts[-1])
    if last in picture_endings():
        return None
    kinds = {Why.ARCHIVE: ARCHIVES, Why.TABLE: TABLES, Why.OTHER_PROGRAM: endings_for_other_programs()}
    why = next((why for why, endings in kinds.items() if last in endings), Why.NO_PICTURE)
    return LeftOut("/".join(parts), why)
