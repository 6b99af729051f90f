"""Learning from pictures: losses, a step, the loop, its health, and a run in its folder."""

from dcgan.training.distributed import World
from dcgan.training.launch import Launch, build_parser, given_options, launch_of
from dcgan.training.listeners import Listeners
from dcgan.training.loop import in_short, train
from dcgan.training.plan import Plan, dry_run_config, name_without_effect, new_folder, plan_run
from dcgan.training.run import Run
from dcgan.training.state import TrainState
from dcgan.training.trackers import CLOSE_TIMEOUT, HURRIED_CLOSE_TIMEOUT, Trackers

__all__ = [
    "CLOSE_TIMEOUT",
    "HURRIED_CLOSE_TIMEOUT",
    "Launch",
    "Listeners",
    "Plan",
    "Run",
    "Trackers",
    "TrainState",
    "World",
    "build_parser",
    "dry_run_config",
    "given_options",
    "in_short",
    "launch_of",
    "name_without_effect",
    "new_folder",
    "plan_run",
    "train",
]
