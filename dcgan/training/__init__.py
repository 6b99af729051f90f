"""Learning from pictures: losses, a step, the loop, its health, and a run in its folder."""

from dcgan.training.distributed import World
from dcgan.training.launch import Launch, build_parser, given_options, launch_of
from dcgan.training.loop import in_short, train
from dcgan.training.plan import Plan, dry_run_config, name_without_effect, new_folder, plan_run
from dcgan.training.run import Run, config_to_resume, new_run_id
from dcgan.training.state import TrainState
from dcgan.training.trackers import HURRY, PATIENCE, TRACKERS, Trackers

__all__ = [
    "HURRY",
    "PATIENCE",
    "TRACKERS",
    "Launch",
    "Plan",
    "Run",
    "Trackers",
    "TrainState",
    "World",
    "build_parser",
    "config_to_resume",
    "dry_run_config",
    "given_options",
    "in_short",
    "launch_of",
    "name_without_effect",
    "new_folder",
    "new_run_id",
    "plan_run",
    "train",
]
