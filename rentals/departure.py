"""“Check out now”: a stay ends before its time, and, pressed by mistake, gets its end back.

The early end is one that a person set, so calendars leave it alone (`rentals.calendars.decide.merge`). The caller holds
the booking's row, within a transaction, from the question whether it may be done to the save. All times are UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _

from rentals.models import Booking, EarlyDeparture


def why_not(booking: Booking, now: datetime) -> str:
    """Why this stay cannot end now, as a sentence that follows a colon; empty where it can."""
    if booking.status == Booking.Status.CANCELLED:
        return _("the booking is cancelled.")
    if booking.check_out <= now:
        return _("the stay is over already.")
    if booking.check_in >= _moment(now):
        return _("the stay has not begun. Cancel it, or change its days.")
    return ""


def leave(booking: Booking, now: datetime, *, by_guest: bool) -> EarlyDeparture:
    """End the stay at this moment; `why_not` said nothing. Announced as any change of a stay: the codes end, and the
    gap for those who work there begins."""
    facts = {
        "left_at": _moment(now),
        "planned_end": booking.check_out,
        "followed_calendar": booking.check_out == booking.feed_check_out,
        "followed_times": booking.follows_property_times,
        "by_guest": by_guest,
        "announced": False,
    }
    departure, _made = EarlyDeparture.objects.update_or_create(booking=booking, defaults=facts)
    booking.check_out, booking.follows_property_times = departure.left_at, False
    booking.save(update_fields=["check_out", "follows_property_times"])
    return departure


def of(booking: Booking) -> EarlyDeparture | None:
    """The early departure of this stay; None where there is none, or somebody moved its end since."""
    departure = EarlyDeparture.objects.filter(booking=booking).first()
    return departure if departure is not None and departure.left_at == booking.check_out else None


def planned_ends(bookings: Collection[Booking]) -> dict[Booking, datetime]:
    """Of those of these stays that ended early, the ends that they had before."""
    ids = [one.pk for one in bookings]
    rows = EarlyDeparture.objects.filter(booking__in=ids) if ids else EarlyDeparture.objects.none()
    found = {one.booking_id: one for one in rows}
    return {
        one: found[one.pk].planned_end
        for one in bookings
        if one.pk in found and found[one.pk].left_at == one.check_out and one.status == Booking.Status.CONFIRMED
    }


def why_not_taken_back(booking: Booking, departure: EarlyDeparture | None, now: datetime) -> str:
    """Why the stay cannot get its former end back, as a sentence that follows a colon; empty where it can."""
    if departure is None:
        return _("the stay was not ended early, or somebody changed its end since.")
    if booking.status == Booking.Status.CANCELLED:
        return _("the booking is cancelled.")
    if former_end(booking, departure) <= now:
        return _("the stay would be over by now.")
    return _("the next stay has begun.") if _next_has_begun(booking, departure, now) else ""


def take_back(booking: Booking, departure: EarlyDeparture) -> None:
    """Give the stay its former end again; `why_not_taken_back` said nothing."""
    booking.check_out = former_end(booking, departure)
    usual = booking.check_out == booking.property.check_out_on(booking.departure_date)
    booking.follows_property_times = departure.followed_times and usual
    booking.save(update_fields=["check_out", "follows_property_times"])
    departure.delete()


def former_end(booking: Booking, departure: EarlyDeparture) -> datetime:
    """The end that the stay gets back: where it was the calendar's, what the calendar says by now."""
    if departure.followed_calendar and booking.feed_check_out is not None:
        return booking.feed_check_out
    return departure.planned_end


def _next_has_begun(booking: Booking, departure: EarlyDeparture, now: datetime) -> bool:
    later = Booking.objects.filter(property=booking.property_id, status=Booking.Status.CONFIRMED)
    return later.filter(check_in__gte=departure.left_at, check_in__lte=now).exclude(pk=booking.pk).exists()


def _moment(now: datetime) -> datetime:
    """Codes know whole seconds. Rounded down, so that the stay is over at once."""
    return now.replace(microsecond=0)
