"""Which training recipe draws the best faces? Arms of equal length on rendered avatars, one lever from a baseline each.

python -m benchmarks.recipes train FOLDER                 trains every arm that FOLDER doesn't hold yet; can be stopped
python -m benchmarks.recipes train FOLDER --seed 1 --arms best,plain --pictures 128000     for longer
python -m benchmarks.recipes speed FOLDER                 pictures a second, arm by arm in turns: on a quiet machine
python -m benchmarks.recipes train OTHER --style lorelei --arms best,plain                 on another style
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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import train
from dcgan.checkpoints import Figures, Training, newest_state, read_evaluation, read_training
from dcgan.cli import DONE, Parser, command
from dcgan.config import TrainConfig, config_of
from dcgan.data import Pictures
from dcgan.errors import InputError
from dcgan.files import write_json
from dcgan.layout import TRAINING_NAME
from dcgan.training import TrainState


def rates(value: str) -> tuple[str, ...]:
    return "--lr-generator", value, "--lr-discriminator", value


ROOT = Path(__file__).parent.parent
SPEED_NAME = "speed.json"
PICTURES_SEEN = 64_000
STYLE = "adventurer"
COMMON = ("--data-size", "50000", "--generator-feature-maps", "32", "--discriminator-feature-maps", "32")
BASELINE = ("--recipe", "best", "--r1-gamma", "0", "--batch-size", "64", *rates("2e-4"))
TIMED_PICTURES = 1_024  # an arm and round
ROUNDS = 3
SAMPLES = 2_000  # faces of an arm, and reals


@dataclass(frozen=True)
class Arm:
    """One recipe under comparison: what it is, and the options of train.py that make it."""

    words: str
    options: tuple[str, ...]


def lever(words: str, *options: str) -> Arm:
    """An arm that is the baseline but for these options."""
    return Arm(words, (*BASELINE, *options))


# The most telling first: where time runs out, the end of the table is what is missing. `plain` at the default batch
# size is what pytorch/examples' dcgan does (main.py: cross entropy, BatchNorm, Adam 2e-4 with beta1 0.5, batches of 64,
# weights from N(0, 0.02)), so that one arm stands for both.
ARMS = {
    "best": Arm("**ours** (`--recipe best`): the baseline in batches of 16, both learning rates 8e-4, lazy R1", ()),
    "best-r1-every-1": Arm("ours with R1 at every step", ("--r1-every", "1")),
    "best-lr-decay": Arm("ours with learning rates that fall to 0 over the last quarter", ("--lr-decay", "0.25")),
    "batch-16-lr-8e-4": lever("batches of 16, both learning rates 8e-4", "--batch-size", "16", *rates("8e-4")),
    "plain": Arm("plain (`--recipe plain`), which is also pytorch/examples'", ("--recipe", "plain")),
    "baseline": lever("**baseline**: hinge, spectral norm, EMA, beta1 0, batches of 64, learning rates 2e-4"),
    "batch-32": lever("batches of 32", "--batch-size", "32"),
    "no-spectral-norm": lever("BatchNorm in D, no spectral norm", "--d-norm", "batch"),
    "bce": lever("cross entropy, not hinge", "--loss", "bce"),
    "batch-16": lever("batches of 16", "--batch-size", "16"),
    "lr-4e-4": lever("both learning rates 4e-4", *rates("4e-4")),
    "lr-8e-4": lever("both learning rates 8e-4", *rates("8e-4")),
    "lr-16e-4": lever("both learning rates 16e-4", *rates("16e-4")),
    "batch-32-lr-4e-4": lever("batches of 32, both learning rates 4e-4", "--batch-size", "32", *rates("4e-4")),
    "batch-16-lr-4e-4": lever("batches of 16, both learning rates 4e-4", "--batch-size", "16", *rates("4e-4")),
    "bfloat16": lever("layers in bfloat16", "--precision", "bfloat16"),
    "width-64": lever("generator of 64 feature maps", "--generator-feature-maps", "64"),
    "lr-1e-4-4e-4": lever("two learning rates: G 1e-4, D 4e-4", *rates("4e-4"), "--lr-generator", "1e-4"),
    "beta1-0.5": lever("beta1 0.5", "--beta1", "0.5"),
    "r1": lever("R1 penalty, gamma 1, at every step", "--r1-gamma", "1", "--r1-every", "1"),
    "no-ema": lever("no EMA", "--no-ema"),
    "augment": lever("DiffAugment: colour, translation, cutout", "--augment"),
    "batch-128": lever("batches of 128", "--batch-size", "128"),
    "plain-512": Arm("plain in batches of 512", ("--recipe", "plain", "--batch-size", "512")),
}


@dataclass(frozen=True)
class Comparison:
    """Arms of equal length on one style, each with a run of train.py in a folder of its own under `root`."""

    root: Path
    style: str = STYLE
    pictures_seen: int = PICTURES_SEEN

    def config(self, name: str, seed: int = 0) -> TrainConfig:
        """The run that an arm is: as many whole batches as fit into `pictures_seen`, and no snapshot on the way."""
        words = ["--data", f"avatars:{self.style}", *COMMON, *ARMS[name].options, "--seed", str(seed)]
        config = config_of(train.given_options(train.build_parser().parse_args(words)))
        steps = max(1, self.pictures_seen // config.batch_size)
        return config.but(max_steps=steps, snapshot_epochs=(config.epochs,), save_every=max(1, steps // 8))

    def folder(self, name: str, seed: int) -> Path:
        return self.root / f"{name}-seed-{seed}"

    def told(self, name: str, seed: int) -> Training | None:
        """What the training.json of an arm's run says; None where there is none yet.

        Raises:
            InputError: the folder holds the run of another comparison.
        """
        folder, wanted = self.folder(name, seed), self.config(name, seed)
        if not (folder / TRAINING_NAME).is_file():
            return None
        training = read_training(folder)
        if training.data.name != wanted.data or training.step > wanted.max_steps:
            raise InputError(
                f"{folder} holds a run of {training.images_seen:,} pictures of {training.data.name}; "
                "each --style and each --pictures needs a folder of its own."
            )
        return training

    def is_finished(self, name: str, seed: int) -> bool:
        """Whether an arm's run reached its end."""
        training = self.told(name, seed)
        return training is not None and training.step == self.config(name, seed).max_steps

    def train(self, name: str, seed: int) -> int:
        """Train an arm to its end by train.py, from where it stopped if it began before; the exit status."""
        if self.is_finished(name, seed):
            return DONE
        folder, config = self.folder(name, seed), self.config(name, seed)
        go_on = ["train.py", "--resume", "--max-steps", str(config.max_steps)]
        what = go_on if newest_state(folder) else shlex.split(config.command())[1:]
        with subprocess.Popen([sys.executable, *what, "--output-dir", str(folder.resolve())], cwd=ROOT) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.wait()  # a terminal told it, too; being told twice, it wouldn't save
                raise
            except BaseException:
                process.terminate()  # it saves, and the same command goes on from there
                raise

    def evaluate(self, name: str, seed: int) -> int:
        """Measure a trained arm by dcgan.evaluation, which leaves evaluation.json in its folder; the exit status."""
        if not self.is_finished(name, seed):
            print("not trained to its end yet")
            return DONE
        folder = self.folder(name, seed)
        known = read_evaluation(folder)
        if known and (known.data, known.samples.fakes) == (f"avatars:{self.style}", SAMPLES):
            return DONE
        words = ["--data", f"avatars:{self.style}", "--extractor", "efficientnet-lite0", "--count", str(SAMPLES)]
        command = [sys.executable, "-m", "dcgan.evaluation", str(folder.resolve()), *words]
        return subprocess.run(command, cwd=ROOT).returncode

    def table(self, names: Sequence[str], seeds: Sequence[int]) -> str:
        """What was measured, as Markdown: an arm and seed a row, the floor as the last; then what is missing."""
        rows, missing, floor = [], [], None
        speeds = speeds_of(self.root)
        for seed in seeds:
            for name in names:
                found = read_evaluation(self.folder(name, seed)) if self.is_finished(name, seed) else None
                if found:
                    speed = f"{speeds[name]:.0f}" if name in speeds else "-"
                    rollbacks = self.told(name, seed).rollbacks
                    words = ARMS[name].words + (f" (rollbacks: {rollbacks})" if rollbacks else "")
                    rows.append(f"| {words} | {seed} | {_cells(found.fakes)} | {speed} |")
                    floor = found.floor
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


def _cells(found: Figures) -> str:
    return f"{1000 * found.kid:.4g} | {found.fd:.4g} | {found.precision:.3f} | {found.recall:.3f}"


def measure_speed(comparison: Comparison, names: Sequence[str]) -> dict[str, float]:
    """Pictures a second of each arm's training steps: the best of several rounds, in which arms take turns."""
    pictures, device = train.open_pictures(comparison.config(names[0])), torch.device("cpu")
    fastest = dict.fromkeys(names, 0.0)
    for _ in range(ROUNDS):
        for name in names:
            fastest[name] = max(fastest[name], pictures_per_second(comparison.config(name), pictures, device))
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
    parser.add_argument("--style", default=STYLE, help=f"of the avatars ({STYLE}); each needs a folder of its own")
    options = parser.parse_args(argv)
    names = options.arms.split(",")
    if unknown := [name for name in names if name not in ARMS]:
        raise InputError(f"--arms: there is no arm {unknown[0]!r}; choose some of {', '.join(ARMS)}.")
    try:
        seeds = [int(seed) for seed in options.seed.split(",")]
    except ValueError:
        raise InputError(f"--seed is {options.seed!r}; it takes whole numbers, as in 0,1.") from None
    options.folder.mkdir(parents=True, exist_ok=True)
    comparison = Comparison(options.folder, options.style, options.pictures)

    if options.step == "table":
        print(comparison.table(names, seeds))
    elif options.step == "speed":
        print_speed(comparison, names)
    else:
        do = comparison.train if options.step == "train" else comparison.evaluate
        return max(do_each(options.step, do, names, seeds))
    return DONE


def do_each(step: str, do: Callable[[str, int], int], names: Sequence[str], seeds: Sequence[int]) -> Iterator[int]:
    """The exit status of each arm's step; one that fails, as a recipe may that collapses, doesn't keep the others."""
    for seed in seeds:
        for name in names:
            print(f"== {step} {name}, seed {seed}", flush=True)
            yield do(name, seed)


def print_speed(comparison: Comparison, names: Sequence[str]) -> None:
    speeds = measure_speed(comparison, names)
    known = speeds_of(comparison.root) | speeds
    write_json(comparison.root / SPEED_NAME, {"threads": torch.get_num_threads(), "pictures_per_second": known})
    for name, rate in speeds.items():
        print(f"{name:20} {rate:7.1f} pictures a second, {rate / speeds[names[0]]:.2f} times {names[0]}")


if __name__ == "__main__":
    sys.exit(main())
