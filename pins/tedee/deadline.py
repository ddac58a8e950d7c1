"""An HTTP transport whose requests end at a moment, whatever the server does.

A read timeout begins anew with every byte, so a server that sends a byte a second is never cut off by it. Here every
read and write on the socket may only use what is left of the whole request: connection, TLS handshake, headers, body.
Looking up the host name cannot be interrupted, but after the deadline nothing is sent any more.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import httpcore
import httpx

# On the monotonic clock. One request runs in one thread from beginning to end; pooled connections serve many.
_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[float]:
    """Let every socket operation inside end within so many seconds; yields that moment (monotonic clock)."""
    ends_at = time.monotonic() + seconds
    token = _ends_at.set(ends_at)
    try:
        yield ends_at
    finally:
        _ends_at.reset(token)


def _left(timeout: float | None) -> float | None:
    """The time for the next operation: the smaller of its own timeout and what is left. Zero or less: too late."""
    ends_at = _ends_at.get()
    if ends_at is None:
        return timeout
    left = ends_at - time.monotonic()
    return left if timeout is None else min(timeout, left)


def _too_late(left: float | None) -> bool:
    return left is not None and left <= 0


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every operation respects the running request's deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _left(timeout)
        if _too_late(left):
            raise httpcore.ReadTimeout
        return self._inner.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = _left(timeout)
        if _too_late(left):
            raise httpcore.WriteTimeout
        self._inner.write(buffer, left)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout)
        if _too_late(left):
            self.close()
            raise httpcore.ConnectTimeout
        return DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections that respect the deadline, trying the host's addresses one after the other."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError()
        for address in _addresses(host, port):
            left = _left(timeout)
            if _too_late(left):
                raise httpcore.ConnectTimeout
            try:
                return DeadlineStream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class DeadlineTransport(httpx.BaseTransport):
    """HTTP/1.1 over pooled connections, blind to proxies in the environment.

    `trust` replaces the usual certificate authorities.
    """

    def __init__(self, *, trust: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust or _usual_trust(),
            max_connections=None,  # the leases of the locks limit what is in flight
            max_keepalive_connections=8,
            keepalive_expiry=15.0,
            network_backend=DeadlineBackend(),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        with _errors_as_httpx():
            answer = self._pool.handle_request(outgoing)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _errors_as_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        with _errors_as_httpx():
            self._answer.close()


@contextmanager
def _errors_as_httpx() -> Iterator[None]:
    """httpx names its transport errors as httpcore does. Their texts are dropped: some quote what was received."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise kind("") from None


@cache
def _usual_trust() -> ssl.SSLContext:
    # Reading the authorities takes longer than a quick request; the context is safe to share between threads.
    return httpx.create_ssl_context(trust_env=False)
