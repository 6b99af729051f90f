"""What a link to the page looks like elsewhere."""

import re
from pathlib import Path

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import app
from dcgan.ui.document import Document
from dcgan.ui.link_card import tags_of

FRONTEND = Path(gr.__file__).parent / "templates" / "frontend" / "index.html"


def page(request):
    return HTMLResponse(FRONTEND.read_text(encoding="utf-8"))


def client_of(picture: Path) -> TestClient:
    routes = [Route("/", page), Route("/events", lambda _: StreamingResponse(iter(["a", "b"])))]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(Document, picture=picture)]))


def content_of(page: str, name: str) -> list[str]:
    return re.findall(rf'<meta (?:name|property)="{name}" content="([^"]*)"', page)


def test_the_card_of_a_link_is_ours_and_nothing_of_gradios_is_left():
    client = client_of(app.SOCIAL_CARD)
    got = client.get("/?seed=7", headers={"x-forwarded-proto": "https", "x-forwarded-host": "faces.example"})
    assert content_of(got.text, "og:title") == ["Faces by a DCGAN"]
    assert content_of(got.text, "og:url") == ["https://faces.example/"]
    assert content_of(got.text, "og:image") == ["https://faces.example/social-card.png"]
    assert content_of(got.text, "description")[0].startswith("Every number is a face")
    assert "<title>Faces by a DCGAN</title>" in got.text
    head = got.text.partition("</head>")[0]
    assert not re.search(r"<meta[^>]*gradio", head, re.IGNORECASE)
    assert client.get("/social-card.png").content == app.SOCIAL_CARD.read_bytes()
    assert client.get("/events").text == "ab"
    assert client.head("/").status_code == 200


def test_the_card_speaks_the_visitors_language_and_does_without_a_picture(tmp_path):
    client = client_of(tmp_path / "none.png")
    got = client.get("/", headers={"accept-language": "zh-CN"}).text
    assert content_of(got, "og:title") == ["DCGAN 画的脸"]
    assert content_of(got, "og:image") == []
    assert content_of(got, "twitter:card") == ["summary"]
    assert client.get("/social-card.png").status_code == 404


@pytest.mark.parametrize("address", ['http://x/"><script>', "http://x/?a&b"])
def test_nothing_in_an_address_ends_a_tag(address):
    tags = tags_of("en", address, address)
    assert "<script>" not in tags
    assert tags.count("<meta") == 7
