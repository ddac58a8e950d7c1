"""A session ends after hours without a person (`SESSION_IDLE_HOURS`).

A board that stands open refreshes itself every few seconds; that is no person, and must not keep the session alive.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

_SEEN: Final = "seen"
#: Seconds. Not each page writes the session: so long it may end too early.
_GRAIN: Final = 300


def idle_sessions(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The middleware. Django ends a session so long after it was last written; this writes it while a person works."""

    def respond(request: HttpRequest) -> HttpResponse:
        if not _by_itself(request) and "_auth_user_id" in request.session:
            now = int(time.time())
            if now - request.session.get(_SEEN, 0) >= _GRAIN:
                request.session[_SEEN] = now
        return get_response(request)

    return respond


def _by_itself(request: HttpRequest) -> bool:
    """Whether the page asked, rather than a person: htmx for the part that it refreshes."""
    is_part = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
    return is_part and request.method == "GET"
