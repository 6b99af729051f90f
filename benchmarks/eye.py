"""How many of 64 faces are broken, as a person sees them: the sheet to judge, and the count of what was judged.

python -m benchmarks.eye checkpoints/adventurer-96            draws its eye/faces.png, and eye/verdicts.json to fill in
python -m benchmarks.eye checkpoints/adventurer-96 --count    prints how many are broken, and which, by reason

A verdict is "whole", or the reason why the face is broken, as in REASONS. The seeds begin at a number that the weights
themselves decide, so that nobody can choose faces that look well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dcgan.checkpoints import load_generator
from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.files import path_of, replacing, sha256, write_json
from dcgan.images import enlarge, grid, save_png
from dcgan.latents import seeds_from
from dcgan.layout import EYE_SHEET_NAME, VERDICTS_NAME, WEIGHTS_NAME
from dcgan.models import Generator
from dcgan.sampling import faces

FACES, COLUMNS, FACTOR = 64, 8, 2
LABEL, LABEL_WIDTH = 14, 64  # pixels: the height of a seed under its face, and the width of the longest
WHOLE = "whole"
REASONS = (
    "an eye missing, merged or outside the face",
    "two mouths",
    "an open outline",
    "a hole in hair or skin",
    "specks visible at 2x",
)


def seeds_of(digest: str) -> list[int]:
    """List the seeds to judge of the weights with this SHA-256."""
    return seeds_from(int(digest[:7], 16), FACES)


def sheet(generator: Generator, seeds: list[int]) -> np.ndarray:
    """Draw the faces of seeds at twice their size as pixels `(H, W, 3)`, uint8, each with its seed under it."""
    drawn = enlarge(faces(generator, seeds), FACTOR * generator.image_size)
    return grid(np.stack([_labelled(face, seed) for face, seed in zip(drawn, seeds, strict=True)]), COLUMNS)


def _labelled(face: np.ndarray, seed: int) -> np.ndarray:
    size = len(face)
    cell = Image.new("RGB", (max(size, LABEL_WIDTH), size + LABEL), "white")
    cell.paste(Image.fromarray(face))
    ImageDraw.Draw(cell).text((2, size), str(seed), "black", ImageFont.load_default(11))
    return np.asarray(cell)


def draw(folder: Path) -> list[str]:
    """Draw a checkpoint's sheet, with a file of verdicts to fill in; return what was written, in words.

    Verdicts on these weights are left as they are, those on others make room for them.
    """
    generator, digest = load_generator(folder), sha256(folder / WEIGHTS_NAME)
    seeds, path = seeds_of(digest), folder / VERDICTS_NAME
    judged = path.exists() and _read(path).get("weights_sha256") == digest
    path.parent.mkdir(exist_ok=True)
    with replacing(folder / EYE_SHEET_NAME) as temporary:
        save_png(sheet(generator, seeds), temporary)
    if not judged:
        blank = {str(seed): "" for seed in seeds}
        write_json(path, {"weights_sha256": digest, "first_seed": seeds[0], "verdicts": blank})
    return [
        f"faces of the seeds {seeds[0]} to {seeds[-1]}: {folder / EYE_SHEET_NAME}",
        f"verdicts: {path} ({'left as it is' if judged else 'to be filled in'})",
        f"each is {_words()}",
    ]


def broken(folder: Path) -> dict[str, list[int]]:
    """Find the seeds of a checkpoint's broken faces by reason, as they were judged.

    Raises:
        InputError: not all of them were judged, not in the words that are allowed, or not of these weights.
    """
    path = folder / VERDICTS_NAME
    if not path.is_file():
        raise InputError(f"there is no {path}; python -m benchmarks.eye {folder} draws what to judge.")
    if not (folder / WEIGHTS_NAME).is_file():
        raise InputError(f"{folder} holds no {WEIGHTS_NAME}; name a checkpoint folder.")
    found, digest = _read(path), sha256(folder / WEIGHTS_NAME)
    seeds, verdicts = seeds_of(digest), found["verdicts"]
    if found.get("weights_sha256") != digest:
        raise InputError(f"{path} is of other weights; python -m benchmarks.eye {folder} draws what to judge of these.")
    if found.get("first_seed") != seeds[0] or set(verdicts) != {str(seed) for seed in seeds}:
        raise InputError(f"{path} isn't of the seeds {seeds[0]} to {seeds[-1]}, which are those of these weights.")
    if unjudged := [seed for seed in seeds if not verdicts[str(seed)]]:
        raise InputError(f"{path}: {len(unjudged)} of {FACES} aren't judged yet, the first is seed {unjudged[0]}.")
    for seed in seeds:
        if verdicts[str(seed)] not in (WHOLE, *REASONS):
            raise InputError(f"{path}: seed {seed} is judged {verdicts[str(seed)]!r}; a verdict is {_words()}.")
    by_reason = {reason: [seed for seed in seeds if verdicts[str(seed)] == reason] for reason in REASONS}
    return {reason: found for reason, found in by_reason.items() if found}


def count_broken(by_reason: dict[str, list[int]]) -> int:
    return sum(map(len, by_reason.values()))


def _read(path: Path) -> dict[str, Any]:
    """Read a file of verdicts. What can't be read is left alone, since a person's work may be in it."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["verdicts"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} can't be read ({type(error).__name__}: {error}); mend it, or delete it to judge anew."
        ) from None
    return found


def _words() -> str:
    return " or ".join(map(repr, (WHOLE, *REASONS)))


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.eye", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=path_of, help="a checkpoint folder")
    parser.add_argument("--count", action="store_true", help="count the verdicts that were given")
    options = parser.parse_args(argv)
    if options.count:
        by_reason = broken(options.checkpoint)
        print(f"{count_broken(by_reason)} of {FACES} are broken")
        for reason, seeds in by_reason.items():
            print(f"  {reason}: {len(seeds)} (seeds {', '.join(map(str, seeds))})")
        return DONE
    try:
        print("\n".join(draw(options.checkpoint)))
    except OSError as error:
        raise InputError(f"can't write to {options.checkpoint}: {error.strerror or error}.") from None
    return DONE


if __name__ == "__main__":
    sys.exit(main())
