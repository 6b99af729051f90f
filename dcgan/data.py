"""Training pictures: a folder, a .zip, a .parquet, a Hub data set or rendered avatars -> one decoded uint8 cache.

Whatever the source, a picture is decoded once to RGB pixels of the wanted size and kept in a memory-mapped file, so
that the second run starts at once and memory stays flat however many pictures there are.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from dcgan import avatars
from dcgan.errors import InputError
from dcgan.parallel import map_in_order

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
AVATARS_PREFIX = "avatars:"
CACHE_FORMAT = 1  # raise it when decoding changes, so that old caches are not mistaken for new ones
ABANDONED_SECONDS = 24 * 3600  # a half-made cache that nobody has written to for so long is nobody's
NAMED_UNREADABLE = 10  # how many unreadable pictures the report names

WHAT_WORKS = (
    f"What works: a folder of {' '.join(PICTURE_SUFFIXES)} files, a .zip of them, a .parquet file, "
    "a Hub data set user/name, or avatars:STYLE such as avatars:adventurer"
)

Track = Callable[[Iterable, int], Iterable]  # wraps an iterable of known length, as tqdm does


@dataclass
class Report:
    """What was found in a source and what became of it. Counts are pictures."""

    found: int = 0
    used: int = 0
    unreadable: int = 0
    unreadable_names: list[str] = field(default_factory=list)
    small: int = 0
    with_alpha: int = 0
    duplicates: int = 0

    def lines(self, image_size: int) -> list[str]:
        """The report as a person reads it."""
        lines = [f"{self.used:,} of {self.found:,} pictures used at {image_size}x{image_size}"]
        if self.unreadable:
            more = ", ..." if self.unreadable > len(self.unreadable_names) else ""
            lines.append(f"{self.unreadable:,} unreadable, skipped: {', '.join(self.unreadable_names)}{more}")
        if self.duplicates:
            lines.append(f"{self.duplicates:,} exact duplicates, dropped")
        if self.small:
            lines.append(f"{self.small:,} smaller than {image_size}x{image_size}, enlarged")
        if self.with_alpha:
            lines.append(f"{self.with_alpha:,} with transparency, laid on white")
        return lines


@dataclass(frozen=True)
class Decoded:
    """One picture of a source: its pixels `(size, size, 3)`, or None where it couldn't be read."""

    name: str
    pixels: np.ndarray | None
    digest: bytes = b""
    small: bool = False
    alpha: bool = False


class Source(Protocol):
    """Where pictures come from."""

    name: str  # what a model card may say: never a path of the user's machine
    identity: Any  # JSON-ready; equal exactly when the pictures are
    attribution: avatars.Attribution | None

    def __len__(self) -> int: ...

    def pictures(self, size: int) -> Iterator[Decoded]: ...


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
        """The pictures at `indices` `(N,)` as uint8 `(N, size, size, 3)`."""
        return torch.from_numpy(self.pixels[indices.numpy()])


def load_pictures(
    data: str,
    image_size: int,
    data_size: int = 20_000,
    backgrounds: Sequence[str] = ("white",),
    track: Track = lambda pictures, total: pictures,
    cache: Path | None = None,
) -> Pictures:
    """Open the pictures that `--data` names, decoding them first where the cache doesn't hold them yet.

    `data_size` and `backgrounds` matter to rendered avatars only; `cache` is where decoded pictures are kept.

    Raises:
        InputError: nothing there, nothing usable, or nowhere to keep the cache; says what was found and what works.
    """
    source = open_source(data, data_size, backgrounds)
    key = hashlib.sha256(json.dumps([CACHE_FORMAT, source.identity, image_size]).encode()).hexdigest()[:20]
    folder = (cache or cache_root()) / f"{key}-{image_size}"
    try:
        if not _is_whole(folder, image_size):
            _build_cache(source, image_size, folder, track)
        return _open_cache(folder, image_size)
    except OSError as error:
        raise InputError(
            f"the decoded pictures can't be kept in {folder.parent}: {error.strerror or error}. "
            "Set DCGAN_CACHE to a folder with room."
        ) from None


def cache_root() -> Path:
    """Where decoded pictures are kept: DCGAN_CACHE, or ~/.cache/dcgan."""
    return Path(os.environ.get("DCGAN_CACHE") or Path.home() / ".cache" / "dcgan").expanduser()


def epoch_order(count: int, seed: int, epoch: int) -> Tensor:
    """The order `(count,)` in which an epoch visits the pictures; the same for the same arguments."""
    rng = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(f"{seed}/{epoch}".encode()).digest()[:7], "big"))
    return torch.randperm(count, generator=rng)


def open_source(data: str, data_size: int, backgrounds: Sequence[str]) -> Source:
    """What `--data` names: an existing path wins, then avatars:STYLE, then a Hub data set user/name."""
    path = Path(data).expanduser()
    if path.is_dir():
        return _FolderSource(path)
    if path.is_file():
        if path.suffix.lower() == ".parquet":
            return _parquet_source(path)
        if zipfile.is_zipfile(path):
            return _ZipSource(path)
        raise InputError(f"--data {data} is a file, but neither a .zip nor a .parquet. {WHAT_WORKS}.")
    if data.startswith(AVATARS_PREFIX):
        return _AvatarSource(data.removeprefix(AVATARS_PREFIX), data_size, backgrounds)
    if re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", data):
        return _hub_source(data)
    raise InputError(f"--data {data}: there is no such folder or file. {WHAT_WORKS}.")


def decode(raw: bytes, size: int) -> Decoded:
    """A picture file's bytes to RGB pixels `(size, size, 3)`.

    The first frame of an animation; turned as EXIF says; transparency laid on white; resized (antialiased) to cover
    the square, then centre-cropped.
    """
    with Image.open(io.BytesIO(raw)) as opened:
        picture = ImageOps.exif_transpose(opened)
        alpha = picture.has_transparency_data
        pixels = torch.from_numpy(np.array(_to_rgb(picture))).permute(2, 0, 1)
    small = min(pixels.shape[1:]) < size
    fitted = transforms.center_crop(transforms.resize(pixels, [size], antialias=True), [size, size])
    return Decoded("", fitted.permute(1, 2, 0).numpy(), hashlib.sha256(raw).digest(), small, alpha)


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow's own conversion would clip instead of scale
        return Image.fromarray((np.asarray(picture) / 257).round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB")


def _decode_named(size: int, item: tuple[str, Callable[[], bytes]]) -> Decoded:
    name, read = item
    try:
        decoded = decode(read(), size)
    except Exception:  # a broken file can raise nearly anything in its decoder; it is counted and named instead
        return Decoded(name, None)
    return Decoded(name, decoded.pixels, decoded.digest, decoded.small, decoded.alpha)


class _FileSource:
    """Picture files by name, each with a way to read its bytes; decoded by a thread a core."""

    name: str
    identity: Any
    attribution: avatars.Attribution | None = None

    def __len__(self) -> int:
        raise NotImplementedError

    def items(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        raise NotImplementedError

    def pictures(self, size: int) -> Iterator[Decoded]:
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            yield from map_in_order(pool, partial(_decode_named, size), self.items(), waiting=16 * workers)


class _FolderSource(_FileSource):
    def __init__(self, folder: Path):
        files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
        self.folder = folder
        self.paths = [p for p in files if p.suffix.lower() in PICTURE_SUFFIXES]
        if not self.paths:
            found = f"{len(files)} files, none of them a picture" if files else "nothing"
            raise InputError(f"--data {folder} is a folder with {found}. {WHAT_WORKS}.")
        self.name = folder.resolve().name
        self.identity = ["files", str(folder.resolve()), [_stamp(p, p.relative_to(folder)) for p in self.paths]]

    def __len__(self) -> int:
        return len(self.paths)

    def items(self):
        return ((str(p.relative_to(self.folder)), p.read_bytes) for p in self.paths)


class _ZipSource(_FileSource):
    def __init__(self, path: Path):
        try:
            self.archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise InputError(f"--data {path} is a damaged .zip ({_first_line(error)}). {WHAT_WORKS}.") from None
        self.names = sorted(
            name
            for name in self.archive.namelist()
            if name.lower().endswith(PICTURE_SUFFIXES)
            and not name.startswith("__MACOSX/")
            and not Path(name).name.startswith(".")
        )
        if not self.names:
            raise InputError(
                f"--data {path} is a .zip with {len(self.archive.namelist())} files, none of them a picture. "
                f"{WHAT_WORKS}."
            )
        self.name = path.name
        self.identity = ["zip", _stamp(path, path.resolve())]

    def __len__(self) -> int:
        return len(self.names)

    def items(self):
        return ((name, partial(self.archive.read, name)) for name in self.names)


class DatasetSource(_FileSource):
    """The image column of a data set of the `datasets` library; its train split where it has several."""

    def __init__(self, dataset: Any, name: str, attribution: avatars.Attribution | None = None):
        import datasets

        if isinstance(dataset, datasets.DatasetDict):
            dataset = dataset["train"] if "train" in dataset else next(iter(dataset.values()))
        columns = [c for c, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
        if not columns:
            raise InputError(f"--data {name} has no image column, only {', '.join(dataset.features)}. {WHAT_WORKS}.")
        self.column = columns[0]
        self.dataset = dataset.select_columns([self.column]).cast_column(self.column, datasets.Image(decode=False))
        self.name = name
        self.attribution = attribution
        files = [Path(file["filename"]) for file in dataset.cache_files]
        self.identity = ["dataset", name, len(dataset), [_stamp(file, file) for file in files]]

    def __len__(self) -> int:
        return len(self.dataset)

    def items(self):
        return ((f"row {i}", partial(self._read, i)) for i in range(len(self.dataset)))

    def _read(self, row: int) -> bytes:
        value = self.dataset[row][self.column]
        return value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes()


class _AvatarSource:
    def __init__(self, style: str, count: int, backgrounds: Sequence[str]):
        self.attribution = avatars.attribution(style)
        self.style, self.count, self.backgrounds = style, count, list(backgrounds)
        avatars.check_colours(backgrounds)
        self.name = AVATARS_PREFIX + style
        self.identity = ["avatars", style, count, self.backgrounds, avatars.renderer_versions()]

    def __len__(self) -> int:
        return self.count

    def pictures(self, size: int) -> Iterator[Decoded]:
        rendered = avatars.render_many(self.style, self.count, size, self.backgrounds)
        for index, pixels in enumerate(rendered):
            yield Decoded(f"{self.style} {index}", pixels, hashlib.sha256(pixels.tobytes()).digest())


def _parquet_source(path: Path) -> DatasetSource:
    import datasets

    try:
        with tempfile.TemporaryDirectory() as scratch:
            dataset = datasets.Dataset.from_parquet(str(path), cache_dir=scratch, keep_in_memory=True)
    except Exception as error:  # Arrow and datasets raise their own families of errors
        raise InputError(f"--data {path} can't be read as parquet: {_first_line(error)}. {WHAT_WORKS}.") from None
    source = DatasetSource(dataset, path.name)
    source.identity = ["parquet", _stamp(path, path.resolve())]
    return source


def _hub_source(name: str) -> DatasetSource:
    import datasets

    try:
        dataset = datasets.load_dataset(name)
    except Exception as error:  # offline, missing, private, malformed: each a different family of errors
        raise InputError(
            f"--data {name}: there is no such folder or file here, and the Hub data set {name} couldn't be loaded "
            f"({_first_line(error)}). {WHAT_WORKS}."
        ) from None
    return DatasetSource(dataset, name)


def _is_whole(folder: Path, size: int) -> bool:
    """Whether `folder` holds a complete cache; one that was damaged is as good as none."""
    try:
        used = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))["report"]["used"]
        return (folder / "pictures.u8").stat().st_size == used * size * size * 3
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _build_cache(source: Source, size: int, folder: Path, track: Track) -> None:
    """Decode into a folder beside `folder` and rename it there, so that a half-made cache is never opened."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    partial_folder = Path(tempfile.mkdtemp(prefix=f"{folder.name}.partial-", dir=folder.parent))
    try:
        report, fingerprint = Report(found=len(source)), hashlib.sha256()
        seen: set[bytes] = set()
        with open(partial_folder / "pictures.u8", "wb") as file:
            for picture in track(source.pictures(size), len(source)):
                if picture.pixels is None:
                    report.unreadable += 1
                    if len(report.unreadable_names) < NAMED_UNREADABLE:
                        report.unreadable_names.append(picture.name)
                elif picture.digest in seen:
                    report.duplicates += 1
                else:
                    seen.add(picture.digest)
                    fingerprint.update(picture.digest)
                    file.write(picture.pixels.tobytes())
                    report.used += 1
                    report.small += picture.small
                    report.with_alpha += picture.alpha
            file.flush()
            os.fsync(file.fileno())
        if not report.used:
            raise InputError(
                f"--data {source.name}: of {report.found} pictures found, none could be read "
                f"({', '.join(report.unreadable_names)}). {WHAT_WORKS}."
            )
        facts = {
            "name": source.name,
            "fingerprint": fingerprint.hexdigest(),
            "report": asdict(report),
            "attribution": asdict(source.attribution) if source.attribution else None,
        }
        (partial_folder / "pictures.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
        if not _is_whole(folder, size):  # else another run made the same cache meanwhile
            shutil.rmtree(folder, ignore_errors=True)
            partial_folder.rename(folder)
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)


def _remove_abandoned(root: Path) -> None:
    """Clear away what runs that were killed while decoding left behind."""
    for abandoned in root.glob("*.partial-*"):
        files = [abandoned, *abandoned.iterdir()]
        if time.time() - max(path.stat().st_mtime for path in files) > ABANDONED_SECONDS:
            shutil.rmtree(abandoned, ignore_errors=True)


def _open_cache(folder: Path, size: int) -> Pictures:
    facts = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
    report = Report(**facts["report"])
    pixels = np.memmap(folder / "pictures.u8", np.uint8, mode="r", shape=(report.used, size, size, 3))
    return Pictures(pixels, facts["name"], facts["fingerprint"], report, facts["attribution"])


def _stamp(path: Path, name: Path | str) -> list:
    """What tells a changed file from an unchanged one without reading it."""
    status = path.stat()
    return [str(name), status.st_size, status.st_mtime_ns]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
