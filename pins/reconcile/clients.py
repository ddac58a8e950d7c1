"""Tedee clients for accounts, kept open between runs so that a request does not begin with a TLS handshake."""

from __future__ import annotations

import threading

from django.conf import settings

from pins.reconcile.leases import REQUEST_DEADLINE
from pins.reconcile.tokens import auth_for
from pins.tedee.auth import Auth
from pins.tedee.client import TedeeClient
from rentals.models import LockAccount

_lock = threading.Lock()
_clients: dict[tuple[str, str, int | None], tuple[Auth, TedeeClient]] = {}


def client_for(account: LockAccount) -> TedeeClient:
    """The client of an account; a new one when its key changed, or its token was renewed, which may be done here. Safe
    to share between threads. Raises `TokenNotReady`."""
    auth = auth_for(account)
    place = (settings.TEDEE_API_URL, settings.TEDEE_CONTENT_TYPE, account.pk)
    with _lock:
        kept = _clients.get(place)
        if kept is not None and kept[0] == auth:
            return kept[1]
        # The old client is not closed: another thread may be in the middle of a request with it.
        client = TedeeClient(
            settings.TEDEE_API_URL,
            auth,
            total_deadline=REQUEST_DEADLINE,
            content_type=settings.TEDEE_CONTENT_TYPE,
        )
        _clients[place] = (auth, client)
        return client
