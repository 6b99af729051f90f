"""What visitors upload, held against limits as it comes: Gradio would keep what has no file name in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gradio.routes
from gradio.route_utils import upload_fn
from python_multipart.multipart import parse_options_header
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message, Receive

from dcgan.limits import MAX_FORM_BYTES, MAX_FORM_PARTS, MAX_UPLOAD_BYTES, MAX_UPLOADING_BYTES
from dcgan.ui.inputs import RefusedError
from dcgan.ui.texts import language_of


def have_gradio_tidy_up() -> None:
    """Have Gradio keep nothing of an upload from now on that its answer doesn't name."""
    gradio.routes.upload_fn = upload  # type: ignore[assignment, attr-defined] # its own, for itself


async def upload(
    request: Request, folder: str | Path, *limits: Any, **more: Any
) -> tuple[list[str], list[str], list[str]]:
    """Do as Gradio's `upload_fn`, and delete what that leaves.

    It leaves fields that aren't called `files`, parts without an end, and all of a form that it gives up reading.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as own:
        files, *_ = await upload_fn(request, own, *limits, **more | {"force_move": True})
        places = {file: Path(folder) / Path(file).relative_to(own) for file in files}
        for file, place in places.items():
            place.parent.mkdir(exist_ok=True)
            Path(file).replace(place)
        return [str(places[file]) for file in files], [], []  # nothing is left to be moved


class Parts:
    """Counts the parts of a form as its bytes come; a file is opened for each."""

    def __init__(self, content_type: str):
        _, options = parse_options_header(content_type)
        self._mark = b"--" + options.get(b"boundary", b"")
        self._is_form = b"boundary" in options
        self._seen, self._count = b"", 0

    def refuse_too_many(self, more: bytes) -> None:
        """Raise a RefusedError where more parts began than a form may have."""
        if not self._is_form:
            return
        seen = self._seen + more
        self._count += seen.count(self._mark)
        self._seen = seen[1 - len(self._mark) :]  # in which another mark may have begun
        if self._count > MAX_FORM_PARTS + 1:  # one ends the form
            raise RefusedError("unreadable", why=f"it has more than {MAX_FORM_PARTS} parts")


class Uploads:
    """All uploads that are under way."""

    def __init__(self) -> None:
        self._bytes = 0  # that came of all of them

    @contextmanager
    def bounded(self, request: Request) -> Iterator[Receive]:
        """Give what is to receive an upload. It raises what has Gradio delete what came, and say why:

        MultiPartException: it, or all together, are too large, it has too many parts, or it was broken off.
        """
        came, is_whole, parts = 0, False, Parts(request.headers.get("content-type", ""))

        def take(body: bytes) -> None:
            nonlocal came
            came += len(body)
            self._bytes += len(body)
            if came > MAX_UPLOAD_BYTES + MAX_FORM_BYTES:
                raise RefusedError("body-too-large", most=MAX_UPLOAD_BYTES >> 20)
            if self._bytes > MAX_UPLOADING_BYTES:
                raise RefusedError("uploads-full")
            parts.refuse_too_many(body)

        async def receive() -> Message:
            nonlocal is_whole
            message = await request.receive()
            if is_whole:
                return message
            if message["type"] == "http.disconnect":
                raise MultiPartException("It was broken off.")
            try:
                take(message.get("body", b""))
            except RefusedError as refused:
                raise MultiPartException(refused.in_language(language_of(request))) from None
            is_whole = not message.get("more_body", False)
            return message

        try:
            yield receive
        finally:
            self._bytes -= came
