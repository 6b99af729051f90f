"""What a process finds around it, made fit for the libraries that look at it."""

from __future__ import annotations

import ctypes
import inspect
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcgan.errors import InputError

GRADIO_PORT = "GRADIO_SERVER_PORT"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # as <malloc.h> of glibc numbers them
KEPT_BYTES = 2**30  # that the C library may keep of what was freed


@contextmanager
def without_proxies() -> Iterator[None]:
    """Let HTTP clients that are made within ask this machine itself, whatever the variables of proxies say.

    Gradio makes some when it is imported, and asks its own page whether it is there; a proxy doesn't know the page, and
    one that isn't understood, as by SOCKS, ends the process.
    """
    before = os.environ.get("no_proxy")
    os.environ["no_proxy"] = "*"
    try:
        yield
    finally:
        if before is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = before


def is_port(text: str) -> bool:
    """Tell whether a text is the number of a port that can be listened on."""
    return text.isdecimal() and 0 < int(text) < 65536


@contextmanager
def without_bad_port() -> Iterator[None]:
    """Hide a GRADIO_SERVER_PORT that is no port from Gradio, which is imported within and would fail on it."""
    port = os.environ.get(GRADIO_PORT)
    is_bad = port is not None and not is_port(port)
    if is_bad:
        del os.environ[GRADIO_PORT]
    try:
        yield
    finally:
        if port is not None and is_bad:
            os.environ[GRADIO_PORT] = port


@contextmanager
def without_stubs() -> Iterator[None]:
    """Keep Gradio, which is imported within, from working out the stubs for editors that lie beside its own files.

    It does so anew for each of its components at each start, which is two thirds of what its import takes; it leaves
    out a component whose source it can't find.
    """
    find = inspect.getfile

    def hide(what: Any) -> str:
        if sys._getframe(1).f_globals.get("__name__") == "gradio.component_meta":
            raise OSError("it is of no use here")
        return find(what)

    inspect.getfile = hide  # type: ignore[assignment] # which takes whatever it hands on
    try:
        yield
    finally:
        inspect.getfile = find


def keep_gradios_files_in(folder: Path) -> None:
    """Have Gradio keep its files there, unless it was told where; to be said before it is imported.

    Its usual place, `gradio` in the temporary folder, may be another user's.
    """
    os.environ.setdefault("GRADIO_TEMP_DIR", str(folder / "gradio"))


def unused_temporary_folder(prefix: str) -> Path:
    """Name a folder for a process's own files, which isn't there yet."""
    try:
        return Path(tempfile.gettempdir()) / f"{prefix}{secrets.token_hex(8)}"
    except FileNotFoundError:  # there is no temporary folder, which `made` will say
        return Path("/tmp" if os.name == "posix" else "C:/Temp") / prefix


@contextmanager
def made(folder: Path) -> Iterator[Path]:
    """Let a temporary folder be there, for this user alone.

    Raises:
        InputError: it can't be made.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise InputError(f"no place for temporary files ({error}); set TMPDIR to a folder with room.") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def provide_home() -> None:
    """Give a user whom the machine doesn't know, and who has no HOME, a home in the temporary folder.

    Libraries look for it when they are imported or used, and would fail or make a folder called `~`.
    """
    if os.name == "posix" and not _has_home():
        os.environ["HOME"] = str(_home_in_the_temporary_folder())
        os.environ.setdefault("USER", str(os.getuid()))


def _has_home() -> bool:
    try:
        return bool(Path.home())
    except RuntimeError:
        return False


def _home_in_the_temporary_folder() -> Path:
    home = Path(tempfile.gettempdir()) / f"dcgan-home-{os.getuid()}"
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        is_ours = home.stat().st_uid == os.getuid()
    except OSError:  # there is a file of this name, say
        is_ours = False
    return home if is_ours else Path(tempfile.mkdtemp(prefix="dcgan-home-"))


def keep_freed_memory() -> bool:
    """Have the C library keep what tensors free, for those that come next, in place of giving it back to the system.

    A training step frees nearly all that it allocates, and the next one needs as much again: each page that was given
    back costs an interrupt and is filled with zeros once more. Returns whether there is a library that can be told,
    which only glibc's can.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return all(tell(which, KEPT_BYTES) for which in (M_TRIM_THRESHOLD, M_MMAP_THRESHOLD))
