"""What stands between the net and Gradio: limits, and sentences in place of tracebacks."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from gradio import routes
from gradio.route_utils import FileUploadProgressUnit, FnIndexInferError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dcgan.limits import MAX_BODY_BYTES, MAX_SESSIONS
from dcgan.ui.guard import Guard, Page
from dcgan.ui.texts import CHINESE, ENGLISH, say

JOIN = "/gradio_api/queue/join"


def asyncio_run(work):
    with ThreadPoolExecutor(1) as elsewhere:  # this thread may have a browser's event loop
        return elsewhere.submit(asyncio.run, work).result()


def served(endpoint, path, body=b"{}", method="POST", query=None, **headers):
    """Ask an app of one endpoint behind the guard; gives status, headers and body, or raises what the endpoint does."""
    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])], middleware=[Middleware(Guard)])
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": sent, "app": app}
    scope["query_string"] = urlencode(query or {}).encode()
    parts, answers = [{"type": "http.request", "body": body, "more_body": False}], []

    async def receive():
        return parts.pop() if parts else await asyncio.Event().wait()  # nobody leaves

    async def send(message):
        answers.append(message)

    asyncio_run(app(scope, receive, send))
    start, *bodies = answers
    return start["status"], dict(start["headers"]), b"".join(part.get("body", b"") for part in bodies)


async def echo(request: Request):
    return JSONResponse({"got": (await request.body()).decode()})


def raises(error):
    async def endpoint(request: Request):
        raise error

    return endpoint


def got(body: bytes) -> dict:
    return json.loads(json.loads(served(echo, JOIN, body)[2])["got"])


def test_an_event_that_is_ended_before_it_has_a_name_is_ended_by_none():
    status, _, answer = served(echo, "/gradio_api/cancel", b'{"session_hash": "abc", "event_id": null}')
    assert status == 200
    assert json.loads(json.loads(answer)["got"])["event_id"] == ""


def test_what_an_event_sends_goes_through_without_what_nothing_here_asks_for():
    sent = {
        "data": ["脸", 7],
        "session_hash": "abc",
        "batched": True,
        "event_data": {"index": 3, "told": "[1]", "path": "/etc/passwd"},
    }
    told = {"index": 3, "told": "[1]"}
    assert got(json.dumps(sent).encode()) == {"data": ["脸", 7], "session_hash": "abc", "event_data": told}


def test_no_more_sessions_are_remembered_than_may_be_and_those_that_go_on_stay():
    with Page() as page:
        pass
    for remembered in (page._queue.pending_messages_per_session, page._queue.pending_event_ids_session):
        for number in range(MAX_SESSIONS):
            remembered[str(number)] = number
        assert remembered["0"] == 0
        remembered["one more"] = 7
        assert len(remembered) == MAX_SESSIONS
        assert "0" in remembered
        assert "1" not in remembered


def test_no_more_uploads_are_remembered_than_may_be():
    """Gradio remembers each that it was ever asked how far it has come."""
    with Page():
        pass
    statuses = routes.file_upload_statuses

    async def ask() -> None:
        for number in range(2 * MAX_SESSIONS):
            with suppress(TimeoutError):
                await asyncio.wait_for(statuses.is_tracked(str(number)), 0)
            statuses.append(f"other {number}", "a.png", b"")

    asyncio_run(ask())
    assert len(statuses._signals) == len(statuses._statuses) == MAX_SESSIONS


def test_how_far_an_upload_has_come_is_heard_whoever_asks_first():
    statuses = routes.file_upload_statuses

    async def ask() -> FileUploadProgressUnit:
        asked = asyncio.create_task(statuses.is_tracked("mine"))
        await asyncio.sleep(0)
        statuses.append("mine", "a.png", b"12345")
        assert await asked
        return statuses.pop("mine")

    with Page():
        pass
    assert asyncio_run(ask()).chunk_size == 5


@pytest.mark.parametrize(("name", "status"), [("", 200), ("1b" * 32, 200), ("1b" * 32 + "c", 400), ("\n", 400)])
def test_the_name_of_an_upload_is_a_short_word(name, status):
    assert served(echo, "/gradio_api/upload_progress", method="GET", query={"upload_id": name})[0] == status


def test_half_a_character_becomes_a_question_mark():
    assert got(b'{"data": ["\\ud800"]}')["data"] == ["?"]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"session_hash": "\\ud800"}', b'{"session_hash": 1}']
)
def test_what_is_no_events_is_refused_before_gradio_sees_it(body):
    status, _, said = served(raises(RuntimeError("seen")), JOIN, body)
    assert status == 400
    assert "can't be read" in json.loads(said)["detail"]


def test_a_body_may_be_as_large_as_the_limit_and_no_larger():
    filler = MAX_BODY_BYTES - len('{"data": [""]}')
    assert served(echo, JOIN, b'{"data": ["' + b"x" * filler + b'"]}')[0] == 200
    status, _, said = served(echo, JOIN, b'{"data": ["' + b"x" * (filler + 1) + b'"]}')
    assert (status, json.loads(said)["detail"]) == (400, "What was sent is larger than 4 MB; send less at once.")


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://127.0.0.1/x", "/gradio_api/file=HTTPS://example.org", "/gradio_api/file= ftp://x",
        "/gradio_api/proxy=https://example.org/x", "/below/gradio_api/file=http://x",
    ],
)  # fmt: skip
def test_no_file_is_fetched_from_elsewhere(path):
    status, _, said = served(echo, path, method="GET")
    assert (status, json.loads(said)["detail"]) == (400, say(ENGLISH, "foreign-file"))


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyError(7), 404), (FnIndexInferError("x"), 404), (ValueError("\ud800"), 400), (TypeError("odd"), 400)],
)
def test_what_gradio_raises_over_a_request_is_an_answer(error, status):
    found, _, said = served(raises(error), JOIN, accept_language="zh-CN")
    assert found == status
    assert json.loads(said)["detail"].startswith(say(CHINESE, "unreadable", why="")[:5] if status == 400 else "页面")


@pytest.mark.parametrize("error", [OSError("the disk is full"), RuntimeError("a fault")])
def test_a_fault_stays_one(error):
    with pytest.raises(type(error)):
        served(raises(error), JOIN)


def test_a_stream_that_ends_in_a_refusal_ends():
    async def events(request: Request):
        async def lines():
            yield "data: no such session\n\n"
            raise HTTPException(404)

        return StreamingResponse(lines())

    assert served(events, "/gradio_api/queue/data", method="GET")[2] == b"data: no such session\n\n"


@pytest.mark.parametrize(
    ("headers", "status", "language"),
    [
        ({"x_gradio_user": "app", "accept_language": "zh-CN,zh"}, 429, CHINESE),
        ({"x_gradio_user": "app"}, 429, ENGLISH),
        ({"x_gradio_user": "api"}, 503, ENGLISH),  # by which Gradio's client knows it
    ],
)
def test_who_finds_the_queue_full_is_told_so_in_his_language(headers, status, language):
    found, sent, said = served(raises(HTTPException(503, "Queue is full. Max size is 64")), JOIN, **headers)
    assert (found, json.loads(said)["detail"]) == (status, say(language, "queue-full"))
    assert sent[b"retry-after"] == b"10"


def test_what_isnt_there_says_so_also_where_nothing_was_said():
    async def silent(request: Request):
        return Response(status_code=404)

    status, _, answer = served(silent, "/gradio_api/stream/x")
    assert (status, json.loads(answer)["detail"]) == (404, say(ENGLISH, "no-such-event"))
