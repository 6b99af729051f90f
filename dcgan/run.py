"""One training run in its folder: what it records for people to look at, and what it needs to go on."""

from __future__ import annotations

import json
import os
import platform
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from PIL import Image

from dcgan.card import model_card
from dcgan.checkpoints import (
    CARD_NAME,
    METRICS_NAME,
    SavedState,
    drop_snapshots_after,
    keep_snapshot,
    load_state,
    save_network,
    save_state,
    snapshot_name,
)
from dcgan.config import RESUMABLE_CHANGES, TRAINING_NAME, WEIGHTS_NAME, TrainConfig
from dcgan.data import Pictures
from dcgan.distributed import ALONE, World
from dcgan.errors import InputError
from dcgan.files import replacing, write_json, write_text
from dcgan.images import grid, save_gif, save_png
from dcgan.latents import seeds_from
from dcgan.sampling import faces
from dcgan.training import Metrics, Schedule, TrainState

PROGRESS = ("step", "epoch", "images", "seconds")  # how far a metrics line is; the rest of it is what was measured
LOG_EVERY = 50  # steps a line of metrics.jsonl stands for
SAMPLE_SEEDS = seeds_from(0, 32)  # the faces drawn at every snapshot
SAMPLE_COLUMNS = 8
TIMELAPSE_MS = (700, 2500)  # a snapshot; the last one
VERSIONS_NAMED = ("torch", "torchvision", "safetensors")


def _by_the_main_process(method: Callable[..., None]) -> Callable[..., None]:
    @wraps(method)
    def in_this_process(run: Run, *arguments: Any) -> None:
        if run.state.world.is_main:
            method(run, *arguments)

    return in_this_process


class Run:
    """A run being trained. Made by `Run.start` or `Run.resume`; knows its folder, its state and what it has seen.

    Of several processes the main one alone writes.
    """

    def __init__(self, folder: Path, config: TrainConfig, pictures: Pictures, state: TrainState, run_id: str):
        self.folder, self.config, self.pictures, self.state, self.run_id = folder, config, pictures, state, run_id
        self.schedule = Schedule.of(config, len(pictures))
        self.seconds = 0.0  # spent training, over all sessions of the run
        self.latest_metrics: dict[str, float] = {}
        self.on_saved: Callable[[], object] = lambda: None  # called when there is something new in the folder
        self.saved_step: int | None = None  # the newest step that can be resumed
        self._interval: list[Metrics] = []
        self._interval_began = time.perf_counter()
        self._published_step = -1

    @classmethod
    def start(
        cls,
        folder: Path,
        config: TrainConfig,
        pictures: Pictures,
        device: torch.device,
        run_id: str | None = None,
        world: World = ALONE,
    ) -> Run:
        """A new run in a folder that exists and is empty."""
        return cls(folder, config, pictures, TrainState(config, device, world), run_id or new_run_id())

    @classmethod
    def resume(
        cls, folder: Path, config: TrainConfig, pictures: Pictures, device: torch.device, world: World = ALONE
    ) -> Run:
        """The run in `folder` as it was when it last saved, to be continued as `config` says.

        Raises:
            InputError: nothing to resume there, or other pictures than the run began with.
        """
        saved = load_state(folder)
        with _damage_is_bad_input(folder):
            began_with = saved.facts["data_fingerprint"]
        if began_with != pictures.fingerprint:
            raise InputError(
                f"--data {config.data} holds other pictures now than the run in {folder} began with; "
                "restore them, or start a new run in another --output-dir."
            )
        state = TrainState(config, device, world)
        with _damage_is_bad_input(folder):
            state.load(saved.tensors, saved.facts["step"])
            run = cls(folder, config, pictures, state, saved.facts["run_id"])
            run.seconds = saved.facts["seconds"]
        if state.step >= run.schedule.total_steps:
            raise InputError(
                f"the run in {folder} is at step {state.step}, and its end is step {run.schedule.total_steps}; "
                "name a later one with --epochs or --max-steps."
            )
        if world.is_main:
            run._drop_metrics_after(state.step)
            drop_snapshots_after(folder, state.step)
        return run

    @property
    def images_seen(self) -> int:
        return self.state.step * self.config.batch_size

    @property
    def epoch(self) -> float:
        return self.state.step / self.schedule.steps_per_epoch

    @_by_the_main_process
    def after_step(self, metrics: Metrics) -> None:
        """Record a finished step: a metrics line, a snapshot or a resume state where one is due."""
        self._interval.append(metrics)
        step = self.state.step
        if step % LOG_EVERY == 0 or step == self.schedule.total_steps:
            self._log()
        if step in self.schedule.snapshots:
            self._snapshot(self.schedule.snapshots[step])
            self.save()
        elif step % self.config.save_every == 0:
            self.save()
        if not self._interval:
            self._interval_began = time.perf_counter()  # drawing and saving aren't training

    @_by_the_main_process
    def stop(self) -> None:
        """Leave the run so that it can be continued; without a snapshot yet, publish what there is to look at."""
        self._log()
        self.save()
        if not (self.folder / WEIGHTS_NAME).exists():
            self._publish()

    @_by_the_main_process
    def finish(self) -> None:
        """Close a run that reached its end: publish it, save its state."""
        self._publish()
        self.save()

    @_by_the_main_process
    def save(self) -> None:
        """Keep everything that exact resume needs."""
        facts = {
            "step": self.state.step,
            "run_id": self.run_id,
            "seconds": self.seconds,
            "data_name": self.pictures.name,
            "data_fingerprint": self.pictures.fingerprint,
            "config": self.config.to_dict(),
        }
        save_state(self.folder, SavedState(self.state.tensors(), facts))
        self.saved_step = self.state.step
        self.on_saved()

    def _snapshot(self, epoch: int) -> None:
        samples = self.folder / "samples"
        samples.mkdir(exist_ok=True)
        self._draw_samples(samples / f"{snapshot_name(epoch)}.png")
        self._draw_timelapse()
        self._publish()
        keep_snapshot(self.folder, snapshot_name(epoch))

    def _publish(self) -> None:
        """Make the top of the folder show the generator as it is now."""
        if self._published_step == self.state.step:
            return
        self._published_step = self.state.step
        if not self.latest_metrics:
            self._log()  # too early for a whole interval, but what is published should have some
        generator = self.state.published_generator()
        save_network(generator, self.folder)
        save_network(self.state.discriminator, self.folder / "discriminator")
        (self.folder / "samples").mkdir(exist_ok=True)
        self._draw_samples(self.folder / "samples" / "latest.png")
        draw_losses(read_metrics(self.folder), self.folder / "losses.png")
        facts = self._facts()
        write_json(self.folder / TRAINING_NAME, facts)
        write_text(self.folder / CARD_NAME, model_card(facts, generator.config.to_dict(), self.folder))

    def _facts(self) -> dict[str, Any]:
        """What training.json says: all about the run that others may want to know, and no path of this machine."""
        config = self.config.but(data=self.pictures.name)
        return {
            "run_id": self.run_id,
            "command": config.command(),
            "recipe": config.recipe,
            "config": config.to_dict(),
            "data": {
                "name": self.pictures.name,
                "pictures": len(self.pictures),
                "fingerprint": self.pictures.fingerprint,
                "attribution": self.pictures.attribution,
            },
            "step": self.state.step,
            "epoch": self.epoch,
            "images_seen": self.images_seen,
            "seconds": round(self.seconds, 1),
            "metrics": self.latest_metrics,
            "parameters": {
                "generator": _parameter_count(self.state.generator),
                "discriminator": _parameter_count(self.state.discriminator),
            },
            "hardware": _hardware(self.state.device),
            "versions": {name: version(name) for name in VERSIONS_NAMED},
        }

    def _log(self) -> None:
        if not self._interval:
            return
        names = {name for metrics in self._interval for name in metrics}
        means = {
            name: torch.stack([m[name] for m in self._interval if name in m]).float().mean().item()
            for name in sorted(names)
        }
        now = time.perf_counter()
        elapsed = now - self._interval_began
        self.seconds += elapsed
        means["images_per_second"] = len(self._interval) * self.config.batch_size / elapsed
        self.latest_metrics = {name: round(value, 5) for name, value in means.items()}
        progress = (self.state.step, round(self.epoch, 4), self.images_seen, round(self.seconds, 3))
        line = dict(zip(PROGRESS, progress, strict=True)) | self.latest_metrics
        with open(self.folder / METRICS_NAME, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._interval.clear()

    def _drop_metrics_after(self, step: int) -> None:
        """Forget the lines that a killed run logged after it last saved: those steps come again."""
        kept = [line for line in read_metrics(self.folder) if line["step"] <= step]
        if kept:
            self.latest_metrics = {name: value for name, value in kept[-1].items() if name not in PROGRESS}
        write_text(self.folder / METRICS_NAME, "".join(json.dumps(line) + "\n" for line in kept))

    def _draw_samples(self, path: Path) -> None:
        sheet = grid(faces(self.state.published_generator(), SAMPLE_SEEDS), SAMPLE_COLUMNS)
        with replacing(path) as temporary:
            save_png(sheet, temporary)

    def _draw_timelapse(self) -> None:
        sheets = sorted((self.folder / "samples").glob("epoch-*.png"))
        if len(sheets) < 2:
            return
        frames = np.stack([np.asarray(Image.open(sheet).convert("RGB")) for sheet in sheets])
        each, last = TIMELAPSE_MS
        with replacing(self.folder / "samples" / "timelapse.gif") as temporary:
            save_gif(frames, temporary, [each] * (len(frames) - 1) + [last])


def new_run_id() -> str:
    return uuid.uuid4().hex


def draw_losses(lines: list[dict[str, float]], path: Path) -> None:
    """Plot the losses and D's beliefs of a run, as its metrics lines tell them, into a PNG."""
    panels = [
        ("loss", {"loss_d": "discriminator", "loss_g": "generator"}),
        ("D's belief that it is real", {"d_real": "D(x), reals", "d_fake": "D(G(z)), fakes"}),
    ]
    figure = Figure(figsize=(8, 5), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(2, 1, sharex=True), panels, strict=True):
        for name, label in curves.items():
            points = [(line["images"], line[name]) for line in lines if name in line]
            axes.plot([x for x, _ in points], [y for _, y in points], label=label, linewidth=1)
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    axes.set_xlabel("pictures seen")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def config_to_resume(folder: Path, given: dict[str, Any]) -> TrainConfig:
    """The configuration of the run in `folder`, with what `given` (options set beside --resume) may change.

    Raises:
        InputError: an option that would change what the run computes; names it, with both values.
    """
    saved = load_state(folder)
    with _damage_is_bad_input(folder):
        config = TrainConfig.from_dict(saved.facts["config"])
    for name, value in given.items():
        if name not in RESUMABLE_CHANGES | {"data"} and value != getattr(config, name):
            raise InputError(
                f"--{name.replace('_', '-')} is {value}, but the run in {folder} has {getattr(config, name)}; "
                "leave it out to continue that run, or start another in a new --output-dir."
            )
    if "epochs" in given:
        given = {"max_steps": None} | given  # the newer total counts
    return config.but(**given)


@contextmanager
def _damage_is_bad_input(folder: Path) -> Iterator[None]:
    """Facts or tensors that aren't those of a saved run of this version: said in one line."""
    try:
        yield
    except (AttributeError, KeyError, RuntimeError, TypeError) as error:
        raise InputError(
            f"the run in {folder} was saved by another version or is damaged ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}). Start one in a new --output-dir."
        ) from None


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The lines of a run's metrics.jsonl; a last line cut short by a crash is left out."""
    path = folder / METRICS_NAME
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def _parameter_count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{os.cpu_count()} CPU cores ({platform.machine()})" if device.type == "cpu" else "Apple GPU (MPS)"
