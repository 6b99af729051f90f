"""What grain costs: how far pictures come from their own kind by a little noise, and faces by denoising.

python -m benchmarks.grain checkpoints/micah-96
python -m benchmarks.grain checkpoints/portraits-96 --data portraits:pixel-art-portraits
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np
import torch

from dcgan.checkpoints import load_generator, read_training
from dcgan.cli import DONE, Parser, command
from dcgan.denoising import Denoising
from dcgan.errors import InputError
from dcgan.evaluation import EfficientNetLite0, figures, held_out_pictures, open_extractor
from dcgan.files import path_of, with_home
from dcgan.folding import BATCH
from dcgan.images import to_float, to_uint8
from dcgan.latents import latents
from dcgan.models import Generator

NOISES = (2, 4, 8)  # standard deviations, in levels of 255
HEAD = "| pictures | KID x 1000 | FD | precision | recall |\n|---|---|---|---|---|"


def noisy(pixels: np.ndarray, levels: float) -> np.ndarray:
    """Add normal noise to pixels `(N, S, S, 3)`, uint8; the same each time."""
    noise = np.random.default_rng(0).normal(0, levels, pixels.shape)
    return (pixels + noise).round().clip(0, 255).astype(np.uint8)


def denoised(pixels: np.ndarray) -> np.ndarray:
    """Filter pixels `(N, S, S, 3)`, uint8, as a generator's last layer does."""
    layer = Denoising()
    return np.concatenate([to_uint8(layer(to_float(rows))) for rows in torch.from_numpy(pixels).split(BATCH)])


@torch.inference_mode()
def undenoised_faces(generator: Generator, count: int) -> np.ndarray:
    """Draw the faces of the first seeds as pixels `(N, S, S, 3)`, uint8, as its learned layers leave them."""
    z = latents(list(range(count)), generator.latent_dim)
    return np.concatenate([to_uint8(generator.main(rows[:, :, None, None])) for rows in z.split(BATCH)])


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(
        prog="python -m benchmarks.grain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", type=path_of, help="a checkpoint folder")
    parser.add_argument("--data", type=with_home, help="where its held-out pictures come from (as it was trained on)")
    parser.add_argument("--count", type=int, default=1000, help="pictures of each kind (1000)")
    options = parser.parse_args(argv)
    if options.count < 10:
        raise InputError("--count must be 10 or more.")
    generator, settings = load_generator(options.checkpoint), read_training(options.checkpoint).settings()
    held_out = held_out_pictures(
        options.data or settings.data, generator.image_size, settings.portrait_crop, settings.background or ("white",)
    )
    reals, others = held_out.pixels(0, options.count), held_out.pixels(options.count, options.count)
    faces = undenoised_faces(generator, options.count)
    kinds = {
        "others of them": others,
        "these, denoised": denoised(others),
        **{f"these with noise of {levels} levels": noisy(others, levels) for levels in NOISES},
        "faces as they are learned": faces,
        "faces, denoised": denoised(faces),
    }
    extractor = open_extractor(EfficientNetLite0.option, None, torch.device("cpu"))
    of_reals = extractor.features(reals)
    print(f"{options.checkpoint.name}: {options.count:,} pictures of each kind against as many held-out ones\n\n{HEAD}")
    for kind, pixels in kinds.items():
        found = figures(extractor.features(pixels), of_reals)
        print(f"| {kind} | {1000 * found['kid']:.1f} | {found['fd']:.1f} | {found['precision']:.2f} | "
              f"{found['recall']:.2f} |", flush=True)  # fmt: skip
    return DONE


if __name__ == "__main__":
    sys.exit(main())
