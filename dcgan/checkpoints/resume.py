"""Resume states: everything that a run needs to go on exactly, complete before anything points to it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from dcgan.checkpoints.networks import save_tensors
from dcgan.checkpoints.records import StateFacts
from dcgan.errors import InputError
from dcgan.files import write_json, write_text
from dcgan.layout import POINTER, STATE_FACTS_NAME, STATE_PREFIX, STATE_TENSORS_NAME, STATES


@dataclass(frozen=True)
class SavedState:
    """What exact resume needs: the tensors of a TrainState and the facts around them."""

    tensors: dict[str, Tensor]
    facts: StateFacts

    @property
    def name(self) -> str:
        """The folder's name. No two states of a run share one: it counts how often the run was taken back."""
        rollbacks = self.facts.rollbacks
        return f"{STATE_PREFIX}{self.facts.step}" + (f"-retry-{rollbacks}" if rollbacks else "")


def save_state(folder: Path, state: SavedState) -> None:
    """Keep a resume state in `folder`/state/step-N, then point to it; two are kept, it and the last good one before.

    A state that is already pointed to is left as it is.
    """
    states, name = folder / STATES, state.name
    if newest_state(folder) == name:
        return
    unfinished = states / f"{name}.partial"
    for leftover in (unfinished, states / name):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir(parents=True)
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in state.tensors.items()}
    save_tensors(tensors, unfinished / STATE_TENSORS_NAME)
    write_json(unfinished / STATE_FACTS_NAME, state.facts.to_json())
    unfinished.rename(states / name)
    write_text(states / POINTER, name + "\n")
    older = [saved for saved in _newest_first(states) if saved.name != name]
    kept = next(filter(_is_good, older), older[0] if older else None)
    for old in older:
        if old != kept:
            shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path, good: bool = False) -> SavedState:
    """Load the newest resume state of a run; where that is damaged, the one before it, which costs a few steps.

    With `good` it is the newest state that a run may be taken back to, or the newest of all where there is none.

    Raises:
        InputError: the folder holds no run that can be continued, or one of another version.
    """
    states = folder / STATES
    pointed = newest_state(folder)
    if pointed is None:
        raise InputError(
            f"{folder} holds no run to resume ({states / POINTER} is missing). Without --resume, and with a new "
            "--output-dir, a run starts from the beginning."
        )
    found = [states / pointed, *_newest_first(states)]
    for saved in sorted(found, key=lambda saved: good and not _is_good(saved)):
        try:
            facts = json.loads((saved / STATE_FACTS_NAME).read_text(encoding="utf-8"))
            tensors = load_file(saved / STATE_TENSORS_NAME)
        except (OSError, ValueError, SafetensorError) as error:
            reason = str(error)
        else:
            return SavedState(tensors, StateFacts.of(facts, saved / STATE_FACTS_NAME))
    raise InputError(f"the resume states in {states} are damaged ({reason}). Start a run in a new --output-dir.")


def newest_state(folder: Path) -> str | None:
    """Find the name of the newest complete resume state of a run, if it has one."""
    try:
        return (folder / STATES / POINTER).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def copy_state(folder: Path, target: Path) -> str | None:
    """Copy the newest resume state to `target`/state, where a run that deletes old ones won't; return its name.

    None where there is no state.
    """
    tried = None
    while (name := newest_state(folder)) is not None and name != tried:
        try:
            shutil.copytree(folder / STATES / name, target / STATES / name)
        except OSError:
            shutil.rmtree(target / STATES, ignore_errors=True)
            tried = name
            continue
        write_text(target / STATES / POINTER, name + "\n")
        return name
    return None


def _newest_first(states: Path) -> list[Path]:
    whole = [path for path in states.glob(f"{STATE_PREFIX}*") if path.is_dir() and path.suffix != ".partial"]
    return sorted(whole, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _is_good(saved: Path) -> bool:
    """Tell whether a run may be taken back to a state; older files, which don't say, count as good."""
    try:
        return StateFacts.read(saved / STATE_FACTS_NAME).good
    except InputError:
        return False
