"""From the bytes of an answer to its value. Bodies may hold PINs, so no error here keeps or quotes a body."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar

import httpx

from pins.tedee.errors import ServerFault
from pins.tedee.fields import UnreadableError

T = TypeVar("T")

LARGEST_ANSWER = 2 * 1024 * 1024  # bytes; a hundred PINs or locks are far below
LONGEST_CORRELATION_ID = 100


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What a successful request brought."""

    value: T
    status: int
    correlation_id: str
    requests: int = 1  # spent of the account's budget; only listing locks may need more than one


@dataclass(frozen=True)
class Received:
    """An answer as it came, before we know whether it is a success."""

    status: int
    body: object = field(repr=False)  # the decoded JSON; None when there is none or it cannot be read
    correlation_id: str
    retry_after: float | None  # seconds


def receive(response: httpx.Response, ends_at: float) -> Received:
    """Read an answer to its end, but not beyond `ends_at` on the monotonic clock."""
    content = _content(response, ends_at)
    return Received(
        status=response.status_code,
        # An answer with 204 or 304 has no body, whatever Tedee's documents show.
        body=None if response.status_code in (204, 304) else _parsed(content),
        correlation_id=_correlation_id(response.headers),
        retry_after=_retry_after(response.headers, datetime.now(UTC)),
    )


def understand(received: Received, parse: Callable[[object], T]) -> Answer[T]:
    """The answer with its parsed result. Raises `ServerFault` when it cannot be parsed: a write is in doubt then."""
    result = received.body.get("result") if isinstance(received.body, dict) else None
    try:
        return Answer(parse(result), received.status, received.correlation_id)
    except UnreadableError:
        pass
    raise ServerFault(received.status, received.correlation_id, detail="The answer lacks what was asked for")


def _content(response: httpx.Response, ends_at: float) -> bytes | None:
    """The body, None when it is too large to be an answer of this API.

    The sockets watch the deadline themselves; it is checked here for transports that have none.
    """
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > LARGEST_ANSWER:
            return None
        if time.monotonic() > ends_at:
            raise httpx.ReadTimeout("")
        chunks.append(chunk)
    return b"".join(chunks)


def _parsed(content: bytes | None) -> object:
    """The JSON, None when there is none. The parser's error is dropped here, because it carries the whole text."""
    if not content:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _correlation_id(headers: httpx.Headers) -> str:
    text = headers.get("X-Correlation-ID", "")
    return "".join(mark for mark in text if mark.isascii() and mark.isprintable())[:LONGEST_CORRELATION_ID]


def _retry_after(headers: httpx.Headers, now: datetime) -> float | None:
    """Seconds to wait, from a number or an HTTP date (RFC 9110, 10.2.3); None when absent or unreadable."""
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
