"""How much the guarded client takes: bytes, seconds, and answers that are garbage."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from rentals import outbound
from rentals.outbound import Limits, Network
from tests.support.outbound import DEADLINE, QUICK, SLACK, get, lan
from tests.support.scripted_server import Reply, Server, answer, dribble, drop, hang


class TestSizes:
    def test_rule_19_fifty_megabytes_are_refused_by_their_announcement(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n")
            stop.wait(10)
            return False

        with Server([reply]) as server, pytest.raises(outbound.TooLarge, match="5,242,880 bytes"):
            get(server)

    @pytest.mark.parametrize("chunked", [True, False])
    def test_rule_19_fifty_megabytes_without_announcement_are_cut(self, chunked: bool) -> None:
        sent = 0

        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            nonlocal sent
            head = b"HTTP/1.1 200 OK\r\n" + (b"Transfer-Encoding: chunked\r\n" if chunked else b"Connection: close\r\n")
            connection.sendall(head + b"\r\n")
            block = b"x" * 65536
            for _ in range(800):
                connection.sendall(b"10000\r\n" + block + b"\r\n" if chunked else block)
                sent += len(block)
            return False

        with Server([reply]) as server, pytest.raises(outbound.TooLarge):
            get(server)
        assert sent < 20 * 1024 * 1024  # the sockets' buffers, not the whole

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
    def test_rule_19_a_bomb_is_cut_while_it_is_unpacked(self, encoding: str) -> None:
        plain = b"\0" * 50_000_000
        if encoding == "gzip":
            packed = gzip.compress(plain)
        elif encoding == "deflate":
            packed = zlib.compress(plain)
        else:
            packed = zlib.compress(plain)[2:-4]
        reply = answer(200, raw=packed, headers={"Content-Encoding": encoding.removeprefix("raw ")})
        with Server([reply]) as server, pytest.raises(outbound.TooLarge):
            get(server)

    def test_the_largest_allowed_body_passes_and_one_byte_more_does_not(self) -> None:
        for packed in (False, True):
            for size, fits in ((1000, True), (1001, False)):
                raw = b"y" * size
                headers = {"Content-Encoding": "gzip"} if packed else {}
                reply = answer(200, raw=gzip.compress(raw) if packed else raw, headers=headers)
                with Server([reply]) as server:
                    if fits:
                        assert get(server, limits=Limits(body_bytes=1000)).body == raw
                    else:
                        with pytest.raises(outbound.TooLarge):
                            get(server, limits=Limits(body_bytes=1000))

    def test_packed_bodies_are_unpacked(self) -> None:
        text = b"BEGIN:VCALENDAR\r\n" * 1000
        cases = [
            ("gzip", gzip.compress(text)),
            ("x-gzip", gzip.compress(text[:500]) + gzip.compress(text[500:])),
            ("GZIP", gzip.compress(text) + b"\0" * 8),
            ("deflate", zlib.compress(text)),
            ("deflate", zlib.compress(text)[2:-4]),
            ("identity", text),
            ("gzip", b""),
        ]
        for encoding, packed in cases:
            with Server([answer(200, raw=packed, headers={"Content-Encoding": encoding})]) as server:
                assert get(server).body == (text if packed else b"")

    @pytest.mark.parametrize(
        ("encoding", "packed"),
        [
            ("br", b"x"),
            ("zstd", b"x"),
            ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0)),
            ("gzip", b"not gzip"),
            ("gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9]),
            ("deflate", b"\xff" * 20),
        ],
    )
    def test_what_cannot_be_unpacked_is_no_answer(self, encoding: str, packed: bytes) -> None:
        with Server([answer(200, raw=packed, headers={"Content-Encoding": encoding})]) as server:  # noqa: SIM117
            with pytest.raises(outbound.Unreadable):
                get(server)

    def test_a_body_that_ends_before_its_announced_length_is_no_answer(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nBEGIN:VCALENDAR")
            return False

        with Server([reply]) as server, pytest.raises(outbound.Unreadable):
            get(server)


@contextmanager
def cut_off() -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(outbound.TimedOut):
        yield
    assert time.monotonic() - began <= DEADLINE + SLACK


@pytest.mark.parametrize(
    "packet",
    [
        b"\x16\x03\x01 this is TLS",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
        b"HTTP/1.1 301 X\r\nLocation: https://[::\r\n\r\n",
        b"HTTP/1.1 301 X\r\nLocation: http://\xf0\x9f\x98\x80.example/\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: /\xff\xfe//\\\\evil:99999/%zz\r\n\r\n",
    ],
)
def test_garbage_is_an_error_of_ours(packet: bytes) -> None:
    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        connection.sendall(packet)
        return False

    with Server([reply]) as server, pytest.raises(outbound.OutboundError):
        get(server, limits=Limits(seconds=5))


class TestDeadline:
    @pytest.mark.parametrize(
        "reply",
        [
            hang(),
            dribble(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX: " + b"x" * 5000, 0.05),
            dribble(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.002),
        ],
        ids=["silence", "headers byte by byte", "endless interim answers"],
    )
    def test_a_slow_server_is_cut_off(self, reply: Reply) -> None:
        with Server([reply]) as server, cut_off():
            get(server, limits=QUICK)

    def test_rule_19_a_body_of_a_byte_at_a_time_is_cut_off(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            return dribble(b" " * 100_000, 0.05)(connection, stop)

        with Server([reply]) as server, cut_off():
            get(server, limits=QUICK)

    def test_rule_19_redirects_share_one_deadline(self) -> None:
        def reply(connection: socket.socket, stop: threading.Event) -> bool:
            stop.wait(0.7 * DEADLINE)
            return answer(302, headers={"Location": "/again"})(connection, stop)

        with Server([reply]) as server, cut_off():
            get(server, limits=QUICK)
        assert len(server.requests) <= 2

    def test_a_look_up_that_hangs_is_cut_off(self) -> None:
        freed = threading.Event()

        def resolve(host: str, port: int) -> Sequence[str]:
            freed.wait(10)
            return ["127.0.0.1"]

        with cut_off():
            outbound.get("https://feeds.example/", limits=QUICK, network=Network(resolve=resolve))
        freed.set()

    def test_a_server_that_drops_the_line_is_no_answer(self) -> None:
        with Server([drop()]) as server, pytest.raises(outbound.Unreadable):
            get(server)

    def test_a_closed_port_is_unreachable(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(outbound.Unreachable, match=r"feeds\.example cannot be reached"):
            outbound.get(f"http://feeds.example:{port}/", network=lan())
