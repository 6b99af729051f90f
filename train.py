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

import shlex
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from dcgan.cli import (
    BAD_INPUT,
    DONE,
    FAILED,
    INTERRUPTED,
    STOPPED,
    StopRequest,
    command,
    end_process,
    silent_unless,
)
from dcgan.config import TrainConfig
from dcgan.data import Pictures, load_pictures
from dcgan.errors import GaveUpError, HubError, InputError, OccupiedError
from dcgan.hub import DEFAULT_PATIENCE, Patience, Repository, keep_quiet
from dcgan.publish import Publisher, Pusher, restore_run
from dcgan.sampling import pick_device
from dcgan.training import (
    CLOSE_TIMEOUT,
    HURRIED_CLOSE_TIMEOUT,
    Launch,
    Listeners,
    Plan,
    Run,
    Trackers,
    World,
    build_parser,
    dry_run_config,
    given_options,
    in_short,
    launch_of,
    name_without_effect,
    new_folder,
    plan_run,
    train,
)


@command
def main(argv: Sequence[str] | None = None, patience: Patience = DEFAULT_PATIENCE) -> int:
    """Run the command line of train.py; `patience` says how long the Hub may take."""
    parsed = build_parser(__doc__).parse_args(argv)
    launch, given = launch_of(parsed), given_options(parsed)
    world = World.from_environment()
    device = world.device(pick_device(launch.device))
    if launch.dry_run:
        return dry_run(launch, given, device)
    with silent_unless(world.is_main), world.connected(device):
        try:
            return train_run(launch, given, world, device, patience)
        except InputError:
            if world.is_main:
                raise
            return BAD_INPUT


def train_run(launch: Launch, given: dict[str, Any], world: World, device: torch.device, patience: Patience) -> int:
    trackers = Trackers()
    if world.is_main:
        try:
            trackers = Trackers(dict.fromkeys(launch.report_to), tqdm.write)
            plan, publisher, pictures = prepare(launch, given, world, patience)
        except InputError:
            world.from_main(None)
            raise
        world.from_main(plan)
    else:
        plan, publisher = world.from_main(None), None
        if plan is None:
            return BAD_INPUT
        pictures = open_pictures(plan.config)  # from the cache that the main process left
    with plan.folder_removed_if_it_fails():
        run = plan.open(pictures, device, world, Listeners(publisher and publisher.wake, tqdm.write, trackers))
    go_on = command_to_go_on(launch, plan, trackers, publisher)
    status = trained = train_to_the_end(run, go_on, publisher)
    if publisher:
        status = close_publisher(publisher, status, ended=trained == DONE or run.gave_up)
    trackers.close(HURRIED_CLOSE_TIMEOUT if status in STOPPED else CLOSE_TIMEOUT)
    if trained != FAILED or run.gave_up:
        world.barrier()  # torchrun ends the others as soon as one has left with a status other than 0
    report(run, status, go_on)
    return status


Prepared = tuple[Plan, Publisher | None, Pictures]


def prepare(launch: Launch, given: dict[str, Any], world: World, patience: Patience) -> Prepared:
    """Do all that can fail before the first step, the quick things first."""
    plan = plan_run(launch, given, world, partial(bring_run, patience))
    with plan.folder_removed_if_it_fails():
        return plan, open_publisher(launch, plan, patience), open_pictures(plan.config)


def bring_run(patience: Patience, repo_id: str, folder: Path) -> None:
    """Bring a run into a new folder that was pushed with its state."""
    repository = Repository(repo_id, patience=patience)
    with new_folder(folder):
        keep_quiet()
        restore_run(repository, folder)
    print(f"{repository.id}: its run is in {folder} now")


def command_to_go_on(launch: Launch, plan: Plan, trackers: Trackers, publisher: Publisher | None) -> str:
    words = ["python", "train.py", "--resume", "--output-dir", str(plan.folder)]
    words += ["--report-to", ",".join(trackers.names)] if trackers.names else []
    if publisher:
        words += ["--push-to-hub", publisher.pusher.repository.id, *(["--push-state"] if launch.push_state else [])]
    return shlex.join(words)


def report(run: Run, status: int, go_on: str) -> None:
    if status in STOPPED:
        print(f"stopped after step {run.state.step:,}, everything saved. Continue with: {go_on}")
    elif run.state.step == run.schedule.total_steps:
        print(f"done: {run.images_seen:,} pictures seen in {run.metrics_log.seconds / 60:.1f} minutes")
        print(f"see it with: python app.py --model {shlex.quote(str(run.folder))}")


def open_publisher(launch: Launch, plan: Plan, patience: Patience) -> Publisher | None:
    """What will push the run, made sure to be able to before there is anything to lose."""
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


def close_publisher(publisher: Publisher, status: int, ended: bool) -> int:
    """Push the rest, say what can't be; the exit status."""
    try:
        problem = publisher.close(ended)
    except (KeyboardInterrupt, SystemExit) as stop:
        problem = HubError("interrupted", temporary=True)
        status = stop.code if isinstance(stop, SystemExit) else INTERRUPTED
    if problem is None:
        return status
    pusher = publisher.pusher
    missing = ", ".join(pusher.missing()) or "what is newest in the folder"
    print(
        f"error: not pushed to {pusher.repository.id}: {missing} ({problem}). Everything is in {pusher.folder}; "
        f"push it later with: {pusher.command('user/other' if isinstance(problem, OccupiedError) else None)}",
        file=sys.stderr,
    )
    return FAILED if status == DONE else status


def train_to_the_end(run: Run, go_on: str, publisher: Publisher | None = None) -> int:
    """Drive the run until it ends, fails or is told to stop; `go_on` continues it. Returns the exit status."""
    total, world = run.schedule.total_steps, run.state.world
    batch = world.batch_in_words(run.config.batch_size)
    print(f"training on {run.state.device} for {total:,} steps of {batch}, into {run.folder}")
    bar = tqdm(total=total, initial=run.state.step, unit="step", mininterval=0.5, disable=not world.is_main)
    try:
        with StopRequest() as stop, bar:
            run.save()  # from here on there is something to resume
            if publisher:
                publisher.start()
            for metrics in train(run.state, run.config, run.pictures):
                run.after_step(metrics)
                bar.set_postfix(in_short(run.metrics_log.latest), refresh=False)
                bar.update(run.state.step - bar.n)  # it may have been taken back
                if world.any(stop.signal is not None) and run.state.step < total:
                    run.stop()
                    return stop.status
            run.finish()
    except GaveUpError as error:
        if world.is_main:
            print(
                f"error: {error} Lower --lr-discriminator or raise --r1-gamma in a new run, or try other orders with: "
                f"{go_on}",
                file=sys.stderr,
            )
        return FAILED
    except (OSError, RuntimeError, MemoryError) as error:  # a full disk, or a device out of memory
        kept = "nothing was saved yet" if run.saved_step is None else f"everything up to step {run.saved_step} is kept"
        print(
            f"error: step {run.state.step} failed ({type(error).__name__}: {' '.join(str(error).split())}); {kept}. "
            f"Mend that, then continue with: {go_on}",
            file=sys.stderr,
        )
        return FAILED
    return DONE


def dry_run(launch: Launch, given: dict[str, Any], device: torch.device) -> int:
    """Go through the whole chain once on a few rendered pictures, and leave nothing behind."""
    Trackers(dict.fromkeys(launch.report_to))  # only to see whether they could be
    config = dry_run_config(given)
    name_without_effect(launch, [name for name, value in vars(launch).items() if value])
    print("dry run: two steps and a snapshot on rendered pictures, whatever --data says; nothing is kept")
    with tempfile.TemporaryDirectory(prefix="dcgan-dry-run-") as scratch:
        pictures = open_pictures(config, cache=Path(scratch) / "cache")
        (folder := Path(scratch) / "run").mkdir()
        run = Run.start(folder, config, pictures, device, listeners=Listeners(tell=tqdm.write))
        status = train_to_the_end(run, go_on=shlex.join(["python", *sys.argv]))
        files = sum(path.is_file() for path in folder.rglob("*"))
    if status == DONE:
        print(f"dry run: all is well; {files} files were written and removed again")
    return status


def open_pictures(config: TrainConfig, cache: Path | None = None) -> Pictures:
    """The run's pictures, with a progress bar while they are decoded and a report of what they are."""
    pictures = load_pictures(
        config.data,
        config.image_size,
        config.data_size,
        config.background,
        track=lambda found, total: tqdm(found, total=total, unit="picture", desc="decoding", leave=False),
        cache=cache,
        portrait_crop=config.portrait_crop,
    )
    print(f"{pictures.name}: " + "\n  ".join(pictures.report.lines(config.image_size)))
    return pictures


if __name__ == "__main__":
    end_process(main())  # sys.exit would wait for an upload that the run has given up
