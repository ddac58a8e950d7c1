"""`/g/<token>/`: the page of one stay, for whoever has its secret link.

A GET never discloses a code: previews and link scanners fetch every address that they find in a message. The code is in
the answer to a POST, after its disclosure was written down. The link itself authorises a POST, not a browser's session,
so a check for forged requests would add nothing, and would ask for a cookie.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe
from limits import RateLimitItem, RateLimitItemPerMinute

from pins.desired import disclosure
from pins.guests import help as asking
from pins.guests import leaving, links, page, reading, showing, words
from pins.guests.reading import GuestStay
from pins.guests.showing import DoorCode
from pins.guests.status import is_open
from pins.models import GuestPicture
from rentals.inbound import rate_limits
from rentals.inbound.client import address_of, client_key_of
from rentals.inbound.secret_pages import kept_private

#: Calls of one page.
LOOKS: Final = RateLimitItemPerMinute(60, namespace="guest-look")
#: Codes shown, calls for help, and check-outs, of one page.
SHOWN: Final = RateLimitItemPerMinute(20, 10, namespace="guest-code")
HELPS: Final = RateLimitItemPerMinute(10, 10, namespace="guest-help")

_TOKEN_AT_MOST: Final = 200
#: What a view gets: the request, its stay, the language, the moment.
_View: TypeAlias = Callable[..., HttpResponse]


def _guests(limit: RateLimitItem) -> Callable[[_View], _View]:
    """Find the stay of the link, count the call, and answer in the guest's language and with the headers of a secret
    page; alike for a link that never existed, was replaced or has ended."""

    def wrap(view: _View) -> _View:
        @csrf_exempt
        @functools.wraps(view)
        def answer(request: HttpRequest, token: str, **kwargs: Any) -> HttpResponse:
            now = timezone.now()
            stay = _stay_of(token, now)
            wished = request.GET.get("lang", "")
            theirs = stay.booking.guest_language if stay is not None else ""
            language = words.language_of(wished, theirs, browser=request.headers.get("Accept-Language", ""))
            with words.speaking(language):
                if stay is None:
                    seconds = rate_limits.wait(rate_limits.GUESSES, client_key_of(request))
                    response = _refusal(request, language, seconds)
                elif (seconds := rate_limits.wait(limit, f"page:{stay.page.pk}")) is not None:
                    response = _refusal(request, language, seconds)
                else:
                    response = view(request, stay, language, now, token=token, **kwargs)
            response["Content-Language"] = language
            return kept_private(response)

        return answer

    return wrap


def _stay_of(token: str, now: datetime) -> GuestStay | None:
    found = links.find(token) if len(token) <= _TOKEN_AT_MOST else None
    stay = reading.read(found, now) if found is not None else None
    if stay is None or not is_open(stay.booking.check_out, timedelta(hours=stay.guide.grace_hours), now):
        return None
    return stay


def _refusal(request: HttpRequest, language: str, seconds: int | None) -> HttpResponse:
    title, text = words.missing_page() if seconds is None else words.too_often()
    context = {"language": language, "title": title, "text": text}
    response = render(request, "pins/guests/nothing.html", context, status=404 if seconds is None else 429)
    if seconds is not None:
        response["Retry-After"] = str(seconds)
    return response


def _page(request: HttpRequest, stay: GuestStay, language: str, now: datetime, token: str, **more: Any) -> HttpResponse:
    context = page.context(stay, language, now)
    return render(request, "pins/guests/page.html", {**context, "token": token, **more})


@require_safe
@_guests(LOOKS)
def guest_page(request: HttpRequest, stay: GuestStay, language: str, now: datetime, *, token: str) -> HttpResponse:
    """The page, without the code."""
    return _page(request, stay, language, now, token, thanks="in" in request.GET)


@require_POST
@_guests(SHOWN)
@sensitive_variables()
def guest_code(request: HttpRequest, stay: GuestStay, language: str, now: datetime, *, token: str) -> HttpResponse:
    """The page with the code, where every lock confirmed it; else the page, which says how things stand."""
    try:
        codes = showing.show(stay, now, address=address_of(request))
    except disclosure.CodeNotShownError:
        return _page(request, stay, language, now, token, refusal=words.not_shown())
    return _page(request, stay, language, now, token, codes=_shown(codes))


@sensitive_variables()
def _shown(codes: Iterable[DoorCode]) -> list[tuple[str, str]]:
    """Each code, and for which doors it is, in the language that is active."""
    return [(one.code, words.code_for(one.doors)) for one in codes]


@require_POST
@_guests(HELPS)
@sensitive_variables()
def guest_help(request: HttpRequest, stay: GuestStay, language: str, now: datetime, *, token: str) -> HttpResponse:
    """“I cannot get in”: what was found, what to try, that the host was told, and perhaps a spare code."""
    diagnosis = asking.ask(stay, now)
    given = asking.spares_for(stay, diagnosis, now, address=address_of(request))
    said = [words.finding(one.finding, one.doors) for one in diagnosis.found]
    context = page.context(stay, language, now)
    codes = _shown(showing.spare_codes(given))
    more = {"token": token, "found": said, "tries": words.what_to_try(), "codes": codes}
    return render(request, "pins/guests/help.html", {**context, **more})


@require_POST
@_guests(HELPS)
def guest_is_in(request: HttpRequest, stay: GuestStay, language: str, now: datetime, *, token: str) -> HttpResponse:
    """The guest got in: what the host was told is over."""
    asking.is_in(stay.booking.pk, now)
    return HttpResponseRedirect(f"{reverse('guest-page', args=[token])}?lang={language}&in")


@require_POST
@_guests(HELPS)
def guest_leave(request: HttpRequest, stay: GuestStay, language: str, now: datetime, *, token: str) -> HttpResponse:
    """“I have left”: the stay ends now. The page then says so, also where it had ended or was changed meanwhile."""
    leaving.leave(stay, request.POST.get("seen", ""), now)
    return HttpResponseRedirect(f"{reverse('guest-page', args=[token])}?lang={language}")


@require_safe
@_guests(LOOKS)
def guest_picture(
    request: HttpRequest, stay: GuestStay, language: str, now: datetime, *, token: str, picture_id: int
) -> HttpResponse:
    """One picture of the guide."""
    picture = GuestPicture.objects.filter(guide=stay.guide, pk=picture_id).first()
    if picture is None:
        return _refusal(request, language, None)
    return HttpResponse(bytes(picture.data), content_type=picture.content_type)
