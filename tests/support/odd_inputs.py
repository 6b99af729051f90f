"""Inputs that no page would send, and a client that sends them to a page by each of the ways there are."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import httpx2
from hypothesis import strategies as st
from PIL import Image

from support.served import Served

API = "gradio_api"
CALM = 60  # seconds for an answer

NEARLY_RIGHT = st.sampled_from([
    0, 1, 7, -1, 2**31 - 1, 2**31, 10**40, -(10**400), 1.5, 1e308, 0.0, -0.0, float("nan"), float("inf"),
    "7", "7, 42", "7，42", "7:42@0.35", "7-12+42", "7-7", "7~hair_hue=1.2", "z.AAAA", "z." + "A" * 22, "z.fHwA" * 3,
    "GIF", "WebP", "MP4", "loop", "pixels", "tiny", "tiny@epoch-0001", "tiny@", "../tiny", "tiny\0", "nan", "1e999",
    "kind=walk&seeds=7,42", "face=7:42@0.5", "seed=1&count=64&psi=nan", "kind=walk&seeds=&grid=16", "%00%ff&&==",
    "x" * 5000, "7" + "+1" * 9, "＋７", "٧", "\ud800", "\u202e7", "<script>alert(1)</script>", "{{7*7}}", "",
    True, False, None, [], {}, [[]], [{"seed": 1}, {"seed": 2}], {"seed": [1]}, ["seed=1", "kind=walk", 7, None],
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, {"path": "../../etc/passwd"},
    {"path": None, "url": "http://127.0.0.1:1/", "meta": {"_type": "gradio.FileData"}}, {"__type__": "update"},
    {"index": 3}, {"index": "3"}, {"index": [1, 2]}, {"index": -5}, {"index": 10**30},
])  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | NEARLY_RIGHT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
VALUE = NEARLY_RIGHT | ANYTHING
DEEP: Any = "deep"
for _ in range(200):
    DEEP = [DEEP]
WHOLE_BODIES = [
    b"", b"null", b"[]", b"{}", b"{", b'{"data": null}', b'{"data": {}}', b'{"data": [', b"\xff\xfe", b"[" * 100_000,
    b'{"data": ' + b"[" * 100_000, b'{"data": [' + b"9" * 100_000 + b"]}", b'{"data": [NaN], "fn_index": NaN}',
    b'{"data": ["\\ud800"], "session_hash": "\\ud800"}', b'{"data": [], "fn_index": 1e999, "session_hash": "a"}',
    b'{"data": [], "fn_index": -1, "session_hash": "a"}', b'{"data": [], "session_hash": ["a"], "fn_index": 0}',
    b'{"data": 7, "data": [7]}', json.dumps({"data": [DEEP]}).encode(),
]  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """One thing that a page can be asked, as its own description has it."""

    index: int
    name: str  # of the API; "" for an event of the page alone
    parameters: tuple[str, ...]
    trigger: int | None  # the component whose event it is
    event: str  # click, load, ...


@dataclass
class Asker:
    """Asks a page, and holds every answer to what is promised."""

    page: Served
    asked: int = 0
    refused: int = 0
    seen: int = field(default=0, init=False)  # characters of the log that were looked at

    @cached_property
    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.page.url, timeout=CALM, trust_env=False)

    def endpoints(self) -> list[Endpoint]:
        """List all that the running page says it can be asked: what its API describes, and its own events."""
        described = self.client.get(f"{API}/info").json()["named_endpoints"]
        named = {name.removeprefix("/"): found["parameters"] for name, found in described.items()}
        return [
            Endpoint(
                each["id"],
                name,
                tuple(p["parameter_name"] for p in named[name]) if name else tuple(map(str, each["inputs"])),
                *(each["targets"][0] if each["targets"] else (None, "")),
            )
            for each in self.client.get("config").json()["dependencies"]
            if each["backend_fn"]
            for name in [each["api_name"] if each["api_name"] in named else ""]
        ]

    def post(self, path: str, body: object, **options: Any) -> httpx2.Response:
        """Post JSON, or bytes as they are, and hold the answer to what is promised."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", **options.pop("headers", {})}
        return self.checked(self.client.post(path, content=content, headers=headers, **options))

    def get(self, path: str, **options: Any) -> httpx2.Response:
        return self.checked(self.client.get(path, **options))

    def call(self, endpoint: Endpoint, values: list[Any], named: Mapping[str, Any]) -> None:
        """Ask by all ways of the API that take values by place, and by name."""
        self.post(f"{API}/run/{endpoint.name}", {"data": values})
        for way, body in (("call", {"data": values}), ("call/v2", named)):
            answer = self.post(f"{API}/{way}/{endpoint.name}", body)
            if answer.status_code == 200:
                self.heard(self.client.stream("GET", f"{API}/call/{endpoint.name}/{answer.json()['event_id']}"))

    def join(self, endpoint: Endpoint, values: list[Any], query: Mapping[str, str] = {}, **more: Any) -> str | None:
        """Ask by the queue, as the page does; gives what is said of it at the end, where it was let in."""
        session = f"session-{self.asked % 5}"
        body = {"data": values, "fn_index": endpoint.index, "session_hash": session, "trigger_id": endpoint.trigger}
        answer = self.post(f"{API}/queue/join?{urlencode(query)}", body | more)
        if answer.status_code != 200:
            return None
        session = more.get("session_hash") or session
        return self.heard(self.client.stream("GET", f"{API}/queue/data", params={"session_hash": session}))

    def heard(self, stream: Any) -> str:
        """Hear a stream of events to its end, and hold it to what is promised."""
        with stream as events:
            lines = list(_until_the_end(events.iter_lines()))
        said = "\n".join(lines)
        assert "Traceback" not in said
        assert lines, "nothing was said"
        ended = [json.loads(line[5:]) for line in lines if line.startswith("data:") and "process_completed" in line]
        for each in ended:
            if not each["success"]:
                self.refused += 1
                assert is_sentence(each["output"]["error"]), each
        if "event: error" in lines:
            self.refused += 1
            told = json.loads(lines[lines.index("event: error") + 1].removeprefix("data:"))
            assert is_sentence(told["error"] if isinstance(told, dict) else told), said
        self.look_at_log()
        return said

    def checked(self, answer: httpx2.Response) -> httpx2.Response:
        """Hold an answer to what is promised: it is one, or it says why it isn't; nothing went wrong in the log."""
        self.asked += 1
        assert answer.status_code < 500 or answer.status_code == 503, (answer.status_code, answer.text[:500])
        assert "Traceback" not in answer.text
        if answer.status_code >= 400:
            self.refused += 1
            assert answer.text.strip()
        self.look_at_log()
        return answer

    def look_at_log(self) -> None:
        new = self.page.log[self.seen :]
        self.seen += len(new)
        assert "Traceback" not in new, new
        assert "Exception" not in new, new


def is_sentence(text: object) -> bool:
    return isinstance(text, str) and len(text.split()) > 2


def _until_the_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line
        if "process_completed" in line or "unexpected_error" in line or "close_stream" in line:
            return


# Inputs, each of which knows how to be put to a page


@dataclass(frozen=True)
class Event:
    """An event of the page or a call of its API, with odd values in odd numbers, and odd things beside them."""

    endpoint: Endpoint
    values: list[Any]
    beside: dict[str, Any]

    def put(self, asker: Asker) -> None:
        if self.endpoint.name:
            asker.call(self.endpoint, self.values, dict(zip(self.endpoint.parameters, self.values, strict=False)))
        asker.join(self.endpoint, self.values, **self.beside)


@dataclass(frozen=True)
class Link:
    """A link with odd fields: the page is fetched, and asked to show what they say."""

    endpoint: Endpoint  # which opens links
    query: dict[str, str]

    def put(self, asker: Asker) -> None:
        asker.get("", params=self.query)
        said = asker.join(self.endpoint, [], self.query)
        assert said is None or '"success":true' in said, said


@dataclass(frozen=True)
class Noted:
    """A file with an odd note, dropped on the page. It is uploaded, and opened."""

    endpoint: Endpoint  # which opens files
    name: str
    content: bytes

    def put(self, asker: Asker) -> None:
        answer = asker.checked(asker.client.post(f"{API}/upload", files={"files": (self.name, self.content)}))
        if answer.status_code == 200:
            file = {"path": answer.json()[0], "orig_name": self.name, "meta": {"_type": "gradio.FileData"}}
            said = asker.join(self.endpoint, [file, []])
            assert said is None or '"success":true' in said, said


@dataclass(frozen=True)
class Body:
    """Bytes where JSON should be, and JSON that is no event's."""

    path: str
    content: bytes

    def put(self, asker: Asker) -> None:
        asker.post(self.path, self.content)


def inputs_to(endpoints: list[Endpoint]) -> st.SearchStrategy:
    """Make inputs to a page that has these endpoints: mostly events, and links, files and bare bytes."""
    [opens_links] = [each for each in endpoints if each.event == "load" and not each.parameters][:1]
    [*_, opens_files] = [each for each in endpoints if each.event == "upload"]
    to_event = st.one_of(*[_event(each) for each in endpoints])
    links = st.dictionaries(FIELD, VALUE.map(_as_text), max_size=6).map(lambda query: Link(opens_links, query))
    files = st.tuples(st.sampled_from(["a.png", "a.gif", "脸.webp", "a.json", "x", "../../a.png"]), CONTENT)
    return st.one_of(
        *[to_event] * 4, links, files.map(lambda file: Noted(opens_files, *file)),
        st.builds(Body, st.sampled_from(PATHS), st.sampled_from(WHOLE_BODIES) | st.binary(max_size=50)),
    )  # fmt: skip


def _event(endpoint: Endpoint) -> st.SearchStrategy[Event]:
    count = len(endpoint.parameters)
    lengths = st.just(count) | st.integers(0, count + 2)
    values = lengths.flatmap(lambda length: st.lists(VALUE, min_size=length, max_size=length))
    beside = st.fixed_dictionaries({}, optional=ODD_BESIDE)
    if endpoint.event == "select":
        beside = st.fixed_dictionaries({"event_data": VALUE})
    return st.builds(Event, st.just(endpoint), values, beside)


def _as_text(value: object) -> str:
    return str(value).encode(errors="replace").decode()


def _with_note(note: str) -> bytes:
    """A PNG that carries a note, whatever is in it."""
    text = b"Comment\0\0\0\0\0" + note.encode(errors="surrogatepass")
    end = b"\0\0\0\0IEND\xaeB`\x82"
    return PIXEL.removesuffix(end) + struct.pack(">I4s", len(text), b"iTXt") + text + struct.pack(
        ">I", zlib.crc32(b"iTXt" + text)
    ) + end  # fmt: skip


def _pixel() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, format="PNG")
    return file.getvalue()


PIXEL = _pixel()
FIELD = st.sampled_from([
    "kind", "model", "checkpoint", "commit", "seed", "count", "seeds", "psi", "face", "scaling", "frames", "fps",
    "mode", "method", "grid", "format", "size", "limit", "__theme", "deep_link", "page", "dcgan", "🙂",
])  # fmt: skip
OF_NOTES = ("kind", "seed", "seeds", "face", "psi", "grid", "frames", "checkpoint", "model", "commit")
NOTE = st.fixed_dictionaries(
    {"dcgan": st.sampled_from([0, 1, 2, 3, "1", None])}, optional=dict.fromkeys(OF_NOTES, VALUE)
)  # fmt: skip
CONTENT = st.one_of(
    NOTE.map(json.dumps).map(_with_note), st.text(max_size=50).map(_with_note), st.binary(max_size=200),
    st.sampled_from([b"GIF89a", b"RIFF\xff\xff\xff\xffWEBP", b"\0\0\0\1ftyp" + b"\xff" * 8, PIXEL[:20], b"[" * 10_000]),
    VALUE.map(lambda value: json.dumps({"dcgan-favourites": 1, "favourites": value}).encode()),
)  # fmt: skip
PATHS = [
    *(f"{API}/{way}/{name}" for way in ("run", "call", "call/v2") for name in ("avatar", "nobody", "%00")),
    *(f"{API}/{path}" for path in ("queue/join", "cancel", "reset", "component_server", "stream/x", "upload")),
]  # fmt: skip
ODD_BESIDE = {
    "trigger_id": st.sampled_from([-1, 10**6, None]), "event_data": VALUE, "batched": st.just(True),
    "simple_format": st.just(True), "event_id": st.just("x"), "session_hash": st.sampled_from(["", "x" * 99, "\ud800"]),
    "fn_index": st.sampled_from([-1, 10**9, None]), "oauth_token": st.just("hf_x"),
}  # fmt: skip
