"""The Hugging Face Hub. The only room that knows its client."""

from dcgan.hub.client import MAIN, Repository, is_repo_id, keep_quiet
from dcgan.hub.fetch import LARGEST_TEXT, cached_refs, fetch_checkpoint, fetch_texts, without_cache_paths

__all__ = [
    "LARGEST_TEXT",
    "MAIN",
    "Repository",
    "cached_refs",
    "fetch_checkpoint",
    "fetch_texts",
    "is_repo_id",
    "keep_quiet",
    "without_cache_paths",
]
