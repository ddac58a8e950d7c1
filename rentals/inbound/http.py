"""What all addresses for machines have in common: they answer in JSON, whatever happens, and limit the body's size.

An address is found by the digest of its secret part (`find`), so that neither the database nor a log ever sees it.
"""

from __future__ import annotations

import functools
import hmac
import logging
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django.core.exceptions import DisallowedHost
from django.db import Error as DatabaseError
from django.db import models
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from limits import RateLimitItem

from rentals.inbound import rate_limits
from rentals.inbound.client import client_key_of
from rentals.models.tokens import token_digest
from rentals.outbound.unpacking import Unpacker

logger = logging.getLogger(__name__)

_CHUNK = 64 * 1024
#: How many seconds a sender is asked to wait after a fault of ours.
_TROUBLE_PAUSE = 30

_Owner = TypeVar("_Owner", bound=models.Model)
_View = Callable[..., dict[str, Any]]


class Refused(Exception):
    """The call cannot be served. `code` is for programs; `detail` tells a person what to do, without any secret."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.retry_after = retry_after  # seconds

    def response(self) -> JsonResponse:
        answer = JsonResponse({"error": self.code, "detail": self.detail}, status=self.status)
        if self.retry_after is not None:
            answer["Retry-After"] = str(self.retry_after)
        return answer


def hook(view: _View) -> Callable[..., JsonResponse]:
    """Turn a function that returns the answer to a POST, or raises `Refused`, into a view that always answers in JSON,
    with 202 for success."""

    @csrf_exempt  # the secret in the address authorises the call, not a browser's session
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        if request.method == "POST":
            response = _attempt(view, request, *args, **kwargs)
        else:
            response = Refused(405, "method_not_allowed", "Send this request with POST.").response()
            response["Allow"] = "POST"
        response["Cache-Control"] = "no-store"
        return response

    return answer


def _attempt(view: _View, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
    try:
        return JsonResponse(view(request, *args, **kwargs), status=202)
    except Refused as refused:
        return refused.response()
    except DatabaseError as error:
        # Its text may quote the row that could not be written, and a guest's name with it: log only the class.
        logger.error("webhook_database_error", extra={"cause": type(error).__name__})
        detail = "The database did not accept it. Nothing was changed; send the same again later."
        return Refused(503, "unavailable", detail, retry_after=_TROUBLE_PAUSE).response()
    except Exception:  # the sender must get JSON and not a page, even for a fault of ours
        logger.exception("webhook_failed")
        detail = "The server has a fault. Nothing was changed; its log says more."
        return Refused(500, "internal_error", detail).response()


@csrf_exempt
def nothing_here(request: HttpRequest, rest: str = "") -> JsonResponse:
    """The answer to all other addresses below /webhooks/: no page, and no redirect, which would lose the body of a
    POST."""
    return _unknown(request).response()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The site's answer to requests that Django refuses, such as one for an unknown host name: JSON for machines."""
    if not request.path_info.startswith("/webhooks/"):
        return defaults.bad_request(request, exception)
    detail = "The request is malformed."
    if isinstance(exception, DisallowedHost):
        detail = "The site does not know this host name. Its operator may add it to ALLOWED_HOSTS."
    return Refused(400, "bad_request", detail).response()


def find(owners: models.QuerySet[_Owner], column: str, token: str, request: HttpRequest) -> _Owner:
    """The owner of the secret part of an address. Raises Refused (404, or 429 for a client that guesses).

    Calls with a known token are never limited by the client's address, because behind a proxy all clients share one.
    """
    owner = owners.filter(**{f"{column}_digest": token_digest(token)}).first()
    # The row was found by the digest; whether the token is the same is compared in constant time.
    if owner is None or not hmac.compare_digest(getattr(owner, column).encode(), token.encode()):
        raise _unknown(request)
    return owner


def _unknown(request: HttpRequest) -> Refused:
    client = client_key_of(request)
    seconds = rate_limits.wait(rate_limits.GUESSES, client)
    if seconds is not None:
        return Refused(429, "too_many_requests", "Too many unknown addresses were tried.", retry_after=seconds)
    return Refused(404, "unknown_address", "There is nothing here. Copy the whole address from the admin; it ends in /")


def limit(most: RateLimitItem, who: str) -> None:
    """Count a call of `who`. Raises Refused (429) when there were too many."""
    seconds = rate_limits.wait(most, who)
    if seconds is not None:
        raise Refused(429, "too_many_requests", f"Too many requests. Wait {seconds} s.", retry_after=seconds)


def read_body(request: HttpRequest, most: int, types: Collection[str]) -> bytes:
    """The body, decompressed, of at most `most` bytes before and after. Raises Refused (400, 411, 413, 415).

    `types`: the accepted media types; "" accepts a body without one. An empty body may have any type: `curl -d ''`
    calls it a form. The body is read here and not by `request.body`, which limits forms but not compressed bodies.
    """
    length = _length(request)
    if length == 0:
        return b""
    if (request.content_type or "") not in types:
        accepted = ", ".join(sorted(filter(None, types)))
        raise Refused(415, "unsupported_media_type", f"Send the raw body with one of these Content-Types: {accepted}.")
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise Refused(415, "unsupported_encoding", "Send the body as it is or with Content-Encoding: gzip.")
    if length is not None and length > most:
        raise _too_large(most)
    body = _read(request, length, most)
    return _gunzip(body, most) if encoding.endswith("gzip") and body else body


def _length(request: HttpRequest) -> int | None:
    """The announced length; `None` when the body comes in chunks."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced:
        if not (announced.isascii() and announced.isdigit()):
            raise Refused(400, "bad_length", "Content-Length is not a number.")
        return int(announced[:18])  # a number with more digits is refused in any case
    if "chunked" not in request.headers.get("Transfer-Encoding", "").lower():
        return 0
    if not request.META.get("wsgi.input_terminated"):
        # Django would read an empty body, and an empty body means something else.
        raise Refused(411, "length_required", "Send a Content-Length; this server cannot read chunks.")
    return None


def _read(request: HttpRequest, length: int | None, most: int) -> bytes:
    """Our web server has all of it before a thread begins (`config.web.receiving`); with another one it still comes."""
    source = _source(request)
    body = bytearray()
    try:
        while chunk := source.read(min(_CHUNK, most + 1 - len(body))):
            body += chunk
            if len(body) > most:
                raise _too_large(most)
    except Refused:
        raise
    except (UnreadablePostError, OSError):
        raise _broken_off() from None
    except Exception:  # noqa: BLE001 - each web server has classes of its own for chunks that it cannot read
        detail = "The chunks of the body are malformed (RFC 9112, 7.1)."
        raise Refused(400, "bad_chunks", detail) from None
    if length is not None and len(body) < length:
        raise _broken_off()
    return bytes(body)


def _source(request: HttpRequest) -> Any:
    """What to read from. Django reads nothing without a length, but some servers mark the end of the input."""
    endless = not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated")
    return request.META["wsgi.input"] if endless else request


def _gunzip(body: bytes, most: int) -> bytes:
    unpacker = Unpacker("gzip")
    found = unpacker.feed(body, most + 1)
    if len(found) > most:
        raise _too_large(most)
    if unpacker.broken or not unpacker.at_end:
        raise Refused(400, "bad_gzip", "Content-Encoding says gzip, but the body is not one whole gzip stream.")
    return found


def _too_large(most: int) -> Refused:
    return Refused(413, "too_large", f"The body is larger than {most // 1024} KiB.")


def _broken_off() -> Refused:
    return Refused(400, "cut_short", "The body ended before its announced end. Send it again.")
