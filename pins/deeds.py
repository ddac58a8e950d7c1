"""What a person can do about the codes of bookings: one function per deed, with a sentence about what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.db import transaction

from pins import choices, grants, reconcile, sources, tasks
from pins.facts import State
from pins.models import AccessGrant, Pin
from pins.policy import NoValueLeft
from pins.words import doors
from rentals.models import Booking, Lock


@dataclass(frozen=True)
class Outcome:
    """What came of one deed for one booking."""

    level: int  # of django.contrib.messages
    text: str  # follows the booking's name and a colon

    @property
    def done(self) -> bool:
        return self.level == messages.SUCCESS


def _done(text: str) -> Outcome:
    return Outcome(messages.SUCCESS, text)


def _nothing(text: str) -> Outcome:
    return Outcome(messages.WARNING, text)


Deed = Callable[[Booking, datetime], Outcome]


def _grant_of(booking: Booking) -> AccessGrant | None:
    return AccessGrant.objects.filter(booking=booking, kind=AccessGrant.Kind.GUEST).defer("code").first()


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
        touched = reconcile.try_now(pin_ids, now)
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
        touched = choices.renew_code(grant.pk, now)
    except choices.CodeAlreadyToldError:
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
    if grant is None:
        return _nothing("there is no code to revoke. To keep one from being issued, cancel the booking.")
    if grant.revoked_at is not None:
        return _nothing("its code was revoked already.")
    if booking.check_out <= now:
        return _nothing("the stay is over, its code goes by itself.")
    touched = choices.revoke(grant.pk, now)
    _wake(touched)
    written, left_out = _split(touched)
    return _done(f"the code is revoked{f' and comes off {doors(written)}' if written else ''}.{left_out}")


def looks_right(booking: Booking, now: datetime) -> Outcome:
    """A person looked at a stay of which a calendar left us in doubt."""
    if sources.clear_review(booking):
        return _done("thank you, it is no longer marked for review.")
    return _nothing("it was not marked for review any more.")


def follow_calendar(booking: Booking, now: datetime) -> Outcome:
    """Give up what a person set where calendars say something else."""
    if sources.follow_calendar(booking):
        return _done("it is what the calendar says now, and follows it again.")
    return _nothing("what you set and what the calendar says do not fit together. Set the dates by hand.")


def _split(lock_ids: Collection[int]) -> tuple[int, str]:
    """How many of these locks are written to, and a sentence about those that are only watched."""
    watched = Lock.objects.filter(pk__in=lock_ids, account__observe_only=True).count()
    left_out = f" Turnkey only watches {doors(watched)} and changes nothing there." if watched else ""
    return len(lock_ids) - watched, left_out


def _wake(lock_ids: Iterable[int]) -> None:
    transaction.on_commit(partial(tasks.wake_locks, sorted(lock_ids)))


#: By the name in the URL and of the list's action.
DEEDS: dict[str, Deed] = {
    "try_again": try_again,
    "new_code": new_code,
    "revoke": revoke,
    "looks_right": looks_right,
    "follow_calendar": follow_calendar,
}
