"""Where a connection may go, and for how long. A name is resolved here, once: what was judged is what is dialled."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpcore

from rentals.outbound.addresses import Address, is_public, is_public_or_private, literal
from rentals.outbound.errors import Refused, Unreachable


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the machine knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Network:
    """What may be reached, and how names and certificates are judged."""

    may_reach: Callable[[Address], bool] = is_public
    plain_http: bool = False  # also http, and names such as localhost
    resolve: Callable[[str, int], Sequence[str]] = system_resolver
    trust: ssl.SSLContext | None = None  # None: the usual certificate authorities


INTERNET: Final = Network()
#: For tests and demonstrations: the machine itself and its network too.
NEIGHBOURHOOD: Final = Network(may_reach=is_public_or_private, plain_http=True)


class Deadline:
    """The moment when everything ends, on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def left(self, most: float | None = None) -> float:
        """Seconds left, at most `most`. Raises httpcore.TimeoutException when none are."""
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise httpcore.TimeoutException
        return left if most is None else min(left, most)


class _Stream(httpcore.NetworkStream):
    """A connection whose every operation may only use what is left of the whole request. A plain read timeout begins
    anew with each byte, so a server that sends a byte a second is never cut off by it."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            left = self._deadline.left(timeout)
        except httpcore.TimeoutException:
            self.close()
            raise
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Backend(httpcore.NetworkBackend):
    """Opens connections to addresses that were judged: what the name said once is what is connected to."""

    def __init__(self, network: Network, deadline: Deadline, connect_seconds: float) -> None:
        self._network = network
        self._deadline = deadline
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
        for address in self._judged_addresses(host, port):
            left = self._deadline.left(self._connect_seconds)
            try:
                stream = self._inner.connect_tcp(str(address), port, left, local_address, socket_options)
                return _Stream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(self._deadline.left(seconds))

    def _judged_addresses(self, host: str, port: int) -> list[Address]:
        """All addresses of the host. One that is out of bounds condemns the name: an honest one has none of those."""
        written = literal(host)
        texts = [host] if written else _resolved(self._network.resolve, host, port, self._deadline)
        found = [address for address in map(literal, texts) if address is not None]
        if not texts or len(found) < len(texts):
            raise Unreachable(f"There is no host named {host}.")
        if not all(self._network.may_reach(address) for address in found):
            raise Refused(f"{host} leads to an address that is not public.")
        return found


def _resolved(resolve: Callable[[str, int], Sequence[str]], host: str, port: int, deadline: Deadline) -> Sequence[str]:
    """Look the host up in a thread of its own, since a look-up cannot be interrupted; [] when it does not exist. What
    hangs is left behind: the C library gives up by itself, and the thread keeps no process alive."""
    answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(host, port))
        except (OSError, UnicodeError):
            answers.put([])

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        return answers.get(timeout=deadline.left())
    except queue.Empty:
        raise httpcore.ConnectTimeout from None
