"""Connections whose requests end at a given moment, whatever the server does. Knows neither Django nor us.

A read timeout begins anew with every byte, so a server that sends a byte a second is never cut off by it. Here every
read and write on the socket may only use what is left of the whole request: connection, TLS handshake, headers, body.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    """Let every socket operation inside end within so many seconds. Yields that moment on the monotonic clock."""
    ends_at = time.monotonic() + seconds
    token = _ends_at.set(ends_at)
    try:
        yield ends_at
    finally:
        _ends_at.reset(token)


def seconds_left(most: float | None, too_late: type[httpcore.TimeoutException]) -> float | None:
    """What the next operation may take: the smaller of `most` and what is left of the request, None without limits.

    Raises `too_late` when nothing is left.
    """
    ends_at = _ends_at.get()
    if ends_at is None:
        return most
    left = ends_at - time.monotonic()
    if left <= 0:
        raise too_late
    return left if most is None else min(most, left)


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every operation respects the running request's deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, seconds_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, seconds_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            left = seconds_left(timeout, httpcore.ConnectTimeout)
        except httpcore.TimeoutException:
            self.close()
            raise
        return DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections that respect the deadline, trying a host's addresses one after the other.

    `addresses` looks up a host and port; what it raises reaches the caller. `connect_seconds`, if given, limits each
    address in place of the request's own connect timeout.
    """

    def __init__(self, addresses: Callable[[str, int], Sequence[str]], *, connect_seconds: float | None = None) -> None:
        self._addresses = addresses
        self._connect_seconds = connect_seconds
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
        for address in self._addresses(host, port):
            left = seconds_left(self._connect_seconds or timeout, httpcore.ConnectTimeout)
            try:
                return DeadlineStream(self._inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the machine knows them. Raises OSError, or UnicodeError for an impossible name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def usual_trust() -> ssl.SSLContext:
    """The usual certificate authorities, blind to the environment."""
    # Reading the authorities takes longer than a quick request; the context is safe to share between threads.
    return httpx.create_ssl_context(trust_env=False)
