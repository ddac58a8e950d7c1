"""Hands out spare codes to a person who may see codes: shown once, in the answer to a POST, and on record."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from pins import tasks
from pins.admin import shown_once
from pins.desired import handing_out
from pins.desired.disclosure import CodeNotShownError
from pins.desired.handing_out import By, HandedOut
from rentals.admin.object_pages import page_context
from rentals.inbound.client import address_of
from rentals.models import Booking


@sensitive_post_parameters()
@sensitive_variables()
def spare_view(request: HttpRequest, object_id: int, *, admin_page: admin.ModelAdmin[Booking]) -> HttpResponse:
    """The answer to “Give the guest a spare code”, and to “Show the spare code”: 200, 409 when there is none to give,
    429 when it is asked too often."""
    booking = admin_page.get_object(request, str(object_id))
    if booking is None:
        raise Http404
    user = shown_once.asker(request, may_open=admin_page.has_change_permission(request, booking))
    if (wait := shown_once.wait(user)) is not None:
        return wait.on(_page(admin_page, request, booking, 429, refusal=wait.words))
    by = By(user.get_username(), user_id=user.pk, address=address_of(request))
    try:
        given = handing_out.hand_out(booking.pk, timezone.now(), by=by)
    except CodeNotShownError as refused:
        given = handing_out.show_again(booking.pk, timezone.now(), by=by)
        if not given:
            return _page(admin_page, request, booking, 409, refusal=str(refused))
    tasks.wake_locks(sorted({one.lock_id for one in given}))
    if new := [one.lock for one in given if one.is_new]:
        text = f"Spare code given to the guest: {', '.join(new)}."
        LogEntry.objects.log_actions(user.pk, [booking], CHANGE, text, single_object=True)
    return _page(admin_page, request, booking, 200, given=given)


@sensitive_variables()
def _page(
    admin_page: admin.ModelAdmin[Booking],
    request: HttpRequest,
    booking: Booking,
    status: int,
    *,
    given: tuple[HandedOut, ...] = (),
    refusal: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {
        **page_context(admin_page, request, _("Spare code for {guest}").format(guest=booking)),
        "original": booking,
        "given": given,
        "refusal": refusal,
    }
    return shown_once.page(request, "pins/admin/spare.html", context, status)
