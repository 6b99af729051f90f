"""The name of every file in a checkpoint folder: local, bundled and on the Hub, they are the same."""

from __future__ import annotations

CONFIG_NAME, WEIGHTS_NAME, TRAINING_NAME = "config.json", "model.safetensors", "training.json"
EVALUATION_NAME = "evaluation.json"
PICKLE_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".pkl")
METRICS_NAME = "metrics.jsonl"
NEIGHBOURS_NAME = "samples/neighbours.png"
CARD_NAME = "README.md"
POINTER = "last"  # in state/, the name of the newest complete resume state
STATE_FACTS_NAME = "state.json"
PUBLISHED = (  # what a checkpoint folder has on the Hub, too
    CONFIG_NAME, WEIGHTS_NAME, "discriminator/*", TRAINING_NAME, METRICS_NAME, EVALUATION_NAME, CARD_NAME, "losses.png",
    "samples/*",
)  # fmt: skip
SHOWN = (  # what of a checkpoint folder shows a generator; the rest tells of the run
    CONFIG_NAME, WEIGHTS_NAME, "discriminator/*", CARD_NAME, "samples/latest.png",
)  # fmt: skip
