"""A reverse proxy that shows a page below a path, as nginx does by `location /faces/ { proxy_pass http://page/; }`."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class _Handler(BaseHTTPRequestHandler):
    """Passes a request on without the path's beginning, and the answer back as it comes."""

    page: str
    path_below: str

    def do_GET(self) -> None:
        if not self.path.startswith(self.path_below + "/"):
            self.send_error(404, "only what lies below the path is here")
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {**self.headers, "X-Forwarded-Host": self.headers["Host"], "X-Forwarded-Proto": "http"}
        with closing(http.client.HTTPConnection(self.page, timeout=60)) as page:
            page.request(self.command, self.path.removeprefix(self.path_below), body, headers)
            with page.getresponse() as answer, suppress(ConnectionError, http.client.IncompleteRead):  # one has left
                self._pass_on(answer)

    def _pass_on(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        while part := answer.read1():
            self.wfile.write(part)
            self.wfile.flush()

    do_POST = do_HEAD = do_GET  # noqa: N815  # as its base calls them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def shown_below(path: str, page_url: str) -> Iterator[str]:
    """Show the page below `path` of a server on loopback; gives the address there."""
    handler = type("Handler", (_Handler,), {"page": urlsplit(page_url).netloc, "path_below": path})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{path}/"
        server.shutdown()
