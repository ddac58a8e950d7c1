"""The address of the client of a request: one answer for records, logs and limits."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from rentals.inbound.addresses import client_address
from rentals.inbound.rate_limits import client_key


def address_of(request: HttpRequest) -> str:
    """The client's address, believed as far as `TRUSTED_PROXIES` goes; "" where there is none (a local socket)."""
    meta = request.META
    return client_address(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXIES)


def client_key_of(request: HttpRequest) -> str:
    """The key under which calls of this client are counted."""
    return client_key(address_of(request))
