"""Before the first step: which run it will be, and in which folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dcgan.checkpoints import load_state
from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX, TrainConfig, config_of
from dcgan.data import Pictures
from dcgan.errors import InputError
from dcgan.options import without_effect
from dcgan.training.distributed import World
from dcgan.training.launch import Launch
from dcgan.training.listeners import Listeners
from dcgan.training.run import Run, config_to_resume, new_run_id

RUNS = Path("checkpoints")
DRY_RUN_STEPS = 2


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

    def open(self, pictures: Pictures, device: torch.device, world: World, listeners: Listeners) -> Run:
        """Open the run itself, at its first step or where it stopped."""
        if self.resumes:
            return Run.resume(self.folder, self.config, pictures, device, world, listeners)
        return Run.start(self.folder, self.config, pictures, device, self.run_id, world, listeners)


def plan_run(launch: Launch, given: dict[str, Any], world: World, bring: Callable[[str, Path], None]) -> Plan:
    """Decide which run this is; the folder exists afterwards, and holds the run where one is resumed.

    `given` are the options of its configuration; `bring` fetches a repository's run into a new folder.
    Options that have no effect are named on stderr.
    """
    if launch.resume:
        return _plan_to_resume(_folder_to_resume(launch, bring), given, world)
    if "data" not in given:
        raise InputError("--data is missing; try --data avatars:adventurer, or name a folder of pictures.")
    config = config_of(given)
    world.check(config.batch_size)
    folder = launch.output_dir or free_folder(config)
    plan = Plan(folder, config, new_run_id(), resumes=False, made_folder=prepare_folder(folder))
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


def prepare_folder(folder: Path) -> bool:
    """Make sure that `folder` exists, is empty and can be written to; return whether it was made just now."""
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
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


def free_folder(config: TrainConfig) -> Path:
    """Find the first of checkpoints/NAME-SIZE-run-1, -2, ... that isn't there yet."""
    name = Path(config.data.removeprefix(AVATARS_PREFIX).removeprefix(PORTRAITS_PREFIX)).resolve().stem[:60]
    number = 1
    while (folder := RUNS / f"{name}-{config.image_size}-run-{number}").exists():
        number += 1
    return folder


def dry_run_config(given: dict[str, Any]) -> TrainConfig:
    """Make the shortest run with the options that were given: one epoch of avatars, whatever pictures are named."""
    short = given | {"data": f"{AVATARS_PREFIX}adventurer", "max_steps": DRY_RUN_STEPS, "epochs": 1}
    batch_size = config_of(short).batch_size
    return config_of(short | {"data_size": DRY_RUN_STEPS * batch_size + batch_size // 2})  # a few to spare
