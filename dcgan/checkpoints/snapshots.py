"""The snapshots of a run: whole copies of what its folder showed, of which the best shows at the end."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from dcgan.checkpoints.records import Training, read_training
from dcgan.errors import InputError
from dcgan.files import replacing
from dcgan.layout import CONFIG_NAME, PUBLISHED, SHOWN, SNAPSHOTS, TRAINING_NAME, is_sample, is_snapshot, sample_name


def snapshot_names(folder: Path) -> list[str]:
    """Names of the snapshots in a checkpoint folder, earliest first."""
    names = (path.parent.name for path in folder.glob(f"{SNAPSHOTS}/*/{CONFIG_NAME}"))
    return sorted(filter(is_snapshot, names))


def snapshot_folder(folder: Path, name: str) -> Path:
    return folder / SNAPSHOTS / name


def published_files(folder: Path) -> dict[str, Path]:
    """The files of a checkpoint folder, or a snapshot's, that belong on the Hub, by their paths there."""
    found = (path for pattern in PUBLISHED for path in folder.glob(pattern))
    return {path.relative_to(folder).as_posix(): path for path in sorted(found) if path.is_file() and _is_whole(path)}


def keep_snapshot(folder: Path, name: str) -> None:
    """Keep what a checkpoint folder shows now as its snapshot `name`, which appears whole."""
    kept = snapshot_folder(folder, name)
    unfinished = kept.with_name(f".{name}.partial")
    for leftover in (unfinished, kept):
        shutil.rmtree(leftover, ignore_errors=True)
    for path, file in published_files(folder).items():
        if not is_sample(path) or path == sample_name(name):  # the others have their own
            (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, unfinished / path)
    unfinished.rename(kept)


def drop_snapshots_after(folder: Path, step: int) -> None:
    """Forget the snapshots of later steps, which a run that goes on from `step` will make again."""
    for name in snapshot_names(folder):
        kept = snapshot_folder(folder, name)
        if (kept / TRAINING_NAME).is_file() and read_training(kept).step > step:
            shutil.rmtree(kept)
            (folder / sample_name(name)).unlink(missing_ok=True)


def snapshot_facts(folder: Path) -> dict[str, Training]:
    """What the training.json of each snapshot says, earliest first; a snapshot without one, as bundled, is left out."""
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
    kept = snapshot_folder(folder, best.snapshot)
    for file in (file for pattern in SHOWN for file in kept.glob(pattern) if _is_whole(file)):
        shown = folder / file.relative_to(kept)
        shown.parent.mkdir(exist_ok=True)
        with replacing(shown) as temporary:
            shutil.copyfile(file, temporary)


def _is_whole(path: Path) -> bool:
    return not path.name.endswith(".partial")
