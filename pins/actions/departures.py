"""A person ends a stay now, because the guest has left, or takes that back."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from pins.actions.results import ActionResult, done, moment, nothing, split_observed
from pins.core.pin_state import State
from pins.desired import grants
from pins.models import Pin
from pins.status.stays import guest_grants
from pins.status.warnings import overlaps
from rentals import departure
from rentals.models import Booking
from rentals.phrases import phrase, phrases


def check_out_now(booking: Booking, now: datetime) -> ActionResult:
    """The guest has left: the stay ends at this moment, and its code with it."""
    fresh = grants.lock_booking(booking.pk)
    if fresh is None:
        return nothing(_("the booking was deleted meanwhile."))
    if reason := departure.why_not(fresh, now):
        return nothing(reason)
    left = departure.leave(fresh, now, by_guest=False)
    zone = fresh.property.zone
    ended = phrase(
        "the stay ended {left} instead of {planned}.",
        left=moment(left.left_at, zone),
        planned=moment(left.planned_end, zone),
    )
    kept = phrase("Calendars do not bring the later end back.") if fresh.feed_status else ""
    return done(ended, *_of_the_code(fresh, now), kept, noted=ended)


def undo_check_out(booking: Booking, now: datetime) -> ActionResult:
    """It was a mistake: the stay gets the end back that it had."""
    fresh = grants.lock_booking(booking.pk)
    if fresh is None:
        return nothing(_("the booking was deleted meanwhile."))
    left = departure.of(fresh)
    reason = departure.why_not_taken_back(fresh, left, now)
    if left is None or reason:
        return nothing(reason)
    former_code = _code_of(fresh)
    departure.take_back(fresh, left)
    ends = phrase("the stay goes on until {until}.", until=moment(fresh.check_out, fresh.property.zone))
    code = _code_of(fresh)
    if not code:
        about = phrase("It has no code at present.")
    elif code == former_code:
        about = phrase("The same code goes back onto the locks.")
    else:
        about = phrase("Its former code is not free any more, so it gets a new one: tell the guest.")
    return done(ends, about, warnings=tuple(overlaps(fresh)), noted=ends)


def _of_the_code(booking: Booking, now: datetime) -> tuple[str, ...]:
    """What becomes of the code of a stay that has ended; the desired side already follows it."""
    grant = guest_grants().filter(booking=booking).first()
    if grant is None:
        return (phrase("It had no code."),)
    if grant.ends_at > now:
        return (phrase("Its code works until {until}.", until=moment(grant.ends_at, booking.property.zone)),)
    on_locks = Pin.objects.filter(grant=grant).exclude(state__in=[State.REMOVED, State.SCHEDULED])
    written, left_out = split_observed(on_locks.values_list("lock", flat=True))
    if not written:
        return phrase("Its code ended."), left_out
    going = phrases(
        "Its code is being taken off {number} lock.", "Its code is being taken off {number} locks.", written
    )
    return going, left_out


def _code_of(booking: Booking) -> str:
    grant = guest_grants().defer(None).filter(booking=booking).first()
    return grant.code if grant is not None and grant.revoked_at is None else ""
