"""The name of every file in a checkpoint folder: local, bundled and on the Hub, they are the same."""

from __future__ import annotations

import re

CHECKPOINTS = "checkpoints"  # the folder of the project that holds such folders
BUNDLED = ("portraits-96", "adventurer-96", "micah-96")  # those that come with it, the default first
CONFIG_NAME, WEIGHTS_NAME, TRAINING_NAME = "config.json", "model.safetensors", "training.json"
EVALUATION_NAME = "evaluation.json"
DIRECTIONS_NAME = "directions.safetensors"  # beside a generator: one tensor for each named direction among its latents
PICKLE_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".pkl")
METRICS_NAME = "metrics.jsonl"
LOSSES_NAME = "losses.png"
CARD_NAME = "README.md"
DISCRIMINATOR = "discriminator"  # a folder with a network's two files of its own
SNAPSHOTS = "epochs"  # a folder with a checkpoint folder for each snapshot
SAMPLES = "samples"
LATEST_NAME = f"{SAMPLES}/latest.png"
HELD_OUT_NAME = f"{SAMPLES}/held-out.png"  # pictures that training never draws, one below the other
TIMELAPSE_NAME = f"{SAMPLES}/timelapse.gif"
NEIGHBOURS_NAME = f"{SAMPLES}/neighbours.png"
STATES = "state"  # a folder with a folder for each resume state
POINTER = "last"  # in STATES, the name of the newest complete one
STATE_PREFIX = "step-"
STATE_FACTS_NAME, STATE_TENSORS_NAME = "state.json", "state.safetensors"
EYE_SHEET_NAME, VERDICTS_NAME = "eye/faces.png", "eye/verdicts.json"  # what a person judges, and how
TENSORBOARD = "tensorboard"  # a folder; never published
PUBLISHED = (  # what a checkpoint folder has on the Hub, too
    CONFIG_NAME, WEIGHTS_NAME, f"{DISCRIMINATOR}/*", DIRECTIONS_NAME, TRAINING_NAME, METRICS_NAME, EVALUATION_NAME,
    CARD_NAME, LOSSES_NAME, f"{SAMPLES}/*",
)  # fmt: skip
SHOWN = (  # what of a checkpoint folder shows a generator; the rest tells of the run
    CONFIG_NAME, WEIGHTS_NAME, f"{DISCRIMINATOR}/*", CARD_NAME, LATEST_NAME,
)  # fmt: skip
SHEET_SUFFIX = ".png"
_SNAPSHOT = re.compile(r"epoch-(\d{4,})", re.ASCII)
_DIRECTION = re.compile(r"[a-z][a-z0-9_]{0,23}")


def snapshot_name(epoch: int) -> str:
    """Name the snapshot of an epoch: `epoch-0010`, as its folder and as the Hub's tag."""
    return f"epoch-{epoch:04d}"


def is_snapshot(name: str) -> bool:
    """Tell whether a folder or a tag is named as a run names its snapshots."""
    return bool(_SNAPSHOT.fullmatch(name))


def epoch_of(snapshot: str) -> int:
    """Read the epoch in a snapshot's name.

    Raises:
        ValueError: it is none.
    """
    if not (found := _SNAPSHOT.fullmatch(snapshot)):
        raise ValueError(f"{snapshot!r} isn't named as a snapshot is")
    return int(found[1])


def sample_name(snapshot: str) -> str:
    """Name the sheet of faces that a run draws at a snapshot."""
    return f"{SAMPLES}/{snapshot}{SHEET_SUFFIX}"


def is_sample(path: str) -> bool:
    """Tell whether a file of a checkpoint folder is such a sheet."""
    return is_snapshot(path.removeprefix(f"{SAMPLES}/").removesuffix(SHEET_SUFFIX)) and path.endswith(SHEET_SUFFIX)


def is_direction(name: str) -> bool:
    """Tell whether a direction may have this name: up to 24 small letters, digits and underscores, a letter first."""
    return bool(_DIRECTION.fullmatch(name))
