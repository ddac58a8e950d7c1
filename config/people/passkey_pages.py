"""The page on which a person makes and removes passkeys, and the way in with one."""

from __future__ import annotations

import json
import logging
import time
from typing import Any, Final, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.people import bound, passkeys, throttle
from config.people.models import Passkey
from config.people.passkeys import RefusedPasskey, Site
from config.people.sessions import BY_PROVIDER
from config.people.throttle import Wait
from config.people.views import Proof, is_fresh, let_in
from config.people.words import too_many
from rentals.inbound.client import address_of
from rentals.inbound.rate_limits import client_key
from rentals.phrases import mark
from rentals.plain_text import one_line

logger = logging.getLogger(__name__)

_MAKING, _ENTERING = "passkey_making", "passkey_entering"
#: Seconds for unlocking a device.
_LONGEST: Final = 300
_LONGEST_ANSWER: Final = 20_000
_LONGEST_NAME: Final = 60


@never_cache
@staff_member_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": _("Passkeys"),
        "passkeys": Passkey.objects.filter(user=cast("User", request.user)).order_by("added_at", "pk"),
        "may_add": is_fresh(request),
        "bound": bound.told() if bound.is_bound(request.user.pk or 0) else "",
        "by_provider": settings.OIDC_NAME if request.session.get(BY_PROVIDER) else "",
        "longest_name": _LONGEST_NAME,
    }
    return TemplateResponse(request, "people/passkeys.html", context)


@never_cache
@staff_member_required
@require_POST
def begin_making(request: HttpRequest) -> HttpResponse:
    """A session that somebody found open must not become a way in for ever: only soon after logging in."""
    user = cast("User", request.user)
    if not is_fresh(request):
        return JsonResponse({"error": _("Prove again who you are: load this page anew.")}, status=403)
    if bound.is_bound(user.pk):
        return JsonResponse({"error": bound.told()}, status=403)
    asked, state = passkeys.begin_making(_site(request), user)
    request.session[_MAKING] = {"state": state, "at": time.time()}
    return JsonResponse(asked)


@never_cache
@staff_member_required
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    user, state = cast("User", request.user), _kept(request, _MAKING)
    answer = _answer(request)
    name = one_line(request.POST.get("name", ""), _LONGEST_NAME).strip() or _("Passkey")
    if state is None or answer is None or not is_fresh(request):
        messages.error(request, _("That took too long. Log out and in again, and try once more."))
        return redirect("passkeys")
    try:
        passkeys.make(_site(request), state, answer, user, name, timezone.now())
    except RefusedPasskey as refused:
        logger.warning("passkey_refused", extra={"cause": str(refused), "user_id": user.pk})
        messages.error(request, _("The passkey could not be added. Try again, or with another device."))
        return redirect("passkeys")
    _log(user, mark("Added a passkey."))
    messages.success(request, _("“{name}” is added. You can log in with it from now on.").format(name=name))
    return redirect("passkeys")


@never_cache
@staff_member_required
@require_POST
def remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    user = cast("User", request.user)
    if Passkey.objects.filter(user=user, pk=passkey_id).delete()[0]:
        _log(user, mark("Removed a passkey."))
        messages.success(request, _("The passkey is removed: it lets nobody in any more."))
    return redirect("passkeys")


@never_cache
@require_POST
def begin_entering(request: HttpRequest) -> HttpResponse:
    try:
        throttle.limit(throttle.PASSKEY, client_key(address_of(request)))
    except Wait as refused:
        return JsonResponse({"error": too_many(refused.seconds)}, status=429)
    asked, state = passkeys.begin_entering(_site(request))
    request.session[_ENTERING] = {"state": state, "at": time.time()}
    return JsonResponse(asked)


@never_cache
@require_POST
def enter(request: HttpRequest) -> HttpResponse:
    """What was asked counts once, so that an answer that somebody overheard is worth nothing."""
    state, answer = _kept(request, _ENTERING), _answer(request)
    if state is None or answer is None:
        messages.error(request, _("That took too long. Try again."))
        return redirect("admin:login")
    try:
        throttle.limit(throttle.PASSKEY, client_key(address_of(request)))
        user = passkeys.owner(_site(request), state, answer, timezone.now())
    except Wait as refused:
        messages.error(request, too_many(refused.seconds))
        return redirect("admin:login")
    except RefusedPasskey as refused:
        throttle.failed_elsewhere(address_of(request), str(refused), timezone.now())
        messages.error(request, _("This passkey lets nobody in here. Use your password, or another passkey."))
        return redirect("admin:login")
    if bound.is_bound(user.pk):
        messages.error(request, bound.told())
        return redirect("admin:login")
    wanted = request.POST.get("next", "")
    is_here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return let_in(request, user, wanted if is_here else reverse("home"), Proof(time.time(), strong=True))


def _site(request: HttpRequest) -> Site:
    origin = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    parts = urlsplit(origin)
    return Site(parts.hostname or "", f"{parts.scheme}://{parts.netloc}")


def _kept(request: HttpRequest, name: str) -> dict[str, Any] | None:
    kept: dict[str, Any] = request.session.pop(name, None) or {}
    return kept["state"] if kept and 0 <= time.time() - kept["at"] < _LONGEST else None


def _answer(request: HttpRequest) -> dict[str, Any] | None:
    """What the browser's script put into the form."""
    text = request.POST.get("answer", "")
    try:
        said = json.loads(text) if len(text) <= _LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else None


def _log(user: User, text: str) -> None:
    LogEntry.objects.log_actions(user.pk, [user], CHANGE, text, single_object=True)
