"""A session ends after hours without a person (`SESSION_IDLE_HOURS`), and may ask for a second step. One that began
through the provider ends after `OIDC_SESSION_HOURS` in any case: then the provider is asked again.

A board that stands open refreshes itself every few seconds; that is no person, and must not keep the session alive.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

#: In the session of a person who took the second step, or has just switched it on.
TOOK_SECOND_STEP: Final = "took_second_step"
#: When the provider let this person in (seconds since 1970); empty for a session that began otherwise.
BY_PROVIDER: Final = "by_provider_at"
_SEEN: Final = "seen"
#: Seconds. Not each page writes the session: so long it may end too early.
_GRAIN: Final = 300
_MOST_FORGOTTEN: Final = 1000


def idle_sessions(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """The middleware. Django ends a session so long after it was last written; this writes it while a person works."""

    def respond(request: HttpRequest) -> HttpResponse:
        if "_auth_user_id" in request.session:
            now = int(time.time())
            is_due = not _by_itself(request) and now - request.session.get(_SEEN, 0) >= _GRAIN
            if _is_over(request, now, is_due=is_due):
                logout(request)
                return get_response(request)  # the page sends them to log in, and back
            if is_due:
                request.session[_SEEN] = now
            if settings.SECOND_STEP_REQUIRED and not request.session.get(TOOK_SECOND_STEP) and _is_guarded(request):
                return redirect("second-step")
        return get_response(request)

    return respond


def _is_over(request: HttpRequest, now: int, *, is_due: bool) -> bool:
    """`is_due`: to ask the database, too. A person who is bound to the provider since then has no session past it."""
    entered = request.session.get(BY_PROVIDER)
    if entered is not None:
        return bool(now - entered >= settings.OIDC_SESSION_HOURS * 3600)
    if not is_due or not settings.OIDC_ISSUER:
        return False
    from config.people.bound import is_bound  # the settings name this module before the models are there

    return is_bound(int(request.session["_auth_user_id"]))


def forget_ended(now: datetime) -> int:
    """Delete sessions that are over: each visit to the login page may leave one. Returns how many; the rest comes with
    the next call."""
    from django.contrib.sessions.models import Session  # the settings name this module before the models are there

    ended = Session.objects.filter(expire_date__lt=now).order_by("expire_date")  # as the index has them
    return Session.objects.filter(pk__in=list(ended.values_list("pk", flat=True)[:_MOST_FORGOTTEN])).delete()[0]


def _by_itself(request: HttpRequest) -> bool:
    """Whether the page asked, rather than a person: htmx for the part that it refreshes."""
    is_part = request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
    return is_part and request.method == "GET"


def _is_guarded(request: HttpRequest) -> bool:
    """Whether the page is more than the way to the second step, or out."""
    open_to_all = ["second-step", "second-step-code", "language", "admin:login", "admin:logout", "admin:jsi18n"]
    open_to_all += ["provider", "provider-back"] if settings.OIDC_ISSUER else []
    return request.path_info not in [reverse(name) for name in open_to_all]
