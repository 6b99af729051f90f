"""The one way in which a picture file is decoded."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import torch
from PIL import Image, ImageOps

from dcgan.data.picture_source import Decoded


def decode(raw: bytes, size: int, name: str = "") -> Decoded:
    """Turn a picture file's bytes into RGB pixels `(size, size, 3)`.

    Of an animation it is the first frame. It is turned as EXIF says, laid on white where it is transparent, resized
    (antialiased) to cover the square, and cropped at the centre.

    Raises:
        Exception: whatever Pillow raises where it can't read the bytes.
    """
    from torchvision.transforms.v2 import functional as transforms  # takes a second, and cached pictures need none

    with Image.open(io.BytesIO(raw)) as opened:
        picture = ImageOps.exif_transpose(opened)
        alpha = picture.has_transparency_data
        pixels = torch.from_numpy(np.array(_to_rgb(picture))).permute(2, 0, 1)
    small = min(pixels.shape[1:]) < size
    fitted = transforms.center_crop(transforms.resize(pixels, [size], antialias=True), [size, size])
    return Decoded(name, fitted.permute(1, 2, 0).numpy(), hashlib.sha256(raw).digest(), small, alpha)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion would clip instead of scale
        return Image.fromarray((np.asarray(picture) / 257).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")
