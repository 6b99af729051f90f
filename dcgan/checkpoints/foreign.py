"""Networks that other DCGAN code saved, found by their shapes, whatever it calls them, and turned into a folder."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar
from zipfile import ZipFile

import torch
from torch import Tensor

from dcgan.checkpoints.networks import save_network
from dcgan.errors import InputError
from dcgan.layout import DISCRIMINATOR
from dcgan.models import Discriminator, Generator
from dcgan.network_config import IMAGE_SIZES

GENERATOR_KIND, DISCRIMINATOR_KIND = "generator", "discriminator"
MIN_CONVOLUTIONS = 3
AVERAGED = re.compile(r"ema|avg|average", re.IGNORECASE)  # in the name of a network whose faces are the better ones
PLAIN_TYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64}  # the last one of counters
COUNTER = "num_batches_tracked"  # which files from before PyTorch 0.4.1 lack
# What spectral normalisation calls a weight and its vectors, older names first
SPECTRAL = {
    "weight_orig": "parametrizations.weight.original",
    "weight_u": "parametrizations.weight.0._u",
    "weight_v": "parametrizations.weight.0._v",
}
Network = TypeVar("Network", Generator, Discriminator)
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Found:
    """A network in a file: what it is called there, its tensors, and its convolutions from the first to the last."""

    file: Path
    kind: str
    name: str
    tensors: Tensors
    convolutions: list[str]

    @property
    def shapes(self) -> list[torch.Size]:
        return [self.tensors[name].shape for name in self.convolutions]

    def image_size(self, kernel: int) -> int:
        """Compute the size of its pictures, by the kernel of the layer next to them.

        Raises:
            InputError: it isn't one of ours.
        """
        size: int = 4 * 2 ** (len(self.convolutions) - 2) * (3 if kernel == 5 else 2)
        if size not in IMAGE_SIZES:
            raise self.refusal(f"is for {size}x{size} pictures; sizes that fit are {', '.join(map(str, IMAGE_SIZES))}.")
        return size

    def refusal(self, words: str) -> InputError:
        return InputError(f"{self.file}: the {self.kind}{f' {self.name}' if self.name else ''} {words}")


def import_networks(file: Path, folder: Path, discriminator_file: Path | None = None) -> Generator:
    """Turn the pickled networks of a DCGAN into a checkpoint folder.

    The file holds a generator's `state_dict`, or a checkpoint with one somewhere in it; its discriminator comes along
    where it is in there, too, or in a file of its own. Shapes decide what is what. Read with `weights_only=True`:
    nothing in a file is executed.

    Raises:
        InputError: no such file, or no DCGAN generator whose picture size we have; the message says what is there.
    """
    generators, discriminators = _networks_in(file)
    if not generators:
        raise InputError(
            f"{file} is a discriminator; import the generator's file (often netG.pth), and this one beside it by "
            "--discriminator."
        )
    if discriminator_file:
        _, discriminators = _networks_in(discriminator_file)
        if not discriminators:
            raise InputError(f"--discriminator {discriminator_file} is a generator; name the other file (often netD).")
    generator = _generator(_the_best_of(generators))
    discriminator = _discriminator(_the_best_of(discriminators), generator) if discriminators else None
    save_network(generator, folder)
    if discriminator:
        save_network(discriminator, folder / DISCRIMINATOR)
    return generator.eval()


# Finding


def _networks_in(file: Path) -> tuple[list[Found], list[Found]]:
    """Find the generators and discriminators in a file, one at least."""
    tensors = dict(_tensors_in(_load(file)))
    if not tensors:
        raise InputError(f"{file} holds no state_dict. {_SAVE_ONE}")
    found = list(_networks(file, tensors))
    if not found:
        count = sum(tensor.ndim == 4 for tensor in tensors.values())
        raise InputError(f"{file} has {count} convolutions, and no row of them that makes a DCGAN. {_NOT_A_DCGAN}")
    generators = [each for each in found if each.kind == GENERATOR_KIND]
    return generators, [each for each in found if each.kind == DISCRIMINATOR_KIND]


def _load(file: Path) -> Any:
    if not file.is_file():
        raise InputError(f"there is no file {file}.")
    if (unpacked := _unpacked_bytes(file)) > file.stat().st_size:
        raise InputError(f"{file} unpacks to {unpacked:,} bytes, more than it has, so it wasn't read. {_SAVE_ONE}")
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickle protocols, for PyTorch's own developers
            return torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        # Damaged or hostile bytes raise nearly anything, and PyTorch's own words advise loading them unsafely.
        raise InputError(
            f"{file} is no state_dict that can be read without running code from it ({type(error).__name__}). "
            f"{_SAVE_ONE}"
        ) from None


def _unpacked_bytes(file: Path) -> int:
    """Count the bytes that the members of a file say they have; torch.save packs none, but who wants to harm does."""
    try:
        with ZipFile(file) as archive:
            return sum(member.file_size for member in archive.infolist())
    except Exception:  # it is no zip, as files from before PyTorch 1.6 are none, or a damaged one
        return 0


def _tensors_in(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Give all tensors in a checkpoint by their names: those of the dicts on the way to them, joined by dots."""
    if isinstance(value, Tensor):
        if not value.is_nested:
            yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(key, str):
                yield from _tensors_in(each, f"{name}.{key}" if name else key)


def _networks(file: Path, tensors: Tensors, name: str = "") -> Iterator[Found]:
    """Find the networks among tensors: all of them are one, or those whose names begin alike are."""
    convolutions = [each for each, tensor in tensors.items() if tensor.ndim == 4]
    for ordered in (convolutions, sorted(convolutions, key=_by_numbers)):
        if kind := _kind([tensors[each].shape for each in ordered]):
            yield Found(file, kind, name, tensors, ordered)
            return
    groups: dict[str, Tensors] = {}
    for each, tensor in tensors.items():
        first, dot, rest = each.partition(".")
        if dot:
            groups.setdefault(first, {})[rest] = tensor
    for first, group in groups.items():
        yield from _networks(file, group, f"{name}.{first}" if name else first)


def _kind(shapes: list[torch.Size]) -> str | None:
    """Say what convolutions are that follow each other so: a transposed one names its inputs first."""
    if len(shapes) < MIN_CONVOLUTIONS:
        return None
    if all(before[1] == after[0] for before, after in pairwise(shapes)):
        return GENERATOR_KIND
    if all(before[0] == after[1] for before, after in pairwise(shapes)):
        return DISCRIMINATOR_KIND
    return None


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """Order names so that layer 10 comes after layer 9."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _the_best_of(found: list[Found]) -> Found:
    return next((each for each in found if AVERAGED.search(each.name)), found[0])


# Making ours of it


def _generator(found: Found) -> Generator:
    first, last = found.shapes[0], found.shapes[-1]
    _refuse_what_never_fits(found, "begins", channels=last[1])
    size = found.image_size(kernel=last[-1])
    network = Generator(latent_dim=first[0], image_size=size, image_channels=last[1], feature_maps=last[0])
    return _filled(network, found)


def _discriminator(found: Found, generator: Generator) -> Discriminator:
    first, size = found.shapes[0], found.image_size(kernel=found.shapes[0][-1])
    _refuse_what_never_fits(found, "ends", channels=first[1])
    judged, drawn = (size, first[1]), (generator.image_size, generator.config.image_channels)
    if judged != drawn:
        raise found.refusal(
            f"is for {_in_words(*judged)} pictures, but the generator draws {_in_words(*drawn)} ones; import two that "
            "belong together."
        )
    leaves = {_split(_modern(name))[1] for name in found.tensors}
    norm = "batch" if "running_mean" in leaves else "spectral" if leaves & {*SPECTRAL.values()} else "none"
    network = Discriminator(image_size=size, image_channels=first[1], feature_maps=first[0], norm=norm)
    return _filled(network, found)


def _in_words(size: int, channels: int) -> str:
    return f"{size}x{size} {'grey' if channels == 1 else 'RGB'}"


def _refuse_what_never_fits(found: Found, where: str, channels: int) -> None:
    for name, tensor in found.tensors.items():
        if tensor.ndim == 2:
            raise found.refusal(
                f"{where} with a fully connected layer ({name}), where a DCGAN has a convolution; it can't be imported."
            )
        if not _is_plain(tensor):
            raise found.refusal(f"has the tensor {name} in a form that can't be imported. {_SAVE_PLAINLY}")
        if not torch.isfinite(tensor.float()).all():
            raise found.refusal(
                f"has values in {name} that are no numbers: its training went wrong; import an earlier save of it."
            )
    if channels not in (1, 3):
        raise found.refusal(f"is for pictures of {channels} channels; only grey (1) and RGB (3) ones can be had here.")


def _is_plain(tensor: Tensor) -> bool:
    """Tell whether a tensor has each of its numbers in memory, of a usual type; some are small and claim much."""
    is_there = tensor.layout is torch.strided and not tensor.is_meta
    return is_there and tensor.dtype in PLAIN_TYPES and tensor.nbytes <= tensor.untyped_storage().nbytes()


def _filled(network: Network, found: Found) -> Network:
    """Fill a network of ours with what was found: convolutions in their order, each BatchNorm by its width."""
    theirs = {_modern(name): tensor for name, tensor in found.tensors.items()}
    modules = dict(_modules_of_ours(network, found, theirs))
    renamed: Tensors = {}
    for name, ours in network.state_dict().items():
        module, leaf = _split(name)
        there = _joined(modules[module], leaf) if module in modules else name
        tensor = theirs.pop(there, ours if leaf == COUNTER else None)
        if tensor is None or tensor.shape != ours.shape:
            shape = "missing" if tensor is None else f"{tuple(tensor.shape)}"
            raise found.refusal(f"can't be imported: the tensor {there} is {shape}, expected {tuple(ours.shape)}. "
                                f"{_NOT_A_DCGAN}")  # fmt: skip
        renamed[name] = tensor
    if theirs:
        raise found.refusal(f"has the tensor {next(iter(theirs))} too many. {_NOT_A_DCGAN}")
    network.load_state_dict(renamed)
    return network


def _modules_of_ours(network: Network, found: Found, theirs: Tensors) -> Iterator[tuple[str, str]]:
    """Say for each of our layers which of theirs it is, by their names."""
    convolutions = [_split(_modern(name))[0] for name in found.convolutions]
    norms = [_split(name)[0] for name in theirs if _split(name)[1] == "running_mean"]
    for name, tensor in network.state_dict().items():
        module, leaf = _split(name)
        if tensor.ndim == 4:
            yield module, convolutions.pop(0)
        elif leaf == "running_mean":
            fitting = (each for each in norms if theirs[_joined(each, leaf)].shape == tensor.shape)
            if (fits := next(fitting, None)) is not None:
                norms.remove(fits)
                yield module, fits


def _modern(name: str) -> str:
    module, dot, leaf = name.rpartition(".")
    return f"{module}{dot}{SPECTRAL.get(leaf, leaf)}"


def _split(name: str) -> tuple[str, str]:
    """Split a tensor's name into its layer's and its role there."""
    for leaf in SPECTRAL.values():
        if name.endswith(leaf):
            return name[: -len(leaf)].rstrip("."), leaf
    module, _, leaf = name.rpartition(".")
    return module, leaf


def _joined(module: str, leaf: str) -> str:
    return f"{module}.{leaf}" if module else leaf


_SAVE_ONE = "Save one with torch.save(netG.state_dict(), 'netG.pth')."
_SAVE_PLAINLY = "Save it with torch.save(netG.float().state_dict(), 'netG.pth')."
_NOT_A_DCGAN = "Only DCGANs (convolutions with BatchNorm between them, without bias in the generator) can be imported."
