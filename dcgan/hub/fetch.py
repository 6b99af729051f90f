"""Files of a repository into the client's cache: only those that are asked for, and whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.file_download import repo_folder_name

from dcgan.errors import DamagedError, HubError
from dcgan.hub.client import Repository, has_hash
from dcgan.hub.retry import DEFAULT_PATIENCE, Patience
from dcgan.layout import CONFIG_NAME, PICKLE_SUFFIXES, WEIGHTS_NAME
from dcgan.limits import MAX_CONFIG_BYTES, MAX_TEXT_BYTES


def fetch_checkpoint(
    repo_id: str,
    revision: str | None = None,
    *,
    weight_bytes: Callable[[Path], tuple[int, int]],
    subfolder: str = "",
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
    patience: Patience = DEFAULT_PATIENCE,
) -> Path:
    """Fetch config.json and model.safetensors of one commit, and no other file, into a folder of the client's cache.

    With a `subfolder` they are the two files in there: `discriminator` has those of the other network.
    Nothing is asked of the Hub where `revision` is a commit that is cached. `weight_bytes(folder)` gives the least and
    the most bytes of weights that fit the config.json in `folder`, and is asked before any are downloaded. Cached files
    that aren't what the Hub gave out are fetched again, once.

    Raises:
        HubError: the repository can't be had, or isn't a checkpoint.
        InputError: as `weight_bytes` raises it.
    """
    repository = Repository(repo_id, token, patience)
    with repository.explained(revision):
        commit = repository.api.resolve_revision(
            repo_id, revision=revision, cache_dir=cache_dir, local_files_only=local_files_only
        ).resolved
    config, weights = (f"{subfolder}/{name}" if subfolder else name for name in (CONFIG_NAME, WEIGHTS_NAME))
    cached = [path for name in (config, weights) if (path := _cached(repo_id, name, commit, cache_dir))]
    if len(cached) == 2 and all(map(_is_intact, cached)) and not force_download:
        return cached[0].parent
    if local_files_only:
        raise HubError(f"{repo_id} is not in the cache, or is damaged there", temporary=True)

    files = repository.files(commit)
    if missing := next((name for name in (config, weights) if name not in files), None):
        raise _not_a_checkpoint(repo_id, missing, files)
    if files[config] > MAX_CONFIG_BYTES:
        raise HubError(f"{repo_id} has a {config} of {files[config]:,} bytes; it is no checkpoint of this kind.")
    folder = _download(repository, config, commit, cache_dir, force_download).parent
    least, most = weight_bytes(folder)
    if not least <= files[weights] <= most:
        raise HubError(
            f"{repo_id}: {weights} has {files[weights]:,} bytes, but its {CONFIG_NAME} calls for {least:,} to "
            f"{most:,}, so it wasn't fetched."
        )
    return _download(repository, weights, commit, cache_dir, force_download).parent


def fetch_texts(
    repo_id: str,
    commit: str,
    names: Iterable[str],
    local_files_only: bool = False,
    patience: Patience = DEFAULT_PATIENCE,
) -> dict[str, str]:
    """Read those of the text files `names` that a commit has, if they have at most MAX_TEXT_BYTES bytes.

    Raises:
        HubError: the repository can't be had; never with `local_files_only`, which gives those that are cached.
    """
    if local_files_only:
        paths = {name: _cached(repo_id, name, commit, None) for name in names}
    else:
        repository = Repository(repo_id, patience=patience)
        sizes = repository.files(commit)
        fit = [name for name in names if sizes.get(name, MAX_TEXT_BYTES + 1) <= MAX_TEXT_BYTES]
        paths = {name: _download(repository, name, commit, None, False) for name in fit}
    return {name: path.read_text(encoding="utf-8", errors="replace") for name, path in paths.items() if path}


def fetch_file(
    repo_id: str, commit: str, name: str, max_bytes: int, patience: Patience = DEFAULT_PATIENCE
) -> Path | None:
    """Fetch one file of a commit into the client's cache; None where the commit hasn't it.

    Raises:
        HubError: it is larger than `max_bytes`, or the repository can't be had.
    """
    cached = _cached(repo_id, name, commit, None)
    if cached and _is_intact(cached):
        return cached
    repository = Repository(repo_id, patience=patience)
    size = repository.files(commit).get(name)
    if size is None:
        return None
    if size > max_bytes:
        raise HubError(f"{repo_id}: {name} has {size:,} bytes, more than {max_bytes:,}, so it wasn't fetched.")
    return _download(repository, name, commit, None, False)


def cached_refs(repo_id: str) -> dict[str, str]:
    """Find the commits that names of a repository stood for when the cache last heard of them."""
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
    """Put the repository's name in place of its folder in the cache, which says nothing to people."""
    return re.sub(r"\S*/models--[^/\s]+/snapshots/\w+", repo_id, message)


def _cached(repo_id: str, name: str, commit: str, cache_dir: str | Path | None) -> Path | None:
    path = try_to_load_from_cache(repo_id, name, cache_dir, commit)
    return Path(path) if isinstance(path, str) else None  # else None, or an object that says that the Hub hasn't it


def _download(repository: Repository, name: str, commit: str, cache_dir: str | Path | None, force: bool) -> Path:
    """Fetch a file into the cache; one that is there, or arrives, damaged is fetched again, once."""
    cached = _cached(repository.id, name, commit, cache_dir)
    for again in (force or (cached is not None and not _is_intact(cached)), True):
        with suppress(DamagedError), repository.explained(commit):
            path = Path(
                hf_hub_download(
                    repository.id,
                    name,
                    revision=commit,
                    cache_dir=cache_dir,
                    token=repository.token,
                    force_download=again,
                )
            )
            if _is_intact(path):
                return path
            for damaged in (path.resolve(), path):
                damaged.unlink(missing_ok=True)
    raise DamagedError(f"{name} of {repository.id} arrives damaged")


def _is_intact(path: Path) -> bool:
    """Tell whether a cached file has the hash by which the cache names it: SHA-256 where LFS keeps it, else git's."""
    name = path.resolve().name
    return not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", name) or has_hash(path, name)  # without links it says nothing


def _not_a_checkpoint(repo_id: str, missing: str, files: Mapping[str, int]) -> HubError:
    if pickle := next((name for name in sorted(files) if name.endswith(PICKLE_SUFFIXES)), None):
        return HubError(
            f"{repo_id} holds only a pickle ({pickle}), which is never loaded. Download it and turn it into a "
            f"checkpoint folder with: python -m dcgan.checkpoints import {Path(pickle).name} checkpoints/NAME"
        )
    return HubError(f"{repo_id} is no checkpoint of this project: it has no {missing}.")
