"""The app as a process of its own, seen from outside: its address, its log, its memory, its open files."""

from __future__ import annotations

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from socket import socket
from time import monotonic, sleep

import pytest

from support.paths import ROOT

START_SECONDS = 90


@dataclass(frozen=True)
class Served:
    """A page that is served. What is asked of its process is read from Linux' /proc."""

    url: str
    port: int
    folder: Path  # its temporary folder, with the log in it

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @cached_property
    def pid(self) -> int:
        """The process that listens: a process that is started warm is another one than was started."""
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        [inode] = [line[9] for line in lines if line[1].endswith(f":{self.port:04X}") and line[3] == "0A"]
        for link in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if os.readlink(link) == f"socket:[{inode}]":  # noqa: PTH115 (pathlib would follow it)
                    return int(link.parts[2])
        raise LookupError(f"nobody listens on port {self.port}")

    def memory(self) -> int:
        """Give how many bytes of memory the process has."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def seconds_of_work(self) -> float:
        """Give how many seconds of a processor the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wakes(self) -> int:
        """Give how many times the process has gone on after a wait."""
        told = (status.read_text() for status in Path(f"/proc/{self.pid}/task").glob("*/status"))
        return sum(int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", each, re.MULTILINE)[1]) for each in told)


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(
    scratch: Path, program: Sequence[str], environment: Mapping[str, str], port: int | None = None, folder: Path = ROOT
) -> Iterator[Served]:
    """Have the program, a command that ends in options of app.py, serve on this or a free port, started in `folder`."""
    port = port or free_port()
    log = scratch / "log"
    environment = {"TMPDIR": str(scratch), **environment}
    environment.pop("GRADIO_TEMP_DIR", None)  # of this process, which imported the app, too
    command = [*program, "--port", str(port), "--host", "127.0.0.1"]
    with (
        open(log, "wb") as output,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output
        ) as process,
    ):
        try:
            page = Served(f"http://127.0.0.1:{port}/", port, scratch)
            _wait_until_served(page, process)
            yield page
        finally:
            process.terminate()


def _wait_until_served(page: Served, process: subprocess.Popen) -> None:
    give_up = monotonic() + START_SECONDS
    while monotonic() < give_up:
        assert process.poll() is None, page.log
        try:
            with urllib.request.urlopen(page.url, timeout=5):
                return
        except OSError:
            sleep(0.2)
    pytest.fail(f"the app didn't answer within {START_SECONDS} s:\n{page.log}")
