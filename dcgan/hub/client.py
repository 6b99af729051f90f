"""A repository on the Hugging Face Hub. This room alone knows its client."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    constants,
    get_session,
    get_token,
    hf_hub_download,
    set_client_factory,
    snapshot_download,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import disable_progress_bars
from huggingface_hub.utils.logging import set_verbosity_error

from dcgan.config import GeneratorConfig
from dcgan.errors import HubError, InputError, OccupiedError
from dcgan.files import read_facts
from dcgan.hub import retry
from dcgan.hub.explain import LOG_IN, explanation
from dcgan.layout import CONFIG_NAME, TRAINING_NAME, WEIGHTS_NAME, is_snapshot

MAIN = "main"
LARGEST_CONFIG = 64 * 2**10  # bytes


def is_repo_id(text: str) -> bool:
    """Whether `text` is written like a repository of the Hub: user/name."""
    well_formed = re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", text, re.ASCII)
    return bool(well_formed) and not re.search(r"--|\.\.|\.git$|[.-](/|$)", text)


class Refs(NamedTuple):
    """Commits by the name of their branch or tag."""

    branches: dict[str, str]
    tags: dict[str, str]


class Commit(NamedTuple):
    oid: str
    title: str
    message: str


class Repository:
    """A model repository on the Hub. Every method is one attempt, and its failure a HubError.

    Raises:
        InputError: `repo_id` isn't written user/name.
    """

    def __init__(self, repo_id: str, token: str | bool | None = None):
        if not is_repo_id(repo_id):
            raise InputError(f"{repo_id!r} is no repository of the Hub; one is written user/name.")
        self.id, self.token = repo_id, token

    @cached_property
    def api(self) -> HfApi:
        _set_time_limit(retry.PATIENCE.timeout)
        return HfApi(token=self.token)

    def prepare(self, private: bool, run_id: str | None) -> None:
        """Make sure, before there is anything to lose, that run `run_id` can be pushed here; creates the repository.

        Without a run_id (a new run, an imported model) it must not hold a run yet.
        """
        if get_token() is None:
            raise HubError(f"there is no Hugging Face token to push to {self.id} with: {LOG_IN}.")
        with self.explained(writing=True):
            user = self.api.whoami()
            if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
                raise HubError(
                    f"{user['name']}'s token may only read, so nothing can be pushed to {self.id}; {LOG_IN}, with one "
                    "that may write."
                )
            self.api.create_repo(self.id, private=private or None, exist_ok=True)
            self.api.auth_check(self.id, write=True)
            if private and not self.api.model_info(self.id).private:
                raise HubError(
                    f"--private: {self.id} exists already and is public; make it private in its settings on the Hub, "
                    "or name another repository."
                )
        refs = self.refs()
        self.check_owner(refs.branches[MAIN], run_id)
        for name in sorted(filter(is_snapshot, refs.tags))[-1:]:
            self.check_owner(refs.tags[name], run_id)

    def check_owner(self, commit: str, run_id: str | None) -> int:
        """The step of the run `run_id` that `commit` holds; 0 where it holds nothing yet, or says no step.

        Raises:
            HubError: it holds another run, or a model that isn't known to be of this one.
        """
        files = self.files(commit)
        if TRAINING_NAME in files:
            facts = read_facts(self.read(TRAINING_NAME, commit))
            if (theirs := facts.get("run_id")) != run_id or run_id is None:
                raise OccupiedError(
                    f"{self.id} holds another run already ({theirs}); push to another repository. That run itself goes "
                    f"on with --resume, in its folder or as --resume {self.id}."
                )
            return facts.get("step") or 0
        if WEIGHTS_NAME in files and (run_id or not self._holds_a_generator(commit, files)):
            raise OccupiedError(
                f"{self.id} holds a model already, and no run of train.py's; push to another repository."
            )
        return 0

    def _holds_a_generator(self, commit: str, files: Mapping[str, int]) -> bool:
        if not files.get(CONFIG_NAME, LARGEST_CONFIG) < LARGEST_CONFIG:
            return False
        try:
            GeneratorConfig.from_dict(read_facts(self.read(CONFIG_NAME, commit)))
        except HubError:
            raise
        except InputError:
            return False
        return True

    def refs(self) -> Refs:
        with self.explained():
            refs = self.api.list_repo_refs(self.id)
        return Refs(*({ref.name: ref.target_commit for ref in kind} for kind in (refs.branches, refs.tags)))

    def resolve(self, revision: str | None) -> str:
        """The commit that a branch, tag or commit stands for now; where the Hub is away, what the cache remembers."""
        with self.explained(revision):
            return self.api.resolve_revision(self.id, revision=revision).resolved

    def files(self, revision: str) -> dict[str, int]:
        """Size in bytes of every file of a revision, by its path."""
        with self.explained(revision):
            tree = list(self.api.list_repo_tree(self.id, revision=revision, recursive=True))
        return {entry.path: entry.size for entry in tree if isinstance(entry, RepoFile)}

    def history(self, branch: str) -> list[Commit]:
        """Commits of a branch, newest first."""
        with self.explained(branch):
            return [
                Commit(c.commit_id, c.title, c.message) for c in self.api.list_repo_commits(self.id, revision=branch)
            ]

    def read(self, path: str, revision: str) -> bytes:
        """A small file's content, past the cache."""
        with tempfile.TemporaryDirectory() as scratch, self.explained(revision):
            return Path(
                hf_hub_download(self.id, path, revision=revision, local_dir=scratch, token=self.token)
            ).read_bytes()

    def download(self, revision: str, patterns: Sequence[str], folder: Path) -> None:
        """Put the files of a revision that match into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch, self.explained(revision, into=folder):
            snapshot_download(self.id, revision=revision, allow_patterns=list(patterns), local_dir=scratch)
            for path in sorted(Path(scratch).rglob("*")):
                name = path.relative_to(scratch)
                if path.is_file() and name.parts[0] != ".cache":  # the client's own notes
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
        """Add files to a branch whose newest commit is `parent`; gives the new one, or `parent` if nothing changes."""
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
            ).oid

    def tag(self, name: str, commit: str) -> None:
        with self.explained(writing=True):
            self.api.create_tag(self.id, tag=name, revision=commit, exist_ok=True)

    def branch(self, name: str, commit: str) -> None:
        with self.explained(writing=True):
            self.api.create_branch(self.id, branch=name, revision=commit, exist_ok=True)

    @contextmanager
    def explained(self, revision: str | None = None, writing: bool = False, into: Path | None = None) -> Iterator[None]:
        """Turns whatever the client raises into a HubError."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # the client raises nearly anything: its own, httpx2's, OSError, RuntimeError
            raise explanation(error, self.id, revision, writing, into) from error


def keep_quiet() -> None:
    """No progress bars and warnings of the client among a command's own lines."""
    disable_progress_bars()
    set_verbosity_error()


def _set_time_limit(seconds: float) -> None:
    """End requests that say nothing for so long, also those that the client sends with an express `timeout=None`.

    Uploads and downloads go by plain HTTP for that: the client's own Xet knows no limit and can't be interrupted.
    """
    global _time_limit
    if _time_limit == seconds:
        return
    constants.HF_HUB_DISABLE_XET = True

    def limit(request: httpx2.Request) -> None:
        limits = request.extensions["timeout"]
        request.extensions["timeout"] = {phase: allowed or seconds for phase, allowed in limits.items()}

    hooks = {**get_session().event_hooks}  # they are what makes HF_HUB_OFFLINE work
    hooks["request"] = [*hooks["request"], limit]
    set_client_factory(lambda: httpx2.Client(event_hooks=hooks, follow_redirects=True, timeout=seconds))
    _time_limit = seconds


_time_limit: float | None = None
