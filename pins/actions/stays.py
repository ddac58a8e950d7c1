"""What a person can do about the codes of bookings: one function per action, with a sentence about what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction

from pins import tasks
from pins.core.code_rules import NoValueLeft
from pins.core.pin_state import State
from pins.desired import code_overrides, grants
from pins.models import AccessGrant, Pin
from pins.reconcile import run
from pins.status.locks import pause, zone_of_lock
from pins.status.warnings import clock_changes, long_stay, overlaps
from pins.status.wording import doors, reason
from rentals.calendars import conflicts
from rentals.models import Booking, Lock
from rentals.stay_forms import FORMS, StayForm
from rentals.wording import day_and_time, soon


@dataclass(frozen=True)
class Outcome:
    """What came of one action for one booking."""

    level: int  # of django.contrib.messages
    text: str  # follows the booking's name and a colon
    warnings: tuple[str, ...] = ()  # what else a person should know
    noted: str = ""  # what the history says instead of the text

    @property
    def done(self) -> bool:
        return self.level == messages.SUCCESS


def _done(text: str) -> Outcome:
    return Outcome(messages.SUCCESS, text)


def _nothing(text: str) -> Outcome:
    return Outcome(messages.WARNING, text)


Action = Callable[[Booking, datetime], Outcome]


def _grant_of(booking: Booking) -> AccessGrant | None:
    return AccessGrant.objects.filter(booking=booking, kind=AccessGrant.Kind.GUEST).defer(*AccessGrant.SECRETS).first()


def _why_no_code(booking: Booking, now: datetime) -> str:
    if booking.status != Booking.Status.CONFIRMED:
        return "it is not confirmed, so it gets no code."
    if booking.check_out <= now:
        return "the stay is over, so it gets no code."
    return "it has no code yet, because its time to be put on the locks has not come."


def try_again(booking: Booking, now: datetime) -> Outcome:
    """Lift blocks and rests and let the locks be tried at once."""
    grant = _grant_of(booking)
    open_ones = Pin.objects.filter(grant=grant).exclude(state__in=[State.SET, State.REMOVED])
    pin_ids = list(open_ones.values_list("pk", flat=True)) if grant is not None else []
    if grant is None:
        touched = grants.sync_bookings([booking.pk], now)
        if not touched:
            return _nothing(_why_no_code(booking, now))
    elif not pin_ids:
        return _nothing("nothing is open, every lock is as it should be.")
    else:
        touched = run.try_now(pin_ids, now)
    _wake(touched)
    written, left_out = _split(touched)
    if not written:
        return _nothing(f"nothing was tried.{left_out}")
    return _done(f"trying {doors(written)} again now.{left_out}")


def new_code(booking: Booking, now: datetime) -> Outcome:
    """Another code, chosen by Turnkey. A revoked stay gets its code back with it."""
    grant = _grant_of(booking)
    if grant is None or booking.status != Booking.Status.CONFIRMED or booking.check_out <= now:
        return _nothing(_why_no_code(booking, now))
    try:
        touched = code_overrides.renew_code(grant.pk, now)
    except code_overrides.CodeAlreadyToldError:
        return _nothing("the guest knows the present code. Revoke it first, then ask for a new one and tell the guest.")
    except NoValueLeft as none_left:
        return _nothing(str(none_left))
    _wake(touched)
    if not Pin.objects.filter(grant=grant, wanted=True).exists():
        return _done("a new code was chosen. No lock needs it at present.")
    written, left_out = _split(touched)
    return _done(f"a new code was chosen{f' and goes onto {doors(written)}' if written else ''}.{left_out}")


def revoke(booking: Booking, now: datetime) -> Outcome:
    """Take the code off the locks, whatever the booking says, until somebody asks for a new one."""
    grant = _grant_of(booking)
    why_not = why_not_revoked(booking, grant, now)
    if grant is None or why_not:
        return _nothing(why_not)
    touched = code_overrides.revoke(grant.pk, now)
    _wake(touched)
    written, left_out = _split(touched)
    return _done(f"the code is revoked{f' and comes off {doors(written)}' if written else ''}.{left_out}")


def why_not_revoked(booking: Booking, grant: AccessGrant | None, now: datetime) -> str:
    """Why there is nothing to revoke; empty where there is."""
    if grant is None:
        return "there is no code to revoke. To keep one from being issued, cancel the booking."
    if grant.revoked_at is not None:
        return "its code was revoked already."
    return "the stay is over, its code goes by itself." if booking.check_out <= now else ""


def looks_right(booking: Booking, now: datetime) -> Outcome:
    """A person looked at a stay of which a calendar left us in doubt."""
    if conflicts.clear_review(booking):
        return _done("thank you, it is no longer marked for review.")
    return _nothing("it was not marked for review any more.")


def follow_calendar(booking: Booking, now: datetime) -> Outcome:
    """Give up what a person set where calendars say something else."""
    if conflicts.follow_calendar(booking):
        return _done("it is what the calendar says now, and follows it again.")
    return _nothing("what you set and what the calendar says do not fit together. Set the dates by hand.")


def _split(lock_ids: Collection[int]) -> tuple[int, str]:
    """How many of these locks are written to, and a sentence about those that are only watched."""
    watched = Lock.objects.filter(pk__in=lock_ids, account__observe_only=True).count()
    left_out = f" Turnkey only watches {doors(watched)} and changes nothing there." if watched else ""
    return len(lock_ids) - watched, left_out


def compare(lock: Lock, now: datetime) -> Outcome:
    """Read the lock's own list once, and put right what differs. `lock` with its facts of operation loaded."""
    if not lock.is_active:
        return _nothing("the lock is switched off.")
    cause, until = pause(lock, now)
    if until is not None:  # marked now, a code would count as in doubt for as long as nobody can look
        again = soon(until, now, zone_of_lock(lock))
        return _nothing(f"the lock cannot be looked at now. {reason(cause)} Next try {again}.")
    if not run.look_now(lock.pk, now):
        return _nothing("there is nothing to compare: Turnkey has no code on this lock, and none is due there.")
    _wake([lock.pk])
    return _done("the lock's own list is being read. What differs is put right; the page says when it was last read.")


def submit(name: str, booking_id: int, data: Mapping[str, Any], now: datetime) -> tuple[StayForm, Outcome | None]:
    """Judge what a person typed about the ends of a stay, and do it. No outcome: the form says what is wrong with it.

    Within a transaction of the caller: the stay's row is locked from the judging to the saving, so that a calendar or
    another person cannot move it in between. Raises `Booking.DoesNotExist`.
    """
    booking = grants.lock_booking(booking_id)
    if booking is None:
        raise Booking.DoesNotExist
    form = FORMS[name](data, booking=booking, now=now)
    return form, _move(form, now) if form.is_valid() else None


def _move(form: StayForm, now: datetime) -> Outcome:
    booking = form.booking
    if not form.moves:
        return _nothing("nothing was changed, the stay is as you wish already.")
    former = _Ends.of(booking)
    grant = AccessGrant.objects.filter(booking=booking, kind=AccessGrant.Kind.GUEST).first()
    former_code = grant.code if grant is not None else ""
    booking.check_in, booking.check_out = form.check_in, form.check_out
    booking.follows_property_times = _follows(booking, former)
    booking.save(update_fields=["check_in", "check_out", "follows_property_times"])
    moved = former.moved_to(booking)
    said = [f"the stay {moved}.", _of_the_code(booking, former_code, now)]
    if conflicts.wins_over_calendar(booking):
        said.append("It came by calendar; what you set stays, whatever the calendar says.")
    warnings = []
    if booking.status == Booking.Status.CONFIRMED:
        warnings = [*overlaps(booking), *long_stay(booking)]
    warnings += clock_changes(booking, form.typed)
    return Outcome(messages.SUCCESS, " ".join(filter(None, said)), tuple(warnings), f"the stay {moved}.")


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
    """Whether the stay moves along with the property's times: it did so, and each end that moved has them; or it has
    them again, as before a late check-out that was taken back."""
    prop = booking.property
    usual_in = booking.check_in == prop.check_in_on(booking.arrival_date)
    usual_out = booking.check_out == prop.check_out_on(booking.departure_date)
    if not former.follows_property_times:
        return usual_in and usual_out
    return (usual_in or booking.check_in == former.check_in) and (usual_out or booking.check_out == former.check_out)


def _of_the_code(booking: Booking, former_code: str, now: datetime) -> str:
    """What the stay's new ends mean for its code, from what was written because of them."""
    zone = booking.property.zone
    if booking.status != Booking.Status.CONFIRMED:
        return "It gets a code as soon as it is confirmed."
    grant = AccessGrant.objects.filter(booking=booking, kind=AccessGrant.Kind.GUEST).first()
    if grant is None:
        return "Its code comes when its time has come." if booking.property.is_active else ""
    if grant.revoked_at is not None:
        return "Its code stays revoked."
    wanted = Pin.objects.filter(grant=grant, wanted=True)
    told, left_out = _split(wanted.exclude(state=State.SET).values_list("lock", flat=True))
    watches = bool(left_out)
    if not wanted.exists():
        return "No lock has a code for it at present."
    until = f"until {day_and_time(grant.ends_at, zone)}"
    span = until if grant.starts_at <= now else f"from {day_and_time(grant.starts_at, zone)} {until}"
    works = "would work" if watches else "works"
    lead = f"The same code {works}" if grant.code == former_code else f"It gets a new code, which {works}"
    due = f" {doors(told)} {'is' if told == 1 else 'are'} being told." if told and grant.issue_at <= now else ""
    return f"{lead} {span}.{due}{left_out}"


def _wake(lock_ids: Iterable[int]) -> None:
    transaction.on_commit(partial(tasks.wake_locks, sorted(lock_ids)))


#: By the name in the URL and of the list's action.
ACTIONS: dict[str, Action] = {
    "try_again": try_again,
    "new_code": new_code,
    "revoke": revoke,
    "looks_right": looks_right,
    "follow_calendar": follow_calendar,
}
#: The buttons, as people read them in the history of a stay.
_BUTTONS = {
    "try_again": "Try again now",
    "new_code": "New code",
    "revoke": "Revoke",
    "looks_right": "Looks right",
    "follow_calendar": "Follow the calendar",
    "late_check_out": "Late check-out",
    "change_days": "Other days",
}


def history_line(name: str, outcome: Outcome) -> str:
    """What the history of the booking says about an action."""
    return f"{_BUTTONS[name]}: {outcome.noted or outcome.text}"
