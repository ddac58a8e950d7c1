"""`/metrics`, for Prometheus: with a token, or from this machine alone."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from pins.measures import exposition, figures

#: A proxy adds one of these, so the address of the connection is the proxy's and says nothing about who asks.
_PROXIED: Final = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")
_SET_IT: Final = (
    "Without METRICS_TOKEN only this machine itself may ask, and not through a proxy. "
    "Set METRICS_TOKEN and send it as “Authorization: Bearer …”.\n"
)
_SEND_IT: Final = "Send METRICS_TOKEN as “Authorization: Bearer …”.\n"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of this moment, or 403 and what to do about it."""
    token = settings.METRICS_TOKEN
    allowed = _carries(request, token) if token else is_local(request)
    if not allowed:
        words = _SEND_IT if token else _SET_IT
        return HttpResponse(words, status=403, content_type="text/plain; charset=utf-8")
    body, content_type = exposition.expose(figures.read(timezone.now()), request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)


def _carries(request: HttpRequest, token: str) -> bool:
    """Whether the request carries the token. The time that this takes says nothing about how much of it was right."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return same and scheme.lower() == "bearer"


def is_local(request: HttpRequest) -> bool:
    """Whether a program of this machine asks for this machine by its own name, without a proxy in between.

    A proxy on this machine that adds no header and passes another host's name on is recognised by that name. One that
    does neither cannot be told from a local program: docs/operations.md says to set a token behind a proxy.
    """
    if any(name in request.headers for name in _PROXIED):
        return False
    host = split_domain_port(request.META.get("HTTP_HOST", ""))[0]
    return _is_loopback(request.META.get("REMOTE_ADDR", "")) and (host == "localhost" or _is_loopback(host))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False
