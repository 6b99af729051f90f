"""The Hugging Face Hub, as far as a checkpoint needs it. No other module knows its client.

python -m dcgan.hub push checkpoints/NAME user/repo      a folder with all its snapshots; can be repeated
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
    try_to_load_from_cache,
)
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled, RevisionResolutionError
from huggingface_hub.file_download import repo_folder_name
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import disable_progress_bars
from huggingface_hub.utils.logging import set_verbosity_error

from dcgan.config import CONFIG_NAME, PICKLE_SUFFIXES, TRAINING_NAME, WEIGHTS_NAME, GeneratorConfig
from dcgan.errors import InputError

MAIN = "main"
LARGEST_CONFIG = 64 * 2**10  # bytes
LARGEST_TEXT = 2 * 2**20
WORTH_ANOTHER_TRY = {408, 409, 412, 425, 429}  # and all from 500
LONGEST_WAIT_ASKED_FOR = 300.0  # seconds of a Retry-After that are heeded
LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """How long the Hub may take: seconds before each further try, and for one answer."""

    waits: tuple[float, ...] = (1, 2, 5, 10, 20, 40)  # outlasts an outage of a minute
    timeout: float = 30.0


PATIENCE = Patience()


class HubError(InputError):
    """The Hub can't do what was asked, in one sentence; `temporary` where trying again may help, `after` seconds."""

    def __init__(self, message: str, temporary: bool = False, after: float = 0.0):
        super().__init__(message)
        self.temporary, self.after = temporary, after


class OccupiedError(HubError):
    """The repository belongs to something else; only another one will do."""


def is_repo_id(text: str) -> bool:
    """Whether `text` is written like a repository of the Hub: user/name."""
    well_formed = re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", text, re.ASCII)
    return bool(well_formed) and not re.search(r"--|\.\.|\.git$|[.-](/|$)", text)


def is_snapshot(tag: str) -> bool:
    """Whether a tag is one that a run gives its snapshots."""
    return bool(re.fullmatch(r"epoch-\d{4,}", tag))


def persistently(
    attempt: Callable[[], _T], waits: Sequence[float], sleep: Callable[[float], object], tell: Callable[[str], object]
) -> _T:
    """What `attempt` gives, after as many further tries as there are `waits` (in seconds).

    `sleep(seconds)` may return true to give up early; `tell` hears of every try that failed.

    Raises:
        HubError: the last attempt's, or the first that trying again can't mend.
    """
    for wait in (*waits, None):
        try:
            return attempt()
        except HubError as error:
            if not error.temporary or wait is None:
                raise
            wait = max(wait, min(error.after, LONGEST_WAIT_ASKED_FOR))
            tell(f"{error}; trying again in {wait:.0f} s")
            if sleep(wait):
                raise
    raise AssertionError("unreachable")


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
        _set_time_limit(PATIENCE.timeout)
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
            raise _explanation(error, self.id, revision, writing, into) from error


def fetch(
    repo_id: str,
    revision: str | None = None,
    *,
    weight_bytes: Callable[[Path], tuple[int, int]],
    subfolder: str = "",
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> Path:
    """A folder of the client's cache with config.json and model.safetensors of one commit; no other file is fetched.

    They are those in `subfolder` of the repository, where one is named: `discriminator` has the other network's.
    Nothing is asked of the Hub where `revision` is a commit that is cached. `weight_bytes(folder)` gives the least and
    the most bytes of weights that fit the config.json in `folder`, and is asked before any are downloaded. Cached files
    that aren't what the Hub gave out are fetched again, once.

    Raises:
        HubError: the repository can't be had, or isn't a checkpoint.
        InputError: as `weight_bytes` raises it.
    """
    repository = Repository(repo_id, token)
    where = {"cache_dir": cache_dir, "local_files_only": local_files_only}
    with repository.explained(revision):
        commit = repository.api.resolve_revision(repo_id, revision=revision, **where).resolved
    config, weights = (f"{subfolder}/{name}" if subfolder else name for name in (CONFIG_NAME, WEIGHTS_NAME))
    cached = [_cached(repo_id, name, commit, cache_dir) for name in (config, weights)]
    if all(cached) and all(map(_is_intact, cached)) and not force_download:
        return cached[0].parent
    if local_files_only:
        raise HubError(f"{repo_id} is not in the cache, or is damaged there", temporary=True)

    files = repository.files(commit)
    if missing := next((name for name in (config, weights) if name not in files), None):
        raise _not_a_checkpoint(repo_id, missing, files)
    if files[config] > LARGEST_CONFIG:
        raise HubError(f"{repo_id} has a {config} of {files[config]:,} bytes; it is no checkpoint of this kind.")
    folder = _download(repository, config, commit, cache_dir, force_download).parent
    least, most = weight_bytes(folder)
    if not least <= files[weights] <= most:
        raise HubError(
            f"{repo_id}: {weights} has {files[weights]:,} bytes, but its {CONFIG_NAME} calls for {least:,} to "
            f"{most:,}, so it wasn't fetched."
        )
    return _download(repository, weights, commit, cache_dir, force_download).parent


def fetch_texts(repo_id: str, commit: str, names: Iterable[str], local_files_only: bool = False) -> dict[str, str]:
    """Those of the text files `names` that a commit has, if they have at most LARGEST_TEXT bytes.

    Raises:
        HubError: the repository can't be had; never with `local_files_only`, which gives those that are cached.
    """
    if local_files_only:
        paths = {name: _cached(repo_id, name, commit, None) for name in names}
    else:
        repository = Repository(repo_id)
        sizes = repository.files(commit)
        fit = [name for name in names if sizes.get(name, LARGEST_TEXT + 1) <= LARGEST_TEXT]
        paths = {name: _download(repository, name, commit, None, False) for name in fit}
    return {name: path.read_text(encoding="utf-8", errors="replace") for name, path in paths.items() if path}


def cached_refs(repo_id: str) -> dict[str, str]:
    """The commits that names of a repository stood for when the cache last heard of them."""
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo_id, repo_type="model") / "refs"
    refs = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        commit = path.read_text(errors="replace").strip()
        if re.fullmatch("[0-9a-f]{40}", commit):
            refs[path.relative_to(folder).as_posix()] = commit
        else:
            path.unlink(missing_ok=True)  # damaged: the client would stumble over it, too
    return refs


def without_cache_paths(message: str, repo_id: str) -> str:
    """The message with the repository's name in place of its folder in the cache, which says nothing to people."""
    return re.sub(r"\S*/models--[^/\s]+/snapshots/\w+", repo_id, message)


def keep_quiet() -> None:
    """No progress bars and warnings of the client among a command's own lines."""
    disable_progress_bars()
    set_verbosity_error()


def read_facts(text: str | bytes) -> dict[str, Any]:
    """What a JSON file says; nothing where it is damaged."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _cached(repo_id: str, name: str, commit: str, cache_dir: str | Path | None) -> Path | None:
    path = try_to_load_from_cache(repo_id, name, cache_dir, commit)
    return Path(path) if isinstance(path, str) else None  # else None, or a sign that the Hub hasn't it either


def _download(repository: Repository, name: str, commit: str, cache_dir: str | Path | None, force: bool) -> Path:
    """Fetch a file into the cache; one that is there, or arrives, damaged is fetched again, once."""
    cached = _cached(repository.id, name, commit, cache_dir)
    for again in (force or (cached is not None and not _is_intact(cached)), True):
        with repository.explained(commit):
            options = {"revision": commit, "cache_dir": cache_dir, "token": repository.token, "force_download": again}
            path = Path(hf_hub_download(repository.id, name, **options))
        if _is_intact(path):
            return path
    path.resolve().unlink()
    raise HubError(f"{name} of {repository.id} arrives damaged", temporary=True)


def _is_intact(path: Path) -> bool:
    """Whether a cached file has the hash by which the cache names it: SHA-256 where LFS keeps it, else git's."""
    name, content = path.resolve().name, path.read_bytes()
    if re.fullmatch("[0-9a-f]{64}", name):
        return hashlib.sha256(content).hexdigest() == name
    if re.fullmatch("[0-9a-f]{40}", name):
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == name
    return True  # a file system without links: the name says nothing


def _not_a_checkpoint(repo_id: str, missing: str, files: Mapping[str, int]) -> HubError:
    if pickle := next((name for name in sorted(files) if name.endswith(PICKLE_SUFFIXES)), None):
        return HubError(
            f"{repo_id} holds only a pickle ({pickle}), which is never loaded. Download it and turn it into a "
            f"checkpoint folder with: python -m dcgan.checkpoints import {Path(pickle).name} checkpoints/NAME"
        )
    return HubError(f"{repo_id} is no checkpoint of this project: it has no {missing}.")


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


def _explanation(error: Exception, repo_id: str, revision: str | None, writing: bool, into: Path | None) -> HubError:
    """What went wrong, in the words of someone who has to mend it."""
    chain = list(_causes(error))
    response = next((e.response for e in chain if getattr(e, "response", None) is not None), None)
    if any(isinstance(e, OfflineModeIsEnabled) for e in chain):
        return HubError(f"HF_HUB_OFFLINE is set, and {repo_id} is not in the cache", temporary=True)
    if response is not None:
        return _refusal(response, repo_id, revision, writing)
    if any(isinstance(e, httpx2.TimeoutException) for e in chain):
        return HubError(f"the Hub ({constants.ENDPOINT}) doesn't answer", temporary=True)
    if any(isinstance(e, httpx2.HTTPError | ConnectionError) for e in chain):
        return HubError(f"the Hub ({constants.ENDPOINT}) can't be reached ({type(chain[-1]).__name__})", temporary=True)
    if isinstance(error, RevisionResolutionError | LocalEntryNotFoundError):
        return HubError(f"{repo_id} is not in the cache", temporary=True)
    if isinstance(error, OSError) and into:
        return HubError(f"{repo_id} can't be stored in {into} ({error.strerror or error}); make room there.")
    if isinstance(error, OSError):
        return HubError(
            f"{repo_id} can't be stored in {constants.HF_HUB_CACHE} ({error.strerror or error}); make room there, or "
            "set HF_HOME to a folder with more."
        )
    return HubError(f"{repo_id}: {type(error).__name__}: {' '.join(str(error).split())[:300]}")


def _refusal(response: httpx2.Response, repo_id: str, revision: str | None, writing: bool) -> HubError:
    status, code = response.status_code, response.headers.get("X-Error-Code")
    if status in WORTH_ANOTHER_TRY or status >= 500:
        after = response.headers.get("Retry-After", "")
        return HubError(f"the Hub answers {status}", temporary=True, after=float(after) if after.isdecimal() else 0.0)
    if code == "RevisionNotFound":
        return HubError(f"{repo_id} has no revision {revision}; its snapshots are tags such as epoch-0010.")
    if status == 401 and get_token() and code != "RepoNotFound":
        return HubError(f"the Hub refuses the token (401): {LOG_IN} to one that is valid.")
    if status == 403 and code == "GatedRepo":
        return HubError(f"{repo_id} is gated: ask for access on its page, then {LOG_IN}.")
    if status in (401, 403) and writing:
        return HubError(
            f"{repo_id} can't be written to with this token ({status}): the repository is somebody else's, or the "
            f"token may only read; {LOG_IN}, with one that may write there.{_in_the_hubs_words(response)}"
        )
    if status in (401, 404):
        return HubError(f"{repo_id} is not on the Hub, or is private; for a private one {LOG_IN}.")
    return HubError(f"the Hub refuses {repo_id} ({status}).{_in_the_hubs_words(response)}")


def _in_the_hubs_words(response: httpx2.Response) -> str:
    message = " ".join(response.headers.get("X-Error-Message", "").split())[:200]
    return f" It says: {message}" if message else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


if __name__ == "__main__":
    from dcgan.publish import main  # the command needs all of a run; this module only the Hub

    sys.exit(main())
