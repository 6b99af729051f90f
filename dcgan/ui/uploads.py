"""What visitors upload, held against limits as it comes: Gradio would keep what has no file name in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import Message, Receive

from dcgan.limits import MAX_FORM_BYTES, MAX_UPLOAD_BYTES, MAX_UPLOADING_BYTES
from dcgan.ui.inputs import RefusedError
from dcgan.ui.texts import language_of


class Uploads:
    """All uploads that are under way."""

    def __init__(self) -> None:
        self._bytes = 0  # that came of all of them

    @contextmanager
    def bounded(self, request: Request) -> Iterator[Receive]:
        """Give what is to receive an upload. It raises what has Gradio delete what came, and say why:

        MultiPartException: it is too large, so are all together, or it was broken off.
        """
        came, is_whole, language = 0, False, language_of(request)

        async def receive() -> Message:
            nonlocal came, is_whole
            message = await request.receive()
            if is_whole:
                return message
            if message["type"] == "http.disconnect":
                raise MultiPartException("It was broken off.")
            came += len(message["body"])
            self._bytes += len(message["body"])
            if came > MAX_UPLOAD_BYTES + MAX_FORM_BYTES:
                most = MAX_UPLOAD_BYTES >> 20
                raise MultiPartException(RefusedError("body-too-large", most=most).in_language(language))
            if self._bytes > MAX_UPLOADING_BYTES:
                raise MultiPartException(RefusedError("uploads-full").in_language(language))
            is_whole = not message.get("more_body", False)
            return message

        try:
            yield receive
        finally:
            self._bytes -= came
