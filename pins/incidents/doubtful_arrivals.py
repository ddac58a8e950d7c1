"""Guests who may come and find a closed door although no code is late: no lock can take their code, or nobody decided
yet whether they come. Each check reads the database only, in a constant number of queries. All times are UTC."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from pins.core.pin_state import State
from pins.incidents.sweep_checks import Found, urgency
from pins.models import Incident, Pin
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
    rows = list(
        expected.exclude(grants__revoked_at__isnull=False).values_list(
            "pk", "check_in", "property", "property__is_active"
        )
    )
    # What locks and codes say are queries of their own: as conditions, the database would read all of them.
    with_door, with_keypad = _doors({home for _, _, home, _ in rows})
    coded, unblocked = _codes(now)
    found: dict[int, Severity] = {}
    for pk, check_in, home, in_use in rows:
        soon = check_in <= now + USELESS_LOCK_WARNING
        all_blocked, off_without_code = pk in coded and pk not in unblocked, not in_use and pk not in coded
        if (in_use and home not in with_door) or (
            soon and (home not in with_keypad or all_blocked or off_without_code)
        ):
            found[pk] = urgency(check_in, now)
    return Found("booking", found)


def _doors(homes: Collection[int]) -> tuple[set[int], set[int]]:
    """Of these properties those with a lock in use, and those with one that can take a code."""
    pairs = Property.locks.through.objects.filter(property__in=homes, lock__is_active=True)
    rows = list(pairs.values_list("property", "lock__has_keypad", "lock__account__observe_only"))
    return {home for home, _, _ in rows}, {home for home, keypad, observed in rows if keypad is not False or observed}


def _codes(now: datetime) -> tuple[set[int], set[int]]:
    """The stays that begin soon or run and have a code on some lock, and those of them with one that is not blocked."""
    soon = Booking.objects.during(now, now + USELESS_LOCK_WARNING).order_by().values("pk")
    codes = Pin.objects.filter(grant__booking__in=soon, grant__ends_at__gt=now, wanted=True).order_by()
    rows = list(codes.values_list("grant__booking", "state"))
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
