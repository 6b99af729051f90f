"""What stands between the net and Gradio: what it can't read is refused with a sentence and costs no traceback.

Gradio checks what it is sent in many places, most of which raise whatever they raise; and it fetches any web address
that its route for files is given.
"""

from __future__ import annotations

import asyncio
import json
import re
from http import HTTPStatus
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from gradio.route_utils import FnIndexInferError
from gradio.routes import file_upload_statuses
from gradio.server_messages import ProcessCompletedMessage
from gradio.utils import LRUCache
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dcgan.limits import MAX_BODY_BYTES, MAX_SESSIONS, MAX_UNHEARD
from dcgan.ui.inputs import RefusedError
from dcgan.ui.texts import language_of, one_line
from dcgan.ui.uploads import Uploads

MAX_WHY_CHARACTERS = 200
# Gradio looks for events a thousand times a second, and for progress a hundred times: 3 to 4 % of a core for nothing
SECONDS_BETWEEN_LOOKS_AT_REST, SECONDS_BETWEEN_LOOKS_FOR_PROGRESS = 0.02, 0.1
SECONDS_TO_REST = 2.0  # after the last event
SESSION = re.compile(r"[\w.:-]{1,64}", re.ASCII)
OF_EVENTS = re.compile(r"/gradio_api/(run|api|call|queue/join|cancel|reset|component_server|stream)\b")
RECORDING = re.compile(r"/gradio_api/process_recording\b")
FOREIGN_FILE = re.compile(r"/gradio_api/(file=\s*[a-z]+:/|proxy=)", re.IGNORECASE)
EVENT_DATA = {"index": int, "told": str}  # what events here send of themselves
# What Gradio raises over what it is sent; anything else is a fault, and goes on to be seen
NOT_READ = (
    ArithmeticError, AssertionError, AttributeError, FnIndexInferError, LookupError, MultiPartException, TypeError,
    ValueError,
)  # fmt: skip


class Latest(LRUCache[str, Any]):
    """A dictionary of the last so many that were set or asked for; Gradio's forgets also who is waiting."""

    def __getitem__(self, key: str) -> Any:
        self.move_to_end(key)
        return super().__getitem__(key)


class Signals(Latest):
    """What Gradio waits for, by name; one that it asks for and isn't there is made."""

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            self[key] = asyncio.Event()
        return super().__getitem__(key)


class Page(gr.Blocks):
    """Blocks that rest, remember few sessions and uploads, and refuse what they can't read in a visitor's language."""

    _falling_asleep: asyncio.TimerHandle | None = None

    def queue(self, *values: Any, **named: Any) -> Page:
        super().queue(*values, **named)
        self._awake = self._queue.sleep_when_free
        self._rest()
        self._queue.progress_update_sleep_when_free = SECONDS_BETWEEN_LOOKS_FOR_PROGRESS
        self._queue.pending_messages_per_session = Latest(MAX_SESSIONS)
        self._queue.pending_event_ids_session = Latest(MAX_SESSIONS)
        file_upload_statuses._statuses = Latest(MAX_SESSIONS)
        file_upload_statuses._signals = Signals(MAX_SESSIONS)  # type: ignore[assignment] # it is as good as a defaultdict
        return self

    def _rest(self) -> None:
        """Look for events seldom."""
        self._queue.sleep_when_free = max(self._awake, SECONDS_BETWEEN_LOOKS_AT_REST)

    def _wake(self) -> None:
        """Look for events as often as Gradio does, until none has come for a while: one is often followed by others."""
        self._queue.sleep_when_free = self._awake
        if self._falling_asleep:
            self._falling_asleep.cancel()
        self._falling_asleep = asyncio.get_running_loop().call_later(SECONDS_TO_REST, self._rest)

    async def process_api(
        self, block_fn: Any, inputs: list[Any], state: Any = None, request: Any = None, *rest: Any, **named: Any
    ) -> dict[str, Any]:
        self._wake()
        try:
            return await super().process_api(block_fn, inputs, state, request, *rest, **named)
        except UnreadableError as error:
            why = RefusedError("unreadable", why=error).in_language(language_of(request))
            raise gr.Error(why, print_exception=False) from None

    async def preprocess_data(self, *values: Any, **named: Any) -> Any:
        try:
            return await super().preprocess_data(*values, **named)
        except Exception as error:
            raise UnreadableError(one_line(error)[:MAX_WHY_CHARACTERS]) from None


def refuse_who_left() -> None:
    """End the current event if its visitor has left, as by closing the page.

    Raises:
        gr.Error: he has.
    """
    page, event_id = LocalContext.blocks.get(None), LocalContext.event_id.get(None)  # none outside of an event
    jobs = page._queue.active_jobs if page else []
    if any(event._id == event_id and not event.alive for job in jobs if job for event in job):
        raise gr.Error("Nobody waits for this any more.", print_exception=False)


class UnreadableError(Exception):
    """Values that aren't of the kinds that an event takes; says in English why."""


class Guard:
    """Reads what events send before Gradio does, and turns what that raises over a request into an answer."""

    def __init__(self, app: ASGIApp):
        self.app, self.uploads = app, Uploads()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, started = Request(scope, receive), False

        async def answer(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            _refuse_route(request)
            if request.method != "POST":
                await self.app(scope, receive, _in_words(request, answer))
            elif OF_EVENTS.search(scope["path"]):
                await self.app(scope, await _event_of(request), _in_words(request, answer))
            else:
                with self.uploads.bounded(request) as receive_upload:
                    await self.app(scope, receive_upload, _in_words(request, answer))
        except ClientDisconnect:  # nobody waits for an answer
            return
        except Exception as error:
            if not _is_refusal(error):
                raise
            if started:  # a stream of events, in which it has been said
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await _refusal(request, error)(scope, receive, send)


def _refuse_route(request: Request) -> None:
    """Refuse what Gradio would do for any page, and no page here needs.

    Raises:
        RefusedError: it would fetch a file from elsewhere, or remember a long name.
        LookupError: it would have FFmpeg read what is sent.
    """
    path = request.scope["path"]
    if FOREIGN_FILE.search(path):
        raise RefusedError("foreign-file")
    if RECORDING.search(path):
        raise LookupError
    if not SESSION.fullmatch(request.query_params.get("upload_id") or "none"):
        raise _unreadable("upload_id is no short word")


async def _event_of(request: Request) -> Receive:
    """Give what Gradio is to receive of a request that sends an event.

    A half of a character, which nothing after this could write, becomes a question mark.

    Raises:
        RefusedError: it is to receive nothing.
    """
    values = _cleaned(await _body_of(request))
    _refuse_who_never_listens(request, values.get("session_hash"))
    body = json.dumps(values, ensure_ascii=False).encode(errors="replace")
    request.scope["headers"] = [
        (name, str(len(body)).encode() if name == b"content-length" else value)
        for name, value in request.scope["headers"]
    ]
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else await request.receive()

    return receive


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise RefusedError("body-too-large", most=MAX_BODY_BYTES >> 20)
    return bytes(body)


def _cleaned(body: bytes) -> dict[str, Any]:
    """Read what an event sends, and of event_data only which one was picked or a text: no event here asks for more.

    Raises:
        RefusedError: it isn't what an event sends.
    """
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise _unreadable("it is no JSON object") from None
    if not isinstance(values, dict):
        raise _unreadable("it is no JSON object")
    session = values.get("session_hash")
    if session is not None and not (isinstance(session, str) and SESSION.fullmatch(session)):
        raise _unreadable("session_hash is no short word")
    values.pop("batched", None)  # no event here takes several at once
    if "event_id" in values and values["event_id"] is None:  # Gradio's page ends an event that it hasn't heard of yet
        values["event_id"] = ""
    sent = values.get("event_data")
    known = sent if isinstance(sent, dict) else {}
    values["event_data"] = {k: known[k] for k, kind in EVENT_DATA.items() if isinstance(known.get(k), kind)} or None
    return values


def _refuse_who_never_listens(request: Request, session: str | None) -> None:
    """Refuse another event of a session for which answers lie ready that nobody fetched.

    What it is told while it waits doesn't count: that is much where it asks for much at once, however fast it listens.

    Raises:
        RefusedError: there are too many of them.
    """
    page = getattr(request.scope["app"], "blocks", None)
    told = page._queue.pending_messages_per_session.get(session) if page else None
    if told is not None and sum(isinstance(each, ProcessCompletedMessage) for each in told._queue) > MAX_UNHEARD:
        raise RefusedError("unheard")


def _unreadable(why: str) -> RefusedError:
    return RefusedError("unreadable", why=why)


def _is_refusal(error: Exception) -> bool:
    """Whether an error is over what was sent. Starlette wraps what is raised in the middle of an answer."""
    return isinstance(error, NOT_READ) or isinstance(error.__cause__ or error.__context__, HTTPException)


def _refusal(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, RefusedError):
        refused, status = error, HTTPStatus.BAD_REQUEST
    elif isinstance(error, LookupError | FnIndexInferError):
        refused, status = RefusedError("no-such-event"), HTTPStatus.NOT_FOUND
    else:
        refused, status = _unreadable(one_line(error)[:MAX_WHY_CHARACTERS]), HTTPStatus.BAD_REQUEST
    return JSONResponse({"detail": refused.in_language(language_of(request))}, status)


def _in_words(request: Request, send: Send) -> Send:
    """Say that the queue is full, and that something isn't there where nothing is said, in the visitor's language.

    The page says what comes with any status but 503, for which it has English words of its own; clients of the API
    know the queue to be full by that one.
    """
    is_said, is_page = False, request.headers.get("x-gradio-user") == "app"

    async def send_in_words(message: Message) -> None:
        nonlocal is_said
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.SERVICE_UNAVAILABLE:
            is_said = True
            said = {"detail": RefusedError("queue-full").in_language(language_of(request))}
            status = HTTPStatus.TOO_MANY_REQUESTS if is_page else HTTPStatus.SERVICE_UNAVAILABLE
            await JSONResponse(said, status, {"retry-after": "10"})(request.scope, request.receive, send)
        elif message["type"] == "http.response.start" and _is_silent_refusal(message):
            is_said = True
            await _refusal(request, LookupError())(request.scope, request.receive, send)
        elif not is_said:
            await send(message)

    return send_in_words


def _is_silent_refusal(start: Message) -> bool:
    return start["status"] == HTTPStatus.NOT_FOUND and (b"content-length", b"0") in start["headers"]
