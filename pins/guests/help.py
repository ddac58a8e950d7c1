"""“I cannot get in”: finds out why, tells the host at once, and gives a spare code where the host allows that."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.views.decorators.debug import sensitive_variables

from pins.desired import handing_out
from pins.desired.disclosure import CodeNotShownError
from pins.desired.handing_out import By, HandedOut
from pins.guests.diagnosis import Diagnosis, diagnose
from pins.guests.reading import GuestStay
from pins.models import AccessGrant, GuestPage, Incident
from pins.models.reveal import SHUT_OUT
from pins.reconcile import activity
from rentals.models import Booking

_OF_GUESTS: Final = (Incident.Kind.GUEST_SHUT_OUT, Incident.Kind.GUEST_NOT_TOLD)

logger = logging.getLogger(__name__)

#: A wrong code so long ago may be why the guest asks.
LATELY: Final = timedelta(minutes=30)
#: A call for help stays open for so long at least.
_HEARD: Final = timedelta(minutes=15)


def ask(stay: GuestStay, now: datetime) -> Diagnosis:
    """The guest of this stay cannot get in. The incident is urgent if the guest should be inside at this moment, else a
    warning; it stays open until the guest or the host says that it is over, or the stay ends."""
    locks = [door.lock_id for door in stay.facts.doors]
    found = diagnose(stay.facts, now, wrong_code_at=activity.wrong_codes(locks, now - LATELY))
    severity = Incident.Severity.URGENT if found.is_urgent else Incident.Severity.WARNING
    with transaction.atomic():
        activity.hurry(locks, now)
        GuestPage.objects.filter(pk=stay.page.pk).update(
            help_at=now, help_findings=",".join(one.finding.value for one in found.found)
        )
        Incident.open(Incident.Kind.GUEST_SHUT_OUT, now, about=stay.booking, severity=severity)
    logger.warning("guest_asked_for_help", extra={"booking_id": stay.booking.pk})
    return found


@sensitive_variables()
def spares_for(stay: GuestStay, found: Diagnosis, now: datetime, *, address: str) -> tuple[HandedOut, ...]:
    """Spare codes for the doors that the guest's own code is proven not to open. None where the host does not allow
    that, has not released the stay, or none is ready. All is committed when this returns."""
    if not (stay.guide.hands_out_spares and stay.facts.released and found.failed):
        return ()
    try:
        given = handing_out.hand_out(stay.booking.pk, now, by=By(SHUT_OUT, address=address))
    except CodeNotShownError as refused:
        logger.warning("no_spare_code", extra={"booking_id": stay.booking.pk, "reason": type(refused).__name__})
        return ()
    logger.warning("spare_code_given", extra={"booking_id": stay.booking.pk})
    return given  # a sweep finds what is left to do on the lock


def is_in(booking_id: int, now: datetime) -> bool:
    """The guest is in. False: nobody asked for help."""
    open_ones = Incident.objects.filter(booking=booking_id, kind=Incident.Kind.GUEST_SHUT_OUT, resolved_at__isnull=True)
    return bool(open_ones.update(resolved_at=now))


def end_with_stays(now: datetime) -> None:
    """End the calls for help, and the failures to tell a guest, of stays that are over or off."""
    # Not while the code still works, as on the page: and late enough that the call was told to somebody.
    open_ones = Incident.objects.filter(kind__in=_OF_GUESTS, resolved_at__isnull=True, opened_at__lte=now - _HEARD)
    works = AccessGrant.objects.filter(
        booking=OuterRef("booking"), kind=AccessGrant.Kind.GUEST, wanted=True, ends_at__gt=now
    )
    off = Q(booking__check_out__lte=now) & ~Exists(works) | Q(booking__status=Booking.Status.CANCELLED)
    if over := list(open_ones.filter(off).values_list("pk", flat=True)):
        Incident.objects.filter(pk__in=over, resolved_at__isnull=True).update(resolved_at=now)
