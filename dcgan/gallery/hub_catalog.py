"""The checkpoints of a repository on the Hub: what is cached serves at once, what is new as soon as it is here."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dcgan.checkpoints import read_directions
from dcgan.errors import HubError, InputError
from dcgan.gallery.catalog_protocol import COMMIT_DIGITS, TEXTS, unknown_checkpoint
from dcgan.gallery.local_catalog import LocalCatalog
from dcgan.hub import DEFAULT_PATIENCE, Patience, Repository, cached_refs, fetch_file, fetch_texts, without_cache_paths
from dcgan.layout import DIRECTIONS_NAME, DISCRIMINATOR, epoch_of, is_snapshot
from dcgan.limits import MAX_DIRECTIONS_BYTES
from dcgan.models import Discriminator, Generator

FIRST_WAIT = 5.0  # seconds that the page waits at most for a checkpoint of which nothing is cached
REFRESH_AFTER = 300.0  # seconds until a visitor's arrival makes us ask the Hub again


class HubCatalog:
    """The generators of a Hub repository, by name: `user/name` is main or the revision asked for, `@epoch-0010` a tag.

    What is cached serves at once; the Hub is asked in the background, and what is new there serves as soon as it is
    here. Until something of the repository can be had, `fallback` serves and `notice` says why.
    """

    going_on = ""  # a run on the Hub is seen by its pushes

    def __init__(
        self, repo_id: str, revision: str | None, fallback: LocalCatalog, patience: Patience = DEFAULT_PATIENCE
    ):
        self._repository = Repository(repo_id, patience=patience)
        self._revision, self._fallback = revision, fallback
        self._own_name = f"{repo_id}@{revision}" if revision else repo_id
        self._commits: dict[str, str] = {}  # by name, best first; empty until something can be had
        self._texts: dict[str, str] = {}  # by file; of the first of those commits
        self._generators: dict[str, Generator] = {}  # by commit
        self._discriminators: dict[str, Discriminator | None] = {}  # by commit
        self._directions: dict[str, Mapping[str, Tensor]] = {}  # by commit
        self._problem: Exception | None = None
        self._loading = threading.Lock()
        self._asked_at = -REFRESH_AFTER
        self._asking: threading.Thread | None = None
        self._take_what_is_cached()
        self.refresh()
        self._wait_for_an_answer()

    @property
    def default(self) -> str:
        return self.names[0]

    @property
    def model(self) -> str:
        """What links and files call this catalog."""
        return self._repository.id if self._commits else self._fallback.model

    @property
    def names(self) -> list[str]:
        """What can be chosen: the repository's own generator first, then its snapshots, the latest first."""
        return list(self._commits) or self._fallback.names

    @property
    def stages(self) -> list[str]:
        """The snapshots, the earliest first; where there are none, what comes first.

        main is not a stage: once a run has ended, main shows one of the snapshots, in a commit of its own.
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
        """Load the generator called `name`; a snapshot that isn't cached is fetched, which takes a while.

        Raises:
            InputError: no such name, or a snapshot that can't be had any more.
        """
        commit = self._commit_of(name)
        if commit is None:
            return self._fallback.generator(name)
        generator = self._generators.get(commit) or self._cached_snapshot(commit)
        if generator is None:
            with self._loading:
                generator = self._generators.get(commit) or self._fetch(name, commit)
        return self._generators.setdefault(commit, generator)

    def discriminator(self, name: str | None = None) -> Discriminator | None:
        """Load the discriminator of `generator(name)`; it is fetched when it is first asked for.

        Raises:
            InputError: no such name, or the Hub can't be reached.
        """
        commit = self._commit_of(name)
        if commit is None:
            return self._fallback.discriminator(name)
        with self._loading:
            if commit not in self._discriminators:
                self._discriminators[commit] = _discriminator(self._repository, commit, self._fallback.device)
            return self._discriminators[commit]

    def commit(self, name: str | None = None) -> str:
        """Give the first digits of the commit that has the weights of `generator(name)`."""
        commit = self._commit_of(name)
        return self._fallback.commit(name) if commit is None else commit[:COMMIT_DIGITS]

    def directions(self, name: str | None = None) -> Mapping[str, Tensor]:
        """Give the directions beside the repository's own generator; they are fetched when they are first asked for.

        Raises:
            InputError: no such name, directions that can't be read, or the Hub can't be reached.
        """
        if self._commit_of(name) is None:
            return self._fallback.directions(name)
        own, commit = next(iter(self._commits.items()))
        latent_dim = self.generator(own).latent_dim
        with self._loading:
            if commit not in self._directions:
                self._directions[commit] = _directions(self._repository, commit, latent_dim)
            return self._directions[commit]

    def lacks_directions(self, name: str | None = None) -> bool:
        """Tell whether directions were asked for in vain; until somebody asks, they may be there."""
        if self._commit_of(name) is None:
            return self._fallback.lacks_directions(name)
        return self._directions.get(next(iter(self._commits.values()))) == {}

    def text(self, file: str) -> str:
        """Read one of TEXTS; "" too where it hasn't been fetched yet."""
        return self._texts.get(file, "") if self._commits else self._fallback.text(file)

    def picture(self, file: str) -> np.ndarray | None:
        """Read one of PICTURES of the fallback; of a repository none is fetched."""
        return None if self._commits else self._fallback.picture(file)

    def refresh(self) -> None:
        """Ask the Hub what is new, in the background and not too often."""
        if time.monotonic() - self._asked_at >= REFRESH_AFTER:
            self._asked_at = time.monotonic()
            self._asking = threading.Thread(target=self._ask, name="hub-catalog", daemon=True)
            self._asking.start()

    def of(self, name: str | None = None) -> HubCatalog:
        return self  # there is one model

    def _wait_for_an_answer(self) -> None:
        if self._asking and not self._commits:
            self._asking.join(FIRST_WAIT)

    def _commit_of(self, name: str | None) -> str | None:
        """Find the commit of `name`; None where the fallback is meant, as by a page that was opened before."""
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
        self._commits = {self._own_name: commit} | _snapshots(self._repository.id, refs, self._revision)

    def _ask(self) -> None:
        try:
            commit = self._repository.resolve(self._revision)
            if commit not in self._generators:
                self._generators[commit] = self._load(commit)
            tags = self._repository.refs().tags
            commits = {self._own_name: commit} | _snapshots(self._repository.id, tags, self._revision)
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
        with self._loading:  # else one could be deleted between being loaded and being used
            for held in (self._generators, self._discriminators, self._directions):
                for old in set(held) - commits:
                    del held[old]

    def _fetch(self, name: str | None, commit: str) -> Generator:
        """Load the weights of `commit`, even if its tag has moved since: all else was read from that commit, too.

        Raises:
            HubError: its tag was deleted, so that the snapshot is gone; or the Hub can't be reached.
        """
        if tag := (name or "").partition("@")[2]:
            self._repository.resolve(tag)
        return self._load(commit)

    def _load(self, commit: str, **options: Any) -> Generator:
        options["patience"] = self._repository.patience
        return Generator.from_pretrained(self._repository.id, revision=commit, **options).to(self._fallback.device)

    def _cached_snapshot(self, commit: str) -> Generator | None:
        try:
            return self._load(commit, local_files_only=True)
        except HubError:
            return None


def _discriminator(repository: Repository, commit: str, device: torch.device) -> Discriminator | None:
    try:
        return Discriminator.from_pretrained(
            repository.id,
            subfolder=DISCRIMINATOR,
            revision=commit,
            map_location=device,
            patience=repository.patience,
        )
    except HubError as error:
        if error.temporary:
            raise
        return None


def _directions(repository: Repository, commit: str, latent_dim: int) -> Mapping[str, Tensor]:
    path = fetch_file(repository.id, commit, DIRECTIONS_NAME, MAX_DIRECTIONS_BYTES, repository.patience)
    try:
        return read_directions(path.parent, latent_dim) if path else {}
    except InputError as error:
        raise InputError(without_cache_paths(str(error), repository.id)) from None


def _snapshots(repo_id: str, refs: dict[str, str], shown: str | None) -> dict[str, str]:
    """Name the snapshots among a repository's tags, the latest first, but for the one that is shown anyway."""
    tags = sorted(filter(is_snapshot, refs), key=_epoch, reverse=True)
    return {f"{repo_id}@{tag}": refs[tag] for tag in tags if tag != shown}


def _epoch(snapshot: str) -> int:
    return epoch_of(snapshot.rpartition("@")[2])
