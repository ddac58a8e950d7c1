"""The way to the provider and back."""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from config.people import throttle
from config.people.provider import people, tokens, wire
from config.people.provider.people import NotHere
from config.people.provider.tokens import Expected, RefusedToken, UnknownKey, Visitor
from config.people.provider.wire import ProviderError
from config.people.throttle import Wait
from config.people.views import Proof, let_in
from config.people.words import too_many
from rentals.inbound.client import address_of
from rentals.inbound.rate_limits import client_key
from rentals.phrases import mark

logger = logging.getLogger(__name__)

_UNDER_WAY: Final = "with_provider"
#: Seconds between leaving for the provider and coming back.
_LONGEST: Final = 600
#: Logins that ask the provider at one moment, of the eight threads of a process.
_ROOM: Final = threading.BoundedSemaphore(2)
_COME_BACK: Final = 5
_NOT_ASKED: Final = mark(
    "The provider let you through without asking again who you are, or does not say when it did. Ask its administrator "
    "to follow prompt=login and to send auth_time."
)


@never_cache
@require_safe
def leave(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider. By GET: a form that posts may not be led to another site by browsers."""
    _only_if_set()
    try:
        with _room(request):
            found = wire.provider()
    except Wait as refused:
        return _wait(request, refused.seconds)
    except ProviderError as error:
        return _provider_fails(request, error)
    wanted, verifier = request.GET.get("next", ""), secrets.token_urlsafe(48)
    kept = {
        "state": secrets.token_urlsafe(24),
        "nonce": secrets.token_urlsafe(24),
        "verifier": verifier,
        "next": wanted if _is_here(request, wanted) else "",
        "at": time.time(),
        "again": "again" in request.GET,
    }
    request.session[_UNDER_WAY] = kept
    asked = {
        "response_type": "code",
        "client_id": settings.OIDC_CLIENT_ID,
        "redirect_uri": _back(request),
        "scope": settings.OIDC_SCOPES,
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
        # OpenID Connect Core 1.0, 3.1.2.1: ask the person again, and say in the token when that was.
        **({"prompt": "login", "max_age": "0"} if kept["again"] else {}),
    }
    joint = "&" if "?" in found.authorization else "?"
    return redirect(f"{found.authorization}{joint}{urlencode(asked)}")


@never_cache
@require_safe
@sensitive_variables()
def come_back(request: HttpRequest) -> HttpResponse:
    """The browser comes back with a code, or with the provider's refusal. What was kept for this counts once."""
    _only_if_set()
    kept: dict[str, Any] = request.session.pop(_UNDER_WAY, None) or {}
    fresh = bool(kept) and 0 <= time.time() - kept["at"] < _LONGEST
    if not fresh or not constant_time_compare(request.GET.get("state", ""), kept["state"]):
        return _back_to_login(request, _("This login was not begun here, or took too long. Begin again."))
    if request.GET.get("error"):
        return _back_to_login(request, _("The provider did not let you in."))
    try:
        with _room(request):
            visitor = _visitor(request, kept)
            user = people.person_of(visitor)
    except Wait as refused:
        return _wait(request, refused.seconds)
    except ProviderError as error:
        return _provider_fails(request, error)
    except RefusedToken as error:
        throttle.failed_elsewhere(address_of(request), str(error), timezone.now())
        return _back_to_login(request, _("What the provider says about you cannot be believed. Begin again."))
    except NotHere as refused:
        throttle.failed_elsewhere(address_of(request), "nobody of ours", timezone.now())
        return _back_to_login(request, str(refused))
    if kept.get("again") and visitor.asked_at < kept["at"] - tokens.LEEWAY:
        logger.warning("provider_did_not_ask_again", extra={"cause": "old" if visitor.asked_at else "no auth_time"})
        messages.warning(request, _(_NOT_ASKED))
    proof = Proof(visitor.asked_at, visitor.took_second_step, by_provider=True)
    return let_in(request, user, kept["next"] or reverse("home"), proof)


@contextmanager
def _room(request: HttpRequest) -> Iterator[None]:
    """Whatever may ask the provider, which may not answer, happens within this. Raises Wait."""
    throttle.limit(throttle.PROVIDER, client_key(address_of(request)))
    if not _ROOM.acquire(blocking=False):
        raise Wait(_COME_BACK)
    try:
        yield
    finally:
        _ROOM.release()


@sensitive_variables()
def _visitor(request: HttpRequest, kept: Mapping[str, Any]) -> Visitor:
    found = wire.provider()
    if request.GET.get("iss", found.issuer) != found.issuer:  # RFC 9207: the answer of another provider
        raise RefusedToken("The answer comes from another provider (iss).")
    token = wire.id_token(found, request.GET.get("code", ""), kept["verifier"], _back(request))
    expected = Expected(found.issuer, settings.OIDC_CLIENT_ID, kept["nonce"], settings.OIDC_GROUPS_CLAIM)
    try:
        return tokens.read(token, wire.keys(), expected, timezone.now())
    except UnknownKey:
        return tokens.read(token, wire.keys(fresh=True), expected, timezone.now())


def _only_if_set() -> None:
    if not settings.OIDC_ISSUER:
        raise Http404


def _back(request: HttpRequest) -> str:
    path = reverse("provider-back")
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


def _challenge(verifier: str) -> str:
    """RFC 7636: whoever steals the code cannot use it without the verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def _is_here(request: HttpRequest, wanted: str) -> bool:
    return url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())


def _provider_fails(request: HttpRequest, error: ProviderError) -> HttpResponse:
    logger.warning("provider_fails", extra={"cause": str(error)})
    return _back_to_login(request, _("The provider cannot be asked at this moment. Try again, or use your password."))


def _wait(request: HttpRequest, seconds: int) -> HttpResponse:
    return _back_to_login(request, too_many(seconds), seconds)


def _back_to_login(request: HttpRequest, text: str, wait: int | None = None) -> HttpResponse:
    messages.error(request, text)
    response = redirect("admin:login")
    if wait is not None:
        response["Retry-After"] = str(wait)
    return response
