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
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dcgan.checkpoints import load_generator, read_evaluation
from dcgan.cli import DONE, Parser, command
from dcgan.config import TrainConfig, usual_background
from dcgan.data import AVATARS_PREFIX, PORTRAITS_PREFIX, Pictures, load_pictures, open_art
from dcgan.errors import InputError
from dcgan.evaluation.extractors import EXTRACTORS, EfficientNetLite2, Extractor, open_extractor
from dcgan.evaluation.metrics import compare
from dcgan.evaluation.references import GivenReals, Reals, held_out_avatars, held_out_portraits
from dcgan.evaluation.report import (
    Evaluation,
    evaluate,
    first_measure,
    lines,
    refuse_other_faces,
    second_kept,
    trained_facts,
    write_evaluation,
)
from dcgan.files import sha256
from dcgan.latents import SEEDS, seeds_from
from dcgan.layout import WEIGHTS_NAME
from dcgan.sampling import DEVICES, faces, pick_device

FEWEST = 16  # pictures a set: below that no figure means anything
TRAINED_ON = "which were trained on"


def open_pictures(options: argparse.Namespace, facts: dict[str, Any] | None, size: int) -> tuple[Reals, Pictures, str]:
    """The reals, the pictures among which copies are looked for, and what training had to do with the latter.

    How many avatars and on which background is as the run had it, where the options don't say otherwise. The reals are
    looked for among themselves where `--trained-on` names no other pictures.
    """
    config = facts["config"] if facts else {}
    data_size = options.data_size or config.get("data_size", TrainConfig.data_size)
    backgrounds = options.background or config.get("background") or usual_background(options.data)
    crop = config.get("portrait_crop", TrainConfig.portrait_crop)
    given, pictures = (
        load_pictures(data, size, data_size, backgrounds, track=_decoding, portrait_crop=crop)
        for data in (options.data, options.trained_on or options.data)
    )
    if given.name.startswith(AVATARS_PREFIX):
        reals: Reals = held_out_avatars(given.name.removeprefix(AVATARS_PREFIX), size, backgrounds)
    elif given.name.startswith(PORTRAITS_PREFIX):
        art = open_art(options.data.removeprefix(PORTRAITS_PREFIX))
        reals = held_out_portraits(art, given.name, size, crop, backgrounds)
    else:
        reals = GivenReals(given, _relation(given, facts))
    return reals, pictures, _relation(pictures, facts)


def _relation(pictures: Pictures, facts: dict[str, Any] | None) -> str:
    """What training had to do with pictures."""
    if facts is None:
        return "of which it isn't known whether they were trained on"
    if facts["data"]["fingerprint"] == pictures.fingerprint:
        return TRAINED_ON
    return "not the set that was trained on, though some may be in both"


def sample_count(asked: int, reals: Reals) -> int:
    """How many faces and reals to compare: as many as asked for, or what there are reals for."""
    if reals.count is None:
        return asked
    count = min(asked, reals.count // 2)
    if count < FEWEST:
        raise InputError(
            f"--data {reals.data} has {reals.count} pictures; two sets of {FEWEST} or more are needed, one to compare "
            "the faces with and one to compare that with."
        )
    return count


def command_line(
    options: argparse.Namespace, folder: Path, reals: Reals, pictures: Pictures, extractor: Extractor, count: int
) -> str:
    """The command that measures the same again; of any path only its last component."""
    words = ["python", "-m", "dcgan.evaluation", folder.resolve().name, "--data", reals.data]
    words += ["--trained-on", pictures.name] if options.trained_on else []
    words += ["--extractor", extractor.option, "--count", str(count)]
    for name, value in (("--seed", options.seed), ("--data-size", options.data_size)):
        words += [name, str(value)] if value else []
    words += ["--background", ",".join(options.background)] if options.background else []
    words += ["--weights", options.weights.name] if options.weights else []
    return shlex.join(words)


def _decoding(pictures, total):
    return tqdm(pictures, total=total, unit="picture", desc="decoding", leave=False, disable=None)


def build_parser() -> Parser:
    parser = Parser(
        prog="python -m dcgan.evaluation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=Path, help="a checkpoint folder, or a snapshot in one")
    parser.add_argument("--data", required=True, help="the real pictures: as for train.py, best avatars:STYLE")
    parser.add_argument("--trained-on", metavar="DATA", help="where to look for copies (in --data)")
    parser.add_argument("--count", type=int, default=5000, help="how many faces and reals (5000)")
    parser.add_argument("--seed", type=int, default=0, help="of the first face; the others follow (0)")
    parser.add_argument(
        "--extractor",
        choices=EXTRACTORS,
        default="auto",
        help="auto: inception if it is here, else efficientnet-lite0; efficientnet-lite2: a second measure beside it",
    )
    parser.add_argument("--weights", type=Path, help="a file with the extractor's weights (its own)")
    parser.add_argument("--data-size", type=int, help="how many avatars were trained on (as the run did)")
    parser.add_argument("--background", type=_words, help="avatars' background colours (as the run had them)")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default auto: cuda, mps or cpu")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(argv)
    check(options)
    require_torch_fidelity()

    folder, device = options.checkpoint, pick_device(options.device)
    generator = load_generator(folder).to(device)
    is_second = options.extractor == EfficientNetLite2.option
    before = first_measure(folder) if is_second else read_evaluation(folder)
    facts = trained_facts(folder)
    extractor = open_extractor(options.extractor, options.weights, device)
    reals, pictures, relation = open_pictures(options, facts, generator.image_size)
    count = sample_count(options.count, reals)
    asked = command_line(options, folder, reals, pictures, extractor, count)
    if is_second:
        refuse_other_faces(before["command"], asked)
        fakes = faces(generator, seeds_from(options.seed, count))
        second = compare(fakes, reals, extractor) | {"command": asked}
        evaluation = Evaluation(before | {"second": second}, None)
    else:
        evaluation = evaluate(generator, reals, pictures, extractor, count, options.seed)
        evaluation.report["neighbours"]["relation"] = relation
        about = {"command": asked, "weights_sha256": sha256(folder / WEIGHTS_NAME), "data": reals.data}
        kept = second_kept(before, asked)
        evaluation = Evaluation(about | evaluation.report | kept, evaluation.page)
        if before and "second" in before and not kept:
            print("the second measure is dropped, since it was of other faces or reals")
    print("\n".join(lines(evaluation.report)))
    try:
        print("\n".join(write_evaluation(folder, evaluation, pictures, facts)))
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror or error}.") from None
    return DONE


def check(options: argparse.Namespace) -> None:
    """Raise an InputError for an option outside its range."""
    if options.count < FEWEST:
        raise InputError(f"--count is {options.count}; it must be from {FEWEST} up, and means little below 1000.")
    if not 0 <= options.seed < SEEDS:
        raise InputError(f"--seed is {options.seed}; it must be from 0 to {SEEDS - 1}.")
    if options.data_size is not None and options.data_size < 1:
        raise InputError(f"--data-size is {options.data_size}; it must be from 1 up.")


def require_torch_fidelity() -> None:
    """Raise an InputError where the package that measures is missing, before minutes are spent on features."""
    if find_spec("torch_fidelity") is None:
        raise InputError(
            "evaluation needs torch_fidelity, which is missing; install it with: pip install -r requirements-train.txt"
        )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


if __name__ == "__main__":
    sys.exit(main())
