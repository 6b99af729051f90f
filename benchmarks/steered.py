"""Does a direction change what its name says? A person looks at ten pairs of faces, not knowing which is which.

python -m benchmarks.steered draw checkpoints/micah-96 judged/micah     sheets of pairs, answers to fill in, the key
python -m benchmarks.steered count checkpoints/micah-96 judged/micah    count the answers, and drop what is not seen

A pair is one face moved back along a direction and moved forward, in random order, under a random name. In answers.json
write of each whether its "left" or its "right" face has more of what the direction says. The key is in a file of its
own, to be read only once the answers are committed. Below 8 of 10 a direction is not shipped.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from dcgan.checkpoints import Directions, load_generator, read_directions, read_evaluation
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.evaluation import write_directions
from dcgan.files import path_of, write_json
from dcgan.latents import latent, step_along
from dcgan.models import Generator
from dcgan.sampling import render

PAIRS, MIN_SEEN = 10, 8
AMOUNT = 2.0  # of the steps back and forward
FIRST_SEED = 3_000_000  # of the faces, others than those that directions are fitted and tested on
FACTOR, GAP, COLUMNS = 2, 12, 5
ANSWERS, KEY = "answers.json", "key.json"
LEFT, RIGHT = "left", "right"


def draw(folder: Path, place: Path, rng: random.Random) -> list[str]:
    """Write a sheet of pairs for each direction of a checkpoint, the answers to fill in, and the key."""
    generator = load_generator(folder)
    directions = read_directions(folder, generator.latent_dim)
    if not directions:
        raise InputError(f"{folder} has no directions; find them with python -m dcgan.directions {folder}.")
    if (place / ANSWERS).exists():
        raise InputError(f"{place / ANSWERS} is there already, and a person's work may be in it; take another folder.")
    place.mkdir(parents=True, exist_ok=True)
    answers: dict[str, dict[str, str]] = {}
    key: dict[str, str] = {}
    seeds = iter(rng.sample(range(FIRST_SEED, FIRST_SEED + 100_000), PAIRS * len(directions)))
    for name, direction in directions.items():
        labels = [_unused(key, rng) for _ in range(PAIRS)]
        key |= {label: rng.choice((LEFT, RIGHT)) for label in labels}
        pairs = [_pair(generator, next(seeds), direction, key[label]) for label in labels]
        _sheet(pairs, labels).save(place / f"{name}.png")
        answers[name] = dict.fromkeys(labels, "")
    write_json(place / ANSWERS, answers)
    write_json(place / KEY, key)
    return [f"{len(directions)} sheets in {place}; write {LEFT} or {RIGHT} in {place / ANSWERS}"]


def count(folder: Path, place: Path) -> list[str]:
    """Count how many answers are right, and take those directions away that a person doesn't see.

    Raises:
        InputError: an answer is missing or none, or what was measured of these weights isn't there.
    """
    answers, key = _read(place / ANSWERS), _read(place / KEY)
    seen = {name: sum(key.get(label) == _answer(name, label, answer) for label, answer in given.items())
            for name, given in answers.items()}  # fmt: skip
    measured = _measured(folder)
    judged = {
        name: replace(each, by_eye=seen[name], shipped=each.shipped and seen[name] >= MIN_SEEN)
        if name in seen
        else each
        for name, each in measured.found.items()
    }
    vectors = read_directions(folder, load_generator(folder).latent_dim)
    kept = {name: vector for name, vector in vectors.items() if judged[name].shipped}
    written = write_directions(folder, kept, replace(measured, found=judged))
    lines = [f"{name}: {number} of {PAIRS}{'' if number >= MIN_SEEN else ', dropped'}" for name, number in seen.items()]
    return [*lines, *written]


def _pair(generator: Generator, seed: int, direction: Any, forward: str) -> np.ndarray:
    """Draw a face moved back and forward: pixels `(S, 2 S, 3)`, the one moved forward on the side named."""
    z = latent(seed, generator.latent_dim).double()
    back, ahead = (step_along(z, direction.double(), sign * AMOUNT).float()[None] for sign in (-1, 1))
    sides = (back, ahead) if forward == RIGHT else (ahead, back)
    return np.concatenate([render(generator, each)[0] for each in sides], axis=1)


def _sheet(pairs: list[np.ndarray], labels: list[str]) -> Image.Image:
    side = pairs[0].shape[0] * FACTOR
    wide, tall = 2 * side + GAP, side + 2 * GAP
    sheet = Image.new("RGB", (COLUMNS * wide + GAP, len(pairs) // COLUMNS * tall + GAP), "white")
    for i, (pair, label) in enumerate(zip(pairs, labels, strict=True)):
        x, y = GAP + i % COLUMNS * wide, GAP + i // COLUMNS * tall
        ImageDraw.Draw(sheet).text((x, y - GAP), label, fill="black")
        sheet.paste(Image.fromarray(pair).resize((2 * side, side), Image.Resampling.NEAREST), (x, y))
    return sheet


def _unused(taken: dict[str, str], rng: random.Random) -> str:
    while (name := "".join(rng.choices("abcdefghjkmnpqrstuvwxyz23456789", k=5))) in taken:
        pass
    return name


def _answer(name: str, label: str, answer: object) -> str:
    if answer not in (LEFT, RIGHT):
        raise InputError(f"{ANSWERS} says {str(answer)!r} of {label} in {name}; write {LEFT} or {RIGHT}.")
    return str(answer)


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found.items()
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path} can't be read ({type(error).__name__}: {error}); draw the sheets first.") from None
    return found


def _measured(folder: Path) -> Directions:
    evaluation = read_evaluation(folder)
    if evaluation is None or evaluation.directions is None:
        raise InputError(f"{folder} has no measured directions of these weights; run python -m dcgan.directions first.")
    return evaluation.directions


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.steered", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("draw", "count"))
    parser.add_argument("checkpoint", type=path_of, help="a checkpoint folder with directions")
    parser.add_argument("place", type=path_of, help="the folder of the sheets, answers and key")
    options = parser.parse_args(argv)
    lines = draw(options.checkpoint, options.place, random.Random()) if options.what == "draw" else count(
        options.checkpoint, options.place
    )  # fmt: skip
    print("\n".join(lines))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
