"""A web server on a loopback port that answers with calendars. No guard, no TLS: it shows, it does not publish."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Self

CALENDAR_TYPE = "text/calendar; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; header names in lower case."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send. `pieces`, where given, are sent one after the other in place of `body`, without a length before
    them; they may take their time."""

    body: bytes = field(default=b"", repr=False)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Callable[[], Iterable[bytes]] | None = None


Responder = Callable[[Asked], Answer]


def not_found() -> Answer:
    return Answer(b"There is no calendar here.\n", 404, {"Content-Type": "text/plain"})


def conditional(asked: Asked, body: bytes) -> Answer:
    """The calendar with its ETag; 304 for who has exactly this (RFC 9110, 13.1.2)."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    if tag in asked.headers.get("if-none-match", ""):
        return Answer(status=304, headers={"ETag": tag})
    return Answer(body, headers={"Content-Type": CALENDAR_TYPE, "ETag": tag})


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, respond: Responder, port: int) -> None:
        self.respond = respond
        self.open_lines: set[socket.socket] = set()
        self.lines_mutex = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is daily business; anything else is a bug and is shown as one."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # as declared by socketserver


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SampleCalendars"
    sys_version = ""
    timeout = 60.0
    server: _Listener

    def setup(self) -> None:
        super().setup()
        with self.server.lines_mutex:
            self.server.open_lines.add(self.connection)

    def finish(self) -> None:
        with self.server.lines_mutex:
            self.server.open_lines.discard(self.connection)
        with contextlib.suppress(OSError):  # the client went away
            super().finish()

    def log_message(self, *_: object) -> None:
        """Whoever wants to know counts in the responder."""

    def do_GET(self) -> None:
        self.close_connection = True
        answer = self.server.respond(Asked(self.path, {name.lower(): text for name, text in self.headers.items()}))
        self.send_response(answer.status)
        for name, text in answer.headers.items():
            self.send_header(name, text)
        if answer.pieces is None and answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        for piece in [answer.body] if answer.pieces is None else answer.pieces():
            self.wfile.write(piece)
            self.wfile.flush()


class CalendarServer:
    """Serves in a thread of its own for the length of a `with` block; port 0 takes a free one (OSError if none)."""

    def __init__(self, respond: Responder, port: int = 0) -> None:
        self._listener = _Listener(respond, port)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.05,), name="sample calendars", daemon=True
        )

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening and cut every open line, so that nobody waits for a client or a slow answer."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        with self._listener.lines_mutex:
            lines = list(self._listener.open_lines)
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
