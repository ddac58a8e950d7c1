"""What locks told of a guest's arrival, for people. What the cloud did not name is said as probable. Reads no code."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.models import LockActivity, StayArrival
from pins.tedee.errors import Cause
from rentals.models import Booking, Lock
from rentals.wording import brief, clock_time

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
        words.append(_("{what}, as of {when}").format(what=_nobody(found), when=_when(found.read_at, booking, now)))
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
            said.append(_("Somebody came, perhaps this guest: others have a code for this door, too."))
        elif found.absent_at is not None and found.first_opened_at is None:
            said.append(_("Nobody came by midnight: no code was used. The guest may have got in another way."))
        elif found.first_opened_at is None and booking.check_in <= now:
            said.append(_("No code was used yet, as far as is known."))
    if said or (ids and booking.check_in <= now < booking.check_out):
        said += _how_far(booking, ids, found, now)
    return said


def _how_far(booking: Booking, lock_ids: list[int], found: StayArrival | None, now: datetime) -> list[str]:
    said = []
    if found is not None:
        known = _("The activity of the locks is known until {when}.")
        said.append(known.format(when=_when(found.read_at, booking, now)))
    troubled = LockActivity.objects.filter(lock__in=lock_ids).exclude(trouble="").order_by("lock__name", "pk")
    for name, trouble in troubled.values_list("lock__name", "trouble"):
        cannot = (
            _("The activity of {lock} cannot be read at present: Tedee refuses it.")
            if trouble in _REFUSED
            else _("The activity of {lock} cannot be read at present: there was no answer, or no request to spare.")
        )
        said.append(cannot.format(lock=name))
    if not said and lock_ids:
        said.append(_("The activity of the locks was not read for this stay yet."))
    return said


def _said(booking: Booking, found: StayArrival, now: datetime) -> dict[str, str]:
    """What is known, by its kind. No line of the activity names a wrong code, so that is never certain."""
    said = {}
    if found.first_opened_at is not None:
        first = _("first unlock {when}") if found.is_named else _("first unlock probably {when}")
        said[_FIRST] = first.format(when=_when(found.first_opened_at, booking, now))
    if found.early_at is not None:
        early = (
            _("tried before the time, {when}") if found.early_is_named else _("probably tried before the time, {when}")
        )
        said[_EARLY] = early.format(when=_when(found.early_at, booking, now))
    if found.wrong_at is not None:
        said[_WRONG] = ngettext(
            "probably a wrong code {number} time, {when}",
            "probably a wrong code {number} times, {when}",
            found.wrong_tries,
        ).format(number=found.wrong_tries, when=_when(found.wrong_at, booking, now))
    return said


def _nobody(found: StayArrival) -> str:
    if found.maybe_used:
        return _("somebody came, perhaps this guest")
    return _("no code used by midnight") if found.absent_at is not None else _("no code used")


def has_come(booking: Booking) -> bool | None:
    """Whether the guest is known, or thought, to have come; None where the locks do not tell."""
    found = arrival_of(booking)
    if found is None or (found.maybe_used and found.first_opened_at is None):
        return None
    return found.first_opened_at is not None


def _when(moment: datetime, booking: Booking, now: datetime) -> str:
    zone = booking.property.zone
    same_day = moment.astimezone(zone).date() == now.astimezone(zone).date()
    return clock_time(moment, zone) if same_day else brief(moment, now, zone)
