"""Before Django: how many requests to log in one process works on at a moment.

A storm of wrong passwords is refused here, in a fraction of a millisecond, before a page is made for it: else the pages
that say no would take all threads, and the health check would wait behind them. Browsers from which somebody logged in
before (`config.people.devices`) have places of their own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from django.conf import settings
from django.http import parse_cookie

from config.people import devices
from rentals.inbound.addresses import client_address
from rentals.inbound.rate_limits import client_key

PATHS: Final = frozenset({"/admin/login/", "/admin/login/code/"})
#: At one moment, of the eight threads of a process.
STRANGERS: Final = 2
KNOWN: Final = 2
#: Seconds for which an address gets no further page after a limit refused it: so it cannot keep the places busy.
_REST: Final = 1.0
_MOST_RESTING: Final = 10_000
_COME_BACK: Final = 5
_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Turnkey</title>"
    "<h1>Too many people log in at this moment</h1>"
    f"<p>This try was not looked at. Wait {_COME_BACK} seconds, then go back and try again.</p>"
).encode()

_Start = Callable[..., Any]
_Application = Callable[[dict[str, Any], _Start], Iterable[bytes]]


class LoginGate:
    """A WSGI application in front of another one."""

    def __init__(self, application: _Application) -> None:
        self._application = application
        self._places = {False: threading.BoundedSemaphore(STRANGERS), True: threading.BoundedSemaphore(KNOWN)}
        self._resting: dict[str, float] = {}  # client -> until when, by the monotonic clock

    def __call__(self, environ: dict[str, Any], start_response: _Start) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") != "POST" or environ.get("PATH_INFO") not in PATHS:
            return self._application(environ, start_response)
        is_known = devices.is_ours(parse_cookie(environ.get("HTTP_COOKIE", "")).get(devices.COOKIE, ""))
        client = client_key(
            client_address(
                environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), settings.TRUSTED_PROXIES
            )
        )
        if not is_known and time.monotonic() < self._resting.get(client, 0.0):
            return _refuse(start_response)
        places = self._places[is_known]
        if not places.acquire(blocking=False):
            return _refuse(start_response)
        try:
            return self._pass_on(environ, start_response, client)
        finally:
            places.release()

    def _pass_on(self, environ: dict[str, Any], start_response: _Start, client: str) -> Iterable[bytes]:
        def noting(status: str, headers: Any, *more: Any) -> Any:
            if status.startswith("429"):
                if len(self._resting) >= _MOST_RESTING:
                    self._resting.clear()
                self._resting[client] = time.monotonic() + _REST
            return start_response(status, headers, *more)

        return self._application(environ, noting)


def _refuse(start_response: _Start) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(_PAGE))),
        ("Retry-After", str(_COME_BACK)),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'"),
        ("Connection", "close"),  # the body was not read
    ]
    start_response("429 Too Many Requests", headers)
    return [_PAGE]
