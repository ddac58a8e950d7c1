"""`GET /calendars/<token>.ics`: the stays of one property, for anybody who has the secret link."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from rentals.models import Booking, PublishedCalendar
from rentals.models.tokens import token_digest
from rentals.published import render
from rentals.published.render import PublishedStay
from rentals.published.turnovers import Stay

PAST = timedelta(days=30)
AHEAD = timedelta(days=730)


@csrf_exempt  # nothing is changed here, so another method gets 405 and no question for a token
@require_safe
def published_calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar; 304 for a reader that has it already; 404 alike for a link that never existed or was revoked."""
    calendar = find(token)
    if calendar is None:
        return _private(HttpResponse("There is no calendar here.\n", content_type="text/plain", status=404))
    now = timezone.now()
    listed = render.entries(
        stays_of(calendar, now), calendar.property.zone, since=now - PAST, with_turnovers=calendar.shows_turnovers
    )
    name = calendar.property.name
    tag = render.etag(name, listed)
    response = get_conditional_response(request, etag=tag)
    if response is None:
        response = HttpResponse(render.render(name, listed, now), content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = 'inline; filename="turnkey.ics"'
    response["ETag"] = tag
    return _private(response)


def find(token: str) -> PublishedCalendar | None:
    """The active calendar of a link. The stored token is not read: digests are compared, in constant time."""
    digest = token_digest(token)
    rows = PublishedCalendar.objects.select_related("property").defer("token")
    for calendar in rows.filter(token_digest=digest, is_active=True):
        if hmac.compare_digest(calendar.token_digest, digest):
            return calendar
    return None


def stays_of(calendar: PublishedCalendar, now: datetime) -> list[PublishedStay]:
    """The property's stays from 30 days ago to two years ahead, and the one before these: its check-out began the
    turnover that may still be going on."""
    bookings = Booking.objects.filter(property_id=calendar.property_id).exclude(status=Booking.Status.CANCELLED)
    shown = bookings.filter(check_out__gt=now - PAST, check_in__lt=now + AHEAD)
    before = bookings.filter(check_out__lte=now - PAST, status=Booking.Status.CONFIRMED).order_by("-check_out")[:1]
    columns = ("pk", "check_in", "check_out", "status", "guest_name")
    return [
        PublishedStay(
            stay=Stay(check_in, check_out, pk),
            tentative=status == Booking.Status.TENTATIVE,
            guest_name=guest_name if calendar.shows_guest_names else "",
        )
        for rows in (before, shown)
        for pk, check_in, check_out, status, guest_name in rows.values_list(*columns)
    ]


def _private(response: HttpResponse) -> HttpResponse:
    """Not for shared caches and search engines, because anybody who knows the address may read."""
    response["Cache-Control"] = "private, no-cache"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
