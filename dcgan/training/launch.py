"""What a command line of train.py can say, and what it said."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dcgan.cli import Parser
from dcgan.config import LENGTH, MACHINE, TrainConfig
from dcgan.errors import InputError
from dcgan.names import on_disk
from dcgan.options import add_options, check_options, given, option
from dcgan.sampling import DEVICES
from dcgan.training.trackers import TRACKERS

HUB = "Hugging Face Hub"


def _in_a_dry_run(launch: Launch) -> str | None:
    return "a dry run keeps nothing" if launch.dry_run else None


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What train.py is asked for beside a run's configuration: where the run goes, and who hears of it.

    Raises:
        InputError: a value that can't work, or one that needs another.
    """

    output_dir: Path | None = option(
        None,
        help="where the run goes (a new folder in checkpoints/)",
        group=LENGTH,
        unit="a folder that is empty or not there yet",
        metavar="FOLDER",
        idle=_in_a_dry_run,
    )
    resume: str | bool | None = option(
        None,
        help="continue the run in --output-dir exactly, or one that was pushed with --push-state",
        group=LENGTH,
        metavar="USER/NAME",
        bare=True,
        idle=_in_a_dry_run,
    )
    report_to: tuple[str, ...] = option(
        (),
        help=f"report values and samples there, too: {', '.join(TRACKERS)}, or several with commas",
        doc="Each is a package that has to be installed.",
        group=LENGTH,
        metavar="TRACKER",
        choices=tuple(TRACKERS),
    )
    dry_run: bool = option(
        False, help="two steps and a snapshot on a few avatars, cleaned up", group=LENGTH, negatable=False
    )
    push_to_hub: str | None = option(
        None,
        help="publish every snapshot there, beside the training",
        group=HUB,
        metavar="USER/NAME",
        idle=_in_a_dry_run,
    )
    private: bool = option(
        False, help="create that repository as a private one", group=HUB, negatable=False, idle=_in_a_dry_run
    )
    push_state: bool = option(
        False, help="also keep there what --resume USER/NAME needs", group=HUB, negatable=False, idle=_in_a_dry_run
    )
    device: str = option("auto", help="what computes; auto is cuda, mps or cpu", group=MACHINE, choices=DEVICES)

    compile: bool = option(
        False,
        help="record steps as CUDA graphs, for a GPU that waits for Python",
        doc="What is computed stays the same. It works on one GPU; elsewhere it has no effect, and a note says so.",
        group=MACHINE,
        negatable=False,
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.output_dir:
            object.__setattr__(self, "output_dir", on_disk(str(self.output_dir)))
        for name in ("private", "push_state"):
            if getattr(self, name) and not self.push_to_hub:
                raise InputError(f"--{name.replace('_', '-')} goes with --push-to-hub user/name.")


def build_parser(description: str | None = None) -> Parser:
    """Make the parser of train.py. What isn't given is None, so that a recipe or a resumed run can fill it in."""
    parser = Parser(prog="train.py", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, TrainConfig, Launch)
    return parser


def given_options(parsed: argparse.Namespace) -> dict[str, Any]:
    """Collect the options that were set on the command line and belong to the run's configuration.

    Raises:
        InputError: --spectral-norm or --no-spectral-norm, older words for --d-norm, beside one that says otherwise.
    """
    return given(parsed, TrainConfig)


def launch_of(parsed: argparse.Namespace) -> Launch:
    """Collect all other options of the command line."""
    return Launch(**given(parsed, Launch))
