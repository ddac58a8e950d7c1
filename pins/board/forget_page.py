"""The page that asks before the data of a guest is erased, and does it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from pins.actions import forget as action
from pins.board.views import for_staff, log, say, seen_bookings
from pins.retention import forgetting
from rentals.wording import day_and_time, said

PERMISSION = "rentals.forget_guest"


@require_http_methods(["GET", "HEAD", "POST"])
@for_staff
def forget(request: HttpRequest, booking_id: int) -> HttpResponse:
    """GET: what would be erased. POST: erase it; the history of the stay says who did, and not whom."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    booking = get_object_or_404(seen_bookings(request), pk=booking_id)
    now = timezone.now()
    if request.method == "POST":
        with transaction.atomic():
            result = action.ask(booking, now)
            booking.refresh_from_db(fields=["guest_name"])  # the line must not bring the name back
            log(request, booking, f"{action.BUTTON}: {result.noted}")
        return say(request, result, reverse("stay", args=[booking.pk]))
    erased = action.preview(booking, now)
    context = {
        "booking": booking,
        "is_over": forgetting.is_over(booking, now),
        "found": said(action.summed_up(erased)),
        "how_many": sum(erased.counts.values()),
        "arrives": day_and_time(booking.check_in, booking.property.zone),
        "leaves": day_and_time(booking.check_out, booking.property.zone),
        "here": "board",
    }
    return render(request, "pins/board/forget.html", context)
