"""A person moves the ends of a stay: a late check-out, or other days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pins.actions.results import ActionResult, done, nothing, split_observed
from pins.core.pin_state import State
from pins.desired import grants
from pins.models import AccessGrant, Pin
from pins.status.stays import guest_grants
from pins.status.warnings import clock_changes, long_stay, overlaps
from rentals.calendars import conflicts
from rentals.models import Booking
from rentals.stay_forms import FORMS, StayForm
from rentals.wording import counted, day_and_time


def submit(name: str, booking_id: int, data: Mapping[str, Any], now: datetime) -> tuple[StayForm, ActionResult | None]:
    """Check what a person typed about the ends of a stay, and move it. Without a result the form says what is wrong.

    `name`: one of `FORMS`. Within a transaction of the caller: the stay's row is locked from the check to the save, so
    that a calendar or another person cannot move the stay in between. Raises `Booking.DoesNotExist`.
    """
    booking = grants.lock_booking(booking_id)
    if booking is None:
        raise Booking.DoesNotExist
    form = FORMS[name](data, booking=booking, now=now)
    return form, _move(form, now) if form.is_valid() else None


def _move(form: StayForm, now: datetime) -> ActionResult:
    booking = form.booking
    if not form.moves:
        return nothing("nothing was changed, the stay already has these dates.")
    former = _Ends.of(booking)
    grant = _grant_with_code(booking)
    former_code = grant.code if grant is not None else ""
    booking.check_in, booking.check_out = form.check_in, form.check_out
    booking.follows_property_times = _follows(booking, former)
    booking.save(update_fields=["check_in", "check_out", "follows_property_times"])
    moved = former.moved_to(booking)
    said = [f"the stay {moved}.", _of_the_code(booking, former_code, now)]
    if conflicts.wins_over_calendar(booking):
        said.append("It came from a calendar; what you set stays, whatever the calendar says.")
    warnings = []
    if booking.status == Booking.Status.CONFIRMED:
        warnings = [*overlaps(booking), *long_stay(booking)]
    warnings += clock_changes(booking, form.typed)
    return done(" ".join(filter(None, said)), warnings=tuple(warnings), noted=f"the stay {moved}.")


@dataclass(frozen=True)
class _Ends:
    """Where a stay was before somebody moved it."""

    check_in: datetime
    check_out: datetime
    follows_property_times: bool

    @classmethod
    def of(cls, booking: Booking) -> _Ends:
        return cls(booking.check_in, booking.check_out, booking.follows_property_times)

    def moved_to(self, booking: Booking) -> str:
        """`now ends Mon 8 Mar 2027, 12:00 CET instead of 11:00 CET`."""
        zone = booking.property.zone
        said = [
            f"now {verb} {day_and_time(after, zone)} instead of {day_and_time(before, zone)}"
            for verb, before, after in (
                ("begins", self.check_in, booking.check_in),
                ("ends", self.check_out, booking.check_out),
            )
            if before != after
        ]
        return " and ".join(said)


def _follows(booking: Booking, former: _Ends) -> bool:
    """Whether the stay follows the property's times from now on. It does if it did so before and each end that moved
    has the property's time; or if both ends have it again, as when a late check-out is taken back."""
    prop = booking.property
    usual_in = booking.check_in == prop.check_in_on(booking.arrival_date)
    usual_out = booking.check_out == prop.check_out_on(booking.departure_date)
    if not former.follows_property_times:
        return usual_in and usual_out
    return (usual_in or booking.check_in == former.check_in) and (usual_out or booking.check_out == former.check_out)


def _of_the_code(booking: Booking, former_code: str, now: datetime) -> str:
    """What the new ends mean for the code of the stay. The stay is saved, so the desired side already follows them."""
    zone = booking.property.zone
    if booking.status != Booking.Status.CONFIRMED:
        return "It gets a code as soon as it is confirmed."
    grant = _grant_with_code(booking)
    if grant is None:
        return "It gets its code when the time for it has come." if booking.property.is_active else ""
    if grant.revoked_at is not None:
        return "Its code stays revoked."
    wanted = Pin.objects.filter(grant=grant, wanted=True)
    changing, left_out = split_observed(wanted.exclude(state=State.SET).values_list("lock", flat=True))
    if not wanted.exists():
        return "No lock has a code for it at present."
    until = f"until {day_and_time(grant.ends_at, zone)}"
    span = until if grant.starts_at <= now else f"from {day_and_time(grant.starts_at, zone)} {until}"
    works = "would work" if left_out else "will work" if changing else "works"
    lead = f"The same code {works}" if grant.code == former_code else f"It gets a new code, which {works}"
    is_due = changing and grant.issue_at <= now
    due = f" {counted(changing, 'lock')} {'is' if changing == 1 else 'are'} being updated." if is_due else ""
    return f"{lead} {span}.{due}{left_out}"


def _grant_with_code(booking: Booking) -> AccessGrant | None:
    return guest_grants().defer(None).filter(booking=booking).first()
