"""The real Hub client, and our programs with it, as processes that talk to the Hub of the tests."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from support import warm
from support.hub_server import HubServer
from support.paths import ROOT

ALICE = "hf_write_alice"
BOB = "hf_write_bob"
READ_ONLY = "hf_read_alice"
REPO = "alice/faces"
CLIENT_SECONDS = 60


def environment(hub: HubServer, home: Path, token: str | None = ALICE, **variables: str) -> dict[str, str]:
    """For a process that is logged in to the tests' Hub, with a cache of its own below `home`."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HF_")} | {
        "HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1", "OMP_NUM_THREADS": "1",
        **({"HF_TOKEN": token} if token else {}), **variables,
    }  # fmt: skip


def python(
    hub: HubServer, home: Path, script: str, token: str | None = ALICE, timeout: float = CLIENT_SECONDS,
    **variables: str,
) -> list[Any]:  # fmt: skip
    """Run lines of Python and give what they `tell`, as in tell(1)."""
    preamble = "import json\ndef tell(value):\n    print('=>', json.dumps(value))\n"
    command = warm.python("-c", preamble + script)
    done = subprocess.run(
        command, cwd=ROOT, env=environment(hub, home, token, **variables), capture_output=True, text=True,
        timeout=timeout,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line.removeprefix("=> ")) for line in done.stdout.splitlines() if line.startswith("=> ")]


def impatient(program: str, *arguments: str) -> list[str]:
    """The command that runs one of our programs with short waits for the Hub."""
    return warm.python(str(ROOT / "tests" / "support" / "impatient.py"), program, *arguments)


class Program(subprocess.Popen):
    """A process that is killed where its `with` block fails, so that a test that waits in vain fails for that."""

    def __exit__(self, kind, error, trace) -> None:
        if kind:
            self.kill()
        super().__exit__(kind, error, trace)


def start(
    hub: HubServer, home: Path, program: str, *arguments: str, token: str | None = ALICE, **variables: str
) -> Program:
    """Start `program` (train.py, app.py, dcgan.hub) with short waits for the Hub."""
    return Program(
        impatient(program, *arguments), cwd=ROOT, env=environment(hub, home, token, **variables), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(
    hub: HubServer, home: Path, program: str, *arguments: str, token: str | None = ALICE, **variables: str
) -> subprocess.CompletedProcess:
    """Run it to its end."""
    with start(hub, home, program, *arguments, token=token, **variables) as process:
        out, err = process.communicate(timeout=CLIENT_SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
