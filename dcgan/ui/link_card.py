"""What a link to the page looks like in chats and search results: its title, description and picture."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from gradio.route_utils import get_root_url
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.ui.texts import language_of, say

PICTURE_PATH = "/social-card.png"
GRADIOS_TAGS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')


class LinkCard:
    """Puts tags of ours into the page that is served, in place of Gradio's, which name Gradio.

    `picture` is a PNG of 1280 by 640 pixels, left out where there is none.
    """

    def __init__(self, app: ASGIApp, picture: Path):
        self.app, self.picture = app, picture

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
        elif path == PICTURE_PATH and self.picture.is_file():
            await FileResponse(self.picture)(scope, receive, send)
        elif path in ("", "/"):
            await self.app(scope, receive, self._with_our_tags(Request(scope), send))
        else:
            await self.app(scope, receive, send)

    def _with_our_tags(self, request: Request, send: Send) -> Send:
        start: Message = {}
        body = b""

        async def send_when_whole(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                whole = self._retold(request, body.decode()).encode()
                MutableHeaders(raw=start["headers"])["content-length"] = str(len(whole))
                await send(start)
                await send({"type": "http.response.body", "body": whole})

        return send_when_whole

    def _retold(self, request: Request, page: str) -> str:
        root_path = getattr(request.app, "root_path", "") or request.scope.get("root_path")
        address = get_root_url(request, "/", root_path)
        picture = f"{address}{PICTURE_PATH}" if self.picture.is_file() else ""
        tags = tags_of(language_of(request), f"{address}/", picture)
        return GRADIOS_TAGS.sub("", page).replace("</head>", f"{tags}</head>", 1)


def tags_of(language: str, address: str, picture: str) -> str:
    """Write the tags of the page's head; `picture` is the address of one, "" where there is none."""
    title, description = say(language, "intro").removeprefix("# ").split("\n")
    facts = {"title": title, "type": "website", "description": description, "url": address, "image": picture}
    named: dict[str, Any] = {
        "description": description,
        "twitter:card": "summary_large_image" if picture else "summary",
    }
    tags = [f'<meta name="{name}" content="{html.escape(value)}">' for name, value in named.items()]
    tags += [f'<meta property="og:{name}" content="{html.escape(value)}">' for name, value in facts.items() if value]
    return "\n".join([f"<title>{html.escape(title)}</title>", *tags, ""])
