"""What clients may cost the one thread that reads from all of them: counted in time of the processor."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from waitress import wasyncore
from waitress.adjustments import Adjustments

from config.web import effort, heads, receiving, worker
from config.web.effort import Rests
from config.web.lanes import Lanes
from config.web.receiving import Incoming

CLIENTS = 50
_CHUNKED = b"POST /webhooks/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "chunks of a byte": (_CHUNKED, b"1\r\nx\r\n"),
    "lines without a chunk": (_CHUNKED, b"\r\n"),
    "requests of two empty lines": (b"", b"\r\n\r\n"),
}


def _page(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


class Loop:
    """The web server in this thread, so that its work can be told from that of the clients."""

    def __init__(self) -> None:
        self.sockets: dict[int, Any] = {}
        self.lanes = Lanes(threads=1)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        settings = Adjustments(clear_untrusted_proxy_headers=False, max_request_header_size=receiving.MOST_HEADER)
        sock = self.listener
        self.server = receiving.TcpServer(
            _page,
            map=self.sockets,
            _sock=sock,
            dispatcher=self.lanes,
            adj=settings,
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
            bind_socket=False,
        )

    def connect(self) -> socket.socket:
        client = socket.create_connection(self.listener.getsockname(), timeout=10)
        there = len(self.server.active_channels)
        while len(self.server.active_channels) == there:
            self.turn()
        return client

    def turn(self, wait: float = 0.0) -> float:
        """Seconds of a processor."""
        began = time.thread_time()
        wasyncore.loop(timeout=wait, use_poll=True, map=self.sockets, count=1)
        return time.thread_time() - began


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.lanes.shutdown(timeout=10)
    wasyncore.close_all(made.sockets)


class Clock:
    """The `time` of the server, whose monotonic clock stands still."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def monotonic(self) -> float:
        return 1000.0


@pytest.mark.parametrize("kind", FLOODS)
def test_fifty_clients_that_send_crumbs_leave_time_for_others(
    loop: Loop, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "time", Clock())
    head, crumb = FLOODS[kind]
    with ExitStack() as stack:
        for client in [stack.enter_context(loop.connect()) for _ in range(CLIENTS)]:
            client.setblocking(False)
            client.send(head + crumb * (100_000 // len(crumb)))  # some seconds of work, of all
        assert _work(loop) < 0.8, "each costs five thousandths of a second, and rests then"
        client = stack.enter_context(loop.connect())
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        client.settimeout(0.01)
        assert _answer(loop, client).startswith(b"HTTP/1.1 200")


def _work(loop: Loop) -> float:
    """Seconds of a processor until nothing more is read at this moment."""
    busy, moved = 0.0, -1
    while busy < 0.8 and moved != (moved := sum(one.pace.moved for one in loop.server.active_channels.values())):
        took = loop.turn()
        assert took < 0.3, "a turn of the loop reads a kilobyte of each"
        busy += took
    return busy


def _answer(loop: Loop, client: socket.socket) -> bytes:
    for _ in range(500):
        loop.turn(0.01)
        try:
            return client.recv(100)
        except TimeoutError:
            continue
    raise AssertionError("no answer")


def test_a_body_in_large_pieces_does_not_rest(loop: Loop) -> None:
    with loop.connect() as client:
        client.setblocking(False)
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n")
        (one,) = loop.server.active_channels.values()
        for _ in range(50):
            client.send(bytes(60_000))
            loop.turn(0.01)
            assert not loop.server.rests.holds(one, time.monotonic())


@pytest.mark.parametrize(
    ("head", "is_read"),
    [
        (b"GET a://" + b"1" * 60_000 + b" x", False),
        (b"GET / HTTP/1.1\r\nX:" + b" " * 60_000 + b"a", True),
        (b"GET / HTTP/1.1\r\nX:" + b" \t" * 30_000 + b"\x01", False),
        (b"GET / HTTP/1.1\r\nX: a" + b" " * 60_000 + b"\x01", False),
        (b"GET / HTTP/1.1\r\nX:" + b"\r\n  " * 15_000 + b"a", False),
        (b"GET / HTTP/1.1\r\nX:" + b" a" * 30_000 + b"\x01", False),
        (b"GET " + b"a" * 60_000 + b" b c", False),
        (b"A" * 60_000 + b" /", True),
        (b"GET / HTTP/1.1\r\nX: \r\n" + b"a:\r\n" * 10_000, False),
    ],
    ids=lambda one: repr(one[:24]) if isinstance(one, bytes) else "",
)
def test_no_head_takes_long_to_read(head: bytes, is_read: bool) -> None:
    request = Incoming(Adjustments(max_request_header_size=receiving.MOST_HEADER))
    began = time.thread_time()
    request.received(head + b"\r\n\r\n")
    assert time.thread_time() - began < 0.2  # the first took seven minutes, the second half a one
    assert request.completed
    assert (request.error is None) is is_read


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://[ HTTP/1.1",
        b"GET / HTTP/1.1\r\nContent-Length: " + b"1" * 5000,
        b"GET",
        b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4",
        b"POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5",
        b"GET  / HTTP/1.1",
        b"GET / HTTP/1.1\r\nX: a\r\n b",
    ],
    ids=lambda one: repr(one[:24]),
)
def test_a_malformed_head_is_answered_and_raises_nothing(head: bytes) -> None:
    request = Incoming(Adjustments())
    request.received(head + b"\r\n\r\n")
    assert request.error.code == 400


def test_what_a_tidy_head_says_is_the_same() -> None:
    request = Incoming(Adjustments())
    request.received(b"GET /a?b=c HTTP/1.1\r\nHost:\t x:80 \r\nX-Empty:   \r\nX-Two:  a  b\r\n\r\n")
    assert request.headers == {"HOST": "x:80", "X_EMPTY": "", "X_TWO": "a  b"}


def test_a_head_of_too_many_lines_is_told_so() -> None:
    request = Incoming(Adjustments())
    request.received(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (heads.MOST_LINES + 1) + b"\r\n")
    assert request.error.code == 431


def test_bytes_and_requests_pay_for_work() -> None:
    assert effort.burden(0, 0.0001, 8192, is_complete=False) == 0
    assert effort.burden(0.001, 0.001, 1000, is_complete=False) == pytest.approx(0.001975)
    assert effort.burden(0.001, 0.001, 1000, is_complete=True) == 0


def test_those_who_rest_share_a_fifth_of_a_processor() -> None:
    rests, now = Rests(), 1000.0
    assert rests.left(now) == float("inf")
    for number in range(4):
        rests.begin(number, effort.MOST, now)
    assert rests.left(now) == pytest.approx(effort.MOST / effort.SHARE)
    assert [rests.holds(number, now + 0.06) for number in range(5)] == [False, False, True, True, False]
    assert rests.left(now + 0.06) == pytest.approx(0.015)


def test_the_loop_wakes_when_a_rest_is_over() -> None:
    assert worker.wait_of([Rests()], 5.0) == 1.0
    rests = Rests()
    rests.begin("one", effort.MOST, 5.0)
    assert worker.wait_of([Rests(), rests], 5.0) == pytest.approx(0.025)
