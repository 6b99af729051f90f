"""Which training recipe draws the best faces? Arms of equal length on rendered avatars, each one lever apart from ours.

python -m benchmarks.recipes train FOLDER                 trains every arm that FOLDER doesn't hold yet; can be stopped
python -m benchmarks.recipes train FOLDER --seed 1 --arms best,plain --pictures 128000     for longer
python -m benchmarks.recipes speed FOLDER                 pictures a second, arm by arm in turns: on a quiet machine
python -m benchmarks.recipes evaluate FOLDER              measures every trained arm that wasn't measured yet
python -m benchmarks.recipes table FOLDER                 the table in recipes.md, of what FOLDER holds
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import train
from dcgan.card import read_evaluation
from dcgan.checkpoints import newest_state
from dcgan.cli import DONE, Parser, command
from dcgan.config import TRAINING_NAME, TrainConfig
from dcgan.data import Pictures
from dcgan.errors import InputError
from dcgan.files import write_json
from dcgan.training import TrainState

ROOT = Path(__file__).parent.parent
SPEED_NAME = "speed.json"
PICTURES_SEEN = 64_000
COMMON = (
    "--data", "avatars:adventurer", "--data-size", "50000",
    "--generator-feature-maps", "32", "--discriminator-feature-maps", "32",
)  # fmt: skip
TIMED_PICTURES = 2_048  # an arm and round
ROUNDS = 3
SAMPLES = 2_000  # faces of an arm, and reals


@dataclass(frozen=True)
class Arm:
    """One recipe under comparison: what it is, and the options of train.py that make it."""

    words: str
    options: tuple[str, ...]


# The most telling first: where time runs out, the end of the table is what is missing. `plain` at the default batch
# size is what pytorch/examples' dcgan does (main.py: cross entropy, BatchNorm, Adam 2e-4 with beta1 0.5, batches of 64,
# weights from N(0, 0.02)), so that one arm stands for both.
ARMS = {
    "best": Arm("**ours** (`--recipe best`)", ()),
    "plain": Arm("plain (`--recipe plain`), which is also pytorch/examples'", ("--recipe", "plain")),
    "batch-32": Arm("batches of 32", ("--batch-size", "32")),
    "no-spectral-norm": Arm("BatchNorm in D, no spectral norm", ("--no-spectral-norm",)),
    "bce": Arm("cross entropy, not hinge", ("--loss", "bce")),
    "batch-16": Arm("batches of 16", ("--batch-size", "16")),
    "lr-4e-4": Arm("both learning rates 4e-4", ("--lr-generator", "4e-4", "--lr-discriminator", "4e-4")),
    "batch-32-lr-4e-4": Arm(
        "batches of 32, both learning rates 4e-4",
        ("--batch-size", "32", "--lr-generator", "4e-4", "--lr-discriminator", "4e-4"),
    ),
    "batch-16-lr-4e-4": Arm(
        "batches of 16, both learning rates 4e-4",
        ("--batch-size", "16", "--lr-generator", "4e-4", "--lr-discriminator", "4e-4"),
    ),
    "batch-16-lr-8e-4": Arm(
        "batches of 16, both learning rates 8e-4",
        ("--batch-size", "16", "--lr-generator", "8e-4", "--lr-discriminator", "8e-4"),
    ),
    "bfloat16": Arm("layers in bfloat16", ("--precision", "bfloat16")),
    "beta1-0.5": Arm("beta1 0.5", ("--beta1", "0.5")),
    "no-ema": Arm("no EMA", ("--no-ema",)),
    "lr-1e-4-4e-4": Arm("two learning rates: G 1e-4, D 4e-4", ("--lr-generator", "1e-4", "--lr-discriminator", "4e-4")),
    "augment": Arm("DiffAugment: colour, translation, cutout", ("--augment",)),
    "r1": Arm("R1 penalty, gamma 1", ("--r1-gamma", "1")),
    "width-64": Arm("generator of 64 feature maps", ("--generator-feature-maps", "64")),
    "batch-128": Arm("batches of 128", ("--batch-size", "128")),
    "plain-512": Arm("plain in the report's batches of 512", ("--recipe", "plain", "--batch-size", "512")),
}


def config_of(name: str, seed: int = 0, pictures_seen: int = PICTURES_SEEN) -> TrainConfig:
    """The run that an arm is: as many whole batches as fit into `pictures_seen`, and no snapshot on the way."""
    given = train.given_options(train.build_parser().parse_args([*COMMON, *ARMS[name].options, "--seed", str(seed)]))
    config = train.config_of(given)
    steps = max(1, pictures_seen // config.batch_size)
    return config.but(max_steps=steps, snapshot_epochs=(config.epochs,), save_every=max(1, steps // 8))


def folder_of(root: Path, name: str, seed: int) -> Path:
    return root / f"{name}-seed-{seed}"


def is_finished(folder: Path, config: TrainConfig) -> bool:
    """Whether an arm's run reached its end."""
    try:
        return json.loads((folder / TRAINING_NAME).read_text(encoding="utf-8"))["step"] >= config.max_steps
    except (OSError, ValueError, KeyError):
        return False


def train_arm(root: Path, name: str, seed: int, pictures_seen: int) -> int:
    """Train an arm to its end by train.py, from where it stopped if it began before; the exit status."""
    folder, config = folder_of(root, name, seed), config_of(name, seed, pictures_seen)
    if is_finished(folder, config):
        return DONE
    go_on = ["train.py", "--resume", "--max-steps", str(config.max_steps)]
    what = go_on if newest_state(folder) else shlex.split(config.command())[1:]
    with subprocess.Popen([sys.executable, *what, "--output-dir", str(folder.resolve())], cwd=ROOT) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()  # it saves, and the same command goes on from there
            raise


def evaluate_arm(folder: Path) -> int:
    """Measure a trained arm by dcgan.evaluation, which leaves evaluation.json in its folder; the exit status."""
    known = read_evaluation(folder)
    if known and known["samples"]["fakes"] == SAMPLES:
        return DONE
    words = ["--data", "avatars:adventurer", "--extractor", "efficientnet-lite0", "--count", str(SAMPLES)]
    return subprocess.run(
        [sys.executable, "-m", "dcgan.evaluation", str(folder.resolve()), *words], cwd=ROOT
    ).returncode


def table(root: Path, names: Sequence[str], seeds: Sequence[int], pictures_seen: int) -> str:
    """What was measured, as Markdown: an arm and seed a row, the floor as the last; then what is missing."""
    rows, missing, floor = [], [], None
    speeds = speeds_of(root)
    for seed in seeds:
        for name in names:
            folder = folder_of(root, name, seed)
            found = read_evaluation(folder) if is_finished(folder, config_of(name, seed, pictures_seen)) else None
            if found:
                speed = f"{speeds[name]:.0f}" if name in speeds else "-"
                rows.append(f"| {ARMS[name].words} | {seed} | {_cells(found['fakes'])} | {speed} |")
                floor = found["floor"]
            elif seed == seeds[0]:  # others are trained on purpose only
                missing.append(name)
    if floor:
        rows.append(f"| *reals against other reals* | | {_cells(floor)} | |")
    head = ["| recipe | seed | KID x 1000 | FD | precision | recall | images/s |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows, *(["", f"Not measured: {', '.join(missing)}."] if missing else [])])


def speeds_of(root: Path) -> dict[str, float]:
    """The pictures a second that `speed` left, by arm."""
    path = root / SPEED_NAME
    return json.loads(path.read_text(encoding="utf-8"))["pictures_per_second"] if path.is_file() else {}


def _cells(found: dict[str, float]) -> str:
    return f"{1000 * found['kid']:.4g} | {found['fd']:.4g} | {found['precision']:.3f} | {found['recall']:.3f}"


def measure_speed(names: Sequence[str], pictures: Pictures, device: torch.device) -> dict[str, float]:
    """Pictures a second of each arm's training steps: the best of several rounds, in which arms take turns."""
    fastest = dict.fromkeys(names, 0.0)
    for _ in range(ROUNDS):
        for name in names:
            fastest[name] = max(fastest[name], pictures_per_second(config_of(name), pictures, device))
    return {name: round(rate, 1) for name, rate in fastest.items()}


def pictures_per_second(config: TrainConfig, pictures: Pictures, device: torch.device) -> float:
    """The speed of a run's first steps, without the very first two."""
    steps = train.train(TrainState(config, device), config, pictures)
    for _ in range(2):
        next(steps)["loss_g"].item()
    count = max(2, TIMED_PICTURES // config.batch_size)
    began = time.perf_counter()
    for _ in range(count):
        next(steps)["loss_g"].item()  # which waits for the device
    return count * config.batch_size / (time.perf_counter() - began)


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.recipes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=("train", "speed", "evaluate", "table"), help="what to do")
    parser.add_argument("folder", type=Path, help="where the arms' runs are")
    parser.add_argument("--arms", default=",".join(ARMS), help=f"some of {', '.join(ARMS)} (all)")
    parser.add_argument("--seed", default="0", help="of the runs (0); for table several, as in 0,1")
    parser.add_argument("--pictures", type=int, default=PICTURES_SEEN, help="that a run sees (64000)")
    options = parser.parse_args(argv)
    names = options.arms.split(",")
    if unknown := [name for name in names if name not in ARMS]:
        raise InputError(f"--arms: there is no arm {unknown[0]!r}; choose some of {', '.join(ARMS)}.")
    try:
        seeds = [int(seed) for seed in options.seed.split(",")]
    except ValueError:
        raise InputError(f"--seed is {options.seed!r}; it takes whole numbers, as in 0,1.") from None
    options.folder.mkdir(parents=True, exist_ok=True)

    if options.step == "table":
        print(table(options.folder, names, seeds, options.pictures))
    elif options.step == "speed":
        print_speed(options.folder, names)
    else:
        for seed in seeds:
            for name in names:
                if status := do_arm(options.step, options.folder, name, seed, options.pictures):
                    return status
    return DONE


def do_arm(step: str, root: Path, name: str, seed: int, pictures_seen: int) -> int:
    """Train or evaluate an arm, where that is still to be done; the exit status."""
    print(f"== {step} {name}, seed {seed}", flush=True)
    if step == "train":
        return train_arm(root, name, seed, pictures_seen)
    folder = folder_of(root, name, seed)
    if not is_finished(folder, config_of(name, seed, pictures_seen)):
        print("not trained to its end yet")
        return DONE
    return evaluate_arm(folder)


def print_speed(root: Path, names: Sequence[str]) -> None:
    pictures = train.open_pictures(config_of(names[0]))
    speeds = measure_speed(names, pictures, torch.device("cpu"))
    write_json(root / SPEED_NAME, {"threads": torch.get_num_threads(), "pictures_per_second": speeds})
    for name, rate in speeds.items():
        print(f"{name:20} {rate:7.1f} pictures a second, {rate / speeds[names[0]]:.2f} times {names[0]}")


if __name__ == "__main__":
    sys.exit(main())
