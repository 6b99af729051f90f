"""Where the time of a training step and of drawing goes: the shares of PyTorch's operations, which profile themselves.

python -m benchmarks.shares
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from torch.profiler import ProfilerActivity, profile

from benchmarks.loops import DEFAULT_NETWORKS, configured, steps_of
from benchmarks.machine import ROOT
from benchmarks.measuring import FULL, TINY, Effort
from dcgan.checkpoints import load_generator
from dcgan.cli import DONE, Parser, command
from dcgan.latents import latents
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.sampling import render

GROUPS = {"convolutions": "conv", "BatchNorm": "norm", "Adam": "adam"}  # and a word in the names of their operations
REST = "all else"
HEAD = f"| work | {' | '.join(GROUPS)} | {REST} |\n|---|{'---|' * (len(GROUPS) + 1)}"


def works(effort: Effort) -> Mapping[str, Callable[[], object]]:
    """List what is profiled, by name; each is made ready."""
    plain = configured(effort, recipe="plain", batch_size=64)
    default = configured(effort, **DEFAULT_NETWORKS)
    generator = load_generator(ROOT / CHECKPOINTS / BUNDLED[0])
    steps = {
        f"a step{which}, {precision}": config.but(precision=precision)
        for which, config in ((", 64/64, batch 64", plain), (" of the default recipe, 48/32", default))
        for precision in ("float32", "bfloat16")
    }
    return {
        **{name: partial(steps_of(config), effort.of(4, 1)) for name, config in steps.items()},
        "64 faces as pixels": partial(render, generator, latents(list(range(effort.of(64, 2))), generator.latent_dim)),
        "1 face as pixels": partial(render, generator, latents([0], generator.latent_dim)),
    }


def shares(work: Callable[[], object], times: int) -> dict[str, float]:
    """Do a work so often, after once that doesn't count; gives the percent of its operations' time, by group."""
    work()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(times):
            work()
    seconds = dict.fromkeys([*GROUPS, REST], 0.0)
    for operation in profiled.key_averages():
        seconds[group_of(operation.key)] += operation.self_cpu_time_total
    return {group: 100 * each / sum(seconds.values()) for group, each in seconds.items()}


def group_of(operation: str) -> str:
    """Tell to which group an operation belongs, by its name."""
    return next((group for group, word in GROUPS.items() if word in operation.lower()), REST)


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Print a row of shares for each work."""
    parser = Parser(prog="python -m benchmarks.shares", description=__doc__.partition("\n")[0])
    parser.add_argument("--tiny", action="store_true", help="only see whether it works: no figure means anything")
    effort = TINY if parser.parse_args(argv).tiny else FULL
    print(HEAD)
    for name, work in works(effort).items():
        found = shares(work, effort.rounds)
        print(f"| {name} | {' | '.join(f'{share:.0f} %' for share in found.values())} |", flush=True)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
