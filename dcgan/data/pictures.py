"""Training pictures: from a source through a cache of decoded uint8 pixels to batches.

Whatever the source, a picture is decoded once to RGB pixels of the wanted size and kept in a memory-mapped file, so
that the second run starts at once and memory stays flat however many pictures there are.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dcgan.data.picture_source import Decoded, Source, unusable
from dcgan.data.report import Report
from dcgan.data.sources import open_source
from dcgan.errors import InputError
from dcgan.files import held

CACHE_FORMAT = 2  # raise it when decoding changes, so that old caches are not mistaken for new ones
ABANDONED_SECONDS = 24 * 3600  # a half-made cache that is older is cleared away, unless it is held
Track = Callable[[Iterable[Decoded], int], Iterable[Decoded]]  # wraps an iterable of known length, as tqdm does


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures, ready for training. Opened from the cache, read-only."""

    pixels: np.ndarray  # (count, size, size, 3) uint8, memory-mapped
    name: str
    fingerprint: str  # SHA-256 over the pictures' own SHA-256, in order
    report: Report
    attribution: dict[str, str] | None

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, indices: Tensor) -> Tensor:
        """Read the pictures at `indices` `(N,)`, as uint8 `(N, size, size, 3)`."""
        return torch.from_numpy(self.pixels[indices.numpy()])


def load_pictures(
    data: str,
    image_size: int,
    data_size: int = 20_000,
    backgrounds: Sequence[str] = ("white",),
    track: Track = lambda pictures, total: pictures,
    cache: Path | None = None,
    portrait_crop: str = "head",
) -> Pictures:
    """Open the pictures that `--data` names, decoding them first where the cache doesn't hold them yet.

    `image_size` is in pixels a side. `data_size` (how many) and `backgrounds` (colours) matter to rendered pictures
    only, `portrait_crop` to portraits only. `cache` is the folder for decoded pictures, by default `cache_root()`;
    `track` wraps the pictures while they are decoded, as a progress bar does.

    Raises:
        InputError: no pictures there, none that can be used, or no room for the cache; says what was found and what
            would work.
    """
    source = open_source(data, data_size, backgrounds, portrait_crop)
    key = hashlib.sha256(json.dumps([CACHE_FORMAT, source.identity, image_size]).encode()).hexdigest()[:20]
    folder = (cache or cache_root()) / f"{key}-{image_size}"
    try:
        if not _is_whole(folder, image_size):
            _build_cache(source, image_size, folder, track)
        return _open_cache(folder, image_size, source)
    except OSError as error:
        raise InputError(
            f"the decoded pictures can't be kept in {folder.parent}: {error.strerror or error}. "
            "Set DCGAN_CACHE to a folder with room."
        ) from None


def cache_root() -> Path:
    """Say where decoded pictures are kept: DCGAN_CACHE, or ~/.cache/dcgan."""
    return Path(os.environ.get("DCGAN_CACHE") or Path.home() / ".cache" / "dcgan").expanduser()


def epoch_order(count: int, seed: int, epoch: int, rollbacks: int = 0) -> Tensor:
    """Draw the order `(count,)` in which an epoch visits the pictures; the same for the same arguments.

    `rollbacks` is how often the run was taken back: it then sees the pictures in another order.
    """
    name = f"{seed}/{epoch}" + (f"/{rollbacks}" if rollbacks else "")
    rng = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big"))
    return torch.randperm(count, generator=rng)


def _is_whole(folder: Path, size: int) -> bool:
    """Tell whether `folder` holds a complete cache; one that was damaged is as good as none."""
    try:
        used: int = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))["report"]["used"]
        return (folder / "pictures.u8").stat().st_size == used * size * size * 3
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _build_cache(source: Source, size: int, folder: Path, track: Track) -> None:
    """Decode into a folder beside `folder` and rename it there, so that a half-made cache is never opened."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    partial_folder = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
    try:
        with held(partial_folder):
            report, fingerprint = _decode_into(partial_folder / "pictures.u8", source, size, track)
        if not report.used:
            raise unusable(
                f"{source.name}: of {report.found} pictures found, none could be read ({report.reasons()}; "
                f"{report.names()})"
            )
        facts = {"fingerprint": fingerprint, "report": report.to_dict()}
        (partial_folder / "pictures.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        _move_into_place(partial_folder, folder, size)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)


def _decode_into(path: Path, source: Source, size: int, track: Track) -> tuple[Report, str]:
    """Write the pixels of all pictures that can be read, each once; return what became of them and the fingerprint."""
    report, fingerprint = Report(found=len(source)), hashlib.sha256()
    seen: set[bytes] = set()
    with open(path, "wb") as file:
        for picture in track(source.pictures(size), len(source)):
            is_duplicate = picture.digest in seen
            report.count(picture, is_duplicate)
            if picture.pixels is not None and not is_duplicate:
                seen.add(picture.digest)
                fingerprint.update(picture.digest)
                file.write(picture.pixels.tobytes())
        file.flush()
        os.fsync(file.fileno())
    return report, fingerprint.hexdigest()


def _move_into_place(partial_folder: Path, folder: Path, size: int) -> None:
    if not _is_whole(folder, size):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        partial_folder.rename(folder)
    except OSError:
        if not _is_whole(folder, size):  # else another run made the same cache meanwhile
            raise


def _remove_abandoned(root: Path) -> None:
    """Clear away what runs that were killed while decoding left behind."""
    for abandoned in root.glob("*.partial-*"):
        # Its run may be at work, finish, or another clear it away, at this moment
        with suppress(BlockingIOError, FileNotFoundError), held(abandoned):
            files = [abandoned, *abandoned.iterdir()]
            if time.time() - max(path.stat().st_mtime for path in files) > ABANDONED_SECONDS:
                shutil.rmtree(abandoned, ignore_errors=True)


def _open_cache(folder: Path, size: int, source: Source) -> Pictures:
    """Open the pictures of `source`, which may have been called otherwise when they were decoded."""
    facts = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
    report = Report(**facts["report"], left_out=list(source.left_out))
    pixels = np.memmap(folder / "pictures.u8", np.uint8, mode="r", shape=(report.used, size, size, 3))
    attribution = asdict(source.attribution) if source.attribution else None
    return Pictures(pixels, source.name, facts["fingerprint"], report, attribution)
