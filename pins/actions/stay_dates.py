"""A person moves the ends of a stay: a late check-out, or other days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from pins.actions.results import ActionResult, done, moment, nothing, split_observed
from pins.core.pin_state import State
from pins.desired import grants
from pins.models import AccessGrant, Pin
from pins.status.stays import guest_grants
from pins.status.warnings import clock_changes, long_stay, overlaps
from rentals.calendars import conflicts
from rentals.models import Booking
from rentals.phrases import phrase, phrases
from rentals.stay_forms import FORMS, StayForm
from rentals.wording import Words


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
        return nothing(_("nothing was changed, the stay already has these dates."))
    former = _Ends.of(booking)
    grant = _grant_with_code(booking)
    former_code = grant.code if grant is not None else ""
    booking.check_in, booking.check_out = form.check_in, form.check_out
    booking.follows_property_times = _follows(booking, former)
    booking.save(update_fields=["check_in", "check_out", "follows_property_times"])
    moved = former.moved_to(booking)
    about = [moved, *_of_the_code(booking, former_code, now)]
    if conflicts.wins_over_calendar(booking):
        about.append(phrase("It came from a calendar; what you set stays, whatever the calendar says."))
    warnings = []
    if booking.status == Booking.Status.CONFIRMED:
        warnings = [*overlaps(booking), *long_stay(booking)]
    warnings += clock_changes(booking, form.typed)
    return done(*about, warnings=tuple(warnings), noted=moved)


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
        """A phrase: `the stay now ends Mon 8 Mar 2027, 12:00 CET instead of Mon 8 Mar 2027, 11:00 CET.`"""
        zone = booking.property.zone
        began, begins = moment(self.check_in, zone), moment(booking.check_in, zone)
        ended, ends = moment(self.check_out, zone), moment(booking.check_out, zone)
        if booking.check_out == self.check_out:
            return phrase("the stay now begins {begins} instead of {began}.", begins=begins, began=began)
        if booking.check_in == self.check_in:
            return phrase("the stay now ends {ends} instead of {ended}.", ends=ends, ended=ended)
        return phrase(
            "the stay now begins {begins} instead of {began} and now ends {ends} instead of {ended}.",
            begins=begins,
            began=began,
            ends=ends,
            ended=ended,
        )


def _follows(booking: Booking, former: _Ends) -> bool:
    """Whether the stay follows the property's times from now on. It does if it did so before and each end that moved
    has the property's time; or if both ends have it again, as when a late check-out is taken back."""
    prop = booking.property
    usual_in = booking.check_in == prop.check_in_on(booking.arrival_date)
    usual_out = booking.check_out == prop.check_out_on(booking.departure_date)
    if not former.follows_property_times:
        return usual_in and usual_out
    return (usual_in or booking.check_in == former.check_in) and (usual_out or booking.check_out == former.check_out)


def _of_the_code(booking: Booking, former_code: str, now: datetime) -> tuple[str, ...]:
    """What the new ends mean for the code of the stay. The stay is saved, so the desired side already follows them."""
    zone = booking.property.zone
    if booking.status != Booking.Status.CONFIRMED:
        return (phrase("It gets a code as soon as it is confirmed."),)
    grant = _grant_with_code(booking)
    if grant is None:
        return (phrase("It gets its code when the time for it has come."),) if booking.property.is_active else ()
    if grant.revoked_at is not None:
        return (phrase("Its code stays revoked."),)
    wanted = Pin.objects.filter(grant=grant, wanted=True)
    changing, left_out = split_observed(wanted.exclude(state=State.SET).values_list("lock", flat=True))
    if not wanted.exists():
        return (phrase("No lock has a code for it at present."),)
    ends = moment(grant.ends_at, zone)
    begins = moment(grant.starts_at, zone) if grant.starts_at > now else None
    works = _works(begins, ends, is_certain=not left_out, is_there=not changing)
    if grant.code == former_code:
        code = phrase("The same code {works}.", works=works)
    else:
        code = phrase("It gets a new code, which {works}.", works=works)
    due = ""
    if changing and grant.issue_at <= now:
        due = phrases("{number} lock is being updated.", "{number} locks are being updated.", changing)
    return code, due, left_out


def _works(begins: Words | None, ends: Words, *, is_certain: bool, is_there: bool) -> str:
    """What follows “the code”. `begins`: where it does not work yet; `is_certain`: no lock is only observed;
    `is_there`: it is on every lock with this period."""
    if begins is None:
        if not is_certain:
            return phrase("would work until {ends}", ends=ends)
        return phrase("works until {ends}", ends=ends) if is_there else phrase("will work until {ends}", ends=ends)
    if not is_certain:
        return phrase("would work from {begins} until {ends}", begins=begins, ends=ends)
    if not is_there:
        return phrase("will work from {begins} until {ends}", begins=begins, ends=ends)
    return phrase("works from {begins} until {ends}", begins=begins, ends=ends)


def _grant_with_code(booking: Booking) -> AccessGrant | None:
    return guest_grants().defer(None).filter(booking=booking).first()
