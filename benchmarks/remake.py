"""Make anew all that hangs on the weights of the bundled checkpoints, after some of them were replaced.

python -m benchmarks.remake --portraits pixel-art-portraits

Both measures and the sheet to judge by eye of each checkpoint whose weights are new (--all: of each), and the pictures
that nobody trained on for the page's game, where their licence lets them be shown; then the README's table, its faces,
the curve and the social card. What is left to do by hand: to judge the sheet, as python -m benchmarks.eye says, and to
print the table once more.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks import eye, results
from dcgan import social_card
from dcgan.checkpoints import read_evaluation, read_training
from dcgan.cli import DONE, Parser, command
from dcgan.config import AVATARS_PREFIX
from dcgan.errors import InputError
from dcgan.evaluation import __main__ as evaluation
from dcgan.evaluation import held_out_pictures
from dcgan.files import write_text
from dcgan.images import save_png
from dcgan.layout import CARD_NAME, HELD_OUT_NAME

DOCS, README = results.ROOT / "docs", results.ROOT / CARD_NAME
EXTRACTORS = ("efficientnet-lite0", "efficientnet-lite2")
COUNT = 5000
HELD_OUT = 40  # pictures


def measure(folder: Path, art: str | None) -> None:
    """Measure a checkpoint twice, and draw the sheet to judge."""
    for extractor in EXTRACTORS:
        words = [str(folder), "--data", results.data_of(folder, art), "--extractor", extractor, "--count", str(COUNT)]
        if evaluation.main(words) != DONE:
            raise InputError(f"{folder.name} could not be measured; the line above says why.")
    print("\n".join(eye.draw(folder)))


def draw_held_out(folder: Path) -> None:
    """Render pictures that training never draws, one below the other, where their art comes with the project."""
    settings = read_training(folder).settings()
    if not settings.data.startswith(AVATARS_PREFIX):
        return
    backgrounds = settings.background or ("white",)
    reals = held_out_pictures(settings.data, settings.image_size, settings.portrait_crop, backgrounds)
    save_png(np.concatenate(reals.pixels(0, HELD_OUT)), folder / HELD_OUT_NAME)


def is_measured(folder: Path) -> bool:
    """Tell whether both measures are of the weights as they are."""
    found = read_evaluation(folder)
    return bool(found and found.second)


def put_table(page: str, table: str) -> str:
    """Replace the table of results on a page, wherever on it that is."""
    found = re.search(rf"^{re.escape(results.TABLE_HEAD)}.*\n(\|.*\n)+", page, re.MULTILINE)
    if not found:
        raise InputError(f"there is no table on the page that begins with {results.TABLE_HEAD}")
    return page[: found.start()] + table + "\n" + page[found.end() :]


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.remake", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--portraits", metavar="ART", help="a clone or .zip of the layers of portraits")
    parser.add_argument("--all", action="store_true", help="also what was measured already")
    options = parser.parse_args(argv)
    for folder in results.BUNDLES:
        if options.all or not is_measured(folder):
            measure(folder, options.portraits)
            draw_held_out(folder)
    write_text(README, put_table(README.read_text(encoding="utf-8"), results.table(results.BUNDLES)))
    results.draw_faces(DOCS / "faces.png")
    results.draw_curve_of_all(DOCS / "curve.png", options.portraits)
    return social_card.main([str(results.BUNDLES[0]), str(DOCS / "social-card.png")])


if __name__ == "__main__":
    sys.exit(main())
