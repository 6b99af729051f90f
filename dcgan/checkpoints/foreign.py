"""Networks that other DCGAN code saved, turned into checkpoint folders."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from dcgan.checkpoints.networks import save_network
from dcgan.errors import InputError
from dcgan.models import Generator
from dcgan.network_config import IMAGE_SIZES


def import_state_dict(path: Path, folder: Path) -> Generator:
    """Turn the pickled `state_dict` of a DCGAN generator, as pytorch/examples or pytorch-book saves it, into a folder.

    The tensors' shapes decide the configuration. Read with `weights_only=True`: nothing in the file is executed.

    Raises:
        InputError: no such file, not a state_dict, or not that of a DCGAN generator whose picture size we have.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}.")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Damaged or hostile bytes raise nearly anything, and PyTorch's own words advise loading them unsafely.
        raise InputError(
            f"{path} is no state_dict that can be read without running code from it ({type(error).__name__}). "
            f"{_SAVE_ONE}"
        ) from None
    if not isinstance(loaded, dict) or not loaded:
        raise InputError(f"{path} holds no state_dict. {_SAVE_ONE}")
    if not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in loaded.items()):
        raise InputError(f"{path} holds no state_dict, but other things. {_SAVE_ONE}")
    tensors = {name.removeprefix("module."): tensor for name, tensor in loaded.items()}  # nn.DataParallel's prefix
    generator = _generator_of_shapes(path, tensors)

    wanted = generator.state_dict()
    tensors = {_position(name): tensor for name, tensor in tensors.items()}
    renamed = {}
    for name, ours in wanted.items():
        theirs = tensors.pop(_position(name), None)
        if theirs is None and name.endswith("num_batches_tracked"):  # files from before PyTorch 0.4.1 lack it
            theirs = ours
        if theirs is None or theirs.shape != ours.shape:
            found = "missing" if theirs is None else f"{tuple(theirs.shape)}"
            raise InputError(f"{path}: the tensor {name} is {found}, expected {tuple(ours.shape)}. {_NOT_A_DCGAN}")
        renamed[name] = theirs
    if tensors:
        raise InputError(f"{path} has the tensor {'.'.join(next(iter(tensors)))} too many. {_NOT_A_DCGAN}")
    generator.load_state_dict(renamed)
    save_network(generator, folder)
    return generator.eval()


_SAVE_ONE = "Save one with torch.save(netG.state_dict(), 'netG.pth')."
_NOT_A_DCGAN = "Only DCGAN generators (ConvTranspose2d, BatchNorm2d, ..., without bias) can be imported."


def _generator_of_shapes(path: Path, tensors: dict[str, Tensor]) -> Generator:
    """Make a Generator whose convolutions have the shapes of those in `tensors`, in their order."""
    convolutions = [t for _, t in sorted(tensors.items(), key=lambda item: _order(item[0])) if t.ndim == 4]
    if len(convolutions) < 3:
        raise InputError(f"{path} has {len(convolutions)} convolutions. {_NOT_A_DCGAN}")
    first, last = convolutions[0], convolutions[-1]
    if first.shape[1] in (1, 3) and last.shape[0] == 1:
        raise InputError(f"{path} is a discriminator; import the generator's file (often netG).")
    doublings = len(convolutions) - 2
    size = 4 * 2**doublings * (3 if last.shape[-1] == 5 else 2)
    if size not in IMAGE_SIZES:
        raise InputError(f"{path} makes {size}x{size} pictures; sizes that fit are {', '.join(map(str, IMAGE_SIZES))}.")
    return Generator(
        latent_dim=first.shape[0], image_size=size, image_channels=last.shape[1], feature_maps=last.shape[0]
    )


def _order(name: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else -1 for part in name.split("."))


def _position(name: str) -> tuple[str, ...]:
    """Give a tensor's layer number and role, whatever the container of the layers is called."""
    return tuple(name.split(".")[-2:])
