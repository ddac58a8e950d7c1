"""What people who work in the flats ask of the locks, read from their access, its properties and the stays there.

Reads only: a few statements, however many accesses. All times are UTC.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max

from pins.core import staff
from pins.core.staff import Gap, Place, StaffWish, gaps
from pins.models import StaffAccess
from rentals import end_to_end
from rentals.local_time import zone_names
from rentals.models import Booking, Lock, Property

#: A guest who left longer ago than this has left no gap.
LOOKS_BACK: Final = timedelta(days=400)


def wishes_of(
    accesses: Sequence[StaffAccess], now: datetime, *, without: Collection[int] = ()
) -> dict[int, tuple[StaffWish, ...]]:
    """The codes that each access asks for, by its key; none where it is switched off. `without`: as if these bookings
    were deleted."""
    active = [one for one in accesses if one.is_active]
    found: dict[int, tuple[StaffWish, ...]] = {one.pk: () for one in accesses}
    if not active:
        return found
    doors = _doors([one.pk for one in active])
    between = {one.pk for one in active if one.mode == StaffAccess.Mode.TURNOVER}
    homes = {pk for access, theirs in doors.homes.items() if access in between for pk in theirs}
    shared = _shared({lock_id for home in homes for lock_id in doors.locks[home]}) if homes else set()
    places = _places(homes, now, without) if homes else {}
    for one in active:
        theirs, named = doors.homes[one.pk], doors.named[one.pk]
        at_hours = {lock_id for home in theirs for lock_id in doors.locks[home]}
        chosen: list[Place] = []
        if one.pk in between:
            at_hours &= shared
            own = {home: doors.locks[home] - shared - named for home in theirs}
            chosen = [replace(places[home], own_locks=frozenset(own[home])) for home in theirs if home in places]
        found[one.pk] = staff.wishes(one.terms, chosen, frozenset(at_hours | named), now)
    return found


def gaps_of(access: StaffAccess, now: datetime, until: datetime) -> list[tuple[int, Gap]]:
    """The gaps of its properties that have not ended and begin before `until`, in order, each with its property."""
    homes = list(access.properties.filter(is_active=True).values_list("pk", flat=True))
    found = [
        (pk, gap)
        for pk, place in (_places(homes, now, ()) if homes else {}).items()
        for gap in gaps(place.stays, access.terms)
        if gap.ends_at > now and gap.starts_at < until
    ]
    return sorted(found, key=lambda one: (one[1].starts_at, one[0]))


def code_length_of(access: StaffAccess) -> int:
    """How many digits a new code has: as many as the longest of its properties."""
    longest = access.properties.aggregate(most=Max("code_length"))["most"]
    usual: int = Property._meta.get_field("code_length").default
    return longest or usual


@dataclass
class _Doors:
    """The active locks and properties of some accesses."""

    homes: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))  # by access
    named: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # single locks, by access
    locks: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # by property


def _doors(access_ids: Collection[int]) -> _Doors:
    found = _Doors()
    of_homes = StaffAccess.properties.through.objects.filter(staffaccess__in=access_ids, property__is_active=True)
    for access, home in of_homes.order_by("property").values_list("staffaccess", "property"):
        found.homes[access].append(home)
    of_locks = StaffAccess.locks.through.objects.filter(staffaccess__in=access_ids, lock__is_active=True)
    for access, lock_id in of_locks.values_list("staffaccess", "lock"):
        found.named[access].add(lock_id)
    homes = {home for theirs in found.homes.values() for home in theirs}
    links = Property.locks.through.objects.filter(property__in=homes, lock__is_active=True)
    for home, lock_id in links.values_list("property", "lock"):
        found.locks[home].add(lock_id)
    return found


def _shared(lock_ids: Collection[int]) -> set[int]:
    """Those of these locks that several active properties use."""
    used = Lock.objects.filter(pk__in=lock_ids, properties__is_active=True).order_by()
    return set(used.annotate(users=Count("properties")).filter(users__gt=1).values_list("pk", flat=True))


def _places(homes: Collection[int], now: datetime, without: Collection[int]) -> dict[int, Place]:
    """Properties with the stays between which somebody works, their locks left open. One in an unknown zone (bulk
    writes check nothing) is left out."""
    stays = _stays(homes, now, without)
    rows = Property.objects.filter(pk__in=homes).order_by("pk").values_list("pk", "timezone", "issue_ahead_days")
    return {
        pk: Place(pk, zone, timedelta(days=days), tuple(_occupied(stays[pk], zone)), frozenset())
        for pk, zone, days in rows
        if zone in zone_names()
    }


def _stays(homes: Collection[int], now: datetime, without: Collection[int]) -> defaultdict[int, list[end_to_end.Stay]]:
    """The confirmed stays that are not over, and of each property those that ended last."""
    rows = Booking.objects.filter(property__in=homes, status=Booking.Status.CONFIRMED).exclude(pk__in=without)
    columns = ("property", "pk", "guest_name", "check_in", "check_out")
    found: defaultdict[int, list[end_to_end.Stay]] = defaultdict(list)
    over = rows.filter(check_out__lte=now, check_in__gt=now - LOOKS_BACK).order_by().values("property")
    last = dict(over.annotate(last=Max("check_out")).values_list("property", "last"))
    for home, *facts in rows.filter(check_out__gt=now).order_by().values_list(*columns):
        found[home].append(end_to_end.Stay(*facts))
    for home, *facts in rows.filter(check_out__in=set(last.values())).order_by().values_list(*columns) if last else ():
        stay = end_to_end.Stay(*facts)
        if last.get(home) == stay.check_out and stay.check_out <= now:
            found[home].append(stay)
    return found


def _occupied(stays: list[end_to_end.Stay], zone: str) -> list[tuple[datetime, datetime]]:
    """From when until when somebody lives there: a guest who stays on is in the house until the next stay begins."""
    goes_on = end_to_end.among(stays, zone)
    return [(one.check_in, max(one.check_out, goes_on.get(one.booking_id, one.check_out))) for one in stays]
