"""The recipes under comparison: what each is, and the options of train.py that make it."""

from __future__ import annotations

from dataclasses import dataclass

COMMON = ("--generator-feature-maps", "48", "--discriminator-feature-maps", "32", "--precision", "bfloat16")
# All that makes the base is named, so that it stays what it is when defaults of train.py change.
BASE = (
    *("--loss", "relativistic", "--d-norm", "none", "--r1-gamma", "1", "--r2-gamma", "1", "--r1-every", "4"),
    *("--batch-size", "16", "--lr-generator", "8e-4", "--lr-discriminator", "8e-4", "--beta1", "0"),
    *("--beta2", "0.999", "--ema", "--ema-decay", "0.9998"),
)  # fmt: skip
PLAIN = "plain"


@dataclass(frozen=True)
class Arm:
    """One recipe under comparison."""

    words: str
    options: tuple[str, ...]


def lever(words: str, *options: str) -> Arm:
    """Make an arm that is the base but for these options."""
    return Arm(words, (*BASE, *options))


def gamma(value: str) -> tuple[str, ...]:
    return "--r1-gamma", value, "--r2-gamma", value


# Kept side by side in a single run of the base (benchmarks/averages.py). An average warms up: after s steps its decay
# is at most (s + 1) / (s + 10), 0.99776 at the end of round 1. All larger ones would give the very same average there.
AVERAGES = {"ema-0.98": 0.98, "ema-0.99": 0.99, "ema-0.995": 0.995}
AVERAGED = "averages"  # what that run is called

# The most telling first: where time runs out, the end is what is missing. What pytorch/examples' dcgan does (main.py:
# cross entropy, BatchNorm, Adam 2e-4 with beta1 0.5, batches of 64, weights from N(0, 0.02)) is `plain`.
ARMS = {
    "base": Arm("**base**: relativistic, no norm in D, R1 and R2 (gamma 1, every 4th step), batches of 16", BASE),
    "hinge": lever(
        "hinge, spectral norm, R1 alone (every 4th step)",
        *("--loss", "hinge", "--d-norm", "spectral", "--r2-gamma", "0"),
    ),
    "float32": lever("base in float32", "--precision", "float32"),
    PLAIN: Arm("plain (`--recipe plain`), which is also pytorch/examples'", ("--recipe", "plain")),
    "spectral": lever("base with spectral norm", "--d-norm", "spectral"),
    "gamma-0.3": lever("base, gamma 0.3", *gamma("0.3")),
    "gamma-5": lever("base, gamma 5", *gamma("5")),
    "every-step": lever("base, penalties at every step", "--r1-every", "1"),
    "batch-32": lever("base, batches of 32", "--batch-size", "32"),
    "generator-64": lever("base, generator of 64 feature maps", "--generator-feature-maps", "64"),
    "discriminator-48": lever("base, discriminator of 48 feature maps", "--discriminator-feature-maps", "48"),
    "beta2-0.99": lever("base, beta2 0.99", "--beta2", "0.99"),
    "augment": lever("base with DiffAugment: colour, translation, cutout", "--augment"),
    **{name: lever(f"base, EMA of decay {decay}", "--ema-decay", str(decay)) for name, decay in AVERAGES.items()},
}


def options_of(run: str) -> tuple[str, ...]:
    """List the options of train.py for an arm, or for the run that keeps several averages."""
    return (*COMMON, *(BASE if run == AVERAGED else ARMS[run].options))
