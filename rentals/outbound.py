"""Requests to addresses that somebody else chose: calendar feeds, webhooks of notifications. Trusts nobody.

- Only https, to hosts all of whose addresses are public. The host is resolved once, here; the connection goes to
  exactly the address that was judged, so that a name that answers differently a moment later changes nothing. The
  certificate is still that of the name. Any port: a private service is out of reach by its address.
- GET follows at most three redirects, each judged the same way, never down to http. Credentials go to their own origin
  alone. POST follows none: what it carries is meant for the address that was entered.
- No proxies, cookies or netrc; one connection for each request.
- One deadline for all of it: look-up, connection, redirects, body. A body is cut at its size, as sent and unpacked.

An address may be a secret as a whole, with its path and query. No text here, and no log, names more than the host.

OutboundError
├── Refused       we do not go there: scheme, host, address, redirect
├── Unreachable   no such name, no connection, no valid certificate, or the connection broke
├── TimedOut      the deadline passed
├── TooLarge      more bytes than allowed
└── Unreadable    the answer is not HTTP, or packed in a way that we did not ask for
"""

from __future__ import annotations

import base64
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import httpcore
import httpx

from rentals.addresses import Address, is_local_name, is_plain_host, is_public, is_public_or_private, literal
from rentals.unpacking import Unpacker

USER_AGENT: Final = "Turnkey/0.1.0"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


class OutboundError(Exception):
    """A request did not bring an answer that we can use."""


class Refused(OutboundError):
    """We do not go there."""


class Unreachable(OutboundError):
    """The server could not be reached, or the connection broke."""


class TimedOut(OutboundError):
    """The deadline passed."""


class TooLarge(OutboundError):
    """The answer has more bytes than allowed."""


class Unreadable(OutboundError):
    """The answer is not what we asked for."""


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


@dataclass(frozen=True)
class Limits:
    """How much an answer may cost us."""

    seconds: float = 30.0  # for everything together
    connect_seconds: float = 10.0  # for each address of the host
    body_bytes: int = 5 * 1024 * 1024  # both as sent and unpacked
    redirects: int = 3


@dataclass(frozen=True)
class Response:
    """An answer. The body is read for a GET and 200 to 299 only."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(default=b"", repr=False)


def get(
    url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None, network: Network = INTERNET
) -> Response:
    """Fetch `url`, following redirects. Raises OutboundError.

    `webcal:` means https. A user and password in the URL are sent as Basic credentials (RFC 7617).
    """
    limits = limits or Limits()
    deadline = _Deadline(limits.seconds)
    target = _Target.parse(url, network)
    first = target
    for _ in range(limits.redirects + 1):
        same_origin = target.origin == first.origin
        sent = dict(headers or {}) if same_origin else _without_secrets(headers or {})
        request = _Request("GET", sent, first.basic if same_origin else "")
        response, location = _exchange(target, request, limits, network, deadline)
        if not location:
            return response
        target = target.follow(location, network)
    raise Refused(f"{first.host} answers with more than {limits.redirects} redirects.")


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    network: Network = INTERNET,
) -> Response:
    """Send `body` to `url`, judged as for `get`. Raises OutboundError.

    A redirect is an answer like any other and is not followed. No body of an answer is read: its status says it all.
    """
    limits = limits or Limits()
    target = _Target.parse(url, network)
    request = _Request("POST", dict(headers or {}), target.basic, body)
    return _exchange(target, request, limits, network, _Deadline(limits.seconds))[0]


def check(url: str, *, network: Network = INTERNET) -> None:
    """Raises Refused for an address that nobody would ever go to, before anything is looked up."""
    target = _Target.parse(url, network)
    address = literal(target.host)
    if address is not None and not network.may_reach(address):
        raise Refused("The address is not public.")


@dataclass(frozen=True)
class _Request:
    """What is sent to one host."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    basic: str = field(repr=False)  # the value of an Authorization header, "" without credentials
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _Target:
    """A URL that we may try: its scheme and the spelling of its host are judged, its addresses are not yet."""

    url: httpx.URL = field(repr=False)

    @classmethod
    def parse(cls, text: str, network: Network) -> _Target:
        """Raises Refused, whose text says what is wrong but never quotes the URL."""
        scheme, colon, rest = text.strip().partition(":")
        if colon and scheme.lower() in ("webcal", "webcals"):
            text = f"https:{rest}"
        try:
            url: httpx.URL | None = httpx.URL(text.strip())
        except (httpx.InvalidURL, UnicodeError, ValueError):
            url = None
        return cls._judged(url, network)

    def follow(self, location: str, network: Network) -> _Target:
        """Where a redirect leads (RFC 9110, 10.2.2). Raises Refused."""
        try:
            url: httpx.URL | None = self.url.join(location)
        except (httpx.InvalidURL, UnicodeError, ValueError):
            url = None
        if url is not None and self.url.scheme == "https" and url.scheme != "https":
            raise Refused(f"{self.host} redirects to an address that is not https.")
        return self._judged(url, network)

    @classmethod
    def _judged(cls, url: httpx.URL | None, network: Network) -> _Target:
        if url is None:
            raise Refused("The address cannot be read as a URL.")
        if url.scheme != "https" and not (url.scheme == "http" and network.plain_http):
            raise Refused("Only addresses that begin with https:// are contacted.")
        host = url.raw_host.decode("ascii")
        if not is_plain_host(host):
            raise Refused("The host in the address is neither an ordinary name nor a plain IP address.")
        if is_local_name(host) and not network.plain_http:
            raise Refused("The address names this machine, which is not contacted.")
        if url.port is not None and not 1 <= url.port <= 65535:
            raise Refused("The port in the address is not possible.")
        return cls(url)

    @property
    def host(self) -> str:
        return self.url.host

    @property
    def port(self) -> int:
        return self.url.port or (443 if self.url.scheme == "https" else 80)

    @property
    def origin(self) -> tuple[str, bytes, int]:
        return self.url.scheme, self.url.raw_host.lower(), self.port

    @property
    def basic(self) -> str:
        """The value of an Authorization header, "" without credentials."""
        if not self.url.userinfo:
            return ""
        return "Basic " + base64.b64encode(f"{self.url.username}:{self.url.password}".encode()).decode("ascii")


def _exchange(
    target: _Target,
    request: _Request,
    limits: Limits,
    network: Network,
    deadline: _Deadline,
) -> tuple[Response, str]:
    """One request to one host: the answer, and where it redirects to ("" when it does not).

    The only place where foreign errors become ours. Ours is raised after the `except` block, so that the foreign one,
    which may hold the request, is not even attached as its context.
    """
    error: OutboundError
    try:
        with httpcore.ConnectionPool(
            ssl_context=network.trust or _usual_trust(),
            max_keepalive_connections=0,
            network_backend=_Backend(network, deadline, limits.connect_seconds),
        ) as pool:
            lines = {"Host": target.url.netloc.decode("ascii"), "User-Agent": USER_AGENT, "Accept": "*/*"}
            lines |= {"Accept-Encoding": "gzip, deflate"} | dict(request.headers)
            if request.basic:
                lines["Authorization"] = request.basic
            if request.body is not None:
                lines["Content-Length"] = str(len(request.body))
            place = httpcore.URL(
                scheme=target.url.raw_scheme, host=target.url.raw_host, port=target.port, target=target.url.raw_path
            )
            encoded = [(name.encode("ascii"), value.encode("latin-1")) for name, value in lines.items()]
            with pool.stream(request.method, place, headers=encoded, content=request.body) as answer:
                return _received(answer, target.host, limits.body_bytes, with_body=request.body is None)
    except httpcore.TimeoutException:
        error = TimedOut(f"{target.host} did not answer completely within {limits.seconds:g} seconds.")
    except httpcore.RemoteProtocolError:
        error = Unreadable(f"{target.host} broke off its answer, or does not speak HTTP.")
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ssl.SSLError):
        error = Unreachable(f"{target.host} cannot be reached, or its certificate is not valid.")
    raise error


def _received(answer: httpcore.Response, host: str, most: int, *, with_body: bool) -> tuple[Response, str]:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    if answer.status in _REDIRECTS and headers.get("location"):
        return Response(answer.status, headers), headers["location"]
    if not with_body or not 200 <= answer.status <= 299:
        return Response(answer.status, headers), ""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length[:18]) > most:
        raise TooLarge(f"The answer of {host} is larger than {most:,} bytes.")
    body = _unpacked(answer.iter_stream(), headers.get("content-encoding", ""), host, most)
    return Response(answer.status, headers, body), ""


def _unpacked(chunks: Iterable[bytes], encoding: str, host: str, most: int) -> bytes:
    """The body, at most `most` bytes of it both before and after unpacking: no chunk is unpacked further than that,
    so a body that swells a thousandfold costs no more memory than an honest one."""
    unpacker = Unpacker(encoding)
    parts: list[bytes] = []
    received = size = 0
    for chunk in chunks:
        parts.append(unpacker.feed(chunk, most - size + 1))
        received += len(chunk)
        size += len(parts[-1])
        if received > most or size > most:
            raise TooLarge(f"The answer of {host} is larger than {most:,} bytes.")
        if unpacker.broken:
            break
    if unpacker.broken or (received and not unpacker.at_end):
        raise Unreadable(f"The answer of {host} is packed in a way that cannot be unpacked.")
    return b"".join(parts)


class _Deadline:
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

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
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


class _Backend(httpcore.NetworkBackend):
    """Opens connections to addresses that were judged: what the name said once is what is connected to."""

    def __init__(self, network: Network, deadline: _Deadline, connect_seconds: float) -> None:
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


def _resolved(resolve: Callable[[str, int], Sequence[str]], host: str, port: int, deadline: _Deadline) -> Sequence[str]:
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


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _SECRET_HEADERS}


@cache
def _usual_trust() -> ssl.SSLContext:
    # Reading the authorities takes longer than a quick request; the context is safe to share between threads.
    return httpx.create_ssl_context(trust_env=False)
