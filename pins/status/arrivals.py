"""What locks told of a guest's arrival, for people. What the cloud did not name is said as probable. Reads no code."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pins.models import LockActivity, StayArrival
from pins.tedee.errors import Cause
from rentals.models import Booking, Lock
from rentals.wording import brief, clock_time, counted

_FIRST, _EARLY, _WRONG = "first", "early", "wrong"
_REFUSED: Final = frozenset({Cause.UNAUTHORIZED.value, Cause.FORBIDDEN.value, Cause.NOT_FOUND.value})


def arrival_of(booking: Booking) -> StayArrival | None:
    """What is known of one stay; without a query where it was loaded with the stay."""
    return getattr(booking, "arrival", None)


def flags(booking: Booking, now: datetime) -> list[str]:
    """A few words for the line of a stay on the board: what matters most."""
    found = arrival_of(booking)
    if found is None:
        return []
    said = _said(booking, found, now)
    if found.first_opened_at is not None:
        wrong_after = found.wrong_at is not None and found.wrong_at > found.first_opened_at
        return [said[_FIRST], *([said[_WRONG]] if wrong_after else [])]
    words = [said[name] for name in (_WRONG, _EARLY) if name in said]
    if booking.check_in <= now < booking.check_out:
        words.append(f"{_nobody(found)}, as of {_when(found.read_at, booking, now)}")
    return words


def sentences(booking: Booking, now: datetime) -> list[str]:
    """The same in sentences for the page of the stay, with how far the activity is known."""
    locks = Lock.objects.filter(properties=booking.property_id, is_active=True, account__reads_activity=True)
    ids = list(locks.values_list("pk", flat=True))
    found = arrival_of(booking)
    said = []
    if found is not None:
        said = [f"{one[:1].upper()}{one[1:]}." for one in _said(booking, found, now).values()]
        if found.first_opened_at is None and found.maybe_used:
            said.append("Somebody came, perhaps this guest: others have a code for this door, too.")
        elif found.absent_at is not None and found.first_opened_at is None:
            said.append("Nobody came by midnight: no code was used. The guest may have got in another way.")
        elif found.first_opened_at is None and booking.check_in <= now:
            said.append("No code was used yet, as far as is known.")
    if said or (ids and booking.check_in <= now < booking.check_out):
        said += _how_far(booking, ids, found, now)
    return said


def _how_far(booking: Booking, lock_ids: list[int], found: StayArrival | None, now: datetime) -> list[str]:
    said = [f"The activity of the locks is known until {_when(found.read_at, booking, now)}."] if found else []
    troubled = LockActivity.objects.filter(lock__in=lock_ids).exclude(trouble="").order_by("lock__name", "pk")
    for name, trouble in troubled.values_list("lock__name", "trouble"):
        why = "Tedee refuses it" if trouble in _REFUSED else "there was no answer, or no request to spare"
        said.append(f"The activity of {name} cannot be read at present: {why}.")
    if not said and lock_ids:
        said.append("The activity of the locks was not read for this stay yet.")
    return said


def _said(booking: Booking, found: StayArrival, now: datetime) -> dict[str, str]:
    """What is known, by its kind. No line of the activity names a wrong code, so that is never certain."""
    said = {}
    if found.first_opened_at is not None:
        said[_FIRST] = f"first unlock {_probably(found.is_named)}{_when(found.first_opened_at, booking, now)}"
    if found.early_at is not None:
        said[_EARLY] = f"{_probably(found.early_is_named)}tried before the time, {_when(found.early_at, booking, now)}"
    if found.wrong_at is not None:
        tries = counted(found.wrong_tries, "time")
        said[_WRONG] = f"probably a wrong code {tries}, {_when(found.wrong_at, booking, now)}"
    return said


def _nobody(found: StayArrival) -> str:
    if found.maybe_used:
        return "somebody came, perhaps this guest"
    return "no code used by midnight" if found.absent_at is not None else "no code used"


def has_come(booking: Booking) -> bool | None:
    """Whether the guest is known, or thought, to have come; None where the locks do not tell."""
    found = arrival_of(booking)
    if found is None or (found.maybe_used and found.first_opened_at is None):
        return None
    return found.first_opened_at is not None


def _probably(is_named: bool) -> str:
    return "" if is_named else "probably "


def _when(moment: datetime, booking: Booking, now: datetime) -> str:
    zone = booking.property.zone
    same_day = moment.astimezone(zone).date() == now.astimezone(zone).date()
    return clock_time(moment, zone) if same_day else brief(moment, now, zone)
