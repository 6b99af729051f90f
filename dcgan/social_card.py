"""The picture that social networks and chat apps show beside a link to the page.

python -m dcgan.social_card checkpoints/adventurer-96 docs/social-card.png
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from dcgan.cli import DONE, Parser, command
from dcgan.errors import InputError
from dcgan.files import path_of, replacing
from dcgan.gallery import Catalog, LocalCatalog
from dcgan.images import save_png
from dcgan.latents import seeds_from
from dcgan.models import Generator
from dcgan.sampling import faces, most_convincing_faces

SIZE = (1280, 640)  # what GitHub, X and the Hub ask for
COLUMNS, ROWS, FACE, GAP = 5, 4, 144, 12
CANDIDATES = 400
BACKGROUND, INK, FAINT, ACCENT = "#f5f3ff", "#1e1b4b", "#6b6894", "#7c3aed"
TITLE, LINES = "Faces\nby a DCGAN", ("Every number", "is a face.", "Walk between them.")


def social_card(generator: Generator, seeds: list[int]) -> np.ndarray:
    """Draw the card as pixels `(640, 1280, 3)`, uint8: its words on the left, the faces of 20 seeds on the right."""
    card = Image.new("RGB", SIZE, BACKGROUND)
    left = SIZE[0] - COLUMNS * (FACE + GAP)
    top = (SIZE[1] - ROWS * (FACE + GAP) + GAP) // 2
    for i, face in enumerate(faces(generator, seeds)):
        tile = Image.fromarray(face).resize((FACE, FACE), Image.Resampling.BICUBIC)
        card.paste(tile, (left + i % COLUMNS * (FACE + GAP), top + i // COLUMNS * (FACE + GAP)))
    draw = ImageDraw.Draw(card)
    draw.rectangle((56, 96, 116, 104), fill=ACCENT)
    draw.multiline_text((56, 128), TITLE, INK, ImageFont.load_default(64), spacing=10)
    draw.multiline_text((56, 330), "\n".join(LINES), FAINT, ImageFont.load_default(38), spacing=12)
    return np.asarray(card)


def most_convincing(catalog: Catalog) -> list[int]:
    """Choose a card's seeds: those of the first 400 that the discriminator believes most, where there is one."""
    count, discriminator = COLUMNS * ROWS, catalog.discriminator()
    if discriminator is None:
        return seeds_from(0, count)
    best = most_convincing_faces(catalog.generator(), discriminator, seeds_from(0, CANDIDATES), count)
    return [face.seed for face in best]


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m dcgan.social_card", description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=path_of, help="a checkpoint folder")
    parser.add_argument("file", type=path_of, help="the PNG to write")
    options = parser.parse_args(argv)
    catalog = LocalCatalog(options.checkpoint, torch.device("cpu"))
    card = social_card(catalog.generator(), most_convincing(catalog))
    try:
        with replacing(options.file) as temporary:
            save_png(card, temporary)
    except OSError as error:
        raise InputError(f"can't write {options.file}: {error.strerror or error}.") from None
    print(f"{options.file}: {card.shape[1]}x{card.shape[0]} pixels")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
