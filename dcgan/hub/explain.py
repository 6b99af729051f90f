"""What went wrong with the Hub, in the words of someone who has to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled, RevisionResolutionError

from dcgan.errors import DamagedError, HubError
from dcgan.hub.retry import WORTH_ANOTHER_TRY
from dcgan.layout import snapshot_name

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


def explanation(error: Exception, repo_id: str, revision: str | None, writing: bool, into: Path | None) -> HubError:
    """Say what went wrong, in the words of someone who has to mend it."""
    chain = list(_causes(error))
    responses = (getattr(e, "response", None) for e in chain)
    response: httpx2.Response | None = next((found for found in responses if found is not None), None)
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
    if type(error) is OSError and error.errno is None:  # the client's own check, which no disk has failed
        return DamagedError(f"what the Hub sends of {repo_id} isn't what it announced")
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
        return HubError(f"{repo_id} has no revision {revision}; its snapshots are tags such as {snapshot_name(10)}.")
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
