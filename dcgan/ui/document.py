"""The document that the page comes in: Gradio's, with a link card of ours and the first faces, and compressed."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.ui.link_card import PICTURE_PATH, with_link_card

COMPRESSION = 5  # of 9: beyond it takes longer and hardly makes less


class Document:
    """Puts what is ours into the page that is served.

    `picture` is a PNG of 1280 by 640 pixels for the link card, left out where there is none. `first_faces` writes the
    faces that are seen until Gradio's scripts have come.
    """

    def __init__(self, app: ASGIApp, picture: Path, first_faces: Callable[[], str] = str):
        self.app, self.picture, self.first_faces = app, picture, first_faces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
        elif path == PICTURE_PATH and self.picture.is_file():
            await FileResponse(self.picture)(scope, receive, send)
        elif path in ("", "/"):
            await self.app(scope, receive, self._with_ours(Request(scope), send))
        else:
            await self.app(scope, receive, send)

    def _with_ours(self, request: Request, send: Send) -> Send:
        start: Message = {}
        body = b""

        async def send_when_whole(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                whole = self._page(request, body.decode()).encode()
                headers = MutableHeaders(raw=start["headers"])
                headers.add_vary_header("Accept-Encoding")
                if "gzip" in request.headers.get("accept-encoding", ""):
                    whole = gzip.compress(whole, COMPRESSION)
                    headers["content-encoding"] = "gzip"
                headers["content-length"] = str(len(whole))
                await send(start)
                await send({"type": "http.response.body", "body": whole})

        return send_when_whole

    def _page(self, request: Request, page: str) -> str:
        page = with_link_card(page, request, self.picture.is_file())
        asks_for_others = any(not name.startswith("__") for name in request.query_params)  # "__" is Gradio's
        return page if asks_for_others else page.replace("<gradio-app", f"{self.first_faces()}<gradio-app", 1)
