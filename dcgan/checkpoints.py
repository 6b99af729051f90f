"""A checkpoint folder on disk: networks, snapshots, resume state; import of foreign weights; the slim bundle.

python -m dcgan.checkpoints import netG.pth checkpoints/NAME    a state_dict of a DCGAN -> a checkpoint folder
python -m dcgan.checkpoints bundle checkpoints/RUN FOLDER       a run -> the slim copy that is committed
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialize
from torch import Tensor

from dcgan.card import model_card
from dcgan.cli import DONE, Parser, command
from dcgan.config import CONFIG_NAME, EVALUATION_NAME, IMAGE_SIZES, PICKLE_SUFFIXES, TRAINING_NAME, WEIGHTS_NAME
from dcgan.errors import InputError
from dcgan.files import replacing, write_json, write_text
from dcgan.models import Discriminator, Generator, read_config

METRICS_NAME = "metrics.jsonl"
NEIGHBOURS_NAME = "samples/neighbours.png"
CARD_NAME = "README.md"
POINTER = "last"  # in state/, the name of the newest complete resume state
STATE_FACTS_NAME = "state.json"
PUBLISHED = (  # what a checkpoint folder has on the Hub, too
    CONFIG_NAME, WEIGHTS_NAME, "discriminator/*", TRAINING_NAME, METRICS_NAME, EVALUATION_NAME, CARD_NAME, "losses.png",
    "samples/*",
)  # fmt: skip
SHOWN = (  # what of a checkpoint folder shows a generator; the rest tells of the run
    CONFIG_NAME, WEIGHTS_NAME, "discriminator/*", CARD_NAME, "samples/latest.png",
)  # fmt: skip
BUNDLED_FILE_LIMIT = 10 * 2**20  # bytes
BUNDLED_FOLDER_LIMIT = 35 * 2**20
BUNDLED_LICENCES = ("CC0", "CC BY ")  # prefixes of names; the space keeps CC BY-SA and CC BY-NC out


def save_network(network: Generator | Discriminator, folder: Path, half: bool = False) -> None:
    """Write config.json and model.safetensors; `half` stores convolution weights as float16, all else stays float32."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.ndim == 4 else t for name, t in tensors.items()}
    write_json(folder / CONFIG_NAME, network.config.to_dict())
    _save_tensors(tensors, folder / WEIGHTS_NAME)


def load_generator(folder: Path, snapshot: str | None = None) -> Generator:
    """The generator of a checkpoint folder, or of its snapshot `epoch-0010`, in eval mode.

    Raises:
        InputError: not a checkpoint folder, no such snapshot, or files that don't fit; the message names what.
    """
    folder = Path(folder)
    if folder.suffix in PICKLE_SUFFIXES and folder.is_file():
        raise InputError(
            f"{folder} is a pickle, which is never loaded as a model. Turn it into a checkpoint folder with: "
            f"python -m dcgan.checkpoints import {folder} checkpoints/{folder.stem}"
        )
    if not folder.is_dir():
        raise InputError(
            f"there is no checkpoint folder {folder}; one holds {CONFIG_NAME} and {WEIGHTS_NAME}, as train.py leaves."
        )
    if snapshot is not None:
        if snapshot not in snapshots(folder):
            known = ", ".join(snapshots(folder)) or "none"
            raise InputError(f"{folder.name} has no snapshot {snapshot}; it has {known}.")
        folder = snapshot_folder(folder, snapshot)
    return Generator.from_pretrained(folder)


def snapshots(folder: Path) -> list[str]:
    """Names of the snapshots in a checkpoint folder, earliest first."""
    return sorted(path.parent.name for path in folder.glob(f"epochs/epoch-*/{CONFIG_NAME}"))


def snapshot_name(epoch: int) -> str:
    return f"epoch-{epoch:04d}"


def snapshot_folder(folder: Path, name: str) -> Path:
    return folder / "epochs" / name


def published_files(folder: Path) -> dict[str, Path]:
    """The files of a checkpoint folder, or a snapshot's, that belong on the Hub, by their paths there."""
    found = (path for pattern in PUBLISHED for path in folder.glob(pattern))
    return {path.relative_to(folder).as_posix(): path for path in sorted(found) if path.is_file() and _is_whole(path)}


def keep_snapshot(folder: Path, name: str) -> None:
    """Keep what a checkpoint folder shows now as its snapshot `name`, which appears whole."""
    kept = snapshot_folder(folder, name)
    unfinished = kept.with_name(f".{name}.partial")
    for leftover in (unfinished, kept):
        shutil.rmtree(leftover, ignore_errors=True)
    for path, file in published_files(folder).items():
        if not path.startswith("samples/epoch-") or Path(path).stem == name:  # the others have their own
            (unfinished / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, unfinished / path)
    unfinished.rename(kept)


def drop_snapshots_after(folder: Path, step: int) -> None:
    """Forget the snapshots of later steps, which a run that goes on from `step` will make again."""
    for name in snapshots(folder):
        kept = snapshot_folder(folder, name)
        if (kept / TRAINING_NAME).is_file() and read_training(kept)["step"] > step:
            shutil.rmtree(kept)
            (folder / "samples" / f"{name}.png").unlink(missing_ok=True)


def snapshot_facts(folder: Path) -> dict[str, dict[str, Any]]:
    """What the training.json of each snapshot says, earliest first; a snapshot without one, as bundled, is left out."""
    facts = {}
    for name in snapshots(folder):
        with suppress(InputError):
            facts[name] = read_training(snapshot_folder(folder, name))
    return facts


def facts_of_the_shown(facts: dict[str, Any]) -> dict[str, Any]:
    """What a training.json says of the generator that shows, which is the best snapshot where there is one."""
    return facts | facts.get("best", {})


def show_best(folder: Path) -> None:
    """Make the top of a run's folder show its best snapshot, where its training.json names one."""
    best = read_training(folder).get("best", {}).get("snapshot")
    if best not in snapshots(folder):
        return
    kept = snapshot_folder(folder, best)
    for file in (file for pattern in SHOWN for file in kept.glob(pattern) if _is_whole(file)):
        shown = folder / file.relative_to(kept)
        shown.parent.mkdir(exist_ok=True)
        with replacing(shown) as temporary:
            shutil.copyfile(file, temporary)


def _is_whole(path: Path) -> bool:
    return not path.name.endswith(".partial")


@dataclass(frozen=True)
class SavedState:
    """What exact resume needs: the tensors of a TrainState and the facts around them."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    @property
    def name(self) -> str:
        """The same name is the same state, so a run that was taken back to a step has a new name for it."""
        rollbacks = self.facts.get("rollbacks", 0)
        return f"step-{self.facts['step']}" + (f"-retry-{rollbacks}" if rollbacks else "")


def save_state(folder: Path, state: SavedState) -> None:
    """Keep a resume state in `folder`/state/step-N, then point to it; two are kept, it and the last good one before.

    A state that is already pointed to is left as it is.
    """
    states, name = folder / "state", state.name
    if newest_state(folder) == name:
        return
    unfinished = states / f"{name}.partial"
    for leftover in (unfinished, states / name):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir(parents=True)
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in state.tensors.items()}
    _save_tensors(tensors, unfinished / "state.safetensors")
    write_json(unfinished / STATE_FACTS_NAME, state.facts)
    unfinished.rename(states / name)
    write_text(states / POINTER, name + "\n")
    older = [saved for saved in _newest_first(states) if saved.name != name]
    kept = next(filter(_is_good, older), older[0] if older else None)
    for old in older:
        if old != kept:
            shutil.rmtree(old, ignore_errors=True)


def load_state(folder: Path, good: bool = False) -> SavedState:
    """The newest resume state of a run; the one before it where that is damaged, which costs a few steps.

    With `good` it is the newest that a run may be taken back to; any where there is no such one.

    Raises:
        InputError: the folder holds no run that can be continued.
    """
    states = folder / "state"
    pointed = newest_state(folder)
    if pointed is None:
        raise InputError(
            f"{folder} holds no run to resume ({states / POINTER} is missing). Without --resume, and with a new "
            "--output-dir, a run starts from the beginning."
        )
    found = [states / pointed, *_newest_first(states)]
    for saved in sorted(found, key=lambda saved: good and not _is_good(saved)):
        try:
            facts = json.loads((saved / STATE_FACTS_NAME).read_text(encoding="utf-8"))
            return SavedState(load_file(saved / "state.safetensors"), facts)
        except (OSError, ValueError, SafetensorError) as error:
            reason = str(error)
    raise InputError(f"the resume states in {states} are damaged ({reason}). Start a run in a new --output-dir.")


def newest_state(folder: Path) -> str | None:
    """Name of the newest complete resume state of a run, if it has one."""
    try:
        return (folder / "state" / POINTER).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def copy_state(folder: Path, target: Path) -> str | None:
    """Copy the newest resume state to `target`/state, out of the way of a run that deletes old ones; gives its name.

    None where there is no state.
    """
    tried = None
    while (name := newest_state(folder)) != tried:
        try:
            shutil.copytree(folder / "state" / name, target / "state" / name)
        except OSError:
            shutil.rmtree(target / "state", ignore_errors=True)
            tried = name
            continue
        write_text(target / "state" / POINTER, name + "\n")
        return name
    return None


def _newest_first(states: Path) -> list[Path]:
    whole = [path for path in states.glob("step-*") if path.is_dir() and path.suffix != ".partial"]
    return sorted(whole, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def _is_good(saved: Path) -> bool:
    """Whether a run may be taken back to a state: all that were saved before anybody asked count as good."""
    try:
        return json.loads((saved / STATE_FACTS_NAME).read_text(encoding="utf-8")).get("good", True)
    except (OSError, ValueError, AttributeError):
        return False


def _save_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    with replacing(path) as temporary:  # written here, since save_file hides the file from other users of the machine
        temporary.write_bytes(serialize(tensors, metadata={"format": "pt"}))


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
    """A Generator whose convolutions have the shapes of those in `tensors`, in their order."""
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


def _order(name: str) -> tuple:
    return tuple(int(part) if part.isdigit() else -1 for part in name.split("."))


def _position(name: str) -> tuple[str, ...]:
    """A tensor's layer number and role, whatever the container of the layers is called."""
    return tuple(name.split(".")[-2:])


def bundle(run: Path, folder: Path, keep: Sequence[str] | None = None, count: int = 5) -> None:
    """Copy what people need of a finished run: float16 convolutions, few snapshots, no resume state.

    `keep` names the snapshots; by default `count` of them, from the first to the last.

    Raises:
        InputError: not a run, a licence that doesn't allow it, or files too large to commit.
    """
    facts = read_training(run)
    attribution = facts["data"]["attribution"]
    if attribution and not attribution["licence"].startswith(BUNDLED_LICENCES):
        raise InputError(
            f"{run} learned from {attribution['title']} ({attribution['licence']}); only CC0 and CC BY are bundled."
        )
    names = _checked_snapshots(run, keep) if keep else _spread(snapshots(run), count)
    _refuse_files_in(folder)

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        slim = Path(scratch) / folder.name
        save_network(load_generator(run), slim, half=True)
        if (run / "discriminator").is_dir():
            save_network(Discriminator.from_pretrained(run / "discriminator"), slim / "discriminator", half=True)
        for name in names:
            save_network(load_generator(run, name), snapshot_folder(slim, name), half=True)
        (slim / "samples").mkdir()
        kept = [f"samples/{name}.png" for name in (*names, "latest")]
        for name in (*kept, "samples/timelapse.gif", "losses.png", METRICS_NAME):
            if (run / name).is_file():
                shutil.copyfile(run / name, slim / name)
        write_json(slim / TRAINING_NAME, facts)
        write_text(slim / CARD_NAME, model_card(facts_of_the_shown(facts), read_config(slim), slim))
        _refuse_too_large(slim)
        slim.replace(folder)


def _refuse_files_in(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder.")


def _refuse_too_large(folder: Path) -> None:
    sizes = {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    largest = max(sizes, key=sizes.get)
    if sizes[largest] > BUNDLED_FILE_LIMIT or sum(sizes.values()) > BUNDLED_FOLDER_LIMIT:
        raise InputError(
            f"{folder.name} would have {sum(sizes.values()) / 2**20:.1f} MB, {largest.name} alone "
            f"{sizes[largest] / 2**20:.1f}; a bundle is at most 35 MB and a file 10. Keep fewer with --snapshots."
        )


def read_training(folder: Path) -> dict[str, Any]:
    """The facts of the run that made a checkpoint folder."""
    try:
        facts = json.loads((folder / TRAINING_NAME).read_text(encoding="utf-8"))
        facts["data"]["attribution"], facts["command"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / TRAINING_NAME} can't be read ({type(error).__name__}: {error}); is {folder} a run of train.py?"
        ) from None
    return facts


def _checked_snapshots(run: Path, names: Sequence[str]) -> list[str]:
    known = snapshots(run)
    if missing := [name for name in names if name not in known]:
        raise InputError(f"{run.name} has no snapshot {missing[0]}; it has {', '.join(known) or 'none'}.")
    return list(names)


def _spread(names: list[str], count: int) -> list[str]:
    """At most `count` of `names`, evenly spread from the first to the last."""
    if len(names) <= count:
        return names
    return [names[round(i * (len(names) - 1) / (count - 1))] for i in range(count)]


@command
def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m dcgan.checkpoints", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    importing = commands.add_parser("import", help="a state_dict of pytorch/examples or pytorch-book -> a folder")
    importing.add_argument("file", type=Path, help="netG.pth, as torch.save(netG.state_dict(), ...) wrote it")
    importing.add_argument("folder", type=Path, help="where the checkpoint goes")
    bundling = commands.add_parser("bundle", help="the slim copy of a run that is committed")
    bundling.add_argument("run", type=Path, help="the folder train.py wrote")
    bundling.add_argument("folder", type=Path, help="where the copy goes")
    bundling.add_argument("--snapshots", help="which to keep, as in epoch-0001,epoch-0020 (default: five, spread)")
    options = parser.parse_args(argv)

    try:
        if options.command == "import":
            _refuse_files_in(options.folder)
            generator = import_state_dict(options.file, options.folder)
            print(f"{options.folder}: a {generator.image_size}x{generator.image_size} generator.")
        else:
            names = [name.strip() for name in options.snapshots.split(",")] if options.snapshots else None
            bundle(options.run, options.folder, names)
        print(f"See it with: python app.py --model {options.folder}")
    except OSError as error:
        raise InputError(f"can't write to {options.folder}: {error.strerror or error}.") from None
    return DONE


if __name__ == "__main__":
    sys.exit(main())
