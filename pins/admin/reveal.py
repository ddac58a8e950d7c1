"""Shows a guest's code to a person who may see it: once, in the answer to a POST, and on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from limits import RateLimitItemPerMinute

from pins.desired import disclosure
from pins.models import AccessGrant
from pins.status.stays import guest_grants, panel
from pins.status.wording import Kind
from rentals.access import scope_of
from rentals.admin.object_pages import page_context
from rentals.inbound import rate_limits
from rentals.inbound.client import address_of
from rentals.models import Booking
from rentals.wording import Tone, day_and_time

PERMISSION: Final = "pins.reveal_code"
#: Codes shown to one person within ten minutes. Without Redis nothing is counted, but each one is still recorded.
REVEALS: Final = RateLimitItemPerMinute(20, 10, namespace="reveal")


@dataclass(frozen=True)
class Revealed:
    """What the page shows once. An error report may contain its repr, which therefore leaves out the code."""

    code: str = field(repr=False)
    message: str = field(repr=False)
    missing: tuple[str, ...]  # locks that do not have the code yet
    observed: tuple[str, ...] = ()  # observe-only locks, which do not get it


@sensitive_variables()
def guest_message(booking: Booking, grant: AccessGrant, code: str) -> str:
    """The message that a host sends to the guest by hand, with times in the property's zone."""
    zone = booking.property.zone
    return (
        f"Your door code for {booking.property.name} is {' '.join(code)}. "
        f"It works from {day_and_time(grant.starts_at, zone)} to {day_and_time(grant.ends_at, zone)}. "
        "Enter it on the keypad beside the door and confirm it there."
    )


@sensitive_post_parameters()
@sensitive_variables()
def reveal_view(request: HttpRequest, object_id: int, *, admin_page: admin.ModelAdmin[Booking]) -> HttpResponse:
    """The answer to the button “Show the code”: 200, 409 when it is refused, 429 when it is asked too often."""
    booking = admin_page.get_object(request, str(object_id))
    if booking is None:
        raise Http404
    if not (admin_page.has_view_or_change_permission(request, booking) and request.user.has_perm(PERMISSION)):
        raise PermissionDenied
    now = timezone.now()
    seconds = rate_limits.wait(REVEALS, f"user:{request.user.pk}")
    if seconds is not None:
        minutes = -(-seconds // 60)
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        response = _page(admin_page, request, booking, now, 429, refusal=f"You looked at many codes. Wait {wait}.")
        response["Retry-After"] = str(seconds)
        return response
    try:
        shown = _reveal(request, booking, now)
    except disclosure.CodeNotShownError as refused:
        return _page(admin_page, request, booking, now, 409, refusal=str(refused))
    return _page(admin_page, request, booking, now, 200, revealed=shown)


@sensitive_variables()
def _reveal(request: HttpRequest, booking: Booking, now: datetime) -> Revealed:
    grant_id = guest_grants().filter(booking=booking).values_list("pk", flat=True).first()
    if grant_id is None:
        raise disclosure.NoCodeYetError
    if not request.user.is_authenticated:
        raise PermissionDenied
    code = disclosure.reveal(grant_id, now, user=request.user, address=address_of(request))
    grant = guest_grants().get(pk=grant_id)
    lines = panel(booking, now, scope_of(request.user)).lines
    lacking = [line for line in lines if line.badge.tone not in (Tone.READY, Tone.OVER)]
    return Revealed(
        code,
        guest_message(booking, grant, code),
        missing=tuple(line.name for line in lacking if line.badge.kind is not Kind.OBSERVED),
        observed=tuple(line.name for line in lacking if line.badge.kind is Kind.OBSERVED),
    )


@sensitive_variables()
def _page(
    admin_page: admin.ModelAdmin[Booking],
    request: HttpRequest,
    booking: Booking,
    now: datetime,
    status: int,
    *,
    revealed: Revealed | None = None,
    refusal: str = "",
) -> HttpResponse:
    """Rendered at once and kept nowhere: not in a session or a message, nor by a browser or a proxy."""
    context: dict[str, Any] = {
        **page_context(admin_page, request, f"Door code of {booking}"),
        "original": booking,
        "panel": panel(booking, now, scope_of(request.user)),
        "may_act": admin_page.has_change_permission(request, booking),
        "is_confirmed": booking.status == Booking.Status.CONFIRMED,
        "is_over": booking.check_out <= now,
        "may_reveal": True,
        "revealed": revealed,
        "refusal": refusal,
    }
    content = render_to_string("pins/admin/reveal.html", context, request)
    return HttpResponse(content, status=status, headers={"Cache-Control": "no-store"})
