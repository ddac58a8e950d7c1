"""Finds changes that no signal announced: bulk writes, `update()`, a restored backup, the passing of time.

Reads the database only and costs no request. Compares bookings with their grants and hands those that differ to
`pins.desired.grants`. `look` is called once a minute. How soon it finds a difference:

- within a minute: everything about stays that run or begin within `NEAR`, by either side, booking or grant; stays whose
  issue-ahead window opens; stays that were entered; grants whose booking was deleted;
- within ten minutes: codes of people who work between stays; within a minute: spare codes that stays have;
- within an hour: everything else (`pins.desired.drift_rounds`). Each minute compares the next slice. Up to
  `drift_rounds.LEAST` codes are one slice, so a small installation is compared as a whole each minute.

So a minute costs the same however many codes are weeks away or long over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

from django.db.models import F, Max, Q, Value
from django.db.models.functions import Least

from pins.core.pin_state import State
from pins.desired import differences, drift_rounds, grants, spares, staff_grants
from pins.desired.staying_on import closed_too_early
from pins.models import AccessGrant, Pin, ScanPosition
from rentals.models import Booking, Property
from rentals.models.periods import During

logger = logging.getLogger(__name__)

#: Stays that run, or begin within this time, are compared each minute.
NEAR: Final = timedelta(hours=48)
#: A transaction that wrote new rows may be open for so long: they are seen only when it ends.
LONGEST_WRITE: Final = timedelta(minutes=10)
#: The clocks of two machines differ by less.
CLOCKS_DIFFER: Final = timedelta(minutes=1)
#: A look that comes late looks back at most so far for windows that opened. Older ones are found by the round.
_LATEST = timedelta(days=1)


def look(now: datetime) -> set[int]:
    """What is due each minute, and the next slice of the rest. Returns the locks that have work because of it."""
    tried: set[int] = set()
    touched = _put_right(due(now), tried, now) | grants.end_orphans(now)
    touched |= staff_grants.look(now) | spares.look(now)
    for one in drift_rounds.ROUNDS:
        with drift_rounds.next_slice(one, now) as keys:
            touched |= _put_right(one.differing(keys, now), tried, now)
            if one is drift_rounds.CODES:
                touched |= _left_by_a_clock_ahead(keys, now)
    return touched


def _left_by_a_clock_ahead(grant_ids: list[int], now: datetime) -> set[int]:
    """What was wished while a clock stood ahead is due by that clock, and a code may have been removed as if its stay
    were over: by the true one both are due now. Where sweeps ran by that clock too, `pins.reconcile.clock_steps` was
    here before."""
    over = Q(state=State.REMOVED, wanted=True, next_try_at=None)
    ahead = Pin.objects.filter(Q(wished_at__gt=now + CLOCKS_DIFFER) | over, grant__in=grant_ids)
    locks = set(ahead.order_by().values_list("lock", flat=True))
    if locks:
        again = Least("wished_at", Value(now))
        ahead.update(wished_at=again, next_try_at=now, observed_rev=F("observed_rev") + 1)
    return locks


def due(now: datetime) -> list[int]:
    """The differences that are looked for each minute: bookings, some perhaps twice."""
    return [*_near(now), *_entered(now), *_windows_opened(now)]


def repair(now: datetime) -> set[int]:
    """Compare everything at once, however much there is. Returns the locks that have work because of it."""
    tried: set[int] = set()
    touched = _put_right(_near(now), tried, now)
    for one in drift_rounds.ROUNDS:
        for keys in drift_rounds.slices(one, now):
            touched |= _put_right(one.differing(keys, now), tried, now)
    return touched | grants.end_orphans(now) | staff_grants.repair(now) | spares.repair(now)


def _put_right(booking_ids: Iterable[int], tried: set[int], now: datetime) -> set[int]:
    """One by one, so that a booking that cannot be read as a period (bulk writes check nothing) stops no other; each
    once in a look, however often it is met."""
    touched: set[int] = set()
    for booking_id in booking_ids:
        if booking_id in tried:
            continue
        tried.add(booking_id)
        try:
            locks, homes = grants.sync_and_follow([booking_id], now)
            touched |= locks | staff_grants.follow(homes, now)
        except (ValueError, ZoneInfoNotFoundError):
            logger.exception("booking_unreadable", extra={"booking_id": booking_id})
    return touched


def _near(now: datetime) -> list[int]:
    """Differences of the stays that run or begin within `NEAR`. Both sides are asked, because a booking that was moved
    away leaves its grant behind."""
    soon = now + NEAR
    stays = Booking.objects.during(now - differences.LONGEST_BUFFER, soon)
    guests = AccessGrant.objects.filter(kind=AccessGrant.Kind.GUEST, booking__isnull=False).order_by()
    ends = dict(guests.filter(During("starts_at", "ends_at", now, soon)).values_list("pk", "ends_at"))
    ends |= dict(
        guests.filter(During("booking__check_in", "booking__check_out", now, soon)).values_list("pk", "ends_at")
    )
    differing = differences.of_grants(sorted(ends, key=lambda pk: (ends[pk], pk)), now)
    return [*differences.without_grant(stays, now), *differing, *closed_too_early(now)]


def _entered(now: datetime) -> list[int]:
    """Stays without a grant among the new rows: by the key, so that old ones cost nothing. What another transaction
    has written and not committed is seen by a later look: the mark is `LONGEST_WRITE` old at least."""
    marks = {one.name: one for one in ScanPosition.objects.filter(name__in=_MARKS)}
    newest = Booking.objects.aggregate(most=Max("pk"))["most"] or 0
    if len(marks) < len(_MARKS):  # the first look: older rows belong to the round
        rows = [ScanPosition(name=name, at=now, row=newest) for name in _MARKS]
        ScanPosition.objects.bulk_create(rows, ignore_conflicts=True)
        return []
    used, following = (marks[name] for name in _MARKS)
    if following.at is None or now - following.at >= LONGEST_WRITE or following.at > now:
        ScanPosition.objects.filter(name=used.name).update(at=following.at, row=following.row)
        ScanPosition.objects.filter(name=following.name).update(at=now, row=newest)
    return differences.without_grant(Booking.objects.filter(pk__gt=used.row), now)


#: The mark that is used, and the one that follows it.
_MARKS: Final = ("new stays", "new stays, next")


def _windows_opened(now: datetime) -> list[int]:
    """Stays without a grant whose issue-ahead window opened since the last look, with one query for each length in
    use."""
    mark, _ = ScanPosition.objects.get_or_create(name="windows")
    since = max(mark.at or now, now - _LATEST) if mark.at is None or mark.at <= now else now - _LATEST
    found: list[int] = []
    lengths = Property.objects.order_by().values_list("issue_ahead_days", "early_minutes").distinct()
    for days, early in lengths:
        ahead = timedelta(days=days, minutes=early)
        opened = Booking.objects.filter(
            property__issue_ahead_days=days,
            property__early_minutes=early,
            check_in__gt=since + ahead - LONGEST_WRITE,
            check_in__lte=now + ahead,
        )
        found += differences.without_grant(opened, now)
    ScanPosition.objects.filter(name="windows").update(at=now)
    return found
