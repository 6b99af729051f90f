"""A small Hugging Face Hub on loopback, for the real client to talk to: git repositories behind the Hub's protocol.

    with HubServer(folder) as hub:
        hub.fail("POST", "/commit/", lose_reply)  # the next commit lands, but the client never hears of it
        subprocess.run(command, env=os.environ | {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_write_alice", ...})
        assert "model.safetensors" in hub.files("alice/faces")

Only what huggingface_hub uses for models and Spaces is here, without Xet (set HF_HUB_DISABLE_XET=1): who one is,
repositories, LFS uploads, commits, tags, branches, listings and downloads. A Space is named spaces/alice/page. Binary
files are refused outside LFS. Requests are answered one at a time, on the event loop: that is what makes a commit
atomic.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import socket
import subprocess
import threading
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class User(NamedTuple):
    name: str
    role: str  # of the token: "write" or "read"


USERS = {
    "hf_write_alice": User("alice", "write"),
    "hf_read_alice": User("alice", "read"),
    "hf_write_bob": User("bob", "write"),
}
LFS_ABOVE = 10**6  # bytes
COMMITS_PER_PAGE = 50
FOLDERS = {"model": "", "space": "spaces/"}  # of a kind of repository, in addresses and in the store
SDKS = ("gradio", "docker", "static")
UVICORN_OPTIONS = {
    "interface": "asgi3", "http": "h11", "ws": "none", "lifespan": "off", "proxy_headers": False, "access_log": False,
    "log_config": None, "timeout_keep_alive": 60, "timeout_graceful_shutdown": 1,
}  # fmt: skip


# What can go wrong. A fault stands between uvicorn and the application for one request; tests can bring their own.

Fault = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]


def status(code: int, **headers: str) -> Fault:
    """Answers with `code` and does nothing: status(429, retry_after="1"), status(404, x_error_code="EntryNotFound")."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"error": "an injected fault"}, code, named)(scope, receive, send)

    return fault


def hang(seconds: float) -> Fault:
    """Says nothing for `seconds`; then goes on as if nothing had been, unless the client has left."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return fault


async def cut_upload(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Closes the connection after the first part of the request's body; nothing is carried out."""
    await receive()
    _hang_up(receive)


async def cut_download(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Promises the whole reply, sends half of its body and closes the connection."""

    async def send_half(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True}
        await send(message)

    await app(scope, receive, send_half)  # uvicorn closes the connection of an incomplete reply


def lie(change: Callable[[bytes], bytes], **headers: str) -> Fault:
    """Answers with another body, of a length that the headers confirm: lie(lambda body: body[:9], etag='"0"')."""

    async def fault(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            start, body = (message, body) if message["type"].endswith("start") else (start, body + message["body"])

        await app(scope, receive, collect)
        changed = change(body)
        told = {b"content-length": str(len(changed)).encode()}
        told |= {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in told]
        await send(start | {"headers": kept + list(told.items())})
        await send({"type": "http.response.body", "body": changed})

    return fault


async def lose_reply(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Carries the request out, then closes the connection without an answer."""

    async def swallow(message: Message) -> None:
        pass

    await app(scope, receive, swallow)
    _hang_up(receive)


def _hang_up(receive: Receive) -> None:
    """Close the connection. ASGI can't, but uvicorn's `receive` is a method of the object that has the transport."""
    exchange = receive.__self__
    exchange.disconnected = True  # or uvicorn would answer in the application's place
    exchange.transport.abort()


@dataclass
class Rule:
    """Requests that are to fail."""

    method: str
    pattern: str
    fault: Fault
    times: float
    until: float

    def takes(self, method: str, path: str) -> bool:
        """Whether this request is one of them; it is counted then."""
        if self.times <= 0 or time.monotonic() > self.until:
            return False
        if not (re.fullmatch(self.method, method) and re.search(self.pattern, path)):
            return False
        self.times -= 1
        return True


# The server


class HubServer:
    """A Hub in a thread of its own, on a free port; it stops when the `with` block ends.

    Attributes:
        requests: (method, path) of all requests so far, in order; paths as they came, encoded and without the query.
        rules: what `fail` was told, the first that fits decides; clear() makes all well again.
    """

    def __init__(self, store: Path, users: Mapping[str, User] = USERS) -> None:
        self.requests: list[tuple[str, str]] = []
        self.rules: list[Rule] = []
        self._store = store
        self._app = _application(store, users)
        self._port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Switch on; always on the same port."""
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(self._serve, **UVICORN_OPTIONS)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="hub")
        self._thread.start()

    def down(self) -> None:
        """Switch off: requests in progress get a second to end, then connections are closed and none is accepted."""
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join()
            self._server = self._thread = None

    def fail(self, method: str, pattern: str, fault: Fault, *, times: float = 1, seconds: float = inf) -> None:
        """Make requests fail.

        Args:
            method: a regular expression for the whole method, as in "GET|HEAD".
            pattern: a regular expression that is searched for in the path, as that stands in `requests`.
            fault: what happens to them, as in status(503), hang(5), lose_reply.
            times: how many, `inf` for all.
            seconds: until when, from now.
        """
        self.rules.append(Rule(method, pattern, fault, times, time.monotonic() + seconds))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["raw_path"].decode()
        self.requests.append((method, path))
        scope["path"] = path  # stays encoded, so that the slash in a branch's name separates nothing
        fault = next((rule.fault for rule in self.rules if rule.takes(method, path)), None)
        try:
            await (fault(self._app, scope, receive, send) if fault else self._app(scope, receive, send))
        except (ClientDisconnect, asyncio.CancelledError):  # the client left, or the server goes down
            _hang_up(receive)

    # What is in the store, whoever asks

    def commits(self, repo_id: str, revision: str = "main") -> list[Commit]:
        """The history, newest first; the last is the Hub's own initial commit."""
        return self._repository(repo_id).log(revision)

    def tags(self, repo_id: str) -> dict[str, str]:
        """The commit of each tag."""
        return self._repository(repo_id).refs("tags")

    def files(self, repo_id: str, revision: str = "main") -> list[str]:
        return [entry.path for entry in self._repository(repo_id).entries(revision) if entry.type == "file"]

    def read(self, repo_id: str, revision: str, path: str) -> bytes:
        """A file's content as it was uploaded, by LFS or not."""
        repository = self._repository(repo_id)
        return repository.read(repository.find(revision, path)[path])

    def _repository(self, repo_id: str) -> Repository:
        return Repository(self._store / f"{repo_id}.git")


# The store


class Commit(NamedTuple):
    oid: str
    author: str
    date: str
    title: str
    message: str


class Entry(NamedTuple):
    """A file or directory in a commit. Where LFS keeps the content, `size` and `sha256` are the content's."""

    path: str
    type: str
    oid: str
    size: int
    sha256: str | None = None
    pointer_size: int = 0


@dataclass(frozen=True)
class Repository:
    """A bare git repository and its LFS store: in git a large file is a pointer, its content lies under its SHA-256."""

    folder: Path

    def exists(self) -> bool:
        return self.folder.exists()

    @property
    def private(self) -> bool:
        return (self.folder / "private").exists()

    def create(self, private: bool) -> None:
        """Make it, with the initial commit that repositories on the Hub have."""
        self.folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        (self.folder / "lfs").mkdir()
        if private:
            (self.folder / "private").touch()
        attributes = b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
        self.commit("main", "system", "initial commit", {".gitattributes": attributes})

    def lfs(self, sha256: str) -> Path:
        """Where LFS keeps the content with this hash, if it has it."""
        return self.folder / "lfs" / sha256

    def git(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
        command = ["git", "--git-dir", str(self.folder), *arguments]
        return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=check, env=_GIT_ENVIRONMENT).stdout

    def _read(self, revision: str, *arguments: str) -> bytes:
        """What git tells of a revision."""
        return (_unchanging if _OID.fullmatch(revision) else Repository.git)(self, *arguments)

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, a tag or a hash stands for."""
        try:
            return self._read(revision, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").decode().strip()
        except subprocess.CalledProcessError:
            return None

    def refs(self, kind: str) -> dict[str, str]:
        """The commits of all "heads" or "tags", by name."""
        form = "%(refname:lstrip=2) %(objectname) %(*objectname)"  # of an annotated tag the last is the commit
        lines = self.git("for-each-ref", f"--format={form}", f"refs/{kind}").decode().splitlines()
        return {name: oids[-1] for name, *oids in map(str.split, lines)}

    def log(self, revision: str) -> list[Commit]:
        form = ("--date=format-local:%Y-%m-%dT%H:%M:%S.000Z", "--format=%H%n%an%n%cd%n%s%n%b")
        records = self._read(revision, "log", "-z", *form, revision).decode().rstrip("\0").split("\0")
        return [Commit(*map(str.strip, record.split("\n", 4))) for record in records]

    def entries(self, revision: str, folder: str = "", recursive: bool = True) -> list[Entry]:
        """What is in a folder of a commit."""
        depth = ["-r"] if recursive else []
        entries = self._list(revision, *depth, revision, *([f"{folder}/"] if folder else []))
        return [entry for entry in entries if len(entry.path) > len(folder)]  # git names the folder itself, too

    def find(self, revision: str, *paths: str) -> dict[str, Entry]:
        """What is at these paths of a commit; those where nothing is are left out."""
        return {entry.path: entry for entry in self._list(revision, revision, "--", *paths) if entry.path in paths}

    def _list(self, revision: str, *arguments: str) -> list[Entry]:
        records = self._read(revision, "ls-tree", "-z", "-t", "--long", *arguments).decode().split("\0")
        return [self._entry(record) for record in records if record]

    def _entry(self, record: str) -> Entry:
        facts, path = record.split("\t", 1)
        _, kind, oid, size = facts.split()
        if kind == "tree":
            return Entry(path, "directory", oid, 0)
        if int(size) < 200 and (pointer := _POINTER.fullmatch(_unchanging(self, *_BLOB, oid).decode(errors="replace"))):
            return Entry(path, "file", oid, int(pointer[2]), pointer[1], int(size))
        return Entry(path, "file", oid, int(size))

    def read(self, entry: Entry) -> bytes:
        return self.lfs(entry.sha256).read_bytes() if entry.sha256 else _unchanging(self, *_BLOB, entry.oid)

    def commit(self, branch: str, author: str, message: str, changes: Mapping[str, bytes | None]) -> str:
        """Add a commit to a branch; None deletes a file or directory."""
        ref = f"refs/heads/{branch}"
        stream = f"commit {ref}\ncommitter {author} <{author}@hub> {int(time.time())} +0000\n".encode()
        stream += _counted(message.encode())
        if head := self.resolve(ref):
            stream += f"from {head}\n".encode()
        for path, content in changes.items():
            quoted = json.dumps(path, ensure_ascii=False).encode()  # as in C
            stream += b"D %s\n" % quoted if content is None else b"M 644 inline %s\n%s" % (quoted, _counted(content))
        self.git("fast-import", "--quiet", stdin=stream)
        return self.resolve(ref)


_GIT_ENVIRONMENT = os.environ | {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "TZ": "UTC",
    "GIT_COMMITTER_NAME": "hub", "GIT_COMMITTER_EMAIL": "hub@hub",
}  # fmt: skip
_OID, _BLOB = re.compile("[0-9a-f]{40}"), ("cat-file", "blob")
_POINTER_FORM = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"
_POINTER = re.compile(_POINTER_FORM.format("([0-9a-f]{64})", r"(\d+)"))


def _counted(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


@cache
def _unchanging(repository: Repository, *arguments: str) -> bytes:
    """What git tells of a hash, whose content never changes."""
    return repository.git(*arguments)


# The protocol


class Refusal(HTTPException):
    """An error as the Hub words it; by the code, where there is one, the client knows what wasn't found."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        headers |= {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        super().__init__(status, message, headers)


class _Call:
    """One request and its answers: a method an endpoint, each gives JSON or a Response."""

    def __init__(self, store: Path, users: Mapping[str, User], kind: str, request: Request, body: bytes) -> None:
        self.request, self.body, self.kind = request, body, kind
        parameters = {name: unquote(value) for name, value in request.path_params.items()}
        self.namespace, self.name = parameters.get("namespace"), parameters.get("name")
        self.revision, self.path = parameters.get("revision", "main"), parameters.get("path", "").rstrip("/")
        self.store = store
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.user = users.get(token)
        if token and not self.user:
            raise Refusal(401, "Invalid credentials in Authorization header")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    # Who may, and on what

    def identified(self) -> User:
        if self.user is None:
            raise Refusal(401, "Invalid username or password.")
        return self.user

    def writer(self, namespace: str | None) -> User:
        if self.identified().role != "write" or namespace not in (None, self.user.name):
            raise Refusal(403, f"This token has no rights to write under the namespace {namespace or self.user.name}")
        return self.user

    def stored(self, kind: str, namespace: str, name: str) -> Repository:
        return Repository(self.store / FOLDERS[kind] / namespace / f"{name}.git")

    def repository(self, write: bool = False) -> Repository:
        repository = self.stored(self.kind, self.namespace, self.name)
        mine = self.user is not None and self.user.name == self.namespace
        if not repository.exists() or (repository.private and not mine):
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if write:
            self.writer(self.namespace)
        return repository

    def commit_at(self, repository: Repository, revision: str) -> str:
        if oid := repository.resolve(revision):
            return oid
        raise Refusal(404, "Invalid rev id", "RevisionNotFound")

    def at_revision(self, write: bool = False) -> tuple[Repository, str]:
        repository = self.repository(write)
        return repository, self.commit_at(repository, self.revision)

    # Accounts and repositories

    def whoami(self) -> dict[str, Any]:
        user = self.identified()
        auth = {"type": "access_token", "accessToken": {"displayName": "test", "role": user.role}}
        return {"type": "user", "name": user.name, "fullname": user.name, "orgs": [], "auth": auth}

    def may_read(self) -> dict[str, Any]:
        self.repository()
        return {}

    def may_write(self) -> dict[str, Any]:
        self.repository(write=True)
        return {}

    def create(self) -> Any:
        user = self.writer(self.json["organization"])
        kind = self.json.get("type", "model")
        if kind == "space" and self.json.get("sdk") not in SDKS:
            raise Refusal(400, f"sdk must be one of {', '.join(SDKS)}")
        repository = self.stored(kind, user.name, self.json["name"])
        reply = {"url": f"{self.request.base_url}{FOLDERS[kind]}{user.name}/{self.json['name']}"}
        if repository.exists():
            return JSONResponse(reply | {"error": f"You already created this {kind} repo"}, 409)
        repository.create(private=self.json.get("visibility") == "private")
        return reply

    def info(self) -> dict[str, Any]:
        repository, commit = self.at_revision()
        files = [entry for entry in repository.entries(commit) if entry.type == "file"]
        log = repository.log(commit)
        siblings: list[dict[str, Any]] = [{"rfilename": entry.path} for entry in files]
        if "blobs" in self.request.query_params:
            for sibling, entry in zip(siblings, files, strict=True):
                sibling |= {"blobId": entry.oid, "size": entry.size}
                if entry.sha256:
                    sibling["lfs"] = {"sha256": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
        card = _metadata(next((repository.read(entry).decode() for entry in files if entry.path == "README.md"), ""))
        return {
            "id": f"{self.namespace}/{self.name}", "author": self.namespace, "sha": commit,
            "private": repository.private, "gated": False, "disabled": False, "siblings": siblings,
            "lastModified": log[0].date, "createdAt": log[-1].date, "tags": card.get("tags", []), "cardData": card,
        }  # fmt: skip

    # What is in them

    def tree(self) -> list[dict[str, Any]]:
        repository, commit = self.at_revision()
        recursive = self.request.query_params.get("recursive", "").lower() == "true"
        entries = repository.entries(commit, self.path, recursive)
        if self.path and not entries:
            raise Refusal(404, "There is no such folder", "EntryNotFound")
        return [_row(entry) for entry in entries]

    def paths_info(self) -> list[dict[str, Any]]:
        repository, commit = self.at_revision()
        paths = parse_qs(self.body.decode()).get("paths", [])
        return [_row(entry) for entry in repository.find(commit, *(path.rstrip("/") for path in paths)).values()]

    def refs(self) -> dict[str, Any]:
        repository = self.repository()
        rows: dict[str, list[dict[str, str]]] = {"heads": [], "tags": []}
        for kind, refs in rows.items():
            for name, commit in repository.refs(kind).items():
                refs.append({"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": commit})
        return {"branches": rows["heads"], "converts": [], "tags": rows["tags"]}

    def commits(self) -> Response:
        repository, commit = self.at_revision()
        log, page = repository.log(commit), int(self.request.query_params.get("p", 0))
        first, end = page * COMMITS_PER_PAGE, (page + 1) * COMMITS_PER_PAGE
        more = f'<{self.request.url.include_query_params(p=page + 1)}>; rel="next"'
        rows = [
            {"id": c.oid, "title": c.title, "message": c.message, "date": c.date, "authors": [{"user": c.author}]}
            for c in log[first:end]
        ]
        return JSONResponse(rows, headers={"Link": more} if log[end:] else {})

    def download(self) -> Response:
        repository, commit = self.at_revision()
        headers = {"X-Repo-Commit": commit, "Accept-Ranges": "bytes"}
        entry = repository.find(commit, self.path).get(self.path)
        if entry is None or entry.type != "file":
            raise Refusal(404, "Entry not found", "EntryNotFound", **headers)
        content, size = repository.read(entry), entry.size
        headers["ETag"] = f'"{entry.sha256 or entry.oid}"'
        if entry.sha256:
            headers |= {"X-Linked-Etag": headers["ETag"], "X-Linked-Size": str(size)}
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.request.headers.get("range", ""))
        if not span:
            return Response(content, headers=headers)
        first, end = int(span[1]), min(int(span[2]) + 1, size) if span[2] else size
        if first >= end:
            return Response(None, 416, headers | {"Content-Range": f"bytes */{size}"})
        return Response(content[first:end], 206, headers | {"Content-Range": f"bytes {first}-{end - 1}/{size}"})

    # What changes them

    def validate_yaml(self) -> Any:
        try:
            _metadata(self.json["content"])
        except yaml.YAMLError as error:
            return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, 400)
        return {"errors": [], "warnings": []}

    def preupload(self) -> dict[str, Any]:
        repository, commit = self.at_revision(write=True)
        files = self.json["files"]
        known = repository.find(commit, *(file["path"] for file in files))
        for file in files:
            binary = b"\0" in b64decode(file.pop("sample"))
            large = binary or file.pop("size") > LFS_ABOVE or file["path"].endswith(".safetensors")
            file |= {"uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            if entry := known.get(file["path"]):
                file["oid"] = entry.sha256 or entry.oid  # the client leaves out what is the same
        return {"files": files}

    def lfs_batch(self) -> dict[str, Any]:
        repository, address = self.repository(write=True), str(self.request.url).removesuffix("/batch")
        objects = [{"oid": file["oid"], "size": file["size"]} for file in self.json["objects"]]
        for file in objects:
            if not repository.lfs(file["oid"]).exists():
                file["actions"] = {name: {"href": f"{address}/{name}/{file['oid']}"} for name in ("upload", "verify")}
        return {"transfer": "basic", "objects": objects}

    def lfs_upload(self) -> Response:
        """Asks for no token, as a storage bucket's signed address doesn't."""
        sha256 = hashlib.sha256(self.body).hexdigest()
        if sha256 != self.request.path_params["oid"]:
            raise Refusal(400, "The content doesn't have the hash that was announced")
        self.stored(self.kind, self.namespace, self.name).lfs(sha256).write_bytes(self.body)
        return Response()

    def lfs_verify(self) -> Response:
        file = self.repository(write=True).lfs(self.json["oid"])
        if not file.exists() or file.stat().st_size != self.json["size"]:
            raise Refusal(404, "The object is not there or has another size")
        return Response()

    def commit(self) -> dict[str, Any]:
        repository = self.repository(write=True)
        head = self.commit_at(repository, f"refs/heads/{self.revision}")
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = next(line["value"] for line in lines if line["key"] == "header")
        if not head.startswith(header.get("parentCommit", "")):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        changes = {
            line["value"]["path"].rstrip("/"): self.change(repository, head, line["key"], line["value"])
            for line in lines
            if line["key"] != "header"
        }
        message = f"{header['summary']}\n\n{header['description']}".strip()
        oid = repository.commit(self.revision, self.user.name, message, changes)
        url = f"{self.request.base_url}{self.namespace}/{self.name}/commit/{oid}"
        return {"success": True, "commitOid": oid, "commitUrl": url}

    def change(self, repository: Repository, head: str, key: str, value: dict[str, Any]) -> bytes | None:
        """What a line of a commit puts at its path."""
        if key == "file":
            content = b64decode(value["content"])
            if b"\0" in content:
                raise Refusal(400, f"Your push was rejected because it contains binary files: {value['path']}")
            return content
        if key == "lfsFile":
            file = repository.lfs(value["oid"])
            if not file.exists():
                raise Refusal(400, "The content of an LFS file was not uploaded")
            return _POINTER_FORM.format(value["oid"], file.stat().st_size).encode()
        kind, path = {"deletedFile": "file", "deletedFolder": "directory"}[key], value["path"].rstrip("/")
        entry = repository.find(head, path).get(path)
        if entry is None or entry.type != kind:
            raise Refusal(404, f"A {kind} with this name doesn't exist", "EntryNotFound")
        return None

    def create_tag(self) -> dict[str, Any]:
        repository, commit = self.at_revision(write=True)
        tag, message = self.json["tag"], self.json.get("message")
        if tag in repository.refs("tags"):
            raise Refusal(409, "This tag exists already")
        repository.git("tag", *(["-m", message] if message else []), tag, commit)
        return {}

    def delete_tag(self) -> dict[str, Any]:
        repository = self.repository(write=True)
        self.commit_at(repository, f"refs/tags/{self.revision}")
        repository.git("tag", "--delete", self.revision)
        return {}

    def create_branch(self) -> dict[str, Any]:
        repository = self.repository(write=True)
        commit = self.commit_at(repository, self.json.get("startingPoint", "main"))
        if self.revision in repository.refs("heads"):
            raise Refusal(409, "This branch exists already")
        repository.git("branch", self.revision, commit)
        return {}


def _application(store: Path, users: Mapping[str, User]) -> Starlette:
    def route(method: str, path: str, answer: Callable[[_Call], Any], kind: str = "") -> Route:
        async def endpoint(request: Request) -> Response:
            reply = answer(_Call(store, users, kind, request, await request.body()))
            return reply if isinstance(reply, Response) else JSONResponse(reply)

        return Route(path, endpoint, methods=[method])

    routes = [
        route("GET", "/api/whoami-v2", _Call.whoami),
        route("POST", "/api/validate-yaml", _Call.validate_yaml),
        route("POST", "/api/repos/create", _Call.create),
    ]
    for kind, folder in FOLDERS.items():
        api, page = f"/api/{kind}s/{{namespace}}/{{name}}", f"/{folder}{{namespace}}/{{name}}"
        lfs = page + ".git/info/lfs/objects"
        answers = [
            ("GET", api, _Call.info),
            ("GET", api + "/auth-check", _Call.may_read),
            ("GET", api + "/auth-check/write", _Call.may_write),
            ("GET", api + "/revision/{revision}", _Call.info),
            ("GET", api + "/tree/{revision}", _Call.tree),
            ("GET", api + "/tree/{revision}/{path:path}", _Call.tree),
            ("POST", api + "/paths-info/{revision}", _Call.paths_info),
            ("GET", api + "/refs", _Call.refs),
            ("GET", api + "/commits/{revision}", _Call.commits),
            ("POST", api + "/preupload/{revision}", _Call.preupload),
            ("POST", api + "/commit/{revision}", _Call.commit),
            ("POST", api + "/tag/{revision}", _Call.create_tag),
            ("DELETE", api + "/tag/{revision}", _Call.delete_tag),
            ("POST", api + "/branch/{revision}", _Call.create_branch),
            ("POST", lfs + "/batch", _Call.lfs_batch),
            ("PUT", lfs + "/upload/{oid}", _Call.lfs_upload),
            ("POST", lfs + "/verify/{oid}", _Call.lfs_verify),
            ("GET", page + "/resolve/{revision}/{path:path}", _Call.download),
        ]
        routes += [route(*answer, kind) for answer in answers]
    return Starlette(routes=routes)


def _row(entry: Entry) -> dict[str, Any]:
    row = {"type": entry.type, "path": entry.path, "oid": entry.oid, "size": entry.size}
    lfs = {"oid": entry.sha256, "size": entry.size, "pointerSize": entry.pointer_size}
    return row | ({"lfs": lfs} if entry.sha256 else {})


def _metadata(card: str) -> dict[str, Any]:
    """The YAML at the top of a model card."""
    front = re.match(r"---\r?\n(.*?)\r?\n---", card, re.DOTALL)
    data = yaml.safe_load(front[1]) if front else None
    return json.loads(json.dumps(data or {}, default=str))  # JSON has no dates
