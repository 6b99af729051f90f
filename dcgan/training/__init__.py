"""Learning from pictures: losses, a step, the loop, its health, and a run in its folder."""

from dcgan.training.distributed import World
from dcgan.training.loop import train
from dcgan.training.run import Run, config_to_resume, new_run_id
from dcgan.training.state import TrainState
from dcgan.training.trackers import HURRY, PATIENCE, TRACKERS, Trackers

__all__ = [
    "HURRY",
    "PATIENCE",
    "TRACKERS",
    "Run",
    "Trackers",
    "TrainState",
    "World",
    "config_to_resume",
    "new_run_id",
    "train",
]
