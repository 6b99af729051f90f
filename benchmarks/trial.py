"""One run of the comparison in its folder: trained in quarters, each of which is kept and measured, then recorded.

    run/                    what train.py, or benchmarks.averages, leaves: the state that goes on
    quarters/step-001000/   the generator as it was published at a quarter's end, and measure.json once it was measured;
                            facts.json, written last, says that the quarter is whole
    trial.json              when it began and ended, by which commits and on which machines

Every part is done once and left whole, so that it can be stopped anywhere and goes on by the same call.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks import arms
from benchmarks.averages import below, prefix_of
from benchmarks.machine import ROOT, Machine, now, this_commit, this_machine
from benchmarks.picture_sets import PictureSet
from benchmarks.records import Measure, Record
from dcgan.checkpoints import SavedState, load_generator, load_state, newest_state, save_network
from dcgan.cli import DONE
from dcgan.config import TrainConfig, config_of
from dcgan.evaluation import Extractor, ReferencePictures, compare
from dcgan.files import sha256, write_json
from dcgan.latents import seeds_from
from dcgan.layout import WEIGHTS_NAME
from dcgan.models import Generator
from dcgan.sampling import faces
from dcgan.training import build_parser, given_options, read_metrics

QUARTERS = 4
NO_EPOCH = 1_000_000  # an epoch that no run reaches: train.py keeps no snapshots of its own
FACTS_NAME, MEASURE_NAME, TRIAL_NAME = "facts.json", "measure.json", "trial.json"

Program = Callable[[list[str]], int]  # runs python with these words; the exit status


def program(words: list[str], keep_open: tuple[int, ...] = ()) -> int:
    """Run python with these words. Whatever ends this early lets it save first, so that it can go on.

    It holds the files `keep_open` as long as it lives, even where this process is killed.
    """
    with subprocess.Popen([sys.executable, *words], cwd=ROOT, pass_fds=keep_open) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()  # a terminal told it, too; being told twice, it wouldn't save
            raise
        except BaseException:
            process.terminate()  # leaving the block waits until it has saved
            raise


@dataclass(frozen=True)
class Trial:
    """An arm, or the run that keeps several averages, on one set with one seed, in a folder of its own."""

    folder: Path
    kind: str  # the round
    name: str  # of the arm
    pictures: PictureSet
    count: int  # pictures to see
    seed: int

    @property
    def words(self) -> str:
        return f"{self.name} on {self.pictures.name}, seed {self.seed}"

    def config(self) -> TrainConfig:
        """Configure the whole run. No arm's learning rates fall, since that would depend on where a quarter ends."""
        words = ["--data", self.pictures.source, *self.pictures.options, *arms.options_of(self.name)]
        options = build_parser().parse_args([*words, "--seed", str(self.seed)])
        config = config_of(given_options(options))
        steps = max(QUARTERS, self.count // config.batch_size)
        return config.but(
            max_steps=steps, epochs=NO_EPOCH, snapshot_epochs=(NO_EPOCH,), save_every=max(1, steps // (4 * QUARTERS))
        )

    @property
    def ends(self) -> list[int]:
        """The steps at which quarters end."""
        total = self.config().max_steps or 0
        return [round(total * quarter / QUARTERS) for quarter in range(1, QUARTERS + 1)]

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def quarter(self, end: int) -> Path:
        return self.folder / "quarters" / f"step-{end:06d}"

    def is_kept(self, end: int) -> bool:
        return (self.quarter(end) / FACTS_NAME).is_file()

    @property
    def kept(self) -> list[int]:
        return [end for end in self.ends if self.is_kept(end)]

    @property
    def gave_up(self) -> str | None:
        """Why the run came to a bad end, if it did."""
        return next((line["why"] for line in read_metrics(self.run) if line.get("gave_up")), None)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train."""
        return self.is_kept(self.ends[-1]) or self.gave_up is not None

    # Training

    def train(self, run_python: Program) -> int:
        """Train what is left, a quarter at a time; return the exit status."""
        for end in self.ends:
            if self.is_over or self.is_kept(end):
                continue
            if self._step() < end:
                self._note_session()
                status = run_python(self._program_to(end))
                if status != DONE and self.gave_up is None:
                    return status
            if self._step() == end:
                self._keep(end)
        self._note_end()
        return DONE

    def _step(self) -> int:
        return load_state(self.run).facts.step if newest_state(self.run) else 0

    def _program_to(self, end: int) -> list[str]:
        """Spell the words for python that train up to a step, from where the run is."""
        if newest_state(self.run):
            words = ["--resume", "--data", self.pictures.source]
        else:
            shutil.rmtree(self.run, ignore_errors=True)  # of a run that was killed before it could save
            words = shlex.split(self.config().command())[2:]
        averaged = ["-m", "benchmarks.averages", "--decays", ",".join(map(str, arms.AVERAGES.values()))]
        start = averaged if self.name == arms.AVERAGED else ["train.py"]
        recorded = ["--compile"] if torch.cuda.is_available() else []  # a GPU's steps; the run stays the same
        return [*start, *words, *recorded, "--max-steps", str(end), "--output-dir", str(self.run.resolve())]

    def _keep(self, end: int) -> None:
        """Keep the generator, or each average, of the state at a quarter's end."""
        saved = load_state(self.run)
        for average, generator in self._generators(saved).items():
            save_network(generator, self._kept_in(end, average))
        write_json(self.quarter(end) / FACTS_NAME, {"step": saved.facts.step, "seconds": saved.facts.seconds})

    def _averages(self) -> list[float | None]:
        return [*arms.AVERAGES.values()] if self.name == arms.AVERAGED else [None]

    def _kept_in(self, end: int, average: float | None) -> Path:
        return self.quarter(end) / ("" if average is None else prefix_of(average))

    def _generators(self, saved: SavedState) -> dict[float | None, Generator]:
        config = self.config()
        published = "ema" if config.ema else "generator"
        generators = {}
        for average in self._averages():
            generator = Generator(**config.generator_config().to_dict())
            generator.load_state_dict(below(saved.tensors, published if average is None else prefix_of(average)))
            generators[average] = generator.eval()
        return generators

    # Measuring

    def measure(self, extractor: Callable[[], Extractor]) -> None:
        """Measure every kept generator that wasn't measured yet; the extractor is opened where there is one."""
        reals = None
        for end in self.kept:
            for average in self._averages():
                folder = self._kept_in(end, average)
                if not (folder / MEASURE_NAME).is_file():
                    reals = reals or self.pictures.reals(self.config())
                    print(f"measuring {self.words}, step {end:,}", flush=True)
                    write_json(folder / MEASURE_NAME, asdict(self._measured(end, average, reals, extractor())))

    def _measured(self, end: int, average: float | None, reals: ReferencePictures, extractor: Extractor) -> Measure:
        folder = self._kept_in(end, average)
        fakes = faces(load_generator(folder), seeds_from(0, self.pictures.samples))
        return Measure.of(
            compare(fakes, reals, extractor),
            pictures=end * self.config().batch_size,
            seconds=round(_read(self.quarter(end) / FACTS_NAME)["seconds"], 1),
            average=average,
            weights_sha256=sha256(folder / WEIGHTS_NAME),
        )

    # What is left of it

    def record(self) -> Record:
        """Make the line for records.jsonl of a run that is over and measured."""
        saved, about = load_state(self.run), _read(self.folder / TRIAL_NAME)
        config, step, seconds = self.config(), saved.facts.step, saved.facts.seconds
        places = [self._kept_in(end, average) for end in self.kept for average in self._averages()]
        measures = tuple(Measure.from_dict(_read(place / MEASURE_NAME)) for place in places)
        return Record(
            kind=self.kind,
            run_id=saved.facts.run_id,
            arm=self.name,
            data=self.pictures.name,
            zip_sha256=self.pictures.zip_sha256,
            command=config.but(data=saved.facts.data_name).command(),
            commits=tuple(about["commits"]),
            seed=self.seed,
            began=about["began"],
            ended=about["ended"],
            steps=step,
            pictures_seen=step * config.batch_size,
            seconds=round(seconds, 1),
            images_per_second=round(step * config.batch_size / max(seconds, 0.1), 1),
            machines=tuple(Machine(**machine) for machine in about["machines"]),
            weights_sha256=measures[-1].weights_sha256 if measures else None,
            rollbacks=saved.facts.rollbacks,
            gave_up=self.gave_up,
            measures=measures,
        )

    def progress(self) -> str:
        """Say in words how far it is."""
        if self.is_over:
            return "trained, not measured yet"
        state = newest_state(self.run)  # step-N, or step-N-retry-K
        seen = int(state.split("-")[1]) * self.config().batch_size if state else 0
        return f"{seen:,} of {self.count:,} pictures seen" if seen else "not begun"

    def _note_session(self) -> None:
        """Note that this commit on this machine trains."""
        path = self.folder / TRIAL_NAME
        fresh: dict[str, Any] = {"began": now(), "commits": [], "machines": []}
        about = _read(path) if path.is_file() else fresh
        for name, value in (("commits", this_commit()), ("machines", asdict(this_machine()))):
            if value not in about[name]:
                about[name].append(value)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(path, about)

    def _note_end(self) -> None:
        path = self.folder / TRIAL_NAME
        write_json(path, {"ended": now()} | _read(path))


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
