"""Learning from pictures: losses, a step, the loop, its health, and a run in its folder."""

from dcgan.training.distributed import World
from dcgan.training.listeners import Listeners
from dcgan.training.loop import train
from dcgan.training.run import Run, config_to_resume, new_run_id
from dcgan.training.state import TrainState
from dcgan.training.trackers import CLOSE_TIMEOUT, HURRIED_CLOSE_TIMEOUT, TRACKERS, Trackers

__all__ = [
    "CLOSE_TIMEOUT",
    "HURRIED_CLOSE_TIMEOUT",
    "TRACKERS",
    "Listeners",
    "Run",
    "Trackers",
    "TrainState",
    "World",
    "config_to_resume",
    "new_run_id",
    "train",
]
