"""How many pictures a second each arm trains on, measured arm by arm in turns."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence

import torch

import dcgan.config
import train
from benchmarks.arms import options_of
from benchmarks.machine import now, this_commit, this_machine
from benchmarks.picture_sets import adventurer
from benchmarks.records import Record
from benchmarks.verdict import SPEED
from dcgan.config import TrainConfig
from dcgan.data import Pictures
from dcgan.training import TrainState, build_parser, given_options
from dcgan.training import train as take_steps

PICTURES = 1_024  # to train on, and that an arm is timed for in each round
ROUNDS = 3
WARM_UP = 2  # steps


def config_of(arm: str) -> TrainConfig:
    """Configure an arm on a few rendered pictures: what is in them costs no time."""
    words = ["--data", adventurer().source, *options_of(arm), "--data-size", str(PICTURES)]
    return dcgan.config.config_of(given_options(build_parser().parse_args(words)))


def measure(arms: Sequence[str]) -> dict[str, float]:
    """Measure each arm's pictures a second in training: the best of several rounds, in which arms take turns."""
    pictures, device = train.open_pictures(config_of(arms[0])), torch.device("cpu")
    fastest = dict.fromkeys(arms, 0.0)
    for _ in range(ROUNDS):
        for arm in arms:
            fastest[arm] = max(fastest[arm], pictures_per_second(config_of(arm), pictures, device))
    return {arm: round(rate, 1) for arm, rate in fastest.items()}


def pictures_per_second(config: TrainConfig, pictures: Pictures, device: torch.device) -> float:
    """Measure the speed of a run's first steps, without the very first."""
    steps = take_steps(TrainState(config, device), config, pictures)
    for _ in range(WARM_UP):
        next(steps)["loss_g"].item()
    count = timed_steps(config)
    began = time.perf_counter()
    for _ in range(count):
        next(steps)["loss_g"].item()  # which waits for the device
    return count * config.batch_size / (time.perf_counter() - began)


def timed_steps(config: TrainConfig) -> int:
    return max(WARM_UP, PICTURES // config.batch_size)


def records_of(speeds: dict[str, float], began: str) -> Iterator[Record]:
    """Make a record for each arm."""
    commit, machine, ended = this_commit(), this_machine(), now()
    for arm, rate in speeds.items():
        config = config_of(arm)
        count = timed_steps(config) * config.batch_size
        yield Record(
            kind=SPEED,
            run_id=uuid.uuid4().hex,
            arm=arm,
            data=adventurer().name,
            command=config.command(),
            commits=(commit,),
            seed=config.seed,
            began=began,
            ended=ended,
            steps=timed_steps(config),
            pictures_seen=count,
            seconds=round(count / rate, 1),
            images_per_second=rate,
            machines=(machine,),
            weights_sha256=None,
        )
