"""Train a DCGAN on small pictures of faces.

python train.py --data avatars:adventurer                     rendered offline, nothing to download
python train.py --data portraits:pixel-art-portraits          anime portraits, composed from a clone of the art
python train.py --data path/to/pictures                       your own: a folder or a .zip
python train.py --data avatars:adventurer --max-steps 200 --output-dir checkpoints/try        a first look
python train.py --recipe plain --data path/to/pictures --batch-size 512      the original recipe, in large batches
python train.py --resume --output-dir checkpoints/try --epochs 20             go on with a run
python train.py --data avatars:adventurer --push-to-hub user/name             publish every snapshot
python train.py --data avatars:adventurer --report-to trackio                 watch it in trackio, TensorBoard or W&B
torchrun --nproc_per_node=2 train.py --data avatars:adventurer                 a process on each of two GPUs
python train.py --dry-run                                     two steps and a snapshot, then cleans up
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from dcgan.cli import BAD_INPUT, DONE, FAILED, INTERRUPTED, STOPPED, StopRequest, command, end_process, silent_unless
from dcgan.config import TrainConfig
from dcgan.data import Pictures, load_pictures
from dcgan.errors import EndedError, GaveUpError, HubError, InputError
from dcgan.hub import DEFAULT_PATIENCE, Patience, Repository, keep_quiet
from dcgan.publish import Publisher, Pusher, restore_run
from dcgan.sampling import pick_device
from dcgan.training import (
    CLOSE_TIMEOUT,
    HURRIED_CLOSE_TIMEOUT,
    Launch,
    Listeners,
    NextCommands,
    Plan,
    Run,
    Trackers,
    World,
    build_parser,
    dry_run_config,
    failure_in_words,
    given_options,
    giving_up_in_words,
    in_short,
    launch_of,
    name_without_effect,
    new_folder,
    note_if_not_compiled,
    plan_run,
    progress_bar,
    report,
    train,
    with_precision,
)


@command
def main(argv: Sequence[str] | None = None, patience: Patience = DEFAULT_PATIENCE) -> int:
    """Run the command line of train.py; `patience` says how long the Hub may take."""
    arguments = sys.argv[1:] if argv is None else argv
    parsed = build_parser(__doc__).parse_args(arguments)
    launch, world = launch_of(parsed), World.from_environment()
    device = world.device(pick_device(launch.device))
    given = with_precision(given_options(parsed), device, resumes=bool(launch.resume))
    if launch.compile and world.is_main:
        note_if_not_compiled(device, world)
    if launch.dry_run:
        return dry_run(launch, given, device, arguments)
    with silent_unless(world.is_main), world.connected(device), ExitStack() as at_the_end:
        prepare_here = partial(prepare, launch, given, world, patience, at_the_end)
        try:
            return train_run(launch, prepare_here, world, device, arguments)
        except InputError:
            if world.is_main:
                raise
            return BAD_INPUT


Prepared = tuple[Plan, Publisher | None, Pictures]


def train_run(
    launch: Launch,
    prepare_it: Callable[[], Prepared],
    world: World,
    device: torch.device,
    arguments: Sequence[str],
) -> int:
    """Train the run that `prepare_it` gives, in the main process, to its end; returns the exit status."""
    trackers = Trackers()
    if world.is_main:
        try:
            trackers = Trackers(dict.fromkeys(launch.report_to), tqdm.write)
            plan, publisher, pictures = prepare_it()
        except InputError:
            world.from_main(None)
            raise
        world.from_main(plan)
    else:
        told: Plan | None = world.from_main(None)
        if told is None:
            return BAD_INPUT
        plan, publisher, pictures = told, None, open_pictures(told.config)  # from the cache that the main one left
    try:
        with plan.folder_removed_if_it_fails():
            on_saved = publisher.wake if publisher else None
            run = plan.open(pictures, device, world, Listeners(on_saved, tqdm.write, trackers))
    except EndedError:
        if not launch.push_to_hub:
            raise
        return push_the_rest(publisher) if publisher else DONE
    repository = publisher.pusher.repository.id if publisher else None
    commands = NextCommands.of(launch, plan.folder, list(trackers.names), repository, arguments)
    status = trained = train_to_the_end(run, commands, publisher, launch.compile)
    if publisher:
        status = close_publisher(publisher, status, ended=trained == DONE or run.gave_up)
    trackers.close(HURRIED_CLOSE_TIMEOUT if status in STOPPED else CLOSE_TIMEOUT)
    if trained != FAILED or run.gave_up:
        world.barrier()  # torchrun ends the others as soon as one has left with a status other than 0
    if world.is_main and run.saved_step is None:
        plan.give_folder_back()
    report(run, status, commands)
    return status


def prepare(launch: Launch, given: dict[str, Any], world: World, patience: Patience, at_the_end: ExitStack) -> Prepared:
    """Do all that can fail before the first step, the quick things first."""
    plan = plan_run(launch, given, world, partial(bring_run, patience), at_the_end)
    with plan.folder_removed_if_it_fails():
        return plan, open_publisher(launch, plan, patience), open_pictures(plan.config)


def bring_run(patience: Patience, repo_id: str, folder: Path) -> None:
    """Bring a run into a new folder that was pushed with its state."""
    repository = Repository(repo_id, patience=patience)
    with new_folder(folder):
        keep_quiet()
        restore_run(repository, folder)
    print(f"{repository.id}: its run is in {folder} now")


def open_publisher(launch: Launch, plan: Plan, patience: Patience) -> Publisher | None:
    """Make what will push the run, and make sure, before there is anything to lose, that it can."""
    if not launch.push_to_hub:
        return None
    keep_quiet()
    repository = Repository(launch.push_to_hub, patience=patience)
    pusher = Pusher(plan.folder, repository, plan.run_id, tqdm.write, launch.private, launch.push_state)
    try:
        pusher.prepare()
    except HubError as error:
        if not error.temporary:
            raise
        raise InputError(
            f"{error}. Nothing was started; train without --push-to-hub, and push later with: {pusher.command()}"
        ) from None
    return Publisher(pusher)


def push_the_rest(publisher: Publisher) -> int:
    """Push what is missing of a run that came to its end, but was killed before all of it was pushed."""
    pusher = publisher.pusher
    print(f"the run in {pusher.folder} is at its end, and {pusher.repository.id} gets the rest of it")
    publisher.start()
    return close_publisher(publisher, DONE, ended=True)


def close_publisher(publisher: Publisher, status: int, ended: bool) -> int:
    """Push the rest, and say what can't be pushed; return the exit status."""
    try:
        problem = publisher.close(ended)
    except (KeyboardInterrupt, SystemExit) as stop:
        problem = HubError("interrupted", temporary=True)
        status = stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else INTERRUPTED
    if problem is None:
        return status
    print(publisher.pusher.not_pushed_in_words(problem), file=sys.stderr)
    return FAILED if status == DONE else status


def train_to_the_end(run: Run, commands: NextCommands, publisher: Publisher | None, compile: bool) -> int:
    """Drive the run until it ends, fails or is told to stop; return the exit status."""
    total, world = run.schedule.total_steps, run.state.world
    batch = world.batch_in_words(run.config.batch_size)
    print(f"training on {run.state.device} for {total:,} steps of {batch}, into {run.folder}")
    bar = progress_bar(total=total, initial=run.state.step, unit="step", mininterval=0.5, disable=not world.is_main)
    try:
        with StopRequest() as stop, bar:
            run.save()  # from here on there is something to resume
            if publisher:
                publisher.start()
            for metrics in train(run.state, run.config, run.pictures, compile):
                run.after_step(metrics)
                bar.set_postfix(in_short(run.metrics_log.latest), refresh=False)
                bar.update(run.state.step - bar.n)  # it may have been taken back
                if world.any(stop.signal is not None) and run.state.step < total:
                    run.stop()
                    return stop.status
            run.finish()
    except GaveUpError as error:
        if world.is_main:
            print(giving_up_in_words(error, commands), file=sys.stderr)
        return FAILED
    except (OSError, RuntimeError, MemoryError) as error:  # a full disk, or a device out of memory
        print(failure_in_words(error, run, commands), file=sys.stderr)
        return FAILED
    return DONE


def dry_run(launch: Launch, given: dict[str, Any], device: torch.device, arguments: Sequence[str]) -> int:
    """Go through the whole chain once on a few rendered pictures, and leave nothing behind."""
    Trackers(dict.fromkeys(launch.report_to))  # only to see whether they can be made
    config = dry_run_config(given)
    name_without_effect(launch, [name for name, value in vars(launch).items() if value])
    print("dry run: two steps and a snapshot on rendered pictures, whatever --data says; nothing is kept")
    with tempfile.TemporaryDirectory(prefix="dcgan-dry-run-") as scratch:
        pictures = open_pictures(config, cache=Path(scratch) / "cache")
        (folder := Path(scratch) / "run").mkdir()
        run = Run.start(folder, config, pictures, device, listeners=Listeners(tell=tqdm.write))
        status = train_to_the_end(run, NextCommands.anew(arguments), None, launch.compile)
        files = sum(path.is_file() for path in folder.rglob("*"))
    if status == DONE:
        print(f"dry run: all is well; {files} files were written and removed again")
    return status


def open_pictures(config: TrainConfig, cache: Path | None = None) -> Pictures:
    """Open the run's pictures: with a progress bar while they are decoded, and a report of what was found."""
    pictures = load_pictures(
        config.data,
        config.image_size,
        config.data_size,
        config.background,
        track=lambda found, total: progress_bar(found, total=total, unit="picture", desc="decoding", leave=False),
        cache=cache,
        portrait_crop=config.portrait_crop,
    )
    print(f"{pictures.name}: " + "\n  ".join(pictures.report.lines(config.image_size)))
    return pictures


if __name__ == "__main__":
    end_process(main())  # sys.exit would wait for an upload that the run has given up
