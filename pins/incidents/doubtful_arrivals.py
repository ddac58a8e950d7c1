"""Guests who may come and find a closed door although no code is late: no lock can take their code, or nobody decided
yet whether they come. Each check reads the database only, in a constant number of queries. All times are UTC."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from pins.core.pin_state import State
from pins.incidents.sweep_checks import Found, urgency
from pins.models import AccessGrant, Incident, Pin
from rentals.access import EVERYTHING, Scope, visible
from rentals.calendars.events import Verdict
from rentals.models import Booking, FeedItem, Property

Severity = Incident.Severity

#: How long before its first day a person is told of a row, or of a stay, that nobody decided about; and told urgently.
UNDECIDED_WARNING: Final = timedelta(hours=72)
UNDECIDED_URGENT: Final = timedelta(hours=24)
#: How long before the arrival a person is told that no lock can let the guest in. Where there is none: a lock takes
#: days to buy and mount. Otherwise something else told of it before.
NO_LOCK_WARNING, USELESS_LOCK_WARNING = timedelta(days=7), timedelta(hours=24)


def shut_out(now: datetime) -> Found:
    """Confirmed stays, coming or running, whom no lock lets in: the property has no active lock, none of them has a
    keypad, or every code is blocked; or it is switched off, so that its guests get no code. Not stays whose code a
    person revoked."""
    expected = Booking.objects.during(now, now + NO_LOCK_WARNING).filter(status=Booking.Status.CONFIRMED).order_by()
    rows = list(expected.values_list("pk", "check_in", "property"))
    # What homes and codes say are queries of their own: as conditions, the database would read all of them.
    homes = _homes({home for _, _, home in rows})
    rows = [row for row in rows if row[2] in homes]  # a property may have been deleted since
    near = [(stay, home) for stay, check_in, home in rows if check_in <= now + USELESS_LOCK_WARNING]
    coded, unblocked = _codes({stay for stay, home in near if not homes[home].in_use}, {stay for stay, _ in near}, now)
    closed = {stay for stay, _, home in rows if homes[home].in_use and not homes[home].has_door}
    closed |= {stay for stay, home in near if not homes[home].has_keypad or (stay in coded and stay not in unblocked)}
    closed |= {stay for stay, home in near if not homes[home].in_use and stay not in coded}
    if closed:
        revoked = AccessGrant.objects.filter(booking__in=closed, revoked_at__isnull=False)
        closed -= set(revoked.values_list("booking", flat=True))
    return Found("booking", {stay: urgency(check_in, now) for stay, check_in, _ in rows if stay in closed})


@dataclass
class _Home:
    in_use: bool
    has_door: bool = False  # a lock in use
    has_keypad: bool = False  # one that can take a code


def _homes(homes: Collection[int]) -> dict[int, _Home]:
    """What these properties have."""
    found: dict[int, _Home] = {}
    columns = ("pk", "is_active", "locks__is_active", "locks__has_keypad", "locks__account__observe_only")
    for pk, in_use, is_door, keypad, observed in Property.objects.filter(pk__in=homes).order_by().values_list(*columns):
        home = found.setdefault(pk, _Home(in_use))
        home.has_door |= bool(is_door)
        home.has_keypad |= bool(is_door) and (keypad is not False or bool(observed))
    return found


def _codes(unused: Collection[int], stays: Collection[int], now: datetime) -> tuple[set[int], set[int]]:
    """Of the stays in properties that are not in use (`unused`), and of those of `stays` with a code that is blocked:
    the stays that have a code on some lock, and those of them with one that is not blocked. Blocked codes are few."""
    living = Pin.objects.filter(grant__ends_at__gt=now, wanted=True).order_by()
    asked = set(living.filter(state=State.BLOCKED).values_list("grant__booking", flat=True)) & set(stays) | set(unused)
    if not asked:
        return set(), set()
    rows = list(living.filter(grant__booking__in=asked).values_list("grant__booking", "state"))
    return {stay for stay, _ in rows}, {stay for stay, state in rows if state != State.BLOCKED}


def undecided_items(now: datetime, scope: Scope) -> QuerySet[FeedItem]:
    """Rows of calendars in use that may be a stay and about which nobody decided, as long as they are not over."""
    waiting = FeedItem.objects.filter(verdict=Verdict.REVIEW.value, decision="", gone_at=None, ends_at__gt=now)
    return visible(waiting.filter(feed__is_active=True), scope)


def undecided(now: datetime) -> Found:
    """Of the rows that nobody decided about, those that begin soon or have begun. Until then only the board asks."""
    due = undecided_items(now, EVERYTHING).filter(starts_at__lte=now + UNDECIDED_WARNING)
    rows = list(due.values_list("pk", "feed", "starts_at"))
    severities = {
        pk: Severity.URGENT if starts_at is not None and starts_at <= now + UNDECIDED_URGENT else Severity.WARNING
        for pk, _, starts_at in rows
    }
    return Found("item", severities, {pk: feed for pk, feed, _ in rows})


def not_confirmed(now: datetime) -> Found:
    """Tentative stays that begin soon or have begun: they have no code."""
    waiting = Booking.objects.during(now, now + UNDECIDED_WARNING).filter(status=Booking.Status.TENTATIVE)
    return Found("booking", dict.fromkeys(waiting.values_list("pk", flat=True), Severity.WARNING))
