"""What a link to the page looks like in chats and search results: its title, description and picture."""

from __future__ import annotations

import html
import re
from typing import Any

from gradio.route_utils import get_root_url
from starlette.requests import Request

from dcgan.ui.texts import language_of, say

PICTURE_PATH = "/social-card.png"
GRADIOS_TAGS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')


def with_link_card(page: str, request: Request, has_picture: bool) -> str:
    """Put tags of ours into a page, in place of Gradio's, which name Gradio."""
    root_path = getattr(request.app, "root_path", "") or request.scope.get("root_path")
    address = get_root_url(request, "/", root_path)
    picture = f"{address}{PICTURE_PATH}" if has_picture else ""
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
