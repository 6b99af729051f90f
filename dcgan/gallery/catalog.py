"""The checkpoints that the app can choose from: of a folder, of several, or of a repository on the Hub."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from dcgan.checkpoints import load_discriminator, load_generator, snapshot_folder, snapshot_names
from dcgan.errors import HubError, InputError
from dcgan.files import sha256
from dcgan.hub import (
    DEFAULT_PATIENCE,
    MAX_TEXT_BYTES,
    Patience,
    Repository,
    cached_refs,
    fetch_texts,
    is_repo_id,
)
from dcgan.layout import CARD_NAME, DISCRIMINATOR, METRICS_NAME, TRAINING_NAME, WEIGHTS_NAME, epoch_of, is_snapshot
from dcgan.models import Discriminator, Generator

FIRST_WAIT = 5.0  # seconds that the page waits at most for a checkpoint of which nothing is cached
REFRESH_AFTER = 300.0  # seconds until a visitor's arrival makes us ask the Hub again
TEXTS = (TRAINING_NAME, METRICS_NAME, CARD_NAME)  # what a checkpoint says of itself
COMMIT_DIGITS = 12  # enough to tell versions apart, short enough for a link


def open_library(
    model: str | None,
    revision: str | None,
    bundled: Sequence[Path],
    device: torch.device,
    patience: Patience = DEFAULT_PATIENCE,
) -> Library | HubLibrary | Shelf:
    """The library of a checkpoint folder or, where there is no such path and it is written user/name, of the Hub's.

    Without a model it is a shelf of all that is bundled.

    Raises:
        InputError: a folder that is no checkpoint. A repository that can't be had is none: the first of `bundled`
            serves then.
    """
    if model and not _is_local(model):
        return HubLibrary(model, revision, Library(bundled[0], device), patience)
    if revision:
        raise InputError(
            f"--revision {revision} goes with a repository of the Hub; the snapshots of a folder such as "
            f"{model or bundled[0]} are chosen on the page."
        )
    return Library(Path(model), device) if model else Shelf([Library(folder, device) for folder in bundled])


def _is_local(model: str) -> bool:
    path = Path(model)
    return path.exists() or not is_repo_id(model) or path.parent.is_dir()  # as in checkpoints/misspelled


class Library:
    """The generators of one checkpoint folder, by name: `NAME` is the folder's own, `NAME@epoch-0010` a snapshot.

    The folder's own is loaded at once, so that a bad folder is an InputError here; snapshots when first asked for.
    """

    notice = ""  # one line for the page where something else is shown than was asked for

    def __init__(self, folder: Path, device: torch.device):
        self.folder, self.device = Path(folder).resolve(), device
        self.default = self.folder.name
        self._snapshots = {f"{self.default}@{name}": name for name in reversed(snapshot_names(self.folder))}
        self._loading = threading.Lock()
        self._commits: dict[str, str] = {}
        self._generators = {self.default: load_generator(Path(folder)).to(device)}
        self._discriminators: dict[str, Discriminator | None] = {}

    @property
    def model(self) -> str:
        """What links and files call this library."""
        return self.default

    @property
    def names(self) -> list[str]:
        """What can be chosen: the folder's own generator first, then its snapshots, the latest first."""
        return [self.default, *self._snapshots]

    @property
    def stages(self) -> list[str]:
        """The snapshots, the earliest first; last the folder's own, where it shows none of them or has none."""
        stages = list(self._snapshots)[::-1]
        return stages if self._shows_a_snapshot() else [*stages, self.default]

    def generator(self, name: str | None = None) -> Generator:
        """The generator called `name`, on the library's device, in eval mode; without a name the first of `names`.

        Raises:
            InputError: no such name; says which there are.
        """
        name = name or self.default
        with self._loading:
            if name not in self._generators:
                if name not in self._snapshots:
                    raise unknown_checkpoint(name, self.names)
                self._generators[name] = load_generator(self.folder, self._snapshots[name]).to(self.device)
            return self._generators[name]

    def discriminator(self, name: str | None = None) -> Discriminator | None:
        """The discriminator that was trained against `generator(name)`, where the folder has it."""
        name = name or self.default
        folder = self._folder(name)
        with self._loading:
            if name not in self._discriminators:
                self._discriminators[name] = load_discriminator(folder, self.device)
            return self._discriminators[name]

    def commit(self, name: str | None = None) -> str:
        """What tells a generator's weights from all others: the beginning of their file's SHA-256.

        Raises:
            InputError: no such name, or a snapshot whose files are gone.
        """
        name = name or self.default
        if name not in self._commits:
            folder = self._folder(name)
            try:
                self._commits[name] = sha256(folder / WEIGHTS_NAME)[:COMMIT_DIGITS]
            except OSError:
                raise InputError(f"{name} is not in {self.folder.name} any more; choose another checkpoint.") from None
        return self._commits[name]

    def text(self, file: str) -> str:
        """What one of TEXTS says; "" where the folder hasn't it."""
        path = self.folder / file
        if not path.is_file() or path.stat().st_size > MAX_TEXT_BYTES:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")

    def refresh(self) -> None:
        """See what is new. A folder is what it was when the app started."""

    def of(self, name: str | None = None) -> Library:
        """The library that has the checkpoint called `name`, where there may be several."""
        return self

    def _shows_a_snapshot(self) -> bool:
        for name in self._snapshots:
            with suppress(InputError):  # it is gone
                if self.commit(name) == self.commit():
                    return True
        return False

    def _folder(self, name: str) -> Path:
        if name not in self.names:
            raise unknown_checkpoint(name, self.names)
        snapshot = self._snapshots.get(name)
        return snapshot_folder(self.folder, snapshot) if snapshot else self.folder


class HubLibrary:
    """The generators of a Hub repository, by name: `user/name` is main or the revision asked for, `@epoch-0010` a tag.

    What is cached serves at once; the Hub is asked in the background, and what is new there serves as soon as it is
    here. Until something of the repository can be had, `fallback` serves and `notice` says why.
    """

    def __init__(self, repo_id: str, revision: str | None, fallback: Library, patience: Patience = DEFAULT_PATIENCE):
        self._repository = Repository(repo_id, patience=patience)
        self._revision, self._fallback = revision, fallback
        self._own_name = f"{repo_id}@{revision}" if revision else repo_id
        self._commits: dict[str, str] = {}  # by name, best first; empty until something can be had
        self._texts: dict[str, str] = {}  # by file; of the first of those commits
        self._generators: dict[str, Generator] = {}  # by commit
        self._discriminators: dict[str, Discriminator | None] = {}  # by commit
        self._problem: Exception | None = None
        self._loading = threading.Lock()
        self._asked_at = -REFRESH_AFTER
        self._take_what_is_cached()
        asking = self.refresh()
        if not self._commits:
            asking.join(FIRST_WAIT)

    @property
    def default(self) -> str:
        return self.names[0]

    @property
    def model(self) -> str:
        """What links and files call this library."""
        return self._repository.id if self._commits else self._fallback.model

    @property
    def names(self) -> list[str]:
        """What can be chosen: the repository's own generator first, then its snapshots, the latest first."""
        return list(self._commits) or self._fallback.names

    @property
    def stages(self) -> list[str]:
        """The snapshots, the earliest first; where there are none, what comes first.

        main is no stage of its own: of a run that ended it shows one of the snapshots, in a commit of its own.
        """
        names = list(self._commits)
        tagged = [name for name in names if is_snapshot(name.partition("@")[2])]
        return sorted(tagged, key=_epoch) or names[:1] or self._fallback.stages

    @property
    def notice(self) -> str:
        if self._commits:
            return ""
        reason = f"{self._problem}".rstrip(".") if self._problem else "it is still on its way"
        return f"{self._own_name} can't be shown: {reason}. These faces are of {self._fallback.default}."

    def generator(self, name: str | None = None) -> Generator:
        """As `Library.generator`; a snapshot that isn't cached is fetched, which takes a while.

        Raises:
            InputError: no such name, or a snapshot that can't be had any more.
        """
        commit = self._commit_of(name)
        if commit is None:
            return self._fallback.generator(name)
        generator = self._generators.get(commit) or self._cached_snapshot(commit)
        if generator is None:
            with self._loading:
                generator = self._generators.get(commit) or self._load((name or "").partition("@")[2] or commit)
        return self._generators.setdefault(commit, generator)

    def discriminator(self, name: str | None = None) -> Discriminator | None:
        """As `Library.discriminator`; it is fetched when it is first asked for.

        Raises:
            InputError: no such name, or the Hub can't be reached.
        """
        commit = self._commit_of(name)
        if commit is None:
            return self._fallback.discriminator(name)
        with self._loading:
            if commit not in self._discriminators:
                self._discriminators[commit] = self._load_discriminator(commit)
            return self._discriminators[commit]

    def commit(self, name: str | None = None) -> str:
        """As `Library.commit`, but of the commit that has the weights."""
        commit = self._commit_of(name)
        return self._fallback.commit(name) if commit is None else commit[:COMMIT_DIGITS]

    def text(self, file: str) -> str:
        """As `Library.text`; "" too where it hasn't been fetched yet."""
        return self._texts.get(file, "") if self._commits else self._fallback.text(file)

    def refresh(self) -> threading.Thread:
        """Ask the Hub what is new, in the background and not too often."""
        asking = threading.Thread(target=self._ask, name="hub-library", daemon=True)
        if time.monotonic() - self._asked_at >= REFRESH_AFTER:
            self._asked_at = time.monotonic()
            asking.start()
        return asking

    def of(self, name: str | None = None) -> HubLibrary:
        """As `Library.of`."""
        return self

    def _commit_of(self, name: str | None) -> str | None:
        """The commit that `name` stands for; None where the fallback is meant, as by a page that was opened before."""
        commits = self._commits
        if not commits or name in self._fallback.names:
            return None
        name = name or next(iter(commits))
        if name not in commits:
            raise unknown_checkpoint(name, self.names)
        return commits[name]

    def _take_what_is_cached(self) -> None:
        refs = cached_refs(self._repository.id)
        revision = self._revision or "main"
        commit = refs.get(revision, revision)
        try:
            self._generators[commit] = self._load(commit, local_files_only=True)
        except InputError:
            return
        self._texts = fetch_texts(self._repository.id, commit, TEXTS, local_files_only=True)
        self._commits = self._named(commit, refs)

    def _ask(self) -> None:
        try:
            commit = self._repository.resolve(self._revision)
            if commit not in self._generators:
                self._generators[commit] = self._load(commit)
            commits = self._named(commit, self._repository.refs().tags)
        except Exception as error:  # whatever it is, the page has to say something
            self._problem = error
            print(f"{self._own_name}: {error}", file=sys.stderr)
            return
        self._commits = commits
        try:
            self._texts = fetch_texts(self._repository.id, commit, TEXTS, patience=self._repository.patience)
        except InputError as error:  # faces can be had without
            print(f"{self._own_name}: {error}", file=sys.stderr)
        self._let_go_of_all_but(set(commits.values()))

    def _let_go_of_all_but(self, commits: set[str]) -> None:
        with self._loading:  # or one could go between being loaded and being used
            for networks in (self._generators, self._discriminators):
                for old in set(networks) - commits:
                    del networks[old]

    def _named(self, commit: str, refs: dict[str, str]) -> dict[str, str]:
        tags = sorted(filter(is_snapshot, refs), key=_epoch, reverse=True)
        own = {self._own_name: commit}
        return own | {f"{self._repository.id}@{tag}": refs[tag] for tag in tags if tag != self._revision}

    def _load(self, revision: str, **options: Any) -> Generator:
        options["patience"] = self._repository.patience
        return Generator.from_pretrained(self._repository.id, revision=revision, **options).to(self._fallback.device)

    def _load_discriminator(self, commit: str) -> Discriminator | None:
        try:
            return Discriminator.from_pretrained(
                self._repository.id,
                subfolder=DISCRIMINATOR,
                revision=commit,
                map_location=self._fallback.device,
                patience=self._repository.patience,
            )
        except HubError as error:
            if error.temporary:
                raise
            return None

    def _cached_snapshot(self, commit: str) -> Generator | None:
        try:
            return self._load(commit, local_files_only=True)
        except HubError:
            return None


class Shelf:
    """Several libraries in one: what a name stands for is as in the library that has it."""

    notice = ""

    def __init__(self, libraries: Sequence[Library]):
        self._libraries = list(libraries)

    @property
    def default(self) -> str:
        return self._libraries[0].default

    @property
    def names(self) -> list[str]:
        """What can be chosen: each library's own generator, then their snapshots, library by library."""
        names = [library.names for library in self._libraries]
        return [*(own for own, *_ in names), *(snapshot for _, *snapshots in names for snapshot in snapshots)]

    def of(self, name: str | None = None) -> Library:
        """The library that has the checkpoint called `name`; without a name the first.

        Raises:
            InputError: no such name; says which there are.
        """
        for library in self._libraries:
            if (name or self.default) in library.names:
                return library
        raise unknown_checkpoint(name, self.names)

    def generator(self, name: str | None = None) -> Generator:
        return self.of(name).generator(name)

    def discriminator(self, name: str | None = None) -> Discriminator | None:
        return self.of(name).discriminator(name)

    def commit(self, name: str | None = None) -> str:
        return self.of(name).commit(name)

    def refresh(self) -> None:
        """As `Library.refresh`."""


def _epoch(snapshot: str) -> int:
    return epoch_of(snapshot.rpartition("@")[2])


def unknown_checkpoint(name: str, names: list[str]) -> InputError:
    return InputError(f"There is no checkpoint {name!r}; there are {', '.join(names)}.")
