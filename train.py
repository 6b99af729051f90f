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

import argparse
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from tqdm import tqdm

from dcgan.checkpoints import load_state
from dcgan.cli import BAD_INPUT, DONE, FAILED, INTERRUPTED, TERMINATED, Parser, command
from dcgan.config import (
    AUGMENTATIONS,
    IMAGE_SIZES,
    LOSSES,
    NORMS,
    PORTRAIT_CROPS,
    PRECISIONS,
    RECIPES,
    TrainConfig,
    norm_named_by,
)
from dcgan.data import AVATARS_PREFIX, PORTRAITS_PREFIX, Pictures, load_pictures
from dcgan.data import BACKGROUNDS as PORTRAIT_BACKGROUNDS
from dcgan.errors import GaveUpError, HubError, InputError, OccupiedError
from dcgan.hub import Repository, keep_quiet
from dcgan.publish import Publisher, restore_run
from dcgan.sampling import DEVICES, pick_device
from dcgan.training import (
    CLOSE_TIMEOUT,
    HURRIED_CLOSE_TIMEOUT,
    TRACKERS,
    Listeners,
    Run,
    Trackers,
    World,
    config_to_resume,
    new_run_id,
    train,
)

DRY_RUN_STEPS = 2
NOT_IN_CONFIG = ("output_dir", "device", "resume", "dry_run", "report_to", "push_to_hub", "private", "push_state")


class StopRequest:
    """SIGINT and SIGTERM while training: noted, so that the step can be finished; a second one stops at once."""

    STATUS: ClassVar = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}

    def __init__(self):
        self.signal: signal.Signals | None = None

    def __enter__(self) -> StopRequest:
        self._previous = {number: signal.signal(number, self._note) for number in self.STATUS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        self.signal = signal.Signals(number)
        for each, handler in self._previous.items():
            signal.signal(each, handler)

    @property
    def status(self) -> int:
        return self.STATUS[self.signal or signal.SIGTERM]  # another process was told, which means all


@dataclass(frozen=True)
class Plan:
    """What the options come to: which run, where, and whether it goes on."""

    folder: Path
    config: TrainConfig
    run_id: str
    resumes: bool
    made_folder: bool = False


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    check_push_options(options)
    world = World.from_environment()
    device = world.device(pick_device(options.device))
    if options.dry_run:
        return dry_run(options, device)
    with only_the_main_process_prints(world), world.connected(device):
        try:
            return train_run(options, world, device)
        except InputError:
            if world.is_main:
                raise
            return BAD_INPUT


def train_run(options: argparse.Namespace, world: World, device: torch.device) -> int:
    trackers = Trackers()
    if world.is_main:
        try:
            trackers = open_trackers(options)
            plan, publisher, pictures = prepare(options, world)
        except InputError:
            world.from_main(None)
            raise
        world.from_main(plan)
    else:
        plan, publisher = world.from_main(None), None
        if plan is None:
            return BAD_INPUT
        pictures = open_pictures(plan.config)  # from the cache that the main process left
    with removed_if_it_fails(plan):
        run = open_run(plan, pictures, world, device, listeners_of(trackers, publisher))

    go_on = ["python", "train.py", "--resume", "--output-dir", str(plan.folder)]
    if trackers.names:
        go_on += ["--report-to", ",".join(trackers.names)]
    if publisher:
        go_on += ["--push-to-hub", publisher.repository.id, *(["--push-state"] if options.push_state else [])]
    status = train_to_the_end(run, shlex.join(go_on), publisher)
    trained = status
    if publisher:
        status = close_publisher(publisher, status, ended=trained == DONE or run.gave_up)
    trackers.close(HURRIED_CLOSE_TIMEOUT if status in (INTERRUPTED, TERMINATED) else CLOSE_TIMEOUT)
    if trained != FAILED or run.gave_up:
        world.barrier()  # torchrun ends the others as soon as one has left with a status other than 0
    if status in (INTERRUPTED, TERMINATED):
        print(f"stopped after step {run.state.step:,}, everything saved. Continue with: {shlex.join(go_on)}")
    elif run.state.step == run.schedule.total_steps:
        print(f"done: {run.images_seen:,} pictures seen in {run.metrics_log.seconds / 60:.1f} minutes")
        print(f"see it with: python app.py --model {shlex.quote(str(plan.folder))}")
    return status


def prepare(options: argparse.Namespace, world: World) -> tuple[Plan, Publisher | None, Pictures]:
    """All that can fail before the first step, the quick things first."""
    plan = plan_run(options, world)
    with removed_if_it_fails(plan):
        return plan, open_publisher(options, plan), open_pictures(plan.config)


def plan_run(options: argparse.Namespace, world: World) -> Plan:
    """Decide which run this is; the folder exists afterwards, and holds the run where one is resumed."""
    given = given_options(options)
    if options.resume:
        folder = folder_to_resume(options.resume, options.output_dir)
        config = config_to_resume(folder, given)
        world.check(config.batch_size)
        return Plan(folder, config, load_state(folder).facts["run_id"], resumes=True)
    if "data" not in given:
        raise InputError("--data is missing; try --data avatars:adventurer, or name a folder of pictures.")
    config = config_of(given)
    world.check(config.batch_size)
    folder = options.output_dir or free_folder(config)
    return Plan(folder, config, new_run_id(), resumes=False, made_folder=prepare_folder(folder))


def folder_to_resume(resume: bool | str, output_dir: Path | None) -> Path:
    """The folder of the run to continue, brought from the Hub where `resume` names a repository."""
    if resume is True:
        if output_dir is None:
            raise InputError("--resume needs --output-dir, the folder of the run to continue.")
        return output_dir
    if Path(resume).is_dir():
        raise InputError(f"--resume takes a repository of the Hub; use --resume --output-dir {resume} for that folder.")
    repository = Repository(resume)
    folder = output_dir or Path("checkpoints") / repository.id.split("/")[1]
    made = prepare_folder(folder)
    try:
        keep_quiet()
        restore_run(repository, folder)
    except BaseException:
        if made and folder.exists():
            folder.rmdir()
        raise
    print(f"{repository.id}: its run is in {folder} now")
    return folder


def listeners_of(trackers: Trackers, publisher: Publisher | None) -> Listeners:
    return Listeners(publisher.wake if publisher else lambda: None, tqdm.write, trackers)


def open_run(plan: Plan, pictures: Pictures, world: World, device: torch.device, listeners: Listeners) -> Run:
    if plan.resumes:
        return Run.resume(plan.folder, plan.config, pictures, device, world, listeners)
    return Run.start(plan.folder, plan.config, pictures, device, plan.run_id, world, listeners)


@contextmanager
def removed_if_it_fails(plan: Plan) -> Iterator[None]:
    """Takes the run's folder away again if it was made for nothing."""
    try:
        yield
    except BaseException:
        if plan.made_folder and plan.folder.exists():
            plan.folder.rmdir()
        raise


def check_push_options(options: argparse.Namespace) -> None:
    for name in ("private", "push_state"):
        if getattr(options, name) and not options.push_to_hub:
            raise InputError(f"--{name.replace('_', '-')} goes with --push-to-hub user/name.")


def open_trackers(options: argparse.Namespace) -> Trackers:
    return Trackers(dict.fromkeys(options.report_to or ()), tqdm.write)


def open_publisher(options: argparse.Namespace, plan: Plan) -> Publisher | None:
    """What will push the run, made sure to be able to before there is anything to lose."""
    if not options.push_to_hub:
        return None
    keep_quiet()
    repository = Repository(options.push_to_hub)
    publisher = Publisher(plan.folder, repository, plan.run_id, tqdm.write, options.private, options.push_state)
    try:
        publisher.prepare()
    except HubError as error:
        if not error.temporary:
            raise
        raise InputError(
            f"{error}. Nothing was started; train without --push-to-hub, and push later with: {publisher.command()}"
        ) from None
    return publisher


def close_publisher(publisher: Publisher, status: int, ended: bool) -> int:
    """Push the rest, say what can't be; the exit status."""
    try:
        problem = publisher.close(ended)
    except (KeyboardInterrupt, SystemExit) as stop:
        problem = HubError("interrupted", temporary=True)
        status = INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED
    if problem is None:
        return status
    missing = ", ".join(publisher.missing()) or "what is newest in the folder"
    print(
        f"error: not pushed to {publisher.repository.id}: {missing} ({problem}). Everything is in {publisher.folder}; "
        f"push it later with: {publisher.command('user/other' if isinstance(problem, OccupiedError) else None)}",
        file=sys.stderr,
    )
    return FAILED if status == DONE else status


def train_to_the_end(run: Run, go_on: str, publisher: Publisher | None = None) -> int:
    """Drive the run with a progress bar until it ends, fails or is told to stop; returns the exit status.

    `go_on` is the command that continues the run, for whoever has to read of a failure.
    """
    total, world = run.schedule.total_steps, run.state.world
    batch = f"{run.config.batch_size}"
    if world.size > 1:
        batch += f" pictures ({world.size} processes with {run.config.batch_size // world.size} each)"
    print(f"training on {run.state.device} for {total:,} steps of {batch}, into {run.folder}")
    bar = tqdm(total=total, initial=run.state.step, unit="step", mininterval=0.5, disable=not world.is_main)
    try:
        with StopRequest() as stop, bar:
            run.save()  # from here on there is something to resume
            if publisher:
                publisher.start()
            for metrics in train(run.state, run.config, run.pictures):
                run.after_step(metrics)
                bar.set_postfix(shown(run.metrics_log.latest), refresh=False)
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


@contextmanager
def only_the_main_process_prints(world: World) -> Iterator[None]:
    with open(os.devnull, "w") as nowhere, nullcontext() if world.is_main else redirect_stdout(nowhere):
        yield


def dry_run(options: argparse.Namespace, device: torch.device) -> int:
    """Go through the whole chain once on a few rendered pictures, and leave nothing behind."""
    open_trackers(options)  # only to see whether they could be
    given = given_options(options) | {"data": f"{AVATARS_PREFIX}adventurer", "max_steps": DRY_RUN_STEPS, "epochs": 1}
    batch_size = config_of(given).batch_size
    config = config_of(given | {"data_size": DRY_RUN_STEPS * batch_size + batch_size // 2})  # one epoch, a few to spare
    print("dry run: two steps and a snapshot on rendered pictures, whatever --data says; nothing is kept")
    with tempfile.TemporaryDirectory(prefix="dcgan-dry-run-") as scratch:
        pictures = open_pictures(config, cache=Path(scratch) / "cache")
        folder = Path(scratch) / "run"
        folder.mkdir()
        run = Run.start(folder, config, pictures, device, listeners=listeners_of(Trackers(), None))
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


def prepare_folder(folder: Path) -> bool:
    """Make sure that `folder` exists, is empty and can be written to; returns whether it was made just now."""
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
    """The first of checkpoints/NAME-SIZE-run-1, -2, ... that isn't there yet."""
    name = Path(config.data.removeprefix(AVATARS_PREFIX).removeprefix(PORTRAITS_PREFIX)).resolve().stem[:60]
    number = 1
    while (folder := Path("checkpoints") / f"{name}-{config.image_size}-run-{number}").exists():
        number += 1
    return folder


def config_of(given: dict[str, Any]) -> TrainConfig:
    """A new run's configuration: the recipe's settings, and over them the options that were given."""
    recipe = given.get("recipe", TrainConfig.recipe)
    return TrainConfig(**(RECIPES[recipe] | usual_of_data(given["data"]) | given))


def usual_of_data(data: str) -> dict[str, Any]:
    """What the options of pictures default to where that hangs on the pictures."""
    return {"background": PORTRAIT_BACKGROUNDS} if data.startswith(PORTRAITS_PREFIX) else {}


def given_options(options: argparse.Namespace) -> dict[str, Any]:
    """The options that were set on the command line and belong to the run's configuration.

    Raises:
        InputError: --spectral-norm or --no-spectral-norm, older words for --d-norm, beside one that says otherwise.
    """
    given = {k: v for k, v in vars(options).items() if v is not None and k not in NOT_IN_CONFIG}
    if "spectral_norm" in given:
        older = given.pop("spectral_norm")
        norm = norm_named_by(older)
        if given.setdefault("d_norm", norm) != norm:
            raise InputError(
                f"--{'' if older else 'no-'}spectral-norm means --d-norm {norm}, but --d-norm is {given['d_norm']}; "
                "leave one of them out."
            )
    return given


def shown(metrics: dict[str, float]) -> dict[str, str]:
    """What the progress bar says of the latest metrics."""
    labels = {"loss_d": "D", "loss_g": "G", "d_real": "D(x)", "d_fake": "D(G(z))", "images_per_second": "img/s"}
    return {
        label: f"{metrics[name]:.0f}" if label == "img/s" else f"{metrics[name]:.3f}"
        for name, label in labels.items()
        if name in metrics
    }


def build_parser() -> Parser:
    """Every option with its default; None means "not given", so that a recipe or a resumed run can fill it in."""
    parser = Parser(prog="train.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sizes = ", ".join(map(str, IMAGE_SIZES))
    both = argparse.BooleanOptionalAction

    data = parser.add_argument_group("pictures")
    data.add_argument(
        "--data", help="a folder, .zip, .parquet, Hub data set user/name, avatars:STYLE or portraits:FOLDER"
    )
    data.add_argument("--data-size", type=int, help="how many avatars or portraits to draw (default 20000)")
    data.add_argument(
        "--background",
        type=words,
        help="colours behind them, as in white,#b6e3f4 (avatars: white, portraits: pale ones)",
    )
    data.add_argument("--portrait-crop", choices=PORTRAIT_CROPS, help="how much of a portrait is in the picture (head)")
    data.add_argument("--flip", action=both, help="mirror half of the pictures, chosen anew each time (off)")

    networks = parser.add_argument_group("networks")
    networks.add_argument("--image-size", type=int, help=f"one of {sizes} (96)")
    networks.add_argument("--latent-dim", type=int, help="length of the latent vector, nz (100)")
    networks.add_argument("--generator-feature-maps", type=int, help="width of the generator, ngf (64)")
    networks.add_argument("--discriminator-feature-maps", type=int, help="width of the discriminator, ndf (64)")

    length = parser.add_argument_group("length and output")
    length.add_argument("--output-dir", type=Path, help="where the run goes (a new folder in checkpoints/)")
    length.add_argument("--epochs", type=int, help="passes over the pictures, in total (66)")
    length.add_argument("--max-steps", type=int, help="stop after so many batches, in total")
    length.add_argument("--snapshot-epochs", type=numbers, help="epochs to keep (1,5,10,20,30,40,50,60,65,66)")
    length.add_argument("--save-every", type=int, help="steps between saved resume states (1000)")
    length.add_argument(
        "--resume",
        nargs="?",
        const=True,
        metavar="USER/NAME",
        help="continue the run in --output-dir exactly, or one that was pushed with --push-state",
    )
    length.add_argument(
        "--report-to",
        type=words,
        metavar="TRACKER",
        help=f"report values and samples there, too: {', '.join(TRACKERS)}, or several with commas (nowhere)",
    )
    length.add_argument("--dry-run", action="store_true", help="two steps and a snapshot on a few avatars, cleaned up")

    hub = parser.add_argument_group("Hugging Face Hub")
    hub.add_argument("--push-to-hub", metavar="USER/NAME", help="publish every snapshot there, beside the training")
    hub.add_argument("--private", action="store_true", help="create that repository as a private one")
    hub.add_argument("--push-state", action="store_true", help="also keep there what --resume USER/NAME needs")

    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--recipe", choices=tuple(RECIPES), help="what the options below default to (best)")
    recipe.add_argument("--batch-size", type=int, help="pictures a step; best: 16, plain: 64")
    recipe.add_argument("--loss", choices=LOSSES, help="best: hinge, plain: bce")
    recipe.add_argument("--d-norm", choices=NORMS, help="normalisation in D; best: spectral, plain: batch")
    recipe.add_argument("--spectral-norm", action=both, help="older words for --d-norm spectral, --d-norm batch")
    recipe.add_argument(
        "--r1-gamma", type=float, help="weight of D's gradient penalty at reals; best: 1, plain: 0 (off)"
    )
    recipe.add_argument("--r2-gamma", type=float, help="weight of the same penalty at fakes (0, off)")
    recipe.add_argument(
        "--r1-every", type=int, help="apply both every so many updates of D, as many times as strong (4)"
    )
    recipe.add_argument(
        "--augment",
        type=words,
        nargs="?",
        const=AUGMENTATIONS,
        help="DiffAugment: color,translation,cutout or some of them; all without a value (off)",
    )
    recipe.add_argument("--ema", action=both, help="publish the average of G's weights; best: on, plain: off")
    recipe.add_argument("--ema-decay", type=float, help="how slowly that average moves in the end (0.9998)")
    recipe.add_argument("--lr-generator", type=float, help="Adam's step size for G; best: 0.0008, plain: 0.0002")
    recipe.add_argument("--lr-discriminator", type=float, help="Adam's step size for D; best: 0.0008, plain: 0.0002")
    recipe.add_argument("--lr-decay", type=float, help="the share of the run, its last, in which both fall to 0 (0)")
    recipe.add_argument("--beta1", type=float, help="Adam's momentum for both; best: 0, plain: 0.5")
    recipe.add_argument("--beta2", type=float, help="Adam's decay of squared gradients, for both (0.999)")
    recipe.add_argument("--d-every", type=int, help="update D every so many steps (1)")
    recipe.add_argument("--g-every", type=int, help="update G every so many steps (1)")

    machine = parser.add_argument_group("machine")
    machine.add_argument("--seed", type=int, help="of the initial weights, latents and picture order (0)")
    machine.add_argument("--device", choices=DEVICES, default="auto", help="default auto: cuda, mps or cpu")
    machine.add_argument("--precision", choices=PRECISIONS, help="of the layers; weights stay float32 (float32)")
    return parser


def words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in words(text))


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # sys.exit would wait for an upload that the run has given up
