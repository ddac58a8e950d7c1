"""A change that would take the code from a guest who is in the house: a person is asked before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from rentals.calendars import conflicts
from rentals.models import Booking, FeedItem
from rentals.wording import day_and_time


@dataclass(frozen=True, slots=True)
class RunningStay:
    """A confirmed stay as it was before a change, while it runs. `name`: of the guest, or empty. `until`: its
    check-out, on the property's clock."""

    name: str
    place: str
    until: str
    property_id: int

    @property
    def guest(self) -> str:
        """The guest at the beginning of a sentence."""
        return self.name or _("The guest")

    @property
    def whom(self) -> str:
        """The guest within a sentence."""
        return self.name or _("the guest")

    @property
    def question(self) -> str:
        """Who is in the house and what happens, in sentences."""
        return _(
            "{guest} is in the house: the stay at {place} lasts until {until}. If you go on, the code comes off the "
            "locks now, and the guest is locked out."
        ).format(guest=self.guest, place=self.place, until=self.until)

    @property
    def kept(self) -> str:
        """What is said when a person chose the check-out instead."""
        said = _("The stay of {guest} goes on. Its code comes off the locks at check-out, {until}.")
        return said.format(guest=self.whom, until=self.until)


def running(booking: Booking, now: datetime) -> RunningStay | None:
    """The stay as it is stored, if it is confirmed and runs at this moment (UTC); its property is loaded."""
    if booking.status != Booking.Status.CONFIRMED or not booking.check_in <= now < booking.check_out:
        return None
    until = day_and_time(booking.check_out, booking.property.zone)
    return RunningStay(booking.guest_name, booking.property.name, until, booking.property_id)


def ended_by_calendar(booking: Booking, now: datetime) -> RunningStay | None:
    """The stay, if it runs and would end at once by following its calendars."""
    stay = running(booking, now)
    return stay if stay is not None and would_end(*conflicts.followed(booking), now) else None


def ended_by_refusal(item: FeedItem, now: datetime) -> RunningStay | None:
    """The stay of a calendar row, if it runs and would end by the word that the row is no stay: no other row has it."""
    booking = item.booking
    if booking is None or FeedItem.objects.filter(booking=booking, gone_at=None).exclude(pk=item.pk).exists():
        return None
    return running(booking, now)


def would_end(status: str, check_in: datetime, check_out: datetime, now: datetime) -> bool:
    """Whether a running stay with these values would be over at once, or not have begun. Pure."""
    return status != Booking.Status.CONFIRMED or check_out <= now or check_in > now
