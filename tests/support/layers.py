"""A tiny set of layers in the shape of the art that portraits are composed of, drawn here."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from dcgan.data.portraits import SIDE

DARK, LIGHT, DEEP, HALF = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255), (128, 128, 0, 255)
WHITE, BLACK = (255, 255, 255, 255), (0, 0, 0, 255)

# Licence files in other people's words would be theirs; this is the sentence that is looked for, with another address.
LICENCE = """This work, made by Viktor Hahn (somebody@example.org),
is licensed under the Creative Commons Attribution 4.0 International License.
http://creativecommons.org/licenses/by/4.0/"""

Box = tuple[int, int, int, int]  # left, top, right, bottom


def layer(*boxes: tuple[Box, tuple[int, int, int, int]]) -> Image.Image:
    """An empty layer with filled boxes on it."""
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    for (left, top, right, bottom), colour in boxes:
        pixels[top:bottom, left:right] = colour
    return Image.fromarray(pixels)


LAYERS: dict[str, Callable[[], Image.Image]] = {
    "hair/back/long01": lambda: layer(((24, 12, 72, 62), DEEP)),
    "hair/back/short01": lambda: layer(((28, 12, 68, 40), DEEP)),
    "hair/base/female06": lambda: layer(((28, 4, 68, 20), HALF), ((28, 4, 68, 6), DEEP)),
    "hair/base/female06_shadow": lambda: layer(((32, 20, 64, 22), HALF)),
    "hair/base/female12": lambda: layer(((30, 4, 66, 14), HALF)),
    "hair/base/male01": lambda: layer(((30, 4, 66, 16), LIGHT)),
    "hair/base/ribbon": lambda: layer(((40, 0, 56, 6), LIGHT)),
    "hair/front/female06": lambda: layer(((32, 12, 64, 24), LIGHT)),
    "body/female01": lambda: layer(((32, 8, 64, 60), LIGHT), ((20, 60, 76, 96), LIGHT), ((32, 56, 64, 60), DARK)),
    "body/male01": lambda: layer(((32, 8, 64, 60), LIGHT), ((16, 60, 80, 96), HALF)),
    "cloths/female08_primary": lambda: layer(((20, 66, 76, 96), LIGHT)),
    "cloths/male01_primary": lambda: layer(((16, 62, 80, 96), LIGHT)),
    "eyes/female01": lambda: layer(((36, 30, 44, 38), WHITE), ((38, 32, 42, 38), DARK), ((52, 30, 60, 38), WHITE)),
    "eyes/male01": lambda: layer(((36, 32, 44, 36), DARK), ((52, 32, 60, 36), DARK)),
    "eyes/closed02": lambda: layer(((36, 35, 44, 36), BLACK), ((52, 35, 60, 36), BLACK)),
    "brows/neutral01": lambda: layer(((36, 26, 44, 27), BLACK), ((52, 26, 60, 27), BLACK)),
    "mouth/smile01": lambda: layer(((44, 50, 52, 51), DARK)),
    "mouth/O": lambda: layer(((46, 49, 50, 52), DARK)),
    "nose/small01": lambda: layer(((48, 42, 49, 44), HALF)),
    "glasses/glasses01": lambda: layer(((34, 28, 62, 29), DARK)),
    "neck/bow": lambda: layer(((42, 60, 54, 66), HALF)),
    "ears/cat_ears01": lambda: layer(((28, 0, 36, 8), DARK), ((60, 0, 68, 8), DARK)),
}


def write_layers(folder: Path, licence: str | None = LICENCE) -> Path:
    """Write the whole set as a clone of the art has it; returns the clone's folder."""
    for name, draw in LAYERS.items():
        path = folder / "images" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw().save(path)
        path.with_name(f"{path.name}.import").write_text("of another program")
    if licence is not None:
        (folder / "images" / "license.txt").write_text(licence)
    return folder


def zipped(folder: Path, path: Path) -> Path:
    """Pack a folder into a .zip, its own name included, as a download has it."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return path
