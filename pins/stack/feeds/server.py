"""A web server on a loopback port that answers with calendars. No access control, no TLS."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from pins.stack.background_server import BackgroundServer

CALENDAR_TYPE = "text/calendar; charset=utf-8"


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """One request; header names in lower case."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FeedReply:
    """What to send. `pieces`, if given, replace `body`: they are sent one after the other, without a Content-Length, as
    slowly as the iterator yields them."""

    body: bytes = field(default=b"", repr=False)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: Callable[[], Iterable[bytes]] | None = None


Responder = Callable[[FeedRequest], FeedReply]


def not_found() -> FeedReply:
    return FeedReply(b"There is no calendar here.\n", 404, {"Content-Type": "text/plain"})


def conditional(asked: FeedRequest, body: bytes) -> FeedReply:
    """The calendar with its ETag; 304 when the client names this ETag (RFC 9110, 13.1.2)."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    if tag in asked.headers.get("if-none-match", ""):
        return FeedReply(status=304, headers={"ETag": tag})
    return FeedReply(body, headers={"Content-Type": CALENDAR_TYPE, "ETag": tag})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SampleCalendars"
    sys_version = ""
    timeout = 60.0
    server: CalendarServer

    def log_message(self, *_: object) -> None:
        """Quiet: the responder can count the requests."""

    def do_GET(self) -> None:
        self.close_connection = True
        answer = self.server.respond(
            FeedRequest(self.path, {name.lower(): text for name, text in self.headers.items()})
        )
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


class CalendarServer(BackgroundServer):
    """Answers each GET on loopback with what `respond` says."""

    def __init__(self, respond: Responder, port: int = 0) -> None:
        self.respond = respond
        super().__init__(_Handler, port=port)
