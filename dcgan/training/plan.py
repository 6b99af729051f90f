"""Before the first step: which run it will be, and in which folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dcgan.checkpoints import load_state
from dcgan.config import AUTO, AVATARS_PREFIX, PORTRAITS_PREFIX, TrainConfig, config_of
from dcgan.data import Pictures
from dcgan.errors import InputError
from dcgan.files import held, portable_name
from dcgan.layout import STATE_PREFIX, STATES
from dcgan.options import without_effect
from dcgan.sampling import has_bfloat16
from dcgan.training.distributed import World
from dcgan.training.launch import Launch
from dcgan.training.listeners import Listeners
from dcgan.training.run import Run, config_to_resume, new_run_id

RUNS = Path("checkpoints")
DRY_RUN_STEPS = 2
DECIDED_BY_A_DRY_RUN = {"data_size", "epochs", "max_steps"}


@dataclass(frozen=True)
class Plan:
    """What the options come to: which run, where, and whether it goes on."""

    folder: Path
    config: TrainConfig
    run_id: str
    resumes: bool
    made_folder: bool = False

    @contextmanager
    def folder_removed_if_it_fails(self) -> Iterator[None]:
        """Take the run's folder away again if it was made for nothing."""
        with _removed_if_it_fails(self.folder, self.made_folder):
            yield

    def give_folder_back(self) -> None:
        """Leave the folder as it was found, after a new run that could save nothing."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if self.made_folder:
            self.folder.rmdir()

    def open(self, pictures: Pictures, device: torch.device, world: World, listeners: Listeners) -> Run:
        """Open the run itself, at its first step or where it stopped."""
        if self.resumes:
            return Run.resume(self.folder, self.config, pictures, device, world, listeners)
        return Run.start(self.folder, self.config, pictures, device, self.run_id, world, listeners)


def plan_run(
    launch: Launch, given: dict[str, Any], world: World, bring: Callable[[str, Path], None], at_the_end: ExitStack
) -> Plan:
    """Decide which run this is; the folder exists afterwards, and holds the run where one is resumed.

    No other process can have a run in that folder until `at_the_end`.
    `given` are the options of its configuration; `bring` fetches a repository's run into a new folder.
    Options that have no effect are named on stderr.
    """
    if launch.resume:
        folder = _folder_to_resume(launch, bring)
        _hold(folder, at_the_end)
        return _plan_to_resume(folder, given, world)
    if "data" not in given:
        raise InputError("--data is missing; try --data avatars:adventurer, or name a folder of pictures.")
    config = config_of(given)
    world.check(config.batch_size)
    folder, is_new = (launch.output_dir, False) if launch.output_dir else (new_free_folder(config), True)
    made_folder = prepare_folder(folder, at_the_end) or is_new
    plan = Plan(folder, config, new_run_id(), resumes=False, made_folder=made_folder)
    name_without_effect(config, given)
    return plan


def _plan_to_resume(folder: Path, given: dict[str, Any], world: World) -> Plan:
    config = config_to_resume(folder, given)
    world.check(config.batch_size)
    plan = Plan(folder, config, load_state(folder).facts.run_id, resumes=True)
    name_without_effect(config, given)
    return plan


def _folder_to_resume(launch: Launch, bring: Callable[[str, Path], None]) -> Path:
    if not isinstance(launch.resume, str):
        if launch.output_dir is None:
            raise InputError("--resume needs --output-dir, the folder of the run to continue.")
        return launch.output_dir
    if Path(launch.resume).is_dir():
        raise InputError(
            f"--resume takes a repository of the Hub; use --resume --output-dir {launch.resume} for that folder."
        )
    folder = launch.output_dir or RUNS / launch.resume.split("/")[-1]
    bring(launch.resume, folder)
    return folder


def with_precision(given: dict[str, Any], device: torch.device, resumes: bool) -> dict[str, Any]:
    """Put what `--precision auto`, the default, comes to here in its place; a resumed run has settled it before."""
    if given.get("precision", AUTO) != AUTO:
        return given
    others = {name: value for name, value in given.items() if name != "precision"}
    return others if resumes else others | {"precision": "bfloat16" if has_bfloat16(device) else "float32"}


def name_without_effect(settings: Any, given: Iterable[str]) -> None:
    """Say on stderr which of the options that were given do nothing beside the others, and why."""
    for line in without_effect(settings, given):
        print(line, file=sys.stderr)


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Make an empty folder that can be written to; it is taken away again if what follows fails."""
    with _removed_if_it_fails(folder, prepare_folder(folder)):
        yield


@contextmanager
def _removed_if_it_fails(folder: Path, made: bool) -> Iterator[None]:
    """Take an empty folder away again if it was `made` for nothing."""
    try:
        yield
    except BaseException:
        if made and folder.exists():
            folder.rmdir()
        raise


def prepare_folder(folder: Path, at_the_end: ExitStack | None = None) -> bool:
    """Make sure that `folder` exists, is empty and can be written to; return whether it was made just now.

    It is held until `at_the_end`.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if at_the_end:
            _hold(folder, at_the_end)
        _remove_what_never_began(folder)
        if any(folder.iterdir()):
            raise InputError(
                f"--output-dir {folder} already holds files. Continue the run there with --resume, "
                "or name a new folder."
            )
        probe = folder / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"--output-dir {folder} can't be written to: {error.strerror or error}.") from None
    return made


def _remove_what_never_began(folder: Path) -> None:
    """Clear away what a run left that was killed before it had saved anything: there is nothing to resume."""
    states = folder / STATES
    if list(folder.iterdir()) == [states] and all(path.name.startswith(STATE_PREFIX) for path in states.iterdir()):
        shutil.rmtree(states)


def _hold(folder: Path, at_the_end: ExitStack) -> None:
    """Let no other process have a run in this folder until the end."""
    if folder.is_dir():
        try:
            at_the_end.enter_context(held(folder))
        except BlockingIOError:
            raise InputError(
                f"another process has a run in {folder} at this moment; wait until it ends, stop it, or name another "
                "--output-dir."
            ) from None


def new_free_folder(config: TrainConfig) -> Path:
    """Make the first of checkpoints/NAME-SIZE-run-1, -2, ... that isn't there yet.

    Raises:
        InputError: nothing can be written there.
    """
    data = config.data.removeprefix(AVATARS_PREFIX).removeprefix(PORTRAITS_PREFIX)
    name = portable_name(f"{Path(data).resolve().stem[:60]}-{config.image_size}-run")
    number = 1
    while True:
        try:
            (folder := RUNS / f"{name}-{number}").mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise InputError(f"{folder} can't be made ({error.strerror}); name a folder by --output-dir.") from None
        else:
            return folder


def dry_run_config(given: dict[str, Any]) -> TrainConfig:
    """Make the shortest run with the options that were given: one epoch of avatars, whatever pictures are named.

    Those it has no use for are named on stderr.
    """
    for name in sorted(DECIDED_BY_A_DRY_RUN & given.keys()):
        print(f"note: --{name.replace('_', '-')} has no effect: a dry run decides that itself.", file=sys.stderr)
    short = given | {"data": f"{AVATARS_PREFIX}adventurer", "max_steps": DRY_RUN_STEPS, "epochs": 1}
    batch_size = config_of(short).batch_size
    return config_of(short | {"data_size": DRY_RUN_STEPS * batch_size + batch_size // 2})  # a few to spare
