"""How good are a checkpoint's faces? Their distance from real pictures, whether they are copies, how much they differ.

python -m dcgan.evaluation checkpoints/adventurer-96 --data avatars:adventurer
python -m dcgan.evaluation checkpoints/mine --data path/to/held-out-pictures --trained-on path/to/pictures
python -m dcgan.evaluation checkpoints/adventurer-96 --data avatars:adventurer --extractor efficientnet-lite2

Prints the figures, and writes them into the checkpoint: evaluation.json, a section of the model card and, for rendered
pictures, a page of the generated faces beside their nearest training pictures. The last command adds a second measure
of the same faces to the first, as "second", and leaves the first as it is: a check of it, by which nothing is decided.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from dcgan.checkpoints import Evaluation, load_generator, read_evaluation
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.evaluation.extractors import EXTRACTORS, EfficientNetLite2, open_extractor
from dcgan.evaluation.inputs import check, command_line, open_pictures, require_torch_fidelity, sample_count
from dcgan.evaluation.measure import add_second_measure, evaluate, first_measure, second_kept
from dcgan.evaluation.report import lines, trained_facts, write_evaluation
from dcgan.files import path_of, sha256, with_home
from dcgan.layout import WEIGHTS_NAME
from dcgan.sampling import DEVICES, pick_device


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line of `python -m dcgan.evaluation`."""
    options = build_parser().parse_args(argv)
    check(options)
    require_torch_fidelity()

    folder, device = options.checkpoint, pick_device(options.device)
    generator = load_generator(folder).to(device)
    first = first_measure(folder) if options.extractor == EfficientNetLite2.option else None
    before = read_evaluation(folder)
    training = trained_facts(folder)
    extractor = open_extractor(options.extractor, options.weights, device)
    sets = open_pictures(options, training, generator.image_size)
    count = sample_count(options.count, sets.reals)
    asked = command_line(options, folder, sets, extractor, count)
    if first:
        page = None
        evaluation = add_second_measure(first, generator, sets.reals, extractor, count, options.seed, asked)
    else:
        measured = evaluate(generator, sets.reals, sets.pictures, extractor, count, options.seed)
        measured.report["neighbours"]["relation"] = sets.relation
        about = {"command": asked, "weights_sha256": sha256(folder / WEIGHTS_NAME), "data": sets.reals.data}
        evaluation = Evaluation.take(about | measured.report, lenient=True)  # a figure may be no number
        directions = before.directions if before else None
        evaluation, page = replace(evaluation, second=second_kept(before, asked), directions=directions), measured.page
        if before and before.second and not evaluation.second:
            print("the second measure is dropped, since it was of other faces or reals")
    print("\n".join(lines(evaluation)))
    try:
        print("\n".join(write_evaluation(folder, evaluation, page, sets.pictures, training)))
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror or error}.") from None
    return DONE


def build_parser() -> Parser:
    """Make the parser of the command line."""
    parser = Parser(
        prog="python -m dcgan.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=path_of, help="a checkpoint folder, or a snapshot in one")
    parser.add_argument(
        "--data", type=with_home, required=True, help="the real pictures: as for train.py, best avatars:STYLE"
    )
    parser.add_argument("--trained-on", type=with_home, metavar="DATA", help="where to look for copies (in --data)")
    parser.add_argument("--count", type=int, default=5000, help="how many faces and reals (5000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first face; the others follow (0)")
    parser.add_argument(
        "--extractor",
        choices=EXTRACTORS,
        default="auto",
        help="auto: inception if it is here, else efficientnet-lite0; efficientnet-lite2: a second measure beside it",
    )
    parser.add_argument("--weights", type=path_of, help="a file with the extractor's weights (its own)")
    parser.add_argument("--data-size", type=int, help="how many avatars were trained on (as the run did)")
    parser.add_argument("--background", type=_words, help="avatars' background colours (as the run had them)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default auto: cuda, mps or cpu")
    return parser


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


if __name__ == "__main__":
    sys.exit(main())
