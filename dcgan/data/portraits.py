"""Composes anime portraits, as many as wanted, from the layers of https://github.com/V-ktor/pixel-art-portraits.

python -m dcgan.portraits pixel-art-portraits portraits/ --count 1000
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from dcgan.config import PORTRAIT_BACKGROUNDS as BACKGROUNDS
from dcgan.data.attribution import Attribution
from dcgan.data.portrait_design import (
    CLOTH,
    EYES,
    FLUFF,
    HAIR,
    KINDS,
    METAL,
    SKIN,
    Design,
    Palette,
    design,
    has_part,
    shifted,
)
from dcgan.errors import InputError
from dcgan.images import check_colours
from dcgan.names import on_disk
from dcgan.parallel import map_in_processes

SOURCE = "https://github.com/V-ktor/pixel-art-portraits"
SIDE = 96  # pixels a side of a layer
CROPS = {"head": (slice(0, 64), slice(16, 80)), "bust": (slice(0, 96), slice(0, 96))}  # rows and columns
VERSION = 1  # raise it when the same index comes to look otherwise
DARKEST = np.array((15, 8, 20), np.float32)  # what the darkest grey of a layer stands for; the lightest is white
MAX_LAYER_BYTES = 2**20  # of a layer's file; the art's largest has 4 kB
LICENCE_FILE = "license.txt"
LICENCE_TEXT = re.compile(
    r"This work, made by Viktor Hahn( \([^()]*\))?, is licensed under the Creative Commons Attribution 4\.0 "
    r"International License\. https?://creativecommons\.org/licenses/by/4\.0/?"
)
CREDIT = Attribution(
    title="pixel-art-portraits",
    creator="Viktor Hahn",
    source=SOURCE,
    licence="CC BY 4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    licence_text=(
        f"“pixel-art-portraits” ({SOURCE}) by Viktor Hahn, licensed under CC BY 4.0 "
        "(https://creativecommons.org/licenses/by/4.0/)"
    ),
    changes="recoloured, composed to portraits, cropped, enlarged, and used as training pictures",
)
UNKNOWN = Attribution(
    title="layers of portraits", creator="", source="", licence="licence unknown", licence_url="", licence_text=""
)


@dataclass(frozen=True)
class Mask:
    """A layer as paint by numbers: which pixels it covers, and of which few kinds they are."""

    places: np.ndarray  # (P,) of a canvas's pixels in one row
    kinds: np.ndarray  # (P,) from 0 to K - 1
    weights: np.ndarray  # (K, 3) of a palette's dark, light and deep, float32 from 0 to 1
    grey: np.ndarray  # (K, 3), float32 from 0 to 255
    alpha: np.ndarray  # (K, 1), float32 from 0 to 1

    @classmethod
    def of(cls, layer: np.ndarray) -> Mask:
        """Make one from a layer `(S, S, 4)`, uint8.

        Where red, green and blue differ they are the weights; where they are equal, the pixel is a grey of its own.
        """
        pixels = layer.reshape(-1, 4)
        places = np.flatnonzero(pixels[:, 3])
        values, kinds = np.unique(pixels[places], axis=0, return_inverse=True)
        colours, alpha = np.split(values.astype(np.float32) / 255, [3], axis=1)
        is_grey = (colours == colours[:, :1]).all(1, keepdims=True)
        grey = np.where(is_grey, DARKEST + colours * (255 - DARKEST), 0).astype(np.float32)
        return cls(places, kinds.reshape(-1), np.where(is_grey, 0, colours).astype(np.float32), grey, alpha)

    def paint(self, canvas: np.ndarray, palette: Palette, raised: int = 0) -> None:
        """Lay the coloured layer on `canvas` `(S, S, 3)`, float32, `raised` pixels higher than it was drawn."""
        colours = self.grey.copy()
        # not by a matrix product, whose last bit depends on the machine
        for part, value in enumerate((palette.dark, palette.light, palette.deep)):
            colours += self.weights[:, part : part + 1] * np.array(value, np.float32)
        pixels, places = canvas.reshape(-1, 3), self.places - raised * len(canvas)
        if (self.alpha == 1).all():
            pixels[places] = colours[self.kinds]
        else:
            pixels[places] += self.alpha[self.kinds] * (colours[self.kinds] - pixels[places])


@dataclass(frozen=True)
class Art:
    """The layers of a clone or zip of the art, by name: `hair/base/female01_shadow`, ..."""

    layers: Mapping[str, np.ndarray]  # (96, 96, 4), uint8
    digest: str  # SHA-256 of the layers
    attribution: Attribution


def open_art(place: str | Path) -> Art:
    """Read the layers that a folder or .zip holds: a clone of the art, or its folder `images`.

    Raises:
        InputError: nothing there, no layers, a kind of them missing, or one that is damaged or of another size; names
            it.
    """
    path = on_disk(str(place))
    images = _images_folder(path)
    layers, digest = {}, hashlib.sha256()
    for kind in KINDS:
        for file in sorted(_files(images / kind), key=lambda file: file.name):
            name = f"{kind}/{file.name.removesuffix('.png')}"
            layers[name] = _read_layer(file, f"{path}: the layer {name}")
            digest.update(name.encode() + layers[name].tobytes())
    for kind, names in KINDS.items():
        if not any(name and has_part(layers, kind, name) for name in names):
            raise InputError(f"{path} has no layers of the kind {kind} that can be used. {_WHAT_WORKS}")
    return Art(layers, digest.hexdigest(), _attribution(images))


class Composer:
    """Draws portraits: from which art, how large, cropped how, on which backgrounds in turn.

    Raises:
        InputError: no such crop or colour.
    """

    def __init__(self, art: Art, size: int = 96, crop: str = "head", backgrounds: Sequence[str] = BACKGROUNDS):
        if crop not in CROPS:
            raise InputError(f"--portrait-crop is {crop!r}; it must be one of {', '.join(CROPS)}.")
        check_colours(backgrounds)
        self.size = size
        self.backgrounds = [ImageColor.getrgb(colour)[:3] for colour in backgrounds]
        self.masks = {name: Mask.of(layer[CROPS[crop]]) for name, layer in art.layers.items()}
        self.side = CROPS[crop][0].stop

    def compose(self, index: int) -> np.ndarray:
        """Compose portrait number `index`, pixels `(size, size, 3)`, uint8; the same for the same art and settings.

        Of several backgrounds it has the one at `index` modulo their number.
        """
        canvas = np.empty((self.side, self.side, 3), np.float32)
        canvas[:] = self.backgrounds[index % len(self.backgrounds)]
        for name, palette, raised in layers_of(design(index, self.masks)):
            if mask := self.masks.get(name):
                mask.paint(canvas, palette, raised)
        return _enlarged(canvas.round().astype(np.uint8), self.size)


def layers_of(worn: Design) -> Iterator[tuple[str, Palette, int]]:
    """List what to paint for a design, from back to front: layer, palette, and how many pixels higher than drawn."""
    hair = shifted(HAIR[worn.hair_colour], worn.hue_shift, worn.tone_shift)
    skin, eyes, frame = SKIN[worn.skin], EYES[worn.eye_colour], METAL[worn.frame]
    cloth, second, accent = CLOTH[worn.cloth], CLOTH[worn.second_cloth], CLOTH[worn.accent]
    yield f"hair/back/{worn.behind}", hair, 0
    yield f"body/{worn.body}", skin, 0
    yield f"cloths/{worn.cloths}_shadow", skin, 0
    yield f"cloths/{worn.cloths}_primary", cloth, 0
    yield f"cloths/{worn.cloths}_secondary", second, 0
    yield f"cloths/{worn.cloths}_details", accent, 0
    yield f"neck/{worn.neck}", accent, 0
    yield f"mouth/{worn.mouth}", skin, 0
    yield f"nose/{worn.nose}", skin, 0
    for part in (f"base/{worn.hair}", f"front/{worn.fringe}"):
        yield f"hair/{part}_shadow", skin, 0
    yield f"eyes/{worn.eyes}_shadow", skin, 0
    yield f"eyes/{worn.eyes}", eyes, 0
    yield f"glasses/{worn.glasses}_shadow", skin, 0
    yield f"glasses/{worn.glasses}", frame, 0
    yield f"brows/{worn.brows}", hair, worn.brow_height
    yield f"hair/base/{worn.hair}", hair, 0
    if worn.clip:
        yield f"hair/base/{worn.hair}_decoration01", accent, 0
    yield f"hair/front/{worn.fringe}", hair, 0
    yield f"hair/front/{worn.on_top}", hair, 0
    yield f"hair/base/{worn.ornament}", accent, 0
    yield f"ears/{worn.ears}", hair, 0
    yield f"ears/{worn.ears}_skin", skin, 0
    yield f"ears/{worn.ears}_fluff", FLUFF, 0


def compose_many(composer: Composer, count: int, first: int = 0, workers: int | None = None) -> Iterator[np.ndarray]:
    """Compose portraits `first` to `first + count - 1` in order, in parallel over the cores."""
    return map_in_processes(Composer.compose, composer, range(first, first + count), workers)


def _images_folder(path: Path) -> Path | zipfile.Path:
    """Find where under `path` the folders of layers lie."""
    if path.is_dir():
        root: Path | zipfile.Path = path
    elif path.is_file():
        try:
            root = zipfile.Path(zipfile.ZipFile(path))
        except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
            raise InputError(f"{path} is no .zip that can be read ({error}). {_WHAT_WORKS}") from None
    else:
        raise InputError(f"there is no folder or .zip {path}. {_WHAT_WORKS}")
    inner = sorted((entry for entry in root.iterdir() if entry.is_dir()), key=lambda entry: entry.name)
    for folder in (root, *inner, *(entry / "images" for entry in inner)):
        if any((folder / kind).is_dir() for kind in KINDS):
            return folder
    raise InputError(f"{path} holds no layers (no folder images/hair/base in it). {_WHAT_WORKS}")


_WHAT_WORKS = f"Get the art with: git clone {SOURCE}"


def _files(folder: Path | zipfile.Path) -> list[Path | zipfile.Path]:
    found = folder.iterdir() if folder.is_dir() else ()
    return [file for file in found if file.name.endswith(".png") and not file.name.startswith(".") and file.is_file()]


def _read_layer(file: Path | zipfile.Path, words: str) -> np.ndarray:
    """Read a layer's pixels `(96, 96, 4)`, uint8; `words` name it in an error."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_LAYER_BYTES + 1)
        if len(raw) > MAX_LAYER_BYTES:
            raise InputError(f"{words} is larger than {MAX_LAYER_BYTES // 2**20} MB, so it is none. {_WHAT_WORKS}")
        with Image.open(io.BytesIO(raw), formats=["PNG"]) as picture:
            if picture.size != (SIDE, SIDE):
                raise InputError(f"{words} is {picture.width}x{picture.height} pixels, not {SIDE}x{SIDE}.")
            return np.asarray(picture.convert("RGBA"))
    except InputError:
        raise
    except Exception as error:  # a broken file can raise nearly anything in its decoder
        raise InputError(f"{words} can't be read ({type(error).__name__}). {_WHAT_WORKS}") from None


def _attribution(images: Path | zipfile.Path) -> Attribution:
    try:
        with (images / LICENCE_FILE).open("rb") as stream:
            text = stream.read(MAX_LAYER_BYTES).decode("utf-8", "replace")
    except (OSError, KeyError):
        return UNKNOWN
    return CREDIT if LICENCE_TEXT.fullmatch(" ".join(text.split())) else UNKNOWN


def _enlarged(pixels: np.ndarray, size: int) -> np.ndarray:
    """Bring pixels `(S, S, 3)` to `size` a side: by the EPX rule twice and then Lanczos, unless they have it."""
    if len(pixels) == size:
        return pixels
    coded = np.zeros((*pixels.shape[:2], 4), np.uint8)  # four bytes a pixel, compared as one number
    coded[..., :3] = pixels
    large = _epx(_epx(coded.view(np.uint32)[..., 0]))
    picture = Image.frombuffer("RGBX", large.shape, large, "raw", "RGBX", 0, 1)
    return np.asarray(picture.resize((size, size), Image.Resampling.LANCZOS))[..., :3]


def _epx(coded: np.ndarray) -> np.ndarray:
    """Double colours `(S, S)` by the rule EPX, also known as Scale2x, which keeps slanted edges smooth."""
    padded = np.pad(coded, 1, mode="edge")
    above, below, left, right = padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]
    is_edge = (above != below) & (left != right)
    large = np.empty((2 * len(coded), 2 * len(coded)), coded.dtype)
    for row, vertical in enumerate((above, below)):
        for column, horizontal in enumerate((left, right)):
            large[row::2, column::2] = np.where(is_edge & (vertical == horizontal), vertical, coded)
    return large
