"""A repository on the Hugging Face Hub. This room alone knows its client."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    constants,
    get_token,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.logging import set_verbosity_error
from huggingface_hub.utils.tqdm import disable_progress_bars

from dcgan.errors import DamagedError, HubError, InputError
from dcgan.hub.explain import LOG_IN, explanation
from dcgan.hub.retry import DEFAULT_PATIENCE, Patience
from dcgan.hub.session import set_time_limit

MAIN = "main"
HOSTS = tuple(scheme + host for scheme in ("https://", "http://", "") for host in ("huggingface.co", "hf.co"))


def is_repo_id(text: str) -> bool:
    """Tell whether `text` is written like a repository of the Hub: user/name."""
    well_formed = re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", text, re.ASCII)
    return bool(well_formed) and not re.search(r"--|\.\.|\.git$|[.-](/|$)", text)


def repo_id_in(text: str) -> str:
    """Find the repository in what people paste: with blanks around it, or the address of its page."""
    text = text.strip()
    hosts = "|".join(re.escape(host) for host in (*HOSTS, constants.ENDPOINT))
    page = re.fullmatch(rf"(?:{hosts})/+([^/?#]+/[^/?#]+?)(?:/tree/{MAIN})?/*(?:[?#].*)?", text)
    return page[1] if page else text


def has_hash(path: Path, digest: str) -> bool:
    """Tell whether a file has the hash by which the Hub knows it: SHA-256 where LFS keeps it, else git's SHA-1."""
    content = path.read_bytes()
    if len(digest) == 64:
        return hashlib.sha256(content).hexdigest() == digest
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == digest


class Refs(NamedTuple):
    """Commits by the name of their branch or tag."""

    branches: dict[str, str]
    tags: dict[str, str]


class Commit(NamedTuple):
    """A commit, with the first line of its message and all of it."""

    oid: str
    title: str
    message: str


class Repository:
    """A repository on the Hub, of a model or a Space. Every method is one attempt, and its failure a HubError.

    `patience` limits the time of an attempt, and tells whoever repeats it how long to wait between two.

    Raises:
        InputError: `repo_id` isn't written user/name.
    """

    def __init__(
        self,
        repo_id: str,
        token: str | bool | None = None,
        patience: Patience = DEFAULT_PATIENCE,
        kind: Literal["model", "space"] = "model",
    ):
        repo_id = repo_id_in(repo_id)
        if not is_repo_id(repo_id):
            raise InputError(f"{repo_id!r} is no repository of the Hub; one is written user/name.")
        self.id, self.token, self.patience, self.kind = repo_id, token, patience, kind

    @cached_property
    def api(self) -> HfApi:
        """The client; what is asked of it is asked within `explained`."""
        return HfApi(token=self.token)

    @property
    def page(self) -> str:
        """Its address in a browser."""
        return "/".join([constants.ENDPOINT, *(["spaces"] if self.kind == "space" else []), self.id])

    def create(self, private: bool) -> None:
        """Make sure that the repository exists and can be written to; a private one where that is asked for."""
        if get_token() is None:
            raise HubError(f"there is no Hugging Face token to push to {self.id} with: {LOG_IN}.")
        with self.explained(writing=True):
            user = self.api.whoami()
            if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
                raise HubError(
                    f"{user['name']}'s token may only read, so nothing can be pushed to {self.id}; {LOG_IN}, with one "
                    "that may write."
                )
            sdk = "gradio" if self.kind == "space" else None
            self.api.create_repo(self.id, private=private or None, exist_ok=True, repo_type=self.kind, space_sdk=sdk)
            self.api.auth_check(self.id, write=True, repo_type=self.kind)
            if private and not self.api.repo_info(self.id, repo_type=self.kind).private:
                raise HubError(
                    f"--private: {self.id} exists already and is public; make it private in its settings on the Hub, "
                    "or name another repository."
                )

    def refs(self) -> Refs:
        """List branches and tags."""
        with self.explained():
            refs = self.api.list_repo_refs(self.id, repo_type=self.kind)
        found = Refs(*({ref.name: ref.target_commit for ref in kind} for kind in (refs.branches, refs.tags)))
        if MAIN not in found.branches:
            raise DamagedError(f"the Hub names no branch {MAIN} of {self.id}")
        return found

    def resolve(self, revision: str | None) -> str:
        """Find the commit that a branch, tag or commit stands for now; where the Hub is away, what the cache has."""
        with self.explained(revision):
            return self.api.resolve_revision(self.id, revision=revision).resolved

    def files(self, revision: str) -> dict[str, int]:
        """List the files of a revision: the size in bytes of each, by its path."""
        return {entry.path: entry.size for entry in self._entries(revision)}

    def history(self, branch: str) -> list[Commit]:
        """List the commits of a branch, newest first."""
        with self.explained(branch):
            listed = self.api.list_repo_commits(self.id, revision=branch)
            commits = [Commit(c.commit_id, c.title, c.message) for c in listed]
        if not commits:
            raise DamagedError(f"the Hub names no commits of {self.id}")
        return commits

    def read(self, path: str, revision: str) -> bytes:
        """Read a small file without the cache."""
        with tempfile.TemporaryDirectory() as scratch, self.explained(revision):
            return Path(
                hf_hub_download(self.id, path, revision=revision, local_dir=scratch, token=self.token)
            ).read_bytes()

    def download(self, revision: str, patterns: Sequence[str], folder: Path) -> None:
        """Put the files of a revision that match into `folder`; one that arrives damaged is a DamagedError."""
        folder.mkdir(parents=True, exist_ok=True)
        listed = {entry.path: entry.lfs.sha256 if entry.lfs else entry.blob_id for entry in self._entries(revision)}
        with tempfile.TemporaryDirectory(dir=folder) as scratch, self.explained(revision, into=folder):
            snapshot_download(self.id, revision=revision, allow_patterns=list(patterns), local_dir=scratch)
            for path in sorted(Path(scratch).rglob("*")):
                name = path.relative_to(scratch)
                if path.is_file() and name.parts[0] != ".cache":  # the client's own notes
                    if not has_hash(path, listed.get(name.as_posix(), "")):
                        raise DamagedError(f"{name} of {self.id} arrives damaged")
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    path.replace(folder / name)

    def commit(
        self,
        files: Mapping[str, Path | bytes],
        title: str,
        description: str,
        parent: str,
        branch: str = MAIN,
        delete: Iterable[str] = (),
    ) -> str:
        """Add files to a branch whose newest commit is `parent`; return the new one, or `parent` if nothing changes."""
        operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete]
        operations = [CommitOperationAdd(path, content) for path, content in files.items()]
        operations += [CommitOperationDelete(path) for path in delete]
        with self.explained(branch, writing=True):
            return self.api.create_commit(
                self.id,
                operations,
                commit_message=title,
                commit_description=description,
                revision=branch,
                parent_commit=parent,
                repo_type=self.kind,
            ).oid

    def tag(self, name: str, commit: str) -> None:
        """Name a commit; a tag that is there already is a HubError, and so worth a look."""
        with self.explained(writing=True):
            self.api.create_tag(self.id, tag=name, revision=commit)

    def branch(self, name: str, commit: str) -> None:
        """Begin a branch at a commit; one that is there already is a HubError, and so worth a look."""
        with self.explained(writing=True):
            self.api.create_branch(self.id, branch=name, revision=commit)

    def _entries(self, revision: str) -> list[RepoFile]:
        with self.explained(revision):
            tree = list(self.api.list_repo_tree(self.id, revision=revision, recursive=True, repo_type=self.kind))
        return [entry for entry in tree if isinstance(entry, RepoFile)]

    @contextmanager
    def explained(self, revision: str | None = None, writing: bool = False, into: Path | None = None) -> Iterator[None]:
        """Limit the time of what the client does within, and turn whatever it raises into a HubError."""
        try:
            set_time_limit(self.patience.timeout)
            yield
        except InputError:
            raise
        except Exception as error:  # the client raises nearly anything: its own, httpx2's, OSError, RuntimeError
            raise explanation(error, self.id, revision, writing, into) from error


def keep_quiet() -> None:
    """Keep progress bars and warnings of the client out of a command's own lines."""
    disable_progress_bars()
    set_verbosity_error()
