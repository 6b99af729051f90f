"""The two networks as a figure."""

from __future__ import annotations

import html
import math
from dataclasses import replace

from dcgan.network_config import FIRST_SIZE, GeneratorConfig
from dcgan.ui.texts import say

HEIGHT, GAP, LABELS = 200, 34, 44  # of the picture, in its own units
TALLEST = 150


def networks_figure(language: str, config: GeneratorConfig, discriminator_feature_maps: int) -> str:
    """Draw as an SVG the layers between latent, picture and verdict: a block for each feature map."""
    sizes = [FIRST_SIZE * 2**k for k in range(config.doublings + 1)]
    generator = list(zip(config.widths, sizes, strict=True))
    widths = replace(config, feature_maps=discriminator_feature_maps).widths
    discriminator = list(zip(widths, sizes, strict=True))[::-1]
    picture = (config.image_channels, config.image_size)
    blocks, x = [], 46.0
    latent = say(language, "figure-latent", count=config.latent_dim)
    verdict = say(language, "figure-verdict")
    rows = [("end", (1, 1), latent), *(("g", m, "") for m in generator), ("picture", picture, "")]
    rows += [*(("d", m, "") for m in discriminator), ("end", (1, 1), verdict)]
    spans: dict[str, list[float]] = {}
    for kind, (channels, size), words in rows:
        wide = 6 + 3.4 * math.sqrt(channels) if kind in "gd" else 16 if kind == "picture" else 8
        tall = TALLEST * math.log2(size + 1) / math.log2(config.image_size + 1) if kind != "end" else 90
        blocks.append(_block(kind, x, wide, tall, words or f"{channels}", "" if words else f"{size}×{size}"))
        spans.setdefault(kind, []).extend((x, x + wide))
        x += wide + GAP
    width = x + 10
    names = "".join(
        f'<text class="name" x="{(min(spans[kind]) + max(spans[kind])) / 2:.0f}" y="14">'
        f"{html.escape(say(language, f'figure-{name}'))}</text>"
        for kind, name in (("g", "generator"), ("d", "discriminator"))
    )
    alt = html.escape(say(language, "figure-alt"))
    return (
        f'<svg class="networks" viewBox="0 0 {width:.0f} {HEIGHT + LABELS}" role="img" aria-label="{alt}">'
        f"{names}{''.join(blocks)}</svg>"
    )


def _block(kind: str, x: float, wide: float, tall: float, first: str, second: str) -> str:
    top, middle = 24 + (HEIGHT - 24 - tall) / 2, x + wide / 2
    labels = "".join(
        f'<text x="{middle:.0f}" y="{HEIGHT + 12 + 14 * line}">{html.escape(words)}</text>'
        for line, words in enumerate((first, second))
        if words
    )
    return f'<rect class="{kind}" x="{x:.0f}" y="{top:.0f}" width="{wide:.0f}" height="{tall:.0f}" rx="3"/>{labels}'
