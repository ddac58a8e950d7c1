"""A server on a real socket that answers with exactly the bytes a test wants, as slowly as it wants."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]  # names in lower case
    body: bytes
    connection: int  # counts the accepted connections

    def json(self) -> object:
        return json.loads(self.body)


# Answers one request by writing to the connection; returns False to close it afterwards.
Reply = Callable[[socket.socket, threading.Event], bool]


def answer(
    status: int,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    raw: bytes | None = None,
) -> Reply:
    """A complete answer: `raw` bytes, or a JSON body, or none."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    bare = status in (204, 304)
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if not bare:
        lines.append(f"Content-Length: {len(content)}")
    packet = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if bare else content)

    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        connection.sendall(packet)
        return True

    return reply


def forbidden_body(status: int, content: bytes, framing: str = "length") -> bytes:
    """An answer with a body where HTTP allows none (204, 304), as Tedee's documents show it.

    `framing`: its `length` is told, it comes `chunked`, or with `none` of both.
    """
    header = f"Content-Length: {len(content)}\r\n" if framing == "length" else ""
    if framing == "chunked":
        header = "Transfer-Encoding: chunked\r\n"
        content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
    return f"HTTP/1.1 {status} X\r\n{header}\r\n".encode() + content


def packets(*parts: bytes) -> Reply:
    """Send each part by itself, and keep the connection."""

    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
        return True

    return reply


def envelope(result: object = None, status: int = 200, **extra: object) -> dict[str, object]:
    """A body as the API documents it."""
    return {
        "result": result,
        "success": status < 300,
        "errorMessages": [] if status < 300 else ["no"],
        "statusCode": status,
        **extra,
    }


def good(result: object = None, status: int = 200, **headers: str) -> Reply:
    return answer(status, envelope(result, status), headers=headers)


def refusal(status: int, headers: dict[str, str] | None = None) -> Reply:
    return answer(status, envelope(None, status), headers=headers)


def drop() -> Reply:
    """Close the connection without a word."""

    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        return False

    return reply


def hang() -> Reply:
    """Say nothing and keep the connection open."""

    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        stop.wait(30)
        return False

    return reply


def dribble(packet: bytes, seconds: float) -> Reply:
    """Send one byte at a time, so many seconds apart."""

    def reply(connection: socket.socket, stop: threading.Event) -> bool:
        for byte in packet:
            connection.sendall(bytes([byte]))
            if stop.wait(seconds):
                break
        return False

    return reply


@dataclass
class Server:
    """Answers requests in the order they come with `replies`; the last one repeats."""

    replies: Sequence[Reply]
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/api/v37"
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        # A blocked accept wakes up by shutdown, not by close.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self._start(self._serve, connection, len(self._connections))

    def _serve(self, plain: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            connection = self.tls.wrap_socket(plain, server_side=True) if self.tls else plain
            with connection:
                for request in _requests(connection, number):
                    with self._lock:
                        reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
                        self.requests.append(request)
                    if not reply(connection, self._stop):
                        return


def _requests(connection: socket.socket, number: int) -> Iterator[Request]:
    received = b""
    while True:
        while b"\r\n\r\n" not in received:
            chunk = connection.recv(65536)
            if not chunk:
                return
            received += chunk
        head, received = received.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(received) < length:
            received += connection.recv(65536)
        body, received = received[:length], received[length:]
        method, target, _ = first.split(" ")
        yield Request(method, target, headers, body, number)
