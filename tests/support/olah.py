"""olah, a mirror of the Hugging Face Hub that nobody here wrote, in front of the Hub of the tests.

    with mirror(hub, scratch) as url:
        hub_client.python(hub, home, script, HF_ENDPOINT=url)

hub_server.py was written here and tried with one client; what a mirror by other people reads from it, too, is a Hub.
As a program it gets olah, into a virtual environment of its own: its pins and ours can't be met together.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from support.hub_server import HubServer
from support.paths import ROOT

VERSION = "0.5.4"
FOLDER = ROOT / ".venv-olah"
START_SECONDS = 60
STOP_SECONDS = 10


@contextmanager
def mirror(hub: HubServer, scratch: Path, offline: bool = False) -> Iterator[str]:
    """Runs olah before `hub` and gives its address.

    Below `scratch` it keeps what it has served, also for the next one there; `offline` it asks for nothing more. Where
    the `with` block fails, the error says what olah had to say.
    """
    assert is_installed(), "no olah for the tests of the Hub; run: PYTHONPATH=tests python -m support.olah"
    address = f"127.0.0.1:{_free_port()}"
    config, log = scratch / "olah.toml", scratch / "olah.log"
    config.write_text(_config(hub, address, scratch / "olah", offline))
    command = [FOLDER / "bin" / "olah-cli", "--config", config, "--log-path", scratch / "olah-logs"]
    with (
        open(log, "wb") as output,
        subprocess.Popen(command, cwd=scratch, stdout=output, stderr=output, start_new_session=True) as process,
    ):
        try:
            _wait_until_up(f"http://{address}", process)
            yield f"http://{address}"
        except BaseException as error:
            error.add_note(f"olah's log ends with:\n{log.read_text()[-5000:]}")
            raise
        finally:
            _stop(process)


def is_installed() -> bool:
    return any(FOLDER.glob(f"lib/*/site-packages/olah-{VERSION}.dist-info/RECORD"))  # the last that pip writes


def _config(hub: HubServer, address: str, store: Path, offline: bool) -> str:
    host, port = address.split(":")
    sections: dict[str, dict[str, Any]] = {
        "basic": {
            "host": host, "port": int(port), "mirror-netloc": address, "repos-path": str(store), "mirrors-path": [],
            "hf-scheme": "http", "hf-netloc": hub.url.removeprefix("http://"), "metadata-cache-ttl": 0,
        },
        "accessibility": {"offline": offline},
    }  # fmt: skip
    lines = []
    for section, settings in sections.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]
    return "\n".join(lines)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(url: str, process: subprocess.Popen) -> None:
    give_up = monotonic() + START_SECONDS
    while process.poll() is None and monotonic() < give_up:
        try:
            with urllib.request.urlopen(f"{url}/openapi.json", timeout=5):  # its front page is broken
                return
        except OSError:
            sleep(0.1)
    raise AssertionError(f"olah doesn't answer at {url}")


def _stop(process: subprocess.Popen) -> None:
    """End it and all it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


# The environment


def main() -> int:
    with _alone():
        if is_installed():
            return 0
        for step in ([sys.executable, "-m", "venv", FOLDER], [FOLDER / "bin" / "pip", "install", f"olah=={VERSION}"]):
            done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode != 0:
                print(f"{done.stdout}error: olah {VERSION}, which the tests read the Hub with, can't be installed into "
                      f"{FOLDER}; see above.", file=sys.stderr)  # fmt: skip
                return 1
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    """Waits for whoever else is at it in this folder."""
    FOLDER.mkdir(exist_ok=True)
    folder = os.open(FOLDER, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main())
