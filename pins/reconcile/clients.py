"""Tedee clients for accounts, kept open between runs so that a request does not begin with a TLS handshake."""

from __future__ import annotations

import threading

from django.conf import settings

from pins.reconcile.leases import REQUEST_DEADLINE
from pins.tedee.auth import for_kind
from pins.tedee.client import TedeeClient
from rentals.models import LockAccount

_lock = threading.Lock()
_clients: dict[tuple[str, str, int | None], tuple[str, str, TedeeClient]] = {}


def client_for(account: LockAccount) -> TedeeClient:
    """The client of an account; a new one when its key changed. Safe to share between threads."""
    place = (settings.TEDEE_API_URL, settings.TEDEE_CONTENT_TYPE, account.pk)
    with _lock:
        kept = _clients.get(place)
        if kept is not None and kept[:2] == (account.kind, account.secret):
            return kept[2]
        # The old client is not closed: another thread may be in the middle of a request with it.
        client = TedeeClient(
            settings.TEDEE_API_URL,
            for_kind(account.kind, account.secret),
            total_deadline=REQUEST_DEADLINE,
            content_type=settings.TEDEE_CONTENT_TYPE,
        )
        _clients[place] = (account.kind, account.secret, client)
        return client
