"""What a portrait wears: which parts of the art go together, and in which colours.

A portrait is an index: the same one gives the same design wherever the same parts are at hand. The lists below are a
choice of ours, made by looking at sheets of two hundred: parts that hide an eye, leave holes in the hair or never look
well in any company are not in them.
"""

from __future__ import annotations

import colorsys
import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

Colour = tuple[float, float, float]  # red, green, blue from 0 to 255
Weights = Mapping[str, float]  # name of a part or palette -> how often it is drawn, beside the others
CLOSED_EYES = 1 / 7
GLASSES = 0.08
EARS = 0.10
CLIP = 0.3  # the hairpin that comes with some hair
NECK = 0.25
WOMEN = 0.68
HUE_JITTER, TONE_JITTER = 0.012, 0.06


@dataclass(frozen=True)
class Palette:
    """The three colours that a part's mask mixes; its large areas are `light`, or half that and half `dark`."""

    dark: Colour
    light: Colour
    deep: Colour  # the line around hair and what hangs in its shade; in eyes the glow at the lower rim


def _palettes(*rows: str) -> dict[str, Palette]:
    """Read palettes, `name dark light deep` a row, colours in hex."""
    found = {}
    for row in rows:
        name, *colours = row.split()
        found[name] = Palette(*map(_from_hex, colours))
    return found


def _from_hex(digits: str) -> Colour:
    red, green, blue = (int(digits[i : i + 2], 16) for i in (0, 2, 4))
    return red, green, blue


# Hues turn from light to shade: towards red and violet in the dark, towards yellow in the light.
HAIR = _palettes(
    "blond      c48a3c fff0b0 6e4128",
    "honey      a36a30 f6d68c 5c3320",
    "caramel    7d4426 dba068 43201a",
    "brown      5a3022 ae7650 331819",
    "umber      3f2420 7f5544 231214",
    "black      1f1e2c 565a7c 0d0c18",
    "silver     8f98b4 f4f6fc 474a66",
    "platinum   bfaeaa fff9ee 6a5c68",
    "ginger     b24a26 f9a964 571c18",
    "red        951f34 f26e62 430c20",
    "rose       c23c74 ff9fbd 621a46",
    "pink       de7aa2 ffd0df 7a3260",
    "plum       6f2a6c d583cf 371038",
    "purple     56359a b994ea 281750",
    "lavender   9580c4 e8dafb 473d74",
    "blue       2c57b0 84bdf6 142656",
    "navy       21336e 6486c8 0d1232",
    "sky        4a9ec8 c2f0f8 1d4a6a",
    "teal       1f7a80 88e4d0 0d3c46",
    "mint       4d9c74 b8eebb 1f4b3c",
)
HAIR_WEIGHTS = {
    "blond": 9, "honey": 6, "caramel": 7, "brown": 10, "umber": 6, "black": 10, "silver": 7, "platinum": 4, "ginger": 6,
    "red": 6, "rose": 4, "pink": 8, "plum": 3, "purple": 6, "lavender": 5, "blue": 7, "navy": 5, "sky": 5, "teal": 5,
    "mint": 3,
}  # fmt: skip
EYES = _palettes(
    "blue       15295e 8fd0ff 3f7bd6",
    "sky        144a66 b5f2ff 3fa9d0",
    "green      123f2c a2ee9a 3c9a58",
    "teal       0f3f48 90efe0 2d9a9a",
    "hazel      3f2416 e0b06a 8d5f30",
    "brown      2e1716 c08058 72402c",
    "amber      4f240f ffd772 d08a2a",
    "red        4a0c1c ff8d80 c02e40",
    "rose       5a143e ffb0cc d84c88",
    "violet     2d1858 d0a4ff 7c4cc6",
    "grey       272b3f d0dae8 7f8ba4",
)
EYE_WEIGHTS = {
    "blue": 14, "sky": 8, "green": 12, "teal": 7, "hazel": 9, "brown": 12, "amber": 10, "red": 7, "rose": 5,
    "violet": 10, "grey": 6,
}  # fmt: skip
SKIN = _palettes(
    "porcelain  8f4c52 ffebe0 643539",
    "rosy       91474f ffe2d8 663237",
    "fair       8a4741 ffdcc3 61322e",
    "warm       80402f f9cfa8 5a2d21",
    "tan        6d3626 e6b48a 4c261b",
    "olive      5f3322 d19b6e 422418",
    "brown      42201a a8704e 2e1612",
    "deep       2f1614 84543f 210f0e",
)
SKIN_WEIGHTS = {"porcelain": 3, "rosy": 3, "fair": 3, "warm": 2.5, "tan": 1.5, "olive": 1, "brown": 1, "deep": 0.8}
CLOTH = _palettes(
    "ink        14121f 4a4a63 0c0b13",
    "navy       141a3c 51669f 0c1024",
    "wine       3a0f1f a64558 230913",
    "red        4a1019 dc5a52 2c0a0f",
    "rose       6b2c4c f5b3c4 401a2e",
    "violet     2c1c4c 9a7ccb 1a112e",
    "lilac      4f4573 dccff2 2f2945",
    "blue       152c59 78a6e4 0d1a35",
    "aqua       1c4a5c a9e2e6 112c37",
    "green      173b2a 6fb382 0e2319",
    "moss       333a1d a6ad68 1f2311",
    "mustard    55381a e8bf66 332210",
    "brown      331d18 93684e 1f110e",
    "white      5d5f73 fbfbff 383945",
    "cream      6d5548 fff4e0 41332b",
)
CLOTH_WEIGHTS = dict.fromkeys(CLOTH, 1.0)
METAL = _palettes(
    "black      0f0e17 3b3b4d 0a0910",
    "steel      4a5068 b9c2d4 2a2d3f",
    "wine       5a1a2c 9c4152 330d1b",
    "blue       22396e 6a8fd0 14224a",
    "gold       7a5a24 eacb72 50371a",
)
METAL_WEIGHTS = {"black": 4, "steel": 2, "wine": 1.5, "blue": 1.5, "gold": 1}
FLUFF = Palette((226, 216, 220), (255, 252, 248), (150, 132, 142))
# Hair by how often it is worn; most has a fringe of its own, the rest is combed back and wears one of FRINGES.
WOMENS_HAIR = {
    "female01": 6, "female02": 5, "female03": 4, "female04": 4, "female06": 6, "female07": 4, "female08": 5,
    "female09": 7, "female10": 6, "female12": 11, "female13": 5, "ponytail01": 13,
}  # fmt: skip
MENS_HAIR = {"male01": 8, "male04": 5, "male07": 5, "female01": 3, "female03": 2}
FRINGES: dict[str, Weights] = {
    "female12": {"female01": 6, "female06": 7, "female07": 3, "female11": 3, "female12": 3},
    "female13": {"female01": 4, "female06": 4, "female07": 3},
    "ponytail01": {"": 3, "female01": 6, "female04": 3, "female06": 6, "female07": 2, "female11": 3, "female12": 3},
    "male01": {"": 4, "female01": 4},
    "male04": {"": 2, "female01": 3, "female04": 3, "male03": 2},
}
BEHIND = {"long01": 5, "long02": 4, "long03": 5, "medium01": 3, "medium02": 3, "medium03": 3, "pigtails01": 3, "": 3}
MENS_BEHIND = {"": 8, "short01": 2, "medium03": 1}
WITHOUT_BEHIND = ("ponytail01",)  # its own tail hangs there
ON_TOP = {"": 12, "female08": 2, "female09": 2}  # a cowlick, two buns
WOMENS_EYES = {"female01": 6, "female02": 4, "female03": 4, "tall01": 5, "angled01": 1.5, "flat01": 1}
MENS_EYES = {"male01": 4, "male02": 3, "male03": 4, "angled01": 2, "female02": 2}
SHUT = {"closed01": 2, "closed02": 3, "closed04": 2}
BROWS = {"neutral01": 4, "neutral02": 4, "neutral03": 4, "flat02": 2, "sad01": 2, "angry01": 1.2}
MOUTHS = {
    "smile01": 5, "smile02": 5, "grin01": 4, "grin02": 3, "O": 1.5, "neutral": 2, "neutral01": 2, "neutral02": 2,
    "small": 2.5, "sad01": 0.7,
}  # fmt: skip
WOMENS_NOSES = {"small01": 4, "small02": 4, "neutral01": 2, "neutral02": 2}
MENS_NOSES = {"neutral01": 3, "neutral02": 3, "pointy01": 2, "small01": 2}
WOMENS_BODIES = {"female01": 1, "female02": 1, "female03": 1}
MENS_BODIES = {"male01": 1, "male02": 1}
WOMENS_CLOTHS = {
    "female02": 2, "female03": 1, "female04": 1, "female06": 1, "female07": 1, "female08": 3, "female09": 3,
    "female10": 3, "female11": 3, "female12": 2,
}  # fmt: skip
MENS_CLOTHS = {"male01": 3, "male02": 3, "male03": 3, "male04": 2, "male06": 3, "male07": 2}
GLASSES_WEIGHTS = {"glasses01": 3, "glasses02": 3, "glasses03": 2}
EARS_WEIGHTS = {"cat_ears01": 5, "fox_ears02": 2, "bear_ears01": 2, "bunny_ears01": 3}
NECKS = {"bow": 3, "collar": 3, "necklace": 2, "scarf": 2, "tie": 1}
ORNAMENTS = {"": 30, "ribbon": 3, "headset": 1, "earrings": 2}
# What has to be at hand, by folder of the art.
KINDS: dict[str, Collection[str]] = {
    "hair/base": WOMENS_HAIR | MENS_HAIR,
    "hair/front": {name for fringes in FRINGES.values() for name in fringes},
    "hair/back": BEHIND | MENS_BEHIND,
    "eyes": WOMENS_EYES | MENS_EYES,
    "brows": BROWS,
    "mouth": MOUTHS,
    "nose": WOMENS_NOSES | MENS_NOSES,
    "body": WOMENS_BODIES | MENS_BODIES,
    "cloths": WOMENS_CLOTHS | MENS_CLOTHS,
    "glasses": GLASSES_WEIGHTS,
    "neck": NECKS,
    "ears": EARS_WEIGHTS,
}


@dataclass(frozen=True)
class Design:
    """One portrait: the name of each part, "" for none, and of each palette; the jitter its hair has."""

    is_woman: bool
    hair: str
    fringe: str
    behind: str
    on_top: str
    clip: bool
    ornament: str
    eyes: str
    brows: str
    brow_height: int  # pixels above where they were drawn
    mouth: str
    nose: str
    body: str
    cloths: str
    glasses: str
    neck: str
    ears: str
    hair_colour: str
    eye_colour: str
    skin: str
    cloth: str
    second_cloth: str
    accent: str
    frame: str
    hue_shift: float  # of the hair, in turns
    tone_shift: float  # of its brightness, as a share


def design(index: int, parts: Collection[str]) -> Design:
    """Design portrait number `index` from `parts`, named as in the art: `hair/base/female01`, `eyes/tall01`, ..."""
    rng = random.Random(index)

    def pick(weights: Weights, kind: str = "", chance: float = 1.0) -> str:
        """Pick a name of those of a kind that are at hand; "" where chance has it or nothing is."""
        luck, place = rng.random(), rng.random()  # both always, so that one choice doesn't move the next
        known = {n: w for n, w in weights.items() if not kind or not n or has_part(parts, kind, n)}
        return _at(place, known) if known and luck < chance else ""

    def pick_one_of(first: Weights, others: Weights, kind: str) -> str:
        return pick(first, kind) or pick(others, kind)

    woman = rng.random() < WOMEN
    hair = pick_one_of(*_own_first(woman, WOMENS_HAIR, MENS_HAIR), "hair/base")
    eyes = pick(SHUT, "eyes", CLOSED_EYES) or pick_one_of(*_own_first(woman, WOMENS_EYES, MENS_EYES), "eyes")
    ears = pick(EARS_WEIGHTS, "ears", EARS)
    cloth = pick(CLOTH_WEIGHTS)
    others = {name: weight for name, weight in CLOTH_WEIGHTS.items() if name != cloth}
    return Design(
        is_woman=woman,
        hair=hair,
        fringe=pick(FRINGES.get(hair, {"": 1}), "hair/front"),
        behind="" if hair in WITHOUT_BEHIND else pick(BEHIND if woman else MENS_BEHIND, "hair/back"),
        on_top=pick(ON_TOP, "hair/front") if woman and not ears else "",
        clip=woman and rng.random() < CLIP,
        ornament=pick(ORNAMENTS, "hair/base") if woman and not ears else "",
        eyes=eyes,
        brows=pick(BROWS, "brows"),
        brow_height=int(_at(rng.random(), {"0": 4, "1": 2, "-1": 1})),
        mouth=pick(MOUTHS, "mouth"),
        nose=pick_one_of(*_own_first(woman, WOMENS_NOSES, MENS_NOSES), "nose"),
        body=pick_one_of(*_own_first(woman, WOMENS_BODIES, MENS_BODIES), "body"),
        cloths=pick_one_of(*_own_first(woman, WOMENS_CLOTHS, MENS_CLOTHS), "cloths"),
        glasses=pick(GLASSES_WEIGHTS, "glasses", GLASSES),
        neck=pick(NECKS, "neck", NECK),
        ears=ears,
        hair_colour=pick(HAIR_WEIGHTS),
        eye_colour=pick(EYE_WEIGHTS),
        skin=pick(SKIN_WEIGHTS),
        cloth=cloth,
        second_cloth=pick(others),
        accent=pick(others),
        frame=pick(METAL_WEIGHTS),
        hue_shift=rng.uniform(-HUE_JITTER, HUE_JITTER),
        tone_shift=rng.uniform(-TONE_JITTER, TONE_JITTER),
    )


def _own_first(woman: bool, womens: Weights, mens: Weights) -> tuple[Weights, Weights]:
    return (womens, mens) if woman else (mens, womens)


def has_part(parts: Collection[str], kind: str, name: str) -> bool:
    """Tell whether a part is at hand; cloths come in several layers, the first of which is `_primary`."""
    return f"{kind}/{name}" in parts or f"{kind}/{name}_primary" in parts


def shifted(palette: Palette, hue: float, tone: float) -> Palette:
    """Turn a palette's hue and change its brightness by a share."""

    def shift(colour: Colour) -> Colour:
        h, s, v = colorsys.rgb_to_hsv(*(part / 255 for part in colour))
        red, green, blue = colorsys.hsv_to_rgb((h + hue) % 1, s, min(1, v * (1 + tone)))
        return round(255 * red), round(255 * green), round(255 * blue)

    return Palette(shift(palette.dark), shift(palette.light), shift(palette.deep))


def _at(place: float, weights: Weights) -> str:
    """Find the name at `place`, from 0 to 1, when all stand in a row, each as wide as its weight."""
    place *= sum(weights.values())
    for name, weight in weights.items():
        place -= weight
        if place < 0:
            return name
    return name
