"""The snapshots of a run: whole copies of what its folder showed, of which the best shows at the end."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dcgan.checkpoints.records import Training, read_training
from dcgan.errors import InputError
from dcgan.files import replacing
from dcgan.layout import CONFIG_NAME, PUBLISHED, SHOWN, SNAPSHOTS, TRAINING_NAME, is_snapshot, sample_name


def snapshot_names(folder: Path) -> list[str]:
    """Name the snapshots in a checkpoint folder, the earliest first."""
    names = (path.parent.name for path in folder.glob(f"{SNAPSHOTS}/*/{CONFIG_NAME}"))
    return sorted(filter(is_snapshot, names))


def snapshot_folder(folder: Path, name: str) -> Path:
    return folder / SNAPSHOTS / name


def published_files(folder: Path) -> dict[str, Path]:
    """Find the files of a checkpoint folder, or of a snapshot, that belong on the Hub, by their paths there."""
    found = (path for pattern in PUBLISHED for path in folder.glob(pattern))
    return {path.relative_to(folder).as_posix(): path for path in sorted(found) if path.is_file() and _is_whole(path)}


@contextmanager
def new_snapshot(folder: Path, name: str) -> Iterator[Path]:
    """Give a folder to write the snapshot `name` to, which appears whole after the block."""
    kept = snapshot_folder(folder, name)
    unfinished = kept.with_name(f".{name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    _remove(kept)
    unfinished.rename(kept)


def drop_snapshots_after(folder: Path, step: int) -> None:
    """Delete the snapshots of later steps, which a run that goes on from `step` will make again."""
    for name in snapshot_names(folder):
        kept = snapshot_folder(folder, name)
        if (kept / TRAINING_NAME).is_file() and read_training(kept).step > step:
            (folder / sample_name(name)).unlink(missing_ok=True)
            _remove(kept)


def snapshot_facts(folder: Path) -> dict[str, Training]:
    """Read each snapshot's training.json, the earliest first; a snapshot without one, as in a bundle, is left out."""
    facts = {}
    for name in snapshot_names(folder):
        with suppress(InputError):
            facts[name] = read_training(snapshot_folder(folder, name))
    return facts


def show_best(folder: Path) -> None:
    """Make the top of a run's folder show its best snapshot, where its training.json names one."""
    best = read_training(folder).best
    if best is None or best.snapshot not in snapshot_names(folder):
        return
    show_snapshot(folder, best.snapshot)


def show_snapshot(folder: Path, name: str, patterns: Sequence[str] = SHOWN) -> None:
    """Put those files of a snapshot that fit the patterns at the top of a run's folder."""
    kept = snapshot_folder(folder, name)
    for file in _files(kept, patterns):
        shown = folder / file.relative_to(kept)
        shown.parent.mkdir(exist_ok=True)
        with replacing(shown) as temporary:
            shutil.copyfile(file, temporary)


def is_shown(folder: Path, name: str, patterns: Sequence[str] = SHOWN) -> bool:
    """Tell whether the top of a run's folder has all those files of a snapshot that fit the patterns."""
    kept = snapshot_folder(folder, name)
    shown = ((file, folder / file.relative_to(kept)) for file in _files(kept, patterns))
    return all(top.is_file() and filecmp.cmp(file, top, shallow=False) for file, top in shown)


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed left half written in a run's folder. Nobody else may write there."""
    for path in list(folder.rglob("*.partial")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _files(folder: Path, patterns: Sequence[str]) -> list[Path]:
    return [file for pattern in patterns for file in sorted(folder.glob(pattern)) if _is_whole(file)]


def _remove(kept: Path) -> None:
    """Remove a snapshot, which disappears whole."""
    if kept.exists():
        gone = kept.with_name(f".{kept.name}.gone.partial")
        shutil.rmtree(gone, ignore_errors=True)
        shutil.rmtree(kept.rename(gone))


def _is_whole(path: Path) -> bool:
    return not path.name.endswith(".partial")
