"""Learning from pictures: losses, a step, the loop, its health, and a run in its folder."""

from dcgan.training.distributed import World
from dcgan.training.endings import NextCommands, failure_in_words, giving_up_in_words, report
from dcgan.training.launch import Launch, build_parser, given_options, launch_of
from dcgan.training.listeners import Listeners
from dcgan.training.loop import can_compile, in_short, note_if_not_compiled, train
from dcgan.training.metrics_log import read_metrics
from dcgan.training.plan import (
    Plan,
    dry_run_config,
    name_without_effect,
    new_folder,
    plan_run,
    prepare_folder,
    with_precision,
)
from dcgan.training.progress import progress_bar
from dcgan.training.run import Run, config_to_resume, new_run_id
from dcgan.training.run_folder import redraw_samples
from dcgan.training.schedule import Schedule
from dcgan.training.state import TrainState
from dcgan.training.step import update_ema
from dcgan.training.trackers import CLOSE_TIMEOUT, HURRIED_CLOSE_TIMEOUT, Trackers

__all__ = [
    "CLOSE_TIMEOUT",
    "HURRIED_CLOSE_TIMEOUT",
    "Launch",
    "Listeners",
    "NextCommands",
    "Plan",
    "Run",
    "Schedule",
    "Trackers",
    "TrainState",
    "World",
    "build_parser",
    "can_compile",
    "config_to_resume",
    "dry_run_config",
    "failure_in_words",
    "given_options",
    "giving_up_in_words",
    "in_short",
    "launch_of",
    "name_without_effect",
    "new_folder",
    "new_run_id",
    "note_if_not_compiled",
    "plan_run",
    "prepare_folder",
    "progress_bar",
    "read_metrics",
    "redraw_samples",
    "report",
    "train",
    "update_ema",
    "with_precision",
]
