"""Checks for trouble to come, made with the drift check: heavier than those of every sweep, and less urgent.

They read the database only, in a constant number of queries, and begin with what is near or open.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache, reduce
from operator import or_
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from pins.incidents import doubtful_arrivals, unreadable
from pins.incidents.sweep_checks import Found, Standing, keep, open_incidents, urgency
from pins.models import AccountState, AccountTokens, Incident, SparePool
from pins.models.incident import subject_key
from rentals.models import Booking, Lock, LockAccount, Property

Kind, Severity = Incident.Kind, Incident.Severity

#: How far ahead overlapping stays are looked for.
HORIZON = timedelta(days=14)
#: So long spare codes may be missing before a person is told: a new one takes its turn after all others.
SPARES_PATIENCE = timedelta(hours=1)
#: In per cent: from this level on a battery that was low counts as changed. Levels vary by a few per cent from one
#: report to the next, so a low battery must not count as well again at once.
FRESH_BATTERY = 25
#: How long before the end of an access key a person is told, and told urgently. A new key takes five minutes, but who
#: may make it can be away for a week.
KEY_WARNING, KEY_URGENT = timedelta(days=14), timedelta(days=3)
#: The same for a connection, which lasts 14 days from each renewal: half of that without one is no accident.
CONNECTION_WARNING, CONNECTION_URGENT = timedelta(days=7), timedelta(days=2)
#: How long a renewal may fail before a person is told.
CONNECTION_PATIENCE = timedelta(minutes=10)


def check(now: datetime) -> None:
    """Open and resolve the incidents about configuration, overlaps, calendars, batteries and keys. `now`: UTC."""
    standing = open_incidents()
    keep(
        standing,
        {
            Kind.BATTERY_LOW: Found("lock", _low_batteries(standing)),
            Kind.FEED_UNREADABLE: Found("feed", unreadable.severities(now)),
            Kind.CONNECTION_ENDS: Found("account", _ending_connections(now)),
            Kind.CONNECTION_FAILS: Found("account", _failing_connections(now)),
            Kind.KEY_EXPIRES: Found("account", _ending_keys(now)),
            Kind.NO_KEYPAD: Found("lock", _without_keypad(now)),
            Kind.NO_LOCK: doubtful_arrivals.shut_out(now),
            Kind.STAY_UNCLEAR: doubtful_arrivals.undecided(now),
            Kind.NOT_CONFIRMED: doubtful_arrivals.not_confirmed(now),
            Kind.SPARES_SHORT: Found("lock", _short_pools(now)),
            Kind.STAYS_OVERLAP: Found("booking", _overlapping_stays(now)),
            Kind.ZONE_DIFFERS: Found("lock", _in_another_zone(now)),
        },
        now,
    )


def _low_batteries(standing: Standing) -> dict[int, Incident.Severity]:
    """Locks in use whose battery was low when Tedee last told its level (hourly list, webhooks)."""
    below = Lock.objects.filter(is_active=True, battery_level__lt=FRESH_BATTERY).values_list("pk", "battery_level")
    return {
        pk: Severity.URGENT if level <= Lock.EMPTY_BATTERY else Severity.WARNING
        for pk, level in below
        if level is not None
        and (level < Lock.LOW_BATTERY or (Kind.BATTERY_LOW.value, subject_key("lock", pk)) in standing)
    }


def _ending_keys(now: datetime) -> dict[int, Incident.Severity]:
    """Accounts whose access key ends soon. When it has ended, the refused key is an incident of its own; if the account
    still works, the key that ended was another one of its user."""
    ending = AccountState.objects.filter(
        account__kind=LockAccount.Kind.PERSONAL_KEY, key_valid_to__gt=now, key_valid_to__lte=now + KEY_WARNING
    )
    rows = ending.values_list("account_id", "key_valid_to")
    return {
        pk: Severity.URGENT if valid_to is not None and valid_to <= now + KEY_URGENT else Severity.WARNING
        for pk, valid_to in rows
    }


def _ending_connections(now: datetime) -> dict[int, Incident.Severity]:
    """Connections that end soon, because nothing renewed them for days. One that has ended is an incident of its own
    as soon as Tedee says so; until then, what it said of the end may be wrong."""
    ending = _connections().filter(refresh_until__lte=now + CONNECTION_WARNING)
    return {
        pk: Severity.URGENT if until <= now + CONNECTION_URGENT else Severity.WARNING
        for pk, until in ending.values_list("account_id", "refresh_until")
    }


def _failing_connections(now: datetime) -> dict[int, Incident.Severity]:
    """Connections whose renewal brings nothing for a while: urgent when the last access token is over."""
    failing = _connections().filter(failing_since__lte=now - CONNECTION_PATIENCE)
    return {
        pk: Severity.URGENT if until <= now else Severity.WARNING
        for pk, until in failing.values_list("account_id", "access_until")
    }


def _connections() -> QuerySet[AccountTokens]:
    return AccountTokens.objects.filter(ended="", account__kind=LockAccount.Kind.OAUTH).order_by()


def _short_pools(now: datetime) -> dict[int, Incident.Severity]:
    """Locks with fewer spare codes than a person asked for. On an observe-only lock none are missing."""
    short = SparePool.objects.filter(
        short_since__lte=now - SPARES_PATIENCE, size__gt=0, lock__account__observe_only=False
    )
    return dict.fromkeys(short.order_by().values_list("lock", flat=True), Severity.NOTICE)


def _without_keypad(now: datetime) -> dict[int, Incident.Severity]:
    """Locks without a keypad, of properties with guests to come."""
    without = list(Lock.objects.filter(has_keypad=False, is_active=True).order_by().values_list("pk", flat=True))
    if not without:
        return {}
    expected = Booking.objects.filter(
        property__locks=OuterRef("pk"),
        property__is_active=True,
        status=Booking.Status.CONFIRMED,
        check_out__gt=now,
    ).order_by("check_in")
    locks = Lock.objects.filter(pk__in=without).annotate(guest_at=Subquery(expected.values("check_in")[:1]))
    rows = locks.order_by().values_list("pk", "guest_at")
    return {pk: urgency(guest_at, now) for pk, guest_at in rows if guest_at is not None}


def _overlapping_stays(now: datetime) -> dict[int, Incident.Severity]:
    """Of two stays that overlap in the future, the one that begins later; of two that begin together, the one that was
    entered later."""
    earlier = Q(check_in__lt=OuterRef("check_in")) | Q(check_in=OuterRef("check_in"), pk__lt=OuterRef("pk"))
    near = Booking.objects.during(now, now + HORIZON).filter(status=Booking.Status.CONFIRMED)
    # The earlier stay is near, too: it begins no later, and is not over.
    others = near.filter(earlier, property=OuterRef("property"), check_out__gt=OuterRef("check_in"))
    second = near.filter(Exists(others), property__is_active=True)
    return {pk: urgency(check_in, now) for pk, check_in in second.values_list("pk", "check_in")}


def _in_another_zone(now: datetime) -> dict[int, Incident.Severity]:
    """Locks whose time zone, as set in the Tedee app, shows another time than the one of a property that they open."""
    doors = (
        Property.locks.through.objects.filter(property__is_active=True, lock__is_active=True)
        .exclude(lock__time_zone="")
        .exclude(lock__time_zone=F("property__timezone"))
        .order_by()
    )
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    # There are few zones, however many locks: a thousand in Berlin's for a house in Warsaw are one row.
    for there, here in doors.values_list("lock__time_zone", "property__timezone").distinct():
        if clocks_differ(there, here, now.year):
            wrong[here].append(there)
    if not wrong:
        return {}
    either = [Q(property__timezone=here, lock__time_zone__in=there) for here, there in wrong.items()]
    return dict.fromkeys(doors.filter(reduce(or_, either)).values_list("lock_id", flat=True), Severity.NOTICE)


@lru_cache(maxsize=256)
def clocks_differ(one: str, other: str, year: int) -> bool:
    """Whether two zones show different times on some day of the year (looked at weekly): Warsaw and Berlin never do.
    False where a name is unknown."""
    try:
        zones = (ZoneInfo(one), ZoneInfo(other))
    except (ValueError, OSError, KeyError):
        return False
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=7 * week) for week in range(53)]
    return any(noon.astimezone(zones[0]).utcoffset() != noon.astimezone(zones[1]).utcoffset() for noon in noons)
