"""The pages below `/work/<token>/`. The token is found by its digest; a code is shown after a POST alone, so that no
preview and no scanner of links sees one, and each time is written down first. In the language of the browser."""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe
from limits import RateLimitItemPerMinute

from pins.desired import disclosure
from pins.models import AccessGrant, FlatReady, Pin, StaffAccess
from pins.status.pins import is_confirmed
from pins.status.staff import part_words
from pins.work.visits import work_of
from rentals import languages
from rentals.fields import behind
from rentals.inbound import rate_limits
from rentals.inbound.client import address_of, client_key_of
from rentals.inbound.secret_pages import kept_private
from rentals.models import Property
from rentals.models.tokens import token_digest

#: How often one person may look at their code within ten minutes.
SHOWS: Final = RateLimitItemPerMinute(10, 10, namespace="work-code")


def _spoken(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answers in the language of the browser."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        language = languages.of_browser(request.headers.get("Accept-Language", ""))
        with languages.speaking(language):
            response = view(request, *args, **kwargs)
        response["Content-Language"] = language
        return response

    return answer


@sensitive_variables("token")
@require_safe
@_spoken
def page(request: HttpRequest, token: str) -> HttpResponse:
    access = _find(token, request)
    return _page(request, access, token) if access is not None else _nothing(request)


@csrf_exempt  # the secret in the address authorises the call, not a browser's session
@require_POST
@_spoken
@sensitive_variables()
def code(request: HttpRequest, token: str) -> HttpResponse:
    """The page with the code, once."""
    access = _find(token, request)
    if access is None:
        return _nothing(request)
    if (seconds := rate_limits.wait(SHOWS, f"staff:{access.pk}", strict=True)) is not None:
        answer = _page(request, access, token, status=429, refusal=_("You looked often. Wait some minutes."))
        answer["Retry-After"] = str(seconds)
        return answer
    shown = list(_shown(access, timezone.now(), address_of(request)))
    return _page(request, access, token, shown=shown, refusal="" if shown else _("You have no code at present."))


@csrf_exempt  # the secret in the address authorises the call, not a browser's session
@require_POST
@_spoken
@sensitive_variables("token")
def done(request: HttpRequest, token: str, property_id: int) -> HttpResponse:
    """The flat is ready: the board says so."""
    access = _find(token, request)
    if access is None:
        return _nothing(request)
    home = Property.objects.filter(pk=property_id, staff=access, is_active=True).first()
    if home is None:
        raise Http404
    FlatReady.objects.update_or_create(property=home, defaults={"said_by": access.name, "at": timezone.now()})
    return kept_private(HttpResponseRedirect(reverse("work", args=[token])))


@sensitive_variables()
def _shown(access: StaffAccess, now: datetime, address: str) -> Iterator[tuple[str, str]]:
    living = AccessGrant.objects.filter(staff=access, wanted=True, ends_at__gt=now).select_related("place")
    for grant in living.defer(*AccessGrant.SECRETS).order_by("starts_at", "pk"):
        pins = Pin.objects.filter(grant=grant, wanted=True).select_related("grant", "lock")
        if not all(is_confirmed(pin, now) for pin in pins.defer(*Pin.SECRETS, *behind("grant", AccessGrant.SECRETS))):
            yield part_words(grant), _not_now()
            continue
        try:
            value = disclosure.reveal_to_holder(grant.pk, now, name=f"{access.name}, own page", address=address)
        except disclosure.CodeChangingError:
            yield part_words(grant), _not_now()
        except disclosure.CodeNotShownError:
            continue
        else:
            yield part_words(grant), value


def _not_now() -> str:
    """What stands in the place of a code."""
    return _("Not every door has the new code yet. Look again in a few minutes.")


@sensitive_variables("token")
def _find(token: str, request: HttpRequest) -> StaffAccess | None:
    """The active access of a link. Digests are compared, in constant time."""
    digest = token_digest(token)
    for access in StaffAccess.objects.filter(link_digest=digest, is_active=True).defer(*StaffAccess.SECRETS):
        if hmac.compare_digest(access.link_digest, digest):
            return access
    return None


def _nothing(request: HttpRequest) -> HttpResponse:
    """Alike for a link that never existed and one that ended; who tries many is told to wait."""
    seconds = rate_limits.wait(rate_limits.GUESSES, client_key_of(request), strict=True)
    content = render_to_string("pins/work/nothing.html", {}, request)
    answer = HttpResponse(content, status=404 if seconds is None else 429)
    if seconds is not None:
        answer["Retry-After"] = str(seconds)
    return kept_private(answer)


@sensitive_variables()
def _page(
    request: HttpRequest,
    access: StaffAccess,
    token: str,
    *,
    status: int = 200,
    shown: list[tuple[str, str]] | None = None,
    refusal: str = "",
) -> HttpResponse:
    found = {value for _title, value in shown or ()}
    values = found - {_not_now()}
    context: dict[str, Any] = {
        "access": access,
        "token": token,
        "work": work_of(access, timezone.now()),
        "shown": shown or [],
        "same": values.pop() if len(found) == 1 and values else "",
        "refusal": refusal,
    }
    return kept_private(HttpResponse(render_to_string("pins/work/page.html", context, request), status=status))
