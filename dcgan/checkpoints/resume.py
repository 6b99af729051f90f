"""Resume states: everything that a run needs to go on exactly, complete before anything points to it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from dcgan.checkpoints.networks import save_tensors
from dcgan.checkpoints.records import StateFacts, Training
from dcgan.errors import InputError, NewerFormatError
from dcgan.files import sha256, write_json, write_text
from dcgan.layout import POINTER, STATE_FACTS_NAME, STATE_PREFIX, STATE_TENSORS_NAME, STATES, TRAINING_NAME
from dcgan.models import damage_refused

SEAL = "seal"  # a key of state.json: the SHA-256 of all else in there and of the tensors; older states have none


@dataclass(frozen=True)
class SavedState:
    """What exact resume needs: the tensors of a TrainState and the facts around them.

    `passed_over` says of each later state, in words for people, why it can't be gone on from.
    """

    tensors: dict[str, Tensor]
    facts: StateFacts
    passed_over: tuple[str, ...] = ()

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
    write_facts(unfinished, state.facts)
    unfinished.rename(states / name)
    write_text(states / POINTER, name + "\n")
    older = [saved for saved in _newest_first(states) if saved.name != name]
    kept = next(filter(_is_good, older), older[0] if older else None)
    for old in older:
        if old != kept:
            shutil.rmtree(old, ignore_errors=True)


def write_facts(saved: Path, facts: StateFacts) -> None:
    """Write what the state in a folder says of itself, and the seal that shows damage to that or to its tensors."""
    told = facts.to_json()
    write_json(saved / STATE_FACTS_NAME, told | {SEAL: _seal(saved, told)})


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
    found = list(dict.fromkeys([states / pointed, *_newest_first(states)]))
    passed_over: list[str] = []
    for saved in sorted(found, key=lambda saved: good and not _is_good(saved)):
        try:
            tensors, facts = _load(saved, folder)
        except NewerFormatError as error:
            raise NewerFormatError(f"{error}{older_state_in_words(folder, saved.name)}") from None
        except (OSError, ValueError) as error:
            why = " ".join(str(error).split()).rstrip(".")
            passed_over.append(why if isinstance(error, InputError) else f"{saved} is damaged ({why})")
        else:
            return SavedState(tensors, facts, tuple(passed_over))
    raise InputError(
        f"no state of the run in {folder} can be gone on from: {'; '.join(passed_over)}. Start one in a new "
        "--output-dir."
    )


def older_state_in_words(folder: Path, name: str) -> str:
    """Say how to go on from the state before the one called `name`, as one more sentence; "" where there is none."""
    for saved in _newest_first(folder / STATES):
        if saved.name != name:
            try:
                _load(saved, folder)
            except (OSError, ValueError):
                continue
            return f" To go on from {saved.name} instead, which can be read, delete {folder / STATES / name}."
    return ""


def drop_states_after(folder: Path, saved: SavedState) -> None:
    """Make this state the newest: what is later is damaged, and a run that goes on will make it again."""
    states = folder / STATES
    write_text(states / POINTER, saved.name + "\n")
    for later in _newest_first(states):
        if later.name == saved.name:
            break
        shutil.rmtree(later, ignore_errors=True)


def newest_state(folder: Path) -> str | None:
    """Find the name of the newest complete resume state of a run, if it has one."""
    try:
        return (folder / STATES / POINTER).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def copy_state(folder: Path, target: Path) -> str | None:
    """Copy the newest resume state to `target`/state, where a run that deletes old ones won't; return its name.

    None where there is no state.

    Raises:
        OSError: it can't be written there.
    """
    tried = None
    while (name := newest_state(folder)) is not None and name != tried:
        copy = target / STATES / name
        copy.mkdir(parents=True)
        try:
            for file in (STATE_TENSORS_NAME, STATE_FACTS_NAME):
                shutil.copyfile(folder / STATES / name / file, copy / file)
        except FileNotFoundError:  # the run has deleted it meanwhile
            shutil.rmtree(target / STATES)
            tried = name
            continue
        write_text(target / STATES / POINTER, name + "\n")
        return name
    return None


def _load(saved: Path, folder: Path) -> tuple[dict[str, Tensor], StateFacts]:
    """Load a state of the run in `folder`.

    Raises:
        NewerFormatError: a newer version wrote it.
        OSError, ValueError: it is damaged, or another run's.
    """
    facts = StateFacts.read(saved / STATE_FACTS_NAME)
    told = json.loads((saved / STATE_FACTS_NAME).read_bytes())
    if (seal := told.pop(SEAL, None)) and seal != _seal(saved, told):
        raise ValueError("its bytes aren't those that were saved")
    shown = folder / TRAINING_NAME
    theirs = Training.glean(shown.read_bytes()).run_id if shown.is_file() else None
    if theirs and theirs != facts.run_id:
        raise ValueError(f"it is of the run {facts.run_id}, and {shown.name} of {theirs}")
    tensors = saved / STATE_TENSORS_NAME
    with damage_refused(tensors):
        return load_file(tensors), facts


def _seal(saved: Path, told: dict[str, Any]) -> str:
    tensors = sha256(saved / STATE_TENSORS_NAME)
    return hashlib.sha256((json.dumps(told, sort_keys=True) + tensors).encode()).hexdigest()


def _newest_first(states: Path) -> list[Path]:
    """List the whole states; the order in which they were saved is in their names, whatever the clock says."""
    whole = [path for path in states.glob(f"{STATE_PREFIX}*") if path.is_dir() and path.suffix != ".partial"]
    return sorted(whole, key=_age, reverse=True)


def _age(saved: Path) -> tuple[int, int]:
    """Read in a state's name how often the run had been taken back, and its step."""
    numbers = re.fullmatch(rf"{STATE_PREFIX}(\d+)(?:-retry-(\d+))?", saved.name)
    return (int(numbers[2] or 0), int(numbers[1])) if numbers else (-1, -1)


def _is_good(saved: Path) -> bool:
    """Tell whether a run may be taken back to a state; older files, which don't say, count as good."""
    try:
        return StateFacts.read(saved / STATE_FACTS_NAME).good
    except InputError:
        return False
