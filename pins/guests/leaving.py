"""“I have left”: the guest ends the stay on their page."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from pins.desired import grants
from pins.guests.reading import GuestStay
from rentals import departure, end_to_end
from rentals.models import Booking

logger = logging.getLogger(__name__)


def may_leave(stay: GuestStay, now: datetime) -> bool:
    """Whether the page offers it: the stay runs, and the guest does not stay on with another one, for which this code
    works as well."""
    begun = stay.facts.is_expected and stay.booking.check_in < now < stay.booking.check_out
    return begun and not departure.why_not(stay.booking, now) and end_to_end.next_stay(stay.booking) is None


def seen(booking: Booking) -> str:
    """What the form carries: the end that the page showed. Sent twice, or from an old page, it ends nothing."""
    return booking.check_out.isoformat()


def leave(stay: GuestStay, shown: str, now: datetime) -> bool:
    """End the stay at this moment. False: it has ended, or was changed since the page was shown."""
    with transaction.atomic():
        booking = grants.lock_booking(stay.booking.pk)
        if booking is None or not may_leave(stay, now) or seen(booking) != shown or departure.why_not(booking, now):
            return False
        departure.leave(booking, now, by_guest=True)
    logger.info("guest_left_early", extra={"booking_id": booking.pk})
    return True
