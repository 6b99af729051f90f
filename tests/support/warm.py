"""Python processes that start in a tenth of the time: forked off one that has imported what takes seconds to import.

    subprocess.run(warm.python("train.py", "--dry-run"), env=..., cwd=...)

The process that is started is a stub, which hands its arguments, environment, folder and standard streams to a server
and ends as the process does that the server forks for it. Signals go through; a stub that is killed takes it along.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from support.paths import PYTHONPATH

# How many new objects let Python search for garbage: among the millions of PyTorch and Gradio it takes half a second
SELDOM = (10_000, 10, 10)
STUB = Path(__file__).with_name("warm_stub.py")
# Nothing that knows huggingface_hub, which reads its address when it is imported
IMPORTED = ("torch", "torch._dynamo", "torchvision", "safetensors.torch", "pandas", "PIL.Image", "av",
            "matplotlib.backends.backend_agg", "matplotlib.figure", "yaml", "jinja2", "httpx2", "httpcore2", "httpx",
            "httpcore", "h11", "truststore", "filelock", "fsspec", "fastapi", "uvicorn", "orjson", "typer",
            "rich.console", "packaging.version", "tomlkit", "dicebear", "resvg_py", "tqdm.auto")  # fmt: skip


def python(*arguments: str) -> list[str]:
    """Give the command that does what `python ARGUMENTS` does: a program, `-c SCRIPT` or `-m MODULE`, and its own."""
    return [sys.executable, "-I", "-S", str(STUB), str(_server()), *arguments]


@cache
def _server() -> Path:
    """Start the server of this process, and give its socket."""
    folder = tempfile.TemporaryDirectory(prefix="warm-")
    path = Path(folder.name) / "socket"
    environment = {"OMP_NUM_THREADS": "1", "PYTHONPATH": PYTHONPATH}
    process = subprocess.Popen(
        [sys.executable, "-m", "support.warm", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | environment,
    )
    atexit.register(folder.cleanup)
    atexit.register(process.wait)
    atexit.register(process.stdin.close)  # which ends it; what is registered last comes first
    atexit.register(process.stdout.close)
    assert process.stdout.readline() == b"ready\n"
    return path


# In the server


class Server:
    """Forks a process for each stub that connects, and tells it how that ended."""

    def __init__(self, path: str):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        self.stubs: dict[int, socket.socket] = {}  # by the process that was forked for each
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        self.selector.register(0, selectors.EVENT_READ, self._end)
        woken, waker = socket.socketpair()
        waker.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno())
        self.waker = waker  # kept open
        self.selector.register(woken, selectors.EVENT_READ, self._reap)

    def serve(self) -> None:
        print("ready", flush=True)
        while True:
            for key, _ in self.selector.select():
                key.data(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        stub, _ = listener.accept()
        message, streams, _, _ = socket.recv_fds(stub, 4, 3)
        size = int.from_bytes(message, "big")
        request = json.loads(stub.recv(size, socket.MSG_WAITALL))
        if (pid := os.fork()) == 0:
            become(request, streams)
        for stream in streams:
            os.close(stream)
        self.stubs[pid] = stub
        self.selector.register(stub, selectors.EVENT_READ, lambda stub: self._signal(pid, stub))

    def _signal(self, pid: int, stub: socket.socket) -> None:
        received = stub.recv(1)
        with suppress(ProcessLookupError):
            os.kill(pid, received[0] if received else signal.SIGKILL)
        if not received:
            self.selector.unregister(stub)

    def _reap(self, woken: socket.socket) -> None:
        woken.recv(4096)
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                stub = self.stubs.pop(ended[0])
                with suppress(KeyError):
                    self.selector.unregister(stub)
                with suppress(OSError):
                    stub.sendall(os.waitstatus_to_exitcode(ended[1]).to_bytes(4, "big", signed=True))
                stub.close()

    def _end(self, _: Any) -> None:
        for pid in self.stubs:
            os.kill(pid, signal.SIGKILL)
        sys.exit()


def become(request: dict[str, Any], streams: list[int]) -> None:
    """Be the process that was asked for, in the one that was just forked, and never return."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which whoever started the tests may have ignored
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    tempfile.tempdir = None  # which what was imported may have asked for
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")[0]
    sys.stdin = os.fdopen(0, encoding=encoding)
    sys.stdout = os.fdopen(1, "w", encoding=encoding, buffering=1)
    sys.stderr = os.fdopen(2, "w", encoding=encoding, errors="backslashreplace", buffering=1)
    status = ended_with(request["arguments"])
    with suppress(Exception):
        threading._shutdown()
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


def ended_with(arguments: list[str]) -> int:
    """Run a program, script or module as the interpreter would; give its exit status."""
    first, *rest = arguments
    try:
        if first == "-c":
            sys.argv, sys.path[:] = ["-c", *rest[1:]], search_path("")
            exec(compile(rest[0], "<string>", "exec"), sys.modules["__main__"].__dict__ | {"__name__": "__main__"})
        elif first == "-m":
            sys.argv, sys.path[:] = rest, search_path(str(Path.cwd()))
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv, sys.path[:] = arguments, search_path(str(Path(first).resolve().parent))
            runpy.run_path(first, run_name="__main__")
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def search_path(folder: str) -> list[str]:
    """Give where a process looks for modules: in its folder, its own PYTHONPATH, and nowhere that is this server's."""
    own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    servers = {*PYTHONPATH.split(os.pathsep), sys.path[0]}
    return [folder, *filter(None, own), *(place for place in sys.path if place not in servers)]


def draw_a_plot() -> None:
    """Let matplotlib find its fonts now, which takes longer than a plot."""
    figure = sys.modules["matplotlib.figure"].Figure()
    figure.subplots().set_xlabel("words")
    figure.savefig(io.BytesIO(), format="png")


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    draw_a_plot()
    sys.dont_write_bytecode = False  # what one process compiles is ready for the next
    sys.pycache_prefix = str(Path(sys.argv[1]).with_name("bytecode"))
    gc.set_threshold(*SELDOM)
    gc.freeze()  # or each process would go through all of that again, in search of garbage
    assert not {"huggingface_hub", "dcgan"} & set(sys.modules)
    Server(sys.argv[1]).serve()
