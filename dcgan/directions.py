"""Find named directions of a checkpoint: along which of them its faces change, and in what.

python -m dcgan.directions checkpoints/adventurer-96

Writes those that hold on held-out seeds into directions.safetensors, what was measured of all into evaluation.json and
the model card. Where the pictures are none that this project draws, it looks for the light and colours of whole faces.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from dcgan.checkpoints import Directions, load_generator
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.evaluation import attributes_of, find_directions, trained_facts, write_directions
from dcgan.evaluation.directions import FIT, STEERED, TEST
from dcgan.files import path_of
from dcgan.sampling import DEVICES, pick_device


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    for name, least in (("fit", 200), ("test", 20)):
        if getattr(options, name) < least:
            raise InputError(f"--{name} {getattr(options, name)} faces are too few to tell; take {least} or more.")
    folder = options.checkpoint
    generator = load_generator(folder).to(pick_device(options.device))
    training = trained_facts(folder)
    attributes = attributes_of(training.data.name if training else "")
    steered = min(STEERED, options.test)
    found = find_directions(generator, attributes, options.fit, options.test, steered)
    counts = f" --fit {options.fit} --test {options.test}" if (options.fit, options.test) != (FIT, TEST) else ""
    measured = Directions(
        command=f"python -m dcgan.directions {folder.resolve().name}{counts}",
        fitted_on=options.fit,
        tested_on=options.test,
        steered=steered,
        found={name: each.measured for name, each in found.items()},
    )
    for name, each in measured.found.items():
        print(
            f"{name:20} R2 {each.r2:.2f} (SeFa {each.sefa_r2:.2f})  effect {each.effect:.2f}  moved {each.moved:.0%}  "
            f"leaks {each.leakage:.2f} into {each.leaks_into}{'' if each.shipped else '  FAILED'}"
        )
    vectors = {name: each.vector for name, each in found.items() if each.vector is not None and each.measured.shipped}
    try:
        print("\n".join(write_directions(folder, vectors, measured)))
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror or error}.") from None
    return DONE


def build_parser() -> Parser:
    """Make the parser of the command line."""
    parser = Parser(
        prog="python -m dcgan.directions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=path_of, help="a checkpoint folder")
    parser.add_argument("--fit", type=int, default=FIT, help=f"faces to find directions by ({FIT})")
    parser.add_argument("--test", type=int, default=TEST, help=f"held-out faces to test them on ({TEST})")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default auto: cuda, mps or cpu")
    return parser


if __name__ == "__main__" and (status := main()):
    sys.exit(status)
