"""Train one run while averages of its generator's weights, each with a decay of its own, are kept side by side.

python -m benchmarks.averages --decays 0.98,0.99 --data avatars:adventurer --max-steps 1000 --output-dir FOLDER
python -m benchmarks.averages --decays 0.98,0.99 --resume --max-steps 2000 --output-dir FOLDER

Takes the options of train.py. All that it leaves in FOLDER is the state that goes on, with the averages in it.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

import train
from dcgan import training
from dcgan.checkpoints import SavedState, StateFacts, load_state, save_state
from dcgan.cli import DONE, FAILED, Parser, StopRequest, command
from dcgan.config import TrainConfig, config_of
from dcgan.data import Pictures
from dcgan.errors import InputError
from dcgan.layout import METRICS_NAME
from dcgan.models import Generator
from dcgan.sampling import pick_device
from dcgan.training import Schedule, TrainState, config_to_resume, new_run_id, prepare_folder, update_ema


def prefix_of(decay: float) -> str:
    """Give what the names of an average's tensors begin with in a saved state, before a dot."""
    return f"average-{decay}"


class Averages:
    """Copies of a generator that follow it, each with a decay of its own."""

    def __init__(self, generator: Generator, decays: Sequence[float]):
        self.generators = {decay: copy.deepcopy(generator).eval().requires_grad_(False) for decay in decays}

    def follow(self, generator: Generator, steps: int) -> None:
        """Move towards a generator that has just finished so many steps, exactly as --ema-decay does."""
        for decay, average in self.generators.items():
            update_ema(average, generator, min(decay, steps / (steps + 9)))

    def tensors(self) -> dict[str, Tensor]:
        """Give all tensors, under names that tell the decay."""
        return {
            f"{prefix_of(decay)}.{name}": tensor
            for decay, average in self.generators.items()
            for name, tensor in average.state_dict().items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Become the averages that these tensors, among others, came from."""
        for decay, average in self.generators.items():
            average.load_state_dict(below(tensors, prefix_of(decay)))


def below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Pick those of a saved state's tensors that belong to one network."""
    start = f"{prefix}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


@dataclass
class AveragedRun:
    """A run with its averages, as it is between two steps. `seconds` of training are those without the averages."""

    folder: Path
    config: TrainConfig
    pictures: Pictures
    state: TrainState
    averages: Averages
    run_id: str
    compile: bool = False  # record a GPU's steps
    seconds: float = 0.0

    @classmethod
    def start(
        cls,
        folder: Path,
        config: TrainConfig,
        pictures: Pictures,
        decays: Sequence[float],
        device: torch.device,
        compile: bool = False,
    ) -> AveragedRun:
        state = TrainState(config, device)
        return cls(folder, config, pictures, state, Averages(state.generator, decays), new_run_id(), compile)

    def resume(self) -> None:
        """Become what was last saved in the folder."""
        saved = load_state(self.folder)
        if saved.facts.data_fingerprint != self.pictures.fingerprint:
            raise InputError(f"--data {self.pictures.name} holds other pictures than the run in {self.folder} had.")
        self.state.load(saved.tensors, saved.facts.step)
        self.averages.load(saved.tensors)
        self.run_id, self.seconds = saved.facts.run_id, saved.facts.seconds

    def save(self) -> None:
        facts = StateFacts(
            step=self.state.step,
            run_id=self.run_id,
            seconds=self.seconds,
            data_name=self.pictures.name,
            data_fingerprint=self.pictures.fingerprint,
            config=self.config.to_dict(),
        )
        save_state(self.folder, SavedState(self.state.tensors() | self.averages.tensors(), facts))

    def train(self, stop: StopRequest) -> int:
        """Train to the end or a request to stop, and save; return the exit status. A loss that is no number ends it."""
        total = Schedule.of(self.config, len(self.pictures)).total_steps
        steps = training.train(self.state, self.config, self.pictures, self.compile)
        with tqdm(total=total, initial=self.state.step, unit="step", mininterval=5) as bar:
            while self.state.step < total and stop.signal is None:
                began = time.perf_counter()
                loss = next(steps)["loss_g"].item()
                self.seconds += time.perf_counter() - began
                if not math.isfinite(loss):
                    self._give_up(loss)
                    return FAILED
                self.averages.follow(self.state.generator, self.state.step)
                bar.update()
                if self.state.step % self.config.save_every == 0:
                    self.save()
        self.save()
        return DONE if self.state.step == total else stop.status

    def _give_up(self, loss: float) -> None:
        """Say so where train.py would, and leave the last saved state as it is."""
        line = {"step": self.state.step, "why": f"loss_g is {loss}", "gave_up": True}
        with open(self.folder / METRICS_NAME, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(f"error: step {self.state.step}: {line['why']}", file=sys.stderr)


def decays_in(text: str) -> tuple[float, ...]:
    return tuple(float(word) for word in text.split(","))


def build_parser() -> Parser:
    parser = training.build_parser()
    parser.prog, parser.description = "python -m benchmarks.averages", __doc__
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--decays", type=decays_in, required=True, help="of the averages, as in 0.98,0.99")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    folder, decays = options.output_dir, options.decays
    if folder is None:
        raise InputError("--output-dir is missing, the folder of the run.")
    del options.decays
    given = training.given_options(options)
    config = config_to_resume(folder, given) if options.resume else config_of(given)
    pictures = train.open_pictures(config)
    launch = training.launch_of(options)
    run = AveragedRun.start(folder, config, pictures, decays, pick_device(launch.device), launch.compile)
    if options.resume:
        run.resume()
    else:
        prepare_folder(folder)
        run.save()
    with StopRequest() as stop:
        return run.train(stop)


if __name__ == "__main__":
    sys.exit(main())
