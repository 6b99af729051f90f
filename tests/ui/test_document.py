"""The document that the page comes in."""

import base64
import gzip
import io
import re
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dcgan import faces
from dcgan.errors import InputError
from dcgan.gallery import open_catalog
from dcgan.ui.document import Document
from dcgan.ui.first_faces import FirstFaces, html_of
from support.paths import ROOT

PAGE = "<html><head></head><body><gradio-app></gradio-app></body></html>"


def client_of(first_faces=str) -> TestClient:
    document = Middleware(Document, picture=ROOT / "none.png", first_faces=first_faces)
    routes = [Route("/", lambda _: HTMLResponse(PAGE))]
    return TestClient(Starlette(routes=routes, middleware=[document]))


def drawn(first_faces: FirstFaces, is_right: Callable[[str], bool] = bool) -> str:
    """Visit until what is drawn beside the visits is right."""
    give_up = time.monotonic() + 30
    while not is_right(html := first_faces()):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return html


def pictures_in(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/webp;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))).convert("RGB")) for each in found]


def test_the_document_is_compressed_for_who_can_read_it():
    client = client_of()
    for accepted, encoding in (("gzip, br", "gzip"), ("identity", None)):
        got = client.get("/", headers={"accept-encoding": accepted})
        assert got.headers.get("content-encoding") == encoding
        assert "Faces by a DCGAN" in got.text
        assert "Accept-Encoding" in got.headers["vary"]
    with client.stream("GET", "/", headers={"accept-encoding": "gzip"}) as response:
        raw = b"".join(response.iter_raw())
    assert int(response.headers["content-length"]) == len(raw)
    assert gzip.decompress(raw).decode() == client.get("/", headers={"accept-encoding": "identity"}).text


def test_first_faces_are_the_gallerys_and_follow_its_weights(several_runs):
    catalog, early = (open_catalog(str(run), None, [], torch.device("cpu")) for run in several_runs)
    first_faces = FirstFaces(catalog)
    assert first_faces() == ""  # nobody waits for them
    html = drawn(first_faces)
    assert html == html_of(faces(catalog.generator(), list(range(16))))
    first_faces.catalog = early
    drawn(first_faces, lambda now: now != html)


def test_first_faces_are_small_pictures_of_them():
    colours = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]], np.uint8)
    html = html_of(colours[:, None, None].repeat(96, 1).repeat(96, 2))
    assert len(html) < 3_000
    for colour, picture in zip(colours, pictures_in(html), strict=True):
        assert picture.shape == (96, 96, 3)
        assert np.abs(picture.astype(int) - colour).max() <= 8


def test_first_faces_stand_in_the_document_unless_a_link_asks_for_others():
    client = client_of(lambda: "<i>first faces</i>")
    assert client.get("/").text.count("<i>first faces</i><gradio-app>") == 1
    assert "first faces" in client.get("/?__theme=dark").text
    assert "first faces" not in client.get("/?kind=faces&seed=7").text


def test_a_page_without_a_network_to_draw_by_has_no_first_faces():
    class Unreachable:
        def commit(self):
            asked.append(1)
            raise InputError("the Hub can't be reached")

    asked = []
    first_faces = FirstFaces(Unreachable())
    while not asked:
        assert first_faces() == ""
    assert first_faces() == ""
