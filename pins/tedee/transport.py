"""The HTTP transport of the client: pooled connections, and a deadline for each request as a whole.

Looking up the host name cannot be interrupted, but after the deadline nothing is sent any more.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpcore
import httpx

from rentals.outbound.deadline import DeadlineBackend, system_addresses, usual_trust


class DeadlineTransport(httpx.BaseTransport):
    """HTTP/1.1 over pooled connections, blind to proxies in the environment.

    `trust` replaces the usual certificate authorities.
    """

    def __init__(self, *, trust: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust or usual_trust(),
            max_connections=None,  # the leases of the locks limit what is in flight
            max_keepalive_connections=8,
            keepalive_expiry=15.0,
            network_backend=DeadlineBackend(_addresses),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        headers = request.headers.raw
        if _may_be_answered_without_body(request):
            headers = [(name, value) for name, value in headers if name.lower() != b"connection"]
            headers.append((b"Connection", b"close"))
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=headers,
            content=request.read(),
            extensions=request.extensions,
        )
        with _errors_as_httpx():
            answer = self._pool.handle_request(outgoing)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


def _may_be_answered_without_body(request: httpx.Request) -> bool:
    """Whether 204 or 304 is an answer to this request (Tedee API: update PIN, delete PIN, get all PINs with a version).

    HTTP gives these two no body (RFC 9112, 6.3), but Tedee's documents show one. If it comes, with or without a length,
    soon or late, its bytes would be read as the beginning of the next answer on this connection, which may be about
    another lock. So such a request asks for a connection of its own, which costs less than the seconds that a lock
    takes. Closing the connection only after the answer is too late: between the moment when the pool calls it idle and
    the moment when it is closed, another thread may take it, and lose its request.
    """
    return request.method in ("PUT", "DELETE") or b"listVersion" in request.url.query


class _Body(httpx.SyncByteStream):
    """The body of an answer; after a 204 or 304 that nobody expected, the connection is not used again either."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _errors_as_httpx():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        with _errors_as_httpx():
            if self._answer.status in (204, 304):
                self._answer.extensions["network_stream"].close()
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


def _addresses(host: str, port: int) -> Sequence[str]:
    try:
        return system_addresses(host, port)
    except (OSError, UnicodeError):
        raise httpcore.ConnectError from None
