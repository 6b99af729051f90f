"""The sets of pictures that recipes are compared on: what is trained on, and which reals the faces are held against."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dcgan.config import AVATARS_PREFIX, PORTRAITS_PREFIX, TrainConfig
from dcgan.data import load_pictures, open_art
from dcgan.errors import InputError
from dcgan.evaluation import ReferencePictures, held_out_pictures, pictures_given
from dcgan.files import replacing, sha256, write_json

PORTRAITS, ADVENTURER, ANIME = SETS = ("portraits", "adventurer", "anime")
DRAWN = ("--data-size", "50000")
DRAWN_SAMPLES, ANIME_SAMPLES = 2_000, 1_000  # faces, as many reals, and as many others for the floor
HELD_OUT_EVERY = 11
SPLIT_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")  # what the parts that were measured are made of
ANIME_SHA256 = "6d6938439fd3736e92cc36ba6f75204f91ed22937123c607cb130725b72d7f0b"  # of the zip of 22,000 faces
TRAIN_NAME, HELD_OUT_NAME, SPLIT_NAME = "anime-train.zip", "anime-held-out.zip", "split.json"


@dataclass(frozen=True)
class PictureSet:
    """One set: `source` is what --data is given, maybe a path; `reals` opens what a run's faces are held against."""

    name: str
    source: str
    options: tuple[str, ...]  # of train.py
    samples: int
    reals: Callable[[TrainConfig], ReferencePictures]
    zip_sha256: str | None = None


def portraits(art: Path) -> PictureSet:
    """Make the set of portraits composed from the layers in `art`."""
    source = f"{PORTRAITS_PREFIX}{art.resolve()}"

    return PictureSet(PORTRAITS, source, DRAWN, DRAWN_SAMPLES, _held_out(source))


def adventurer() -> PictureSet:
    """Make the set of rendered avatars."""

    source = AVATARS_PREFIX + ADVENTURER
    return PictureSet(ADVENTURER, source, DRAWN, DRAWN_SAMPLES, _held_out(source))


def _held_out(source: str) -> Callable[[TrainConfig], ReferencePictures]:
    return lambda config: held_out_pictures(source, config.image_size, config.portrait_crop, config.background)


def anime(path: Path, folder: Path) -> PictureSet:
    """Make a set of real anime faces from a zip that isn't ours to share, split into two zips in `folder`."""
    digest = split_once(path, folder)

    def reals(config: TrainConfig) -> ReferencePictures:
        return pictures_given(load_pictures(str(folder / HELD_OUT_NAME), config.image_size), "held out")

    return PictureSet(ANIME, str((folder / TRAIN_NAME).resolve()), (), ANIME_SAMPLES, reals, digest)


def split_once(path: Path, folder: Path) -> str:
    """Split a zip as `split` does, unless `folder` holds its parts already; return the SHA-256 of the zip.

    Raises:
        InputError: no such zip, or the parts of another one in `folder`.
    """
    if not path.is_file():
        raise InputError(f"--anime {path}: there is no such file.")
    digest = sha256(path)
    if digest != ANIME_SHA256:
        print(f"{path.name} isn't the zip that others were measured on: figures won't be comparable with theirs")
    known = folder / SPLIT_NAME
    if known.is_file():
        if json.loads(known.read_text(encoding="utf-8"))["zip_sha256"] != digest:
            raise InputError(f"{folder} holds the parts of another zip than --anime {path}; name another FOLDER.")
        return digest
    folder.mkdir(parents=True, exist_ok=True)
    trained_on, held_out = split(path, folder)
    write_json(known, {"zip_sha256": digest, "trained_on": trained_on, "held_out": held_out})  # last: all is there
    print(f"{path.name}: {trained_on:,} pictures to train on, {held_out:,} held out, in {folder}")
    return digest


def split(path: Path, folder: Path) -> tuple[int, int]:
    """Write the pictures of a zip into two, by the order of their names: every 11th is held out. How many each has."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(filter(_is_picture, archive.namelist()))
        held_out = names[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
        trained_on = sorted(set(names) - set(held_out))
        if not held_out:
            raise InputError(f"--anime {path} has {len(names)} pictures; {HELD_OUT_EVERY} are needed to hold one out.")
        for part, name in ((trained_on, TRAIN_NAME), (held_out, HELD_OUT_NAME)):
            _copy(archive, part, folder / name)
    return len(trained_on), len(held_out)


def _is_picture(name: str) -> bool:
    hidden = name.startswith("__MACOSX/") or Path(name).name.startswith(".")
    return name.lower().endswith(SPLIT_SUFFIXES) and not hidden


def _copy(archive: zipfile.ZipFile, names: Sequence[str], path: Path) -> None:
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as part:
        for name in names:
            part.writestr(zipfile.ZipInfo(name), archive.read(name))


def open_sets(folder: Path, art: Path | None, anime_zip: Path | None) -> dict[str, PictureSet]:
    """Open the sets that can be had with what was given, by name."""
    found = {ADVENTURER: adventurer()}
    if art:
        open_art(art)  # said now where it isn't there, not after other runs
        found[PORTRAITS] = portraits(art)
    if anime_zip:
        found[ANIME] = anime(anime_zip, folder / ANIME)
    return {name: found[name] for name in SETS if name in found}
