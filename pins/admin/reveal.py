"""Shows a guest's code to a person who may see it: once, in the answer to a POST, and on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from pins.admin import shown_once
from pins.desired import disclosure
from pins.models import AccessGrant
from pins.status.stays import guest_grants, panel
from pins.status.wording import Kind
from rentals import languages
from rentals.access import scope_of
from rentals.admin.object_pages import page_context
from rentals.inbound.client import address_of
from rentals.models import Booking
from rentals.wording import Tone, day_and_time


@dataclass(frozen=True)
class Revealed:
    """What the page shows once. An error report may contain its repr, which therefore leaves out the code."""

    code: str = field(repr=False)
    message: str = field(repr=False)
    missing: tuple[str, ...]  # locks that do not have the code yet
    observed: tuple[str, ...] = ()  # observe-only locks, which do not get it


@sensitive_variables()
def guest_message(booking: Booking, grant: AccessGrant, code: str) -> str:
    """The message that a host sends to the guest by hand, with times in the property's zone. In the guest's language,
    or English where that is none of those that we speak with hosts; in the host's where nobody knows the guest's."""
    zone = booking.property.zone
    with languages.speaking(booking.guest_language or languages.spoken()):
        starts, ends = day_and_time(grant.starts_at, zone), day_and_time(grant.ends_at, zone)
        return _(
            "Your door code for {property} is {code}. It works from {starts} to {ends}. "
            "Enter it on the keypad beside the door and confirm it there."
        ).format(property=booking.property.name, code=" ".join(code), starts=starts, ends=ends)


@sensitive_post_parameters()
@sensitive_variables()
def reveal_view(request: HttpRequest, object_id: int, *, admin_page: admin.ModelAdmin[Booking]) -> HttpResponse:
    """The answer to the button “Show the code”: 200, 409 when it is refused, 429 when it is asked too often."""
    booking = admin_page.get_object(request, str(object_id))
    if booking is None:
        raise Http404
    user = shown_once.asker(request, may_open=admin_page.has_view_or_change_permission(request, booking))
    now = timezone.now()
    if (wait := shown_once.wait(user)) is not None:
        return wait.on(_page(admin_page, request, booking, now, 429, refusal=wait.words))
    try:
        shown = _reveal(request, user, booking, now)
    except disclosure.CodeNotShownError as refused:
        return _page(admin_page, request, booking, now, 409, refusal=str(refused))
    return _page(admin_page, request, booking, now, 200, revealed=shown)


@sensitive_variables()
def _reveal(request: HttpRequest, user: AbstractBaseUser, booking: Booking, now: datetime) -> Revealed:
    grant_id = guest_grants().filter(booking=booking).values_list("pk", flat=True).first()
    if grant_id is None:
        raise disclosure.NoCodeYetError
    code = disclosure.reveal(grant_id, now, user=user, address=address_of(request))
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
    context: dict[str, Any] = {
        **page_context(admin_page, request, _("Door code of {whom}").format(whom=booking)),
        "original": booking,
        "panel": panel(booking, now, scope_of(request.user)),
        "may_act": admin_page.has_change_permission(request, booking),
        "is_confirmed": booking.status == Booking.Status.CONFIRMED,
        "is_over": booking.check_out <= now,
        "may_reveal": True,
        "revealed": revealed,
        "refusal": refusal,
    }
    return shown_once.page(request, "pins/admin/reveal.html", context, status)
