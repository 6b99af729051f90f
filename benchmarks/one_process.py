"""One process of a training that is timed, alone or started by torchrun beside others.

python -m benchmarks.one_process
OMP_NUM_THREADS=1 torchrun --nproc_per_node=2 -m benchmarks.one_process
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence

from benchmarks.loops import CPU, configured, noise
from benchmarks.measuring import FULL, TINY
from dcgan.cli import DONE, Parser, command
from dcgan.training import TrainState, World, train

WARM_UP, TIMED = 2, 8  # steps


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Print how many pictures a second are trained on, by all processes together."""
    parser = Parser(prog="python -m benchmarks.one_process", description=__doc__.partition("\n")[0])
    parser.add_argument("--tiny", action="store_true", help="only see whether it works")
    config = configured(TINY if parser.parse_args(argv).tiny else FULL, batch_size=64)
    world = World.from_environment()
    with world.connected(CPU):
        steps = train(TrainState(config, CPU, world), config, noise(config.image_size))
        list(itertools.islice(steps, WARM_UP))
        world.barrier()
        began = time.perf_counter()
        list(itertools.islice(steps, TIMED))
        world.barrier()
        if world.is_main:
            print(TIMED * config.batch_size / (time.perf_counter() - began))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
