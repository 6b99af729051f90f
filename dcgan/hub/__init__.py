"""The Hugging Face Hub. The only room that knows its client."""

from dcgan.hub.client import MAIN, Repository, is_repo_id, keep_quiet, repo_id_in
from dcgan.hub.fetch import (
    cached_refs,
    fetch_checkpoint,
    fetch_file,
    fetch_texts,
    without_cache_paths,
)
from dcgan.hub.retry import DEFAULT_PATIENCE, Patience, persistently

__all__ = [
    "DEFAULT_PATIENCE",
    "MAIN",
    "Patience",
    "Repository",
    "cached_refs",
    "fetch_checkpoint",
    "fetch_file",
    "fetch_texts",
    "is_repo_id",
    "keep_quiet",
    "persistently",
    "repo_id_in",
    "without_cache_paths",
]
