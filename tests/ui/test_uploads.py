"""Uploads: no larger than they may be, alone or together, and nothing is left of one that is broken off."""

import asyncio
import errno
import gc
import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from gradio.route_utils import GradioUploadFile
from starlette.applications import Starlette
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from dcgan.limits import MAX_FORM_BYTES, MAX_FORM_PARTS, MAX_UPLOADING_BYTES
from dcgan.ui import uploads
from dcgan.ui.guard import Guard
from dcgan.ui.texts import CHINESE, say

PATH = "/gradio_api/upload"
FORM = b"multipart/form-data; boundary=b"
BEGUN = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
OTHER = BEGUN.replace(b'"files"', b'"other"')
FIELD = b'--b\r\nContent-Disposition: form-data; name="files"\r\n\r\n'
END = b"\r\n--b--\r\n"
CUT = None  # where the visitor leaves


async def length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


class Page:
    """Gradio's reader of uploads behind the guard; its files are in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        routes = [Route(PATH, self.upload, methods=["POST"]), Route("/length", length, methods=["POST"])]
        self.app = Starlette(routes=routes, middleware=[Middleware(Guard)])

    async def upload(self, request: Request):
        try:
            return JSONResponse((await uploads.upload(request, self.folder, 10**9, None))[0])
        except MultiPartException as error:
            return PlainTextResponse(error.message, 400)

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def sent(self, *parts: bytes | None, path: str = PATH, kind: bytes = FORM) -> tuple[int, str]:
        """Give status and text of the answer to an upload that comes in these parts."""
        return asyncio_run(self.answer_to(parts, path, kind))

    async def answer_to(
        self, parts, path: str = PATH, kind: bytes = FORM, gate: asyncio.Event | None = None
    ) -> tuple[int, str]:
        headers = [(b"content-type", kind), (b"accept-language", b"zh-CN")]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        coming, answers = list(parts), []

        async def receive():
            if len(coming) == 1 and gate:
                await gate.wait()
            part = coming.pop(0) if coming else CUT
            if part is CUT:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": part, "more_body": bool(coming)}

        async def send(message):
            answers.append(message)

        await self.app(scope, receive, send)
        return answers[0]["status"], b"".join(each.get("body", b"") for each in answers).decode()


def asyncio_run(work):
    with ThreadPoolExecutor(1) as elsewhere:  # this thread may have a browser's event loop
        return elsewhere.submit(asyncio.run, work).result()


@pytest.fixture
def page(tmp_path):
    return Page(tmp_path)


@pytest.fixture
def _small(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 2**20)


@pytest.fixture
def _unclosed():
    """Gradio leaves files open, too, until Python finds that nobody has them any more."""
    gc.freeze()  # what was there before isn't searched
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    gc.unfreeze()


def filler(size: int, begun: bytes = BEGUN) -> list[bytes]:
    """The parts of an upload of so many bytes in all."""
    whole = begun + b"x" * (size - len(begun) - len(END)) + END
    return [whole[first : first + 2**16] for first in range(0, size, 2**16)]


def test_a_whole_upload_is_kept(page):
    status, said = page.sent(BEGUN, b"picture", END)
    assert (status, [Path(path).read_bytes() for path in json.loads(said)]) == (200, [b"picture"])


def test_the_same_file_twice_is_one_file(page):
    status, said = page.sent(BEGUN, b"picture\r\n", BEGUN, b"picture", END)
    assert (status, [Path(path) for path in json.loads(said)]) == (200, 2 * page.files())
    assert page.sent(BEGUN, b"picture", END) == (200, json.dumps([str(*page.files())]))


def test_nothing_is_left_of_an_upload_that_is_broken_off(page):
    page.sent(BEGUN, b"x" * 100_000, CUT)
    assert not [*page.folder.iterdir()]


@pytest.mark.usefixtures("_unclosed")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    ("status", "parts"),
    [
        pytest.param(200, [OTHER, END], id="a field of another name"),
        pytest.param(400, [BEGUN, b"x\r\n", FIELD, END], id="a field without a file"),
        pytest.param(200, [BEGUN, b"x"], id="no end"),
        pytest.param(400, [BEGUN.replace(b"a.png", b".."), END], id="a name that is none"),
    ],
)
def test_nothing_is_left_of_what_no_answer_names(status, parts, page):
    """Gradio keeps it for as long as it runs."""
    assert page.sent(*parts)[0] == status
    assert not [*page.folder.iterdir()]


@pytest.mark.usefixtures("_unclosed")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_nothing_is_left_of_an_upload_for_which_the_disk_has_no_room(page, monkeypatch):
    async def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(GradioUploadFile, "write", no_room)
    with pytest.raises(OSError, match="No space"):
        page.sent(BEGUN, b"picture", END)
    assert not [*page.folder.iterdir()]


def test_what_is_no_form_may_have_as_many_dashes_as_it_likes(page):
    """As what assistants send."""
    assert page.sent(b"-" * 1000, path="/length", kind=b"application/json") == (200, "1000")


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("begun", [BEGUN, FIELD], ids=["a file", "a field without a name"])
def test_an_upload_may_be_as_large_as_the_limit_and_no_larger(begun, page):
    limit = 2**20 + MAX_FORM_BYTES
    assert page.sent(*filler(limit))[0] == 200
    kept = page.files()
    status, said = page.sent(*filler(limit + 1, begun))
    assert (status, said) == (400, say(CHINESE, "body-too-large", most=1))
    assert page.files() == kept


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_an_upload_may_have_as_many_parts_as_the_limit_and_no_more(step, page):
    """For each of which Gradio opens a file."""

    def of(count: int) -> list[bytes]:
        whole = b"x\r\n".join([BEGUN] * count) + END
        return [whole[first : first + step] for first in range(0, len(whole), step)]

    assert page.sent(*of(MAX_FORM_PARTS))[0] == 200
    kept = page.files()
    status, said = page.sent(*of(MAX_FORM_PARTS + 1))
    assert (status, f"more than {MAX_FORM_PARTS} parts" in said) == (400, True)
    assert page.files() == kept


def test_uploads_together_may_be_as_large_as_the_limit_and_no_larger(page, monkeypatch):
    assert MAX_UPLOADING_BYTES > uploads.MAX_UPLOAD_BYTES + MAX_FORM_BYTES
    monkeypatch.setattr(uploads, "MAX_UPLOADING_BYTES", 3000)

    async def three():
        gate = asyncio.Event()
        first = asyncio.create_task(page.answer_to([BEGUN.ljust(2000, b"x"), END], gate=gate))
        await asyncio.sleep(0.05)
        second, third = [await page.answer_to(filler(size)) for size in (1000, 1001)]
        gate.set()
        return await first, second, third, await page.answer_to(filler(3000))

    first, second, third, after = asyncio_run(three())
    assert [status for status, _ in (first, second, third, after)] == [200, 200, 400, 200]
    assert third[1] == say(CHINESE, "uploads-full")


def test_recordings_which_no_page_here_makes_are_not_read(page):
    status, said = page.sent(BEGUN, b"video", END, path="/gradio_api/process_recording")
    assert (status, json.loads(said)["detail"]) == (404, say(CHINESE, "no-such-event"))
