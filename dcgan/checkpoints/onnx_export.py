"""A generator as an ONNX file, for phones, browsers and programs without PyTorch."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dcgan.errors import InputError
from dcgan.files import replacing
from dcgan.models import Generator

PACKAGES = "onnxscript onnxruntime"
LATENTS, IMAGES = "z", "images"  # names of what goes in and comes out
MAX_DIFFERENCE = 2 / 255  # of values in [-1, 1]: a level of the 256 that a pixel has
CHECKED_BATCHES = (1, 16)  # faces that are drawn at once


class _ByRows(nn.Module):
    """The generator, of latents `(N, nz)` alone: an ONNX graph has one shape of input."""

    def __init__(self, generator: Generator):
        super().__init__()
        self.main, self.denoising = generator.main, generator.denoising or nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.denoising(self.main(z[:, :, None, None]))  # (N, nz) to (N, C, S, S)
        return images


def export_onnx(generator: Generator, path: Path) -> float:
    """Write a generator as an ONNX file, and give its largest difference from PyTorch, in values from -1 to 1.

    The file takes `z` `(N, nz)`, float32, for any N, and gives `images` `(N, C, S, S)` in [-1, 1]. It is there only
    after onnxruntime has drawn the same faces from it, within a level of 255.

    Raises:
        InputError: a package that this needs is missing, or the file draws other faces.
        OSError: nothing can be written there.
    """
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} to.")
    try:
        import onnxruntime  # optional
        import onnxscript  # noqa: F401 (what torch.onnx needs)
    except ImportError as error:
        raise InputError(f"{error.name} isn't installed, which this needs: pip install {PACKAGES}") from None
    with replacing(path) as temporary:
        _write(generator, temporary)
        session = onnxruntime.InferenceSession(temporary.read_bytes(), providers=["CPUExecutionProvider"])
        difference = max(_difference(generator, session, batch) for batch in CHECKED_BATCHES)
        if difference > MAX_DIFFERENCE:
            raise InputError(
                f"{path.name} was not written: what onnxruntime draws differs from PyTorch by up to {difference:.3f}. "
                f"Try other versions: pip install --upgrade torch {PACKAGES}"
            )
    return difference


def _write(generator: Generator, path: Path) -> None:
    z = _latents(generator, 2)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # it tells each of its steps
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _ByRows(generator).eval(),
            (z,),
            input_names=[LATENTS],
            output_names=[IMAGES],
            dynamic_shapes={"z": {0: torch.export.Dim("N")}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    for node in program.model.graph:
        node.metadata_props.clear()  # stack traces, with the paths of this machine
    program.save(path)


@torch.inference_mode()
def _difference(generator: Generator, session: object, batch: int) -> float:
    z = _latents(generator, batch)
    (drawn,) = session.run([IMAGES], {LATENTS: z.numpy()})  # type: ignore[attr-defined] # optional, so without types
    return float(np.abs(drawn - generator(z).numpy()).max())


def _latents(generator: Generator, count: int) -> Tensor:
    return torch.randn(count, generator.latent_dim, generator=torch.Generator().manual_seed(0))  # (count, nz)
