"""Pushes beside the training, which never waits for the Hub and never fails because of it."""

from __future__ import annotations

import threading
import time
from math import inf

from dcgan.checkpoints import snapshot_names
from dcgan.errors import HubError
from dcgan.publish.pusher import Pusher

LISTENING_SECONDS = 0.5  # an interruption that comes just before a wait begins is heard only after it


class Publisher:
    """A thread that has a pusher push: `start` it, `wake` it whenever there is something new, `close` it."""

    def __init__(self, pusher: Pusher):
        self.pusher = pusher
        self._news, self._hurry = threading.Event(), threading.Event()
        self._closing = self._ended = False
        self._problem: HubError | None = None  # of the latest push
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin with what is in the folder."""
        self._thread.start()
        self._news.set()

    def wake(self) -> None:
        """Say that there is something new in the folder. Returns at once."""
        self._news.set()

    def close(self, ended: bool) -> HubError | None:
        """Push what is left, and wait for that; return what went wrong, or None.

        Where the run has `ended`, main gets the folder as it is. A run that was only stopped is in a hurry: nothing is
        tried twice or waited for long, and main gets no more than the snapshots.
        """
        if self._thread.ident is None:
            return None  # the run failed before it began
        repository, missing = self.pusher.repository, self.pusher.missing()
        if missing:
            self.pusher.tell(f"pushing to {repository.id}: {', '.join(missing)} to go")
        self._ended, self._closing = ended, True
        if not ended:
            self._hurry.set()
        self._news.set()
        self._wait(inf if ended else repository.patience.last_push)
        return HubError("there was no more time for it") if self._thread.is_alive() else self._problem

    def _wait(self, seconds: float) -> None:
        """Wait for the thread to end, and hear an interruption meanwhile."""
        deadline = time.monotonic() + seconds
        while self._thread.is_alive() and (left := deadline - time.monotonic()) > 0:
            self._thread.join(min(left, LISTENING_SECONDS))

    def _work(self) -> None:
        closing = False
        while not closing:
            self._news.wait()
            self._news.clear()
            closing = self._closing
            self._problem = self._push(closing)

    def _push(self, closing: bool) -> HubError | None:
        with_folder = self._ended or (closing and not snapshot_names(self.pusher.folder))
        try:
            self.pusher.push(with_folder, sleep=self._hurry.wait)
        except HubError as error:
            if not closing:
                self.pusher.tell(f"{self.pusher.repository.id}: {error}; the next snapshot is another occasion")
            return error
        except Exception as error:  # a fault of ours or of the disk costs the push, never the training
            return HubError(f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        return None
