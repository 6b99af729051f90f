"""A real browser, and pages of the real app in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from support.chromium import ARGUMENTS, find
from support.page import MAX_WAIT_SECONDS, note_requests

SCREENSHOTS = Path(__file__).parent / "screenshots"


@pytest.fixture(scope="session")
def app_url(serve_app) -> str:
    """Address of `python app.py` on the bundled checkpoint."""
    return serve_app()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find()
    assert path, "no Chromium for the browser tests; run: PYTHONPATH=tests python -m support.chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


DEFAULTS = {"viewport": {"width": 1280, "height": 800}, "permissions": ["clipboard-read", "clipboard-write"]}


# What is said of requests that end as their page is left, or loses its connection and then loads anew
LEAVING = ("AbortError", "Connection errored out", "ERR_INTERNET_DISCONNECTED")


class Complaints(list):
    """What a good page never gives cause for: console errors, page errors, requests to other hosts."""

    def forgive_leaving(self) -> None:
        self[:] = [each for each in self if not any(words in each for words in LEAVING)]


@pytest.fixture
def complaints() -> Complaints:
    """What the pages of this test have been complained of so far."""
    return Complaints()


@pytest.fixture
def open_page(browser, app_url, complaints) -> Iterator:
    """Opens the app, or a link to it, in a fresh browser; on teardown nothing may have been complained of."""
    contexts = []

    def open_one(query: str = "", url: str = app_url, script: str = "", **options) -> Page:
        context = browser.new_context(**DEFAULTS | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * MAX_WAIT_SECONDS)
        page.add_init_script(script)
        note_requests(page)
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("framenavigated", lambda frame: complaints.forgive_leaving())
        page.on("pageerror", lambda error: complaints.append(str(error)))
        origin = "{0.scheme}://{0.netloc}/".format(urlsplit(url))
        page.on("request", lambda request: _is_external(request.url, origin) and complaints.append(request.url))
        page.goto(url + query)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []


def _is_external(url: str, origin: str) -> bool:
    return not url.startswith((origin, origin.replace("http", "ws", 1), "data:", "blob:"))


@pytest.fixture
def screenshot(request):
    """Saves what the page looks like, for a person to look at."""

    def take(page: Page, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    return take
