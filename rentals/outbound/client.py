"""Requests to addresses that somebody else chose: calendar feeds, webhooks of notifications. Trusts nobody.

- Only https, and only hosts that have public addresses alone. The host is resolved once, here, and the connection goes
  to exactly the address that was judged: a name that resolves differently a moment later changes nothing. The
  certificate is still checked against the name. Any port: private services are out of reach by their addresses.
- GET follows at most five redirects, each judged the same way, never down to http. Credentials go to their own origin
  alone, cookies to their own site, until the chain of redirects ends. POST follows none: what it carries is meant for
  the address that was entered.
- No proxies or netrc; one connection for each request.
- One deadline for everything: look-up, connection, redirects, body. A body may have at most so many bytes, both as
  sent and unpacked.

An address may be a secret as a whole, with its path and query, so no text and no log here holds more than the host.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpcore

from rentals.outbound.addresses import literal
from rentals.outbound.cookies import Cookies
from rentals.outbound.deadline import DeadlineBackend, deadline, usual_trust
from rentals.outbound.errors import OutboundError, Refused, TimedOut, TooLarge, Unreachable, Unreadable
from rentals.outbound.network import INTERNET, Network
from rentals.outbound.target import Target
from rentals.outbound.unpacking import Unpacker
from rentals.phrases import phrase, phrases

USER_AGENT: Final = "Turnkey/0.2.0"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True)
class Limits:
    """How much time and memory an answer may cost us."""

    seconds: float = 30.0  # for everything together
    connect_seconds: float = 10.0  # for each address of the host
    body_bytes: int = 5 * 1024 * 1024  # both as sent and unpacked
    redirects: int = 5


@dataclass(frozen=True)
class Response:
    """An answer. Its body is read only where it was asked for and the status is 200 to 299."""

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
    target = Target.parse(url, network)
    first, cookies = target, Cookies()
    with deadline(limits.seconds):
        for _ in range(limits.redirects + 1):
            same_origin = target.origin == first.origin
            sent = dict(headers or {}) if same_origin else _without_secrets(headers or {})
            request = _Request(
                "GET", _with_cookies(sent, cookies.header(target.host, target.path)), first.basic if same_origin else ""
            )
            answered = _exchange(target, request, limits, network)
            if not answered.location:
                return answered.response
            cookies.keep(answered.cookies, target.host, target.path, datetime.now(UTC))
            target = target.follow(answered.location, network)
    raise Refused(
        phrases(
            "{host} answers with more than {number} redirect.",
            "{host} answers with more than {number} redirects.",
            limits.redirects,
            host=first.host,
        )
    )


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    network: Network = INTERNET,
    read_answer: bool = False,
) -> Response:
    """Send `body` to `url`, judged as for `get`. Raises OutboundError.

    A redirect is an answer like any other and is not followed. Of an answer only the status is read, and its body if
    `read_answer`.
    """
    limits = limits or Limits()
    target = Target.parse(url, network)
    request = _Request("POST", dict(headers or {}), target.basic, body, wants_body=read_answer)
    with deadline(limits.seconds):
        return _exchange(target, request, limits, network).response


def check(url: str, *, network: Network = INTERNET) -> None:
    """Raises Refused for an address that would never be contacted, before anything is looked up."""
    target = Target.parse(url, network)
    address = literal(target.host)
    if address is not None and not network.may_reach(address):
        raise Refused(phrase("The address is not public."))


@dataclass(frozen=True)
class _Request:
    """What is sent to one host."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    basic: str = field(repr=False)  # the value of an Authorization header, "" without credentials
    body: bytes | None = field(default=None, repr=False)
    wants_body: bool = True


@dataclass(frozen=True)
class _Answer:
    """What one host answered."""

    response: Response
    location: bytes = field(default=b"", repr=False)  # where it redirects to, b"" when it does not
    cookies: tuple[str, ...] = field(default=(), repr=False)  # its Set-Cookie lines


def _exchange(target: Target, request: _Request, limits: Limits, network: Network) -> _Answer:
    """One request to one host.

    The only place where foreign errors become ours. Ours is raised after the `except` block, so that the foreign one,
    which may hold the request, is not even attached as its context.
    """
    error: OutboundError
    try:
        with httpcore.ConnectionPool(
            ssl_context=network.trust or usual_trust(),
            max_keepalive_connections=0,
            network_backend=DeadlineBackend(network.addresses, connect_seconds=limits.connect_seconds),
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
                return _received(answer, target.host, limits.body_bytes, with_body=request.wants_body)
    except httpcore.TimeoutException:
        error = TimedOut(
            phrase(
                "{host} did not answer completely within {seconds} seconds.",
                host=target.host,
                seconds=f"{limits.seconds:g}",
            )
        )
    except httpcore.RemoteProtocolError:
        error = Unreadable(phrase("{host} broke off its answer, or does not speak HTTP.", host=target.host))
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, ssl.SSLError):
        error = Unreachable(phrase("{host} cannot be reached, or its certificate is not valid.", host=target.host))
    raise error


def _received(answer: httpcore.Response, host: str, most: int, *, with_body: bool) -> _Answer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    if answer.status in _REDIRECTS and headers.get("location"):
        cookies = tuple(value.decode("latin-1") for name, value in answer.headers if name.lower() == b"set-cookie")
        return _Answer(Response(answer.status, headers), headers["location"].encode("latin-1"), cookies)
    if not with_body or not 200 <= answer.status <= 299:
        return _Answer(Response(answer.status, headers))
    length = headers.get("content-length", "")
    if length.isdigit() and int(length[:18]) > most:
        raise TooLarge(phrase("The answer of {host} is larger than {size} bytes.", host=host, size=f"{most:,}"))
    body = _unpacked(answer.iter_stream(), headers.get("content-encoding", ""), host, most)
    return _Answer(Response(answer.status, headers, body))


def _unpacked(chunks: Iterable[bytes], encoding: str, host: str, most: int) -> bytes:
    """The body, at most `most` bytes of it both before and after unpacking. No chunk is unpacked further than that, so
    that a body that swells a thousandfold costs no more memory than an honest one."""
    unpacker = Unpacker(encoding)
    parts: list[bytes] = []
    received = size = 0
    for chunk in chunks:
        parts.append(unpacker.feed(chunk, most - size + 1))
        received += len(chunk)
        size += len(parts[-1])
        if received > most or size > most:
            raise TooLarge(phrase("The answer of {host} is larger than {size} bytes.", host=host, size=f"{most:,}"))
        if unpacker.broken:
            break
    if unpacker.broken or (received and not unpacker.at_end):
        raise Unreadable(phrase("The answer of {host} is packed in a way that cannot be unpacked.", host=host))
    return b"".join(parts)


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _SECRET_HEADERS}


def _with_cookies(headers: dict[str, str], cookies: str) -> dict[str, str]:
    """The headers with these cookies beside those that the caller gave."""
    name = next((one for one in headers if one.lower() == "cookie"), "Cookie")
    both = "; ".join(filter(None, (headers.get(name, ""), cookies)))
    return {**headers, name: both} if both else headers
