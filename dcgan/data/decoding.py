"""The one way in which a picture file is decoded."""

from __future__ import annotations

import hashlib
import io
from contextlib import AbstractContextManager, nullcontext, suppress
from threading import Lock

import numpy as np
import torch
from PIL import ExifTags, Image, UnidentifiedImageError

from dcgan.data.formats import readable_formats
from dcgan.data.notes import without_notes
from dcgan.data.picture_source import Decoded, UnusablePictureError
from dcgan.limits import LARGE_PIXELS, MAX_PIXELS, MAX_RATIO, SPARE

UPRIGHT = {  # what turns a picture, by its EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_a_large_one = Lock()  # is held while one is in memory


def decode(raw: bytes, size: int, name: str = "") -> Decoded:
    """Turn a picture file's bytes into RGB pixels `(size, size, 3)`.

    Of an animation it is the first frame. It is turned as EXIF says, laid on white where it is transparent, resized
    (antialiased) to cover the square, and cropped at the centre. Notes in the file that are broken cost nothing.

    Raises:
        UnusablePictureError: the picture is too large.
        Exception: whatever Pillow raises where it can't read the bytes.
    """
    try:
        pixels, small, alpha = _decoded(raw, size)
    except UnusablePictureError:
        raise
    except Exception:
        if (bare := without_notes(raw)) == raw:
            raise
        pixels, small, alpha = _decoded(bare, size)
    return Decoded(name, pixels, hashlib.sha256(raw).digest(), small, alpha)


def why_undecodable(error: Exception) -> str:
    """Say in a few words why a picture can't be used."""
    if isinstance(error, UnusablePictureError):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        return _too_many_pixels()
    if isinstance(error, UnidentifiedImageError):
        return "no picture inside"
    if isinstance(error, MemoryError):
        return "more than the memory holds"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "damaged or cut short"


def _decoded(raw: bytes, size: int) -> tuple[np.ndarray, bool, bool]:
    """Decode to pixels `(size, size, 3)`; whether they were enlarged, and whether there was transparency."""
    from torchvision.transforms.v2 import functional as transforms  # takes a second, and cached pictures need none

    if not raw:
        raise UnusablePictureError("empty")
    with Image.open(io.BytesIO(raw), formats=readable_formats()) as opened:
        small = min(opened.size) < size
        if _pixels(opened) > MAX_PIXELS:
            raise UnusablePictureError(_too_many_pixels())
        if _pixels(opened) > LARGE_PIXELS:
            opened.draft(None, (SPARE * size, SPARE * size))  # of JPEGs, some of the work is left undone
        with _memory_for(opened):
            picture = _without_far_ends(_upright(opened))
            alpha = picture.has_transparency_data
            pixels = torch.from_numpy(np.array(_to_rgb(_shrunk(picture, size)))).permute(2, 0, 1)
    fitted = transforms.center_crop(transforms.resize(pixels, [size], antialias=True), [size, size])
    return fitted.permute(1, 2, 0).numpy(), small, alpha


def _pixels(picture: Image.Image) -> int:
    return picture.width * picture.height


def _too_many_pixels() -> str:
    return f"more than {MAX_PIXELS // 1_000_000} million pixels"


def _memory_for(picture: Image.Image) -> AbstractContextManager[object]:
    return _a_large_one if _pixels(picture) > LARGE_PIXELS else nullcontext()


def _upright(picture: Image.Image) -> Image.Image:
    turn = None
    with suppress(Exception):  # broken EXIF can raise nearly anything
        turn = UPRIGHT.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return picture if turn is None else picture.transpose(turn)


def _without_far_ends(picture: Image.Image) -> Image.Image:
    """Crop what no square at the centre will show of a picture that is very long."""
    (width, height), most = picture.size, MAX_RATIO * min(picture.size)
    if max(width, height) <= most:
        return picture
    left, top = max(width - most, 0) // 2, max(height - most, 0) // 2
    return picture.crop((left, top, width - left, height - top))


def _shrunk(picture: Image.Image, size: int) -> Image.Image:
    """Bring a large picture near the size that is wanted, before it is copied around."""
    factor = min(picture.size) // (SPARE * size)
    if _pixels(picture) <= LARGE_PIXELS or factor < 2 or picture.mode.startswith("I"):
        return picture
    if picture.mode in ("1", "P", "PA"):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    return picture.reduce(factor)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion would clip instead of scale
        return _from_numbers(np.asarray(picture) / np.float32(257))
    if picture.mode == "F":
        numbers = np.nan_to_num(np.asarray(picture))
        return _from_numbers(numbers * 255 if numbers.max() <= 1 else numbers)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def _from_numbers(numbers: np.ndarray) -> Image.Image:
    return Image.fromarray(numbers.round().clip(0, 255).astype(np.uint8)).convert("RGB")
