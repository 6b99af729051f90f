"""What can be measured on pictures of faces, where heads stand in the same place: the light of a box, its warmth...

Each attribute is a function of pixels `(N, S, S, 3)` that gives a number a picture, `(N,)`. Boxes are (top, bottom,
left, right) in 96ths of the side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX

Box = tuple[int, int, int, int]
Attribute = Callable[[np.ndarray], np.ndarray]
UNITS = 96  # of a box, on a side
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
WARMTH = np.array([1, 0, -1], np.float32)
WHOLE: Box = (0, 96, 0, 96)
CORNERS: tuple[Box, ...] = ((0, 8, 0, 10), (0, 8, 86, 96))  # where only the background is


def inside(pictures: np.ndarray, boxes: tuple[Box, ...]) -> np.ndarray:
    """Cut boxes out of pictures: pixels `(N, P, 3)`, float32."""
    unit = pictures.shape[1] / UNITS
    edges = [[round(edge * unit) for edge in box] for box in boxes]
    cut = [pictures[:, top:bottom, left:right].reshape(len(pictures), -1, 3) for top, bottom, left, right in edges]
    return np.concatenate(cut, axis=1).astype(np.float32)


def light(*boxes: Box) -> Attribute:
    """Measure how light boxes are."""
    return lambda pictures: np.asarray((inside(pictures, boxes) @ LUMINANCE).mean(axis=1))


def warm(*boxes: Box) -> Attribute:
    """Measure how much more red than blue there is in boxes."""
    return lambda pictures: np.asarray((inside(pictures, boxes) @ WARMTH).mean(axis=1))


def colourful(*boxes: Box) -> Attribute:
    """Measure how far from grey boxes are."""
    return lambda pictures: np.asarray(np.ptp(inside(pictures, boxes), axis=2).mean(axis=1))


def contrasting(*boxes: Box) -> Attribute:
    """Measure how much the light within boxes differs."""
    return lambda pictures: np.asarray((inside(pictures, boxes) @ LUMINANCE).std(axis=1))


def covered(*boxes: Box) -> Attribute:
    """Measure how far boxes are from the background."""

    def measure(pictures: np.ndarray) -> np.ndarray:
        background = inside(pictures, CORNERS).mean(axis=1, keepdims=True)
        distances: np.ndarray = np.abs(inside(pictures, boxes) - background).mean(axis=(1, 2))
        return distances

    return measure


def white(*boxes: Box) -> Attribute:
    """Measure how white boxes are, as the whites of eyes."""
    return lambda pictures: np.asarray(inside(pictures, boxes).min(axis=2).mean(axis=1))


def more(one: Attribute, than: Attribute) -> Attribute:
    """Measure by how much one attribute is above another."""
    return lambda pictures: one(pictures) - than(pictures)


def opposite(attribute: Attribute) -> Attribute:
    """Measure how little there is of an attribute."""
    return lambda pictures: -attribute(pictures)


def unlike(one: Box, other: Box) -> Attribute:
    """Measure how far the pixels of a box are from another box's mean, as hair or glasses are from skin."""

    def measure(pictures: np.ndarray) -> np.ndarray:
        usual = inside(pictures, (other,)).mean(axis=1, keepdims=True)
        distances: np.ndarray = np.abs(inside(pictures, (one,)) - usual).mean(axis=(1, 2))
        return distances

    return measure


# Where a checkpoint's skin is, where its hair is, and so on; whoever trains it anew looks whether they still are
SKIN_OF_PORTRAITS: Box = (60, 70, 37, 48)
PORTRAITS: Mapping[str, Attribute] = {
    "skin_light": light(SKIN_OF_PORTRAITS),
    "hair_dark": opposite(light((14, 28, 36, 66))),
    "hair_warm": warm((14, 28, 36, 66)),
    "hair_long": covered((62, 80, 12, 26), (62, 80, 72, 80)),
    "hair_volume": covered((6, 28, 12, 28), (6, 28, 74, 86)),
    "fringe": unlike((32, 42, 40, 60), SKIN_OF_PORTRAITS),
    "eyes_closed": opposite(contrasting((49, 59, 29, 42), (49, 59, 58, 70))),
    "mouth_open": contrasting((70, 80, 44, 56)),
    "glasses": more(light(SKIN_OF_PORTRAITS), light((50, 56, 46, 54))),
    "background_light": light(*CORNERS),
    "background_warm": warm((0, 10, 0, 10), (0, 10, 86, 96), (30, 60, 0, 6), (30, 60, 90, 96)),
    "clothes_light": light((88, 96, 34, 62)),
    "clothes_cool": opposite(warm((88, 96, 30, 66))),
}
SKIN_OF_ADVENTURER: Box = (56, 66, 54, 64)
ADVENTURER: Mapping[str, Attribute] = {
    "skin_light": light(SKIN_OF_ADVENTURER),
    "hair_dark": opposite(light((16, 26, 34, 62))),
    "hair_cool": opposite(warm((16, 26, 34, 62))),
    "hair_long": covered((58, 86, 4, 18), (60, 86, 74, 92)),
    "hair_volume": covered((2, 18, 20, 76)),
    "fringe": unlike((26, 36, 30, 56), SKIN_OF_ADVENTURER),
    "eyes_open": white((44, 58, 23, 36), (44, 58, 44, 58)),
    "looks_right": more(light((46, 56, 23, 29), (46, 56, 44, 51)), light((46, 56, 29, 36), (46, 56, 51, 58))),
    "mouth_open": contrasting((60, 72, 30, 48)),
    "colourful": colourful(WHOLE),
}
SKIN_OF_MICAH: Box = (42, 50, 36, 46)
MICAH: Mapping[str, Attribute] = {
    "skin_light": light(SKIN_OF_MICAH),
    "hair_dark": opposite(light((8, 20, 34, 60))),
    "hair_long": covered((40, 66, 8, 24), (40, 62, 70, 84)),
    "hair_volume": covered((0, 12, 20, 70)),
    "brows": unlike((27, 33, 38, 48), SKIN_OF_MICAH),
    "eyes_open": contrasting((34, 42, 38, 46), (32, 40, 56, 62)),
    "glasses": unlike((38, 46, 46, 56), SKIN_OF_MICAH),
    "mouth_open": contrasting((50, 62, 44, 62)),
    "beard": unlike((60, 68, 44, 60), SKIN_OF_MICAH),
    "clothes_dark": opposite(light((87, 96, 24, 70))),
    "clothes_cool": opposite(warm((87, 96, 24, 70))),
    "colourful": colourful(WHOLE),
}
ANY: Mapping[str, Attribute] = {
    "light": light(WHOLE),
    "warm": warm(WHOLE),
    "colourful": colourful(WHOLE),
    "contrasting": contrasting(WHOLE),
    "background_light": light(*CORNERS),
    "background_warm": warm(*CORNERS),
    "middle_light": light((36, 72, 30, 66)),
    "top_light": light((6, 30, 30, 66)),
    "bottom_light": light((84, 96, 20, 76)),
}


def attributes_of(data: str) -> Mapping[str, Attribute]:
    """Give what can be measured on faces learned from pictures of this name, by name."""
    if data.startswith(PORTRAITS_PREFIX):
        return PORTRAITS
    return {f"{AVATARS_PREFIX}adventurer": ADVENTURER, f"{AVATARS_PREFIX}micah": MICAH}.get(data, ANY)
