"""A real HTTP server on 127.0.0.1 that plays recorded answers, faults included, and remembers who asked for what.

    with replay.serving({"/prices?s=aapl": b"...", "/slow": [replay.again(429, after=2), b"..."]}) as server:
        Web(Site("them", server.url)).get("/prices", {"s": "aapl"})
        server.requests  # [Request(path="/prices", query={"s": "aapl"}, ...)]

A route is a path with a query (in any order) or a path alone (any query); the first wins. Its answer is bytes, text, a dict (as
JSON), an `Answer`, or a list of those: one a request, the last one for ever. Anything else is answered with 404.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HTML = b"<!DOCTYPE html><html><head><title>Oops</title></head><body><h1>We will be right back</h1></body></html>"
CHUNK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """`fault`: half (ends early), reset, silence, drip (a byte each `pause` s), chunks (broken), endless (`body` again and again)."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    pause: float = 0.05


@dataclass(frozen=True)
class Request:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: float  # monotonic seconds


Answers = bytes | str | dict | Answer


def again(status: int = 429, after: float | str | None = None) -> Answer:
    """Too busy; `after`: what Retry-After says."""
    return Answer(b"busy", status, {} if after is None else {"Retry-After": str(after)})


def page(status: int = 200) -> Answer:
    """An HTML page where data should be."""
    return Answer(HTML, status, {"Content-Type": "text/html"})


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(b"", status, {"Location": to})


def half(body: bytes | str) -> Answer:
    """Promises the whole, sends the first half, hangs up."""
    return Answer(_bytes(body), fault="half")


def packed(body: bytes | str) -> Answer:
    return Answer(gzip.compress(_bytes(body)), headers={"Content-Encoding": "gzip"})


def bomb(megabytes: int) -> Answer:
    """Zeros, a thousandth as large on the wire."""
    return packed(bytes(megabytes << 20))


RESET = Answer(fault="reset")
SILENCE = Answer(fault="silence")
BROKEN_CHUNKS = Answer(b"half a chunk", fault="chunks")
BROKEN_GZIP = Answer(b"this is no gzip at all", headers={"Content-Encoding": "gzip"})
ENDLESS = Answer(b"0" * CHUNK, fault="endless")


def drip(body: bytes | str, pause: float = 0.05) -> Answer:
    return Answer(_bytes(body), fault="drip", pause=pause)


class Server(ThreadingHTTPServer):
    """`url`, what was asked (`requests`), and how much went out (`sent`, bytes of endless bodies)."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, routes: Mapping[str, Answers | Sequence[Answers]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.sent = 0
        self.stopping = threading.Event()
        self._guard = threading.Lock()
        self._routes: dict[tuple[str, Any], list[Answer]] = {}
        for route, answers in routes.items():
            self.play(route, answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def play(self, route: str, answers: Answers | Sequence[Answers]) -> None:
        """Answer `route` like this from now on."""
        several = answers if isinstance(answers, list | tuple) else [answers]
        path, query = urlsplit(route).path, urlsplit(route).query
        self._routes[path, _key(query) if query else None] = [_answer(each) for each in several]

    def next_answer(self, path: str, query: str) -> Answer:
        with self._guard:
            found = self._routes.get((path, _key(query))) or self._routes.get((path, None))
            if not found:
                return Answer(b"nothing here", 404, {"Content-Type": "text/plain"})
            return found.pop(0) if len(found) > 1 else found[0]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no trouble of ours."""


@contextmanager
def serving(routes: Mapping[str, Answers | Sequence[Answers]]) -> Iterator[Server]:
    """The server, while the block lasts."""
    server = Server(routes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        path = unquote(asked.path)
        request = Request(path, dict(parse_qsl(asked.query, keep_blank_values=True)), dict(self.headers), time.monotonic())
        self.server.requests.append(request)
        answer = self.server.next_answer(path, asked.query)
        with suppress(OSError):
            getattr(self, f"_{answer.fault or 'whole'}")(answer)

    def _head(self, answer: Answer, **more: str) -> None:
        (self.send_response_only if "Date" in answer.headers else self.send_response)(answer.status)
        headers = {
            "Content-Type": "application/octet-stream",
            **answer.headers,
            **{k.replace("_", "-"): v for k, v in more.items()},
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _whole(self, answer: Answer) -> None:
        self._head(answer, Content_Length=str(len(answer.body)))
        self.wfile.write(answer.body)

    def _half(self, answer: Answer) -> None:
        self._head(answer, Content_Length=str(len(answer.body)), Connection="close")
        self.wfile.write(answer.body[: len(answer.body) // 2])

    def _reset(self, _: Answer) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.connection.close()

    def _silence(self, _: Answer) -> None:
        self.server.stopping.wait(30)
        self.close_connection = True

    def _drip(self, answer: Answer) -> None:
        self._head(answer, Content_Length=str(len(answer.body)))
        for byte in answer.body:
            if self.server.stopping.wait(answer.pause):
                return
            self.wfile.write(bytes((byte,)))

    def _chunks(self, answer: Answer) -> None:
        self._head(answer, Transfer_Encoding="chunked", Connection="close")
        self.wfile.write(b"ffff\r\n" + answer.body)

    def _endless(self, answer: Answer) -> None:
        self._head(answer, Transfer_Encoding="chunked", Connection="close")
        while not self.server.stopping.is_set():
            self.wfile.write(b"%x\r\n%b\r\n" % (len(answer.body), answer.body))
            self.server.sent += len(answer.body)

    def log_message(self, *_: object) -> None:
        """Tests read `requests` instead."""


def _key(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True)))


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body


def _answer(answer: Answers) -> Answer:
    if isinstance(answer, Answer):
        return answer
    if isinstance(answer, dict):
        return Answer(json.dumps(answer).encode(), headers={"Content-Type": "application/json"})
    return Answer(_bytes(answer))
