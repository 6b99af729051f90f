"""Our page and bare ones as processes of their own, and a browser to look at them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import ROOT
from benchmarks.measuring import NotHereError, need

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OURS = ("app.py",)
EMPTY, PICTURES = ("-m", "benchmarks.bare_pages", "empty"), ("-m", "benchmarks.bare_pages", "pictures")
START_SECONDS = 90
# No sandbox: containers run as root; the rest keeps Chromium from calling home
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Server:
    """A page that is served: its address, its process, and the seconds from its start to its first answer."""

    address: str
    process: int
    seconds: float

    def resident_bytes(self) -> int:
        """Read how much memory its process holds.

        Raises:
            NotHereError: the system doesn't tell.
        """
        return resident_bytes(self.process)


def resident_bytes(process: int) -> int:
    """Read how much memory a process holds, where the system tells; NotHereError elsewhere."""
    path = Path(f"/proc/{process}/statm")
    if not path.is_file():
        raise NotHereError("needs /proc, as Linux has it")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def program(words: Sequence[str]) -> list[str]:
    """Give the command that does what `python WORDS` does."""
    return [sys.executable, *words]


@contextmanager
def served(words: Sequence[str]) -> Iterator[Server]:
    """Start `python WORDS` on a free port, wait for its first answer, and end it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    command = [*program(words), "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryDirectory() as scratch, open(Path(scratch) / "log", "w+b") as log:
        environment = {**os.environ, "TMPDIR": scratch}
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_for_an_answer(address, process, Path(scratch) / "log")
            yield Server(address, process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait()


def _wait_for_an_answer(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"the page ended before it answered: {log.read_text(errors='replace')[-500:]}")
        try:
            with urllib.request.urlopen(address, timeout=START_SECONDS):
                return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"the page didn't answer within {START_SECONDS} s")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser.

    Raises:
        NotHereError: playwright or a Chromium is missing.
    """
    need("playwright")
    from playwright.sync_api import Error, sync_playwright  # optional

    with sync_playwright() as playwright:
        for path in (playwright.chromium.executable_path, *map(shutil.which, CHROMIUM_NAMES)):
            if not path or not Path(path).is_file():
                continue
            try:
                browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
            except Error:  # lacking a system library
                continue
            try:
                yield browser
            finally:
                browser.close()
            return
    raise NotHereError("needs a Chromium: python -m playwright install chromium")
