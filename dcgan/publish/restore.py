"""A run on its way back from the Hub, to go on where it was never trained."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dcgan.checkpoints import (
    Training,
    drop_snapshots_after,
    load_state,
    published_files,
    show_best,
    snapshot_folder,
    snapshot_names,
)
from dcgan.errors import HubError, InputError
from dcgan.hub import Repository, persistently
from dcgan.layout import (
    LATEST_NAME,
    METRICS_NAME,
    POINTER,
    PUBLISHED,
    SAMPLES,
    STATES,
    TIMELAPSE_NAME,
    TRAINING_NAME,
    is_snapshot,
    sample_name,
)
from dcgan.publish.state import STATE_BRANCH

Persist = Callable[[Callable[[], Any]], Any]  # repeats an attempt until it succeeds, and gives its result


def restore_run(repository: Repository, folder: Path, tell: Callable[[str], object] = print) -> None:
    """Bring a run that was pushed with its state to a machine that hasn't got it, so that --resume continues it there.

    `folder` must not exist yet, or be empty; what makes it a run that can be resumed comes last.

    Raises:
        HubError: the repository can't be had, or keeps no state.
        InputError: the state is damaged, or the folder can't be written to.
    """

    def persist(attempt: Callable[[], Any]) -> Any:
        return persistently(
            attempt, repository.patience.waits, time.sleep, lambda words: tell(f"{repository.id}: {words}")
        )

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".restoring-") as scratch:
            run = Path(scratch)
            _fetch_run(repository, run, persist)
            for path in sorted(run.iterdir(), key=lambda path: path.name == STATES):
                path.replace(folder / path.name)
    except OSError as error:
        raise InputError(f"{repository.id} can't be restored into {folder} ({error.strerror or error}).") from None


def _fetch_run(repository: Repository, run: Path, persist: Persist) -> None:
    refs = persist(repository.refs)
    state = refs.branches.get(STATE_BRANCH)
    if state is None or f"{STATES}/{POINTER}" not in persist(lambda: repository.files(state)):
        raise HubError(
            f"{repository.id} keeps no resume state (on a branch {STATE_BRANCH!r}): its run was pushed without "
            "--push-state, so it can be continued only where it was trained."
        )
    persist(lambda: repository.download(state, [f"{STATES}/*", METRICS_NAME], run))
    try:
        facts = load_state(run).facts
    except InputError:
        raise InputError(f"the resume state that {repository.id} keeps is damaged or of another version.") from None
    for name in sorted(filter(is_snapshot, refs.tags)):
        persist(partial(_fetch_snapshot, repository, refs.tags[name], run, name))
        if not _is_of(facts.run_id, snapshot_folder(run, name)):
            shutil.rmtree(snapshot_folder(run, name))  # somebody else's tag
    drop_snapshots_after(run, facts.step)
    _show_snapshots(run)


def _is_of(run_id: str, snapshot: Path) -> bool:
    file = snapshot / TRAINING_NAME
    return file.is_file() and Training.glean(file.read_bytes()).run_id == run_id


def _fetch_snapshot(repository: Repository, commit: str, run: Path, name: str) -> None:
    own = [pattern for pattern in PUBLISHED if pattern != f"{SAMPLES}/*"]
    patterns = [*own, LATEST_NAME, TIMELAPSE_NAME, sample_name(name)]
    repository.download(commit, patterns, snapshot_folder(run, name))


def _show_snapshots(run: Path) -> None:
    """Make the top of a restored folder what it was at its last snapshot: the best one, and what is told of the run."""
    names = snapshot_names(run)
    samples = {sample_name(name): snapshot_folder(run, name) / sample_name(name) for name in names}
    newest = published_files(snapshot_folder(run, names[-1])) if names else {}
    for path, file in (newest | samples).items():
        if path != METRICS_NAME and file.is_file():  # the state's own are newer
            (run / path).parent.mkdir(exist_ok=True)
            shutil.copyfile(file, run / path)
    if names:
        show_best(run)
