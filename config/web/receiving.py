"""Connections and requests as they arrive: on one thread for all of them, so that a slow client costs none.

These are waitress's classes with limits of ours. A request goes to a thread when all of it is here
(`config.web.lanes`), and an answer waits here until its client took it.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import FixedStreamReceiver
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.utilities import BadRequest, RequestEntityTooLarge, RequestHeaderFieldsTooLarge

from config.web import effort, heads, pace
from config.web.refusals import Refusal, RequestTimeout, TooMuch

logger = logging.getLogger(__name__)

#: Bytes. The largest body that a page takes is a calendar of 5 MiB in a form.
MOST_BODY: Final = 8 * 1024 * 1024
#: A larger body is thrown away as it comes, up to this size: who sends it should read why it was refused.
MOST_THROWN_AWAY: Final = 32 * 1024 * 1024
MOST_HEADER: Final = 64 * 1024
_LONGEST_CHUNK_LINE: Final = 4 * 1024
#: Of all requests together that are here and not answered. They lie in memory, or in /tmp, which may be memory too.
MOST_HELD: Final = 128 * 1024 * 1024
#: How many connections are closed at once when there are too many.
_ROOM: Final = 10


class Incoming(HTTPRequestParser):
    """One request, until it is complete."""

    path = ""  # until the first line is read
    is_too_large = False

    def parse_header(self, header_plus: bytes) -> None:
        """Waitress calls it with the whole head. Raises ParsingError, which it answers with 400."""
        if header_plus.count(b"\r\n") > heads.MOST_LINES:
            super().parse_header(b"GET / HTTP/1.0\r\n")  # as it does for a head that is too long
            self.refuse(RequestHeaderFieldsTooLarge("lines"))
            return
        if fault := heads.wrong(header_plus):
            raise ParsingError(fault)
        try:
            super().parse_header(heads.tidy(header_plus))
        except ValueError:  # a host such as `[`, or a length of 5,000 digits
            raise ParsingError("The address or the length is malformed") from None
        # RFC 9112, 6.1: whoever says two lengths, or chunks in HTTP/1.0, may mean another body than a proxy has seen.
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            raise ParsingError("The end of the body is not clear")

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        body = self.body_rcv
        if body is None or self.error:
            return self._last_of(data, consumed)
        if not self.is_too_large and max(self.content_length, len(body)) > MOST_BODY:
            self.is_too_large = True
            body.getbuf().close()
            body.buf = _Nowhere()
        if max(len(getattr(body, "control_line", b"")), len(getattr(body, "trailer", b""))) > _LONGEST_CHUNK_LINE:
            self.refuse(BadRequest("The line before a chunk is too long"))  # each byte more would cost a copy of all
        elif self.completed and self.is_too_large:
            self.refuse(RequestEntityTooLarge("The body is too large"))
        return self._last_of(data, consumed)

    def _last_of(self, data: bytes, consumed: int) -> int:
        """One request at a time: what a client sends on before its answer is dropped, and the answer ends the
        connection (RFC 9112, 9.3.2: then it asks again). Else one client could have any number of answers pile up."""
        if self.completed and not self.empty and data[consumed:].strip(b"\r\n"):
            self.headers["CONNECTION"] = "close"
            return len(data)
        return consumed

    def refuse(self, error: Any) -> None:
        self.error = error
        self.completed = True


class _Nowhere:
    """Takes the place of a buffer."""

    def append(self, data: bytes) -> None:
        """Throw it away."""

    def close(self) -> None:
        """There is nothing to close."""

    def __len__(self) -> int:
        return 0


class Connection(HTTPChannel):
    parser_class = Incoming
    error_task_class = Refusal
    request: Incoming | None = None  # until it is complete
    #: Its place in a queue: the lowest is next (`config.web.lanes`).
    turn: tuple[bool, float] = (False, 0.0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pace = pace.Pace(self.creation_time)
        self.served_at: float = self.creation_time
        self.burden = 0.0  # seconds (`config.web.effort`)

    def readable(self) -> bool:
        return bool(super().readable()) and not self.server.rests.holds(self, time.monotonic())

    def handle_read(self) -> None:
        began, moved = time.thread_time(), self.pace.moved
        super().handle_read()
        self.burden = effort.burden(
            self.burden, time.thread_time() - began, self.pace.moved - moved, is_complete=bool(self.requests)
        )
        if self.burden > effort.MOST:
            self.server.rests.begin(self, self.burden, time.monotonic())
            self.burden = 0.0

    def recv(self, buffer_size: int) -> bytes:
        is_plain = self.request is not None and isinstance(self.request.body_rcv, FixedStreamReceiver)
        data: bytes = super().recv(buffer_size if is_plain else effort.SMALL_PIECE)
        self.pace.moved += len(data)
        return data

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent: int = super().send(data, do_close)
        self.pace.moved += sent
        return sent

    def service(self) -> None:
        super().service()
        self.served_at = time.time()

    def look(self, now: float) -> None:
        """Close the connection, or answer 408, if its client keeps us waiting."""
        is_waiting = self.total_outbufs_len > 0 or (self.request is not None and not self.requests)
        if self.pace.is_too_slow(now, is_waiting=is_waiting):
            self.give_up(RequestTimeout("too slow"))
        elif not is_waiting and not self.requests and now - self.last_activity > pace.IDLE:
            self.handle_close()

    @property
    def held(self) -> int:
        """Bytes of bodies."""
        with self.requests_lock:
            here = [*self.requests, *filter(None, [self.request])]
            return sum(len(one.body_rcv) for one in here if one.body_rcv is not None)

    def give_up(self, error: Any) -> None:
        """Answer a request that is not complete with `error`; where there is none, close the connection."""
        with self.requests_lock:
            request = None if self.requests or self.total_outbufs_len else self.request
            if request is not None:
                request.refuse(error)
                self.requests.append(request)
                self.request = None
        if request is None:
            self.handle_close()  # now: it would wait for the client to take what it does not take
        else:
            self.server.add_task(self)


class _Server:
    """What both kinds of listening sockets do with their connections."""

    channel_class = Connection
    active_channels: dict[int, Connection]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rests = effort.Rests()

    def maintenance(self, now: float) -> None:
        for one in list(self.active_channels.values()):
            one.look(now)
        self._limit_bodies()

    def _limit_bodies(self) -> None:
        """Refuse incomplete requests, those first that had no answer for longest, until the others have room."""
        held = {one: one.held for one in self.active_channels.values()}
        total = sum(held.values())
        for one in sorted(held, key=lambda one: one.served_at):
            if total <= MOST_HELD:
                return
            if held[one] and not one.requests:
                total -= held[one]
                logger.warning("web_bodies_refused")
                one.give_up(TooMuch("bodies"))

    def readable(self) -> bool:
        if len(self._map) >= self.adj.connection_limit:  # type: ignore[attr-defined]
            self._make_room()
        return bool(super().readable())  # type: ignore[misc]

    def _make_room(self) -> None:
        """Close those that had no answer for longest, so that no number of slow clients shuts the door."""
        waiting = [one for one in self.active_channels.values() if not one.requests]
        for one in sorted(waiting, key=lambda one: one.served_at)[:_ROOM]:
            one.handle_close()


class TcpServer(_Server, TcpWSGIServer):
    pass


class UnixServer(_Server, UnixWSGIServer):
    def fix_addr(self, addr: Any) -> tuple[str, None]:
        return "", None  # a local socket has no address (`rentals.inbound.addresses`)
