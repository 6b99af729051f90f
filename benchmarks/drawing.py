"""How fast faces are drawn as pixels, beside onnxruntime with the same weights.

python -m benchmarks.drawing
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import ROOT
from benchmarks.measuring import Effort, Finding, Row, Spread, in_turns, need, run_rows
from dcgan.checkpoints import load_generator
from dcgan.checkpoints.onnx_export import export_onnx
from dcgan.cli import command
from dcgan.latents import latents, seeds_from
from dcgan.layout import BUNDLED, CHECKPOINTS
from dcgan.models import Generator
from dcgan.sampling import render

BOUND = 1000  # seeds whose faces are drawn alone and in company


def faces_as_pixels(effort: Effort, count: int, target: float) -> Finding:
    """Draw `count` faces from latents to uint8 here and with onnxruntime."""
    generator, others = _both()
    z, calls = latents(seeds_from(0, count), generator.latent_dim), effort.of(max(1, 128 // count), 1)
    contestants: dict[str, Callable[[], object]] = {
        "onnxruntime": partial(_repeated, calls, partial(others, z.numpy())),
        "ours": partial(_repeated, calls, partial(render, generator, z)),
    }
    seconds = in_turns(3 * effort.rounds, contestants)
    ratio = Spread.of_ratios(seconds["onnxruntime"], seconds["ours"])
    times = ", ".join(f"{name} {1000 * Spread.of(each).median / calls:.1f} ms" for name, each in seconds.items())
    same = count > 1 or _is_the_same_in_any_company(generator, effort.of(BOUND, 20))
    why = "" if same else "a face alone differs from the same in company"
    return Finding(f"{ratio.words()}: {times}", ratio.median >= target and same, why)


@cache
def _both() -> tuple[Generator, Callable[[np.ndarray], np.ndarray]]:
    """Load the default's generator, and what draws the same with onnxruntime, in as many threads, none spinning."""
    need("onnxruntime")
    need("onnxscript")
    import onnxruntime  # optional

    generator = load_generator(ROOT / CHECKPOINTS / BUNDLED[0])
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(generator, path := Path(folder) / "faces.onnx")
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    def draw(z: np.ndarray) -> np.ndarray:
        (images,) = session.run(["images"], {"z": z})  # (N, C, S, S)
        pixels: np.ndarray = np.rint((images + 1) * 127.5).clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(pixels)

    return generator, draw


def _repeated(calls: int, draw: Callable[[], object]) -> None:
    for _ in range(calls):
        draw()


def _is_the_same_in_any_company(generator: Generator, count: int) -> bool:
    """Draw faces alone, and all together; tell whether they are equal bit for bit."""
    z = latents(seeds_from(0, count), generator.latent_dim)
    together = render(generator, z)
    return all(np.array_equal(render(generator, z[i : i + 1])[0], together[i]) for i in range(count))


ROWS = [
    Row(
        "faces-64",
        "64 faces as pixels, float32, beside onnxruntime with the same weights and no spinning threads",
        ">= 1.1x",
        partial(faces_as_pixels, count=64, target=1.1),
    ),
    Row(
        "face-1",
        "1 face as pixels, beside onnxruntime; equal bit for bit alone and in company, for 1,000 seeds",
        ">= 1x",
        partial(faces_as_pixels, count=1, target=1.0),
    ),
]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Measure the rows that are named, or all."""
    return run_rows(ROWS, __doc__, argv)


if __name__ == "__main__":
    sys.exit(main())
