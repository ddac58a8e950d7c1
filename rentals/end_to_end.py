"""One guest, several stays end to end in one property: a channel sells three weeks as three bookings.

The guest stays in the house at each change, so the door must not close between check-out and check-in of that day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import QuerySet

from rentals.calendars.classify.phrases import Kind, names_nobody, read
from rentals.calendars.classify.vocabulary import CHANNEL_NAMES
from rentals.calendars.decide.identity import plain_name
from rentals.calendars.decide.names import names_differ
from rentals.models import Booking

#: Two stays that are end to end are less than this apart: they meet within one local day, which a clock change may make
#: longer.
WITHIN: Final = timedelta(hours=26)
#: What people and channels write in place of a name, plain as `plain_name` leaves it.
_ANYBODY: Final = (
    "guest guests gast gaste client cliente customer kunde voyageur huesped ospite hospede gosc goscie host hote owner "
    "eigentumer besitzer proprietaire name unknown unbekannt anonymous tba tbd xx xxx test"
)


@dataclass(frozen=True, slots=True)
class Stay:
    """What decides it, of one confirmed stay. Moments are aware."""

    booking_id: int
    guest_name: str
    check_in: datetime
    check_out: datetime


def following(stay: Stay, others: Iterable[Stay], zone: ZoneInfo) -> Stay | None:
    """The stay of the same guest that begins on the day on which this one ends, with nobody else's in between.

    `others`: confirmed stays of the same property; `zone`: that of the property. Pure.
    """
    others = [one for one in others if one.booking_id != stay.booking_id]
    day = stay.check_out.astimezone(zone).date()
    later = [
        one
        for one in others
        if one.check_in >= stay.check_out
        and one.check_in.astimezone(zone).date() == day
        and is_same_guest(stay.guest_name, one.guest_name)
    ]
    if not later:
        return None
    found = min(later, key=lambda one: (one.check_in, one.booking_id))
    between = any(
        one.check_in < found.check_in
        and one.check_out > stay.check_out
        and not is_same_guest(stay.guest_name, one.guest_name)
        for one in others
    )
    return None if between else found


def is_same_guest(one: str, other: str) -> bool:
    """Whether two names surely name somebody, and may name one person."""
    return _is_name(one) and _is_name(other) and not names_differ(one, other)


@lru_cache(maxsize=4096)  # the drift check asks it of the same stays each minute
def _is_name(text: str) -> bool:
    said = read(text)
    if names_nobody(text) or (said.whole and said.kind is not Kind.UNKNOWN):
        return False
    return any(not word.isdigit() and word not in _anybody() for word in plain_name(text).split())


@cache
def _anybody() -> frozenset[str]:
    return frozenset([*_ANYBODY.split(), *plain_name(CHANNEL_NAMES).split()])


# -- in the database --------------------------------------------------------------------------------------------------


def next_stay(booking: Booking, *, without: Collection[int] = ()) -> Booking | None:
    """The stay with which the guest of this one stays on, its property loaded. `without`: as if these bookings were
    deleted."""
    if booking.status != Booking.Status.CONFIRMED:
        return None
    near = _confirmed(booking).filter(check_in__lt=booking.check_out + WITHIN, check_out__gt=booking.check_out)
    rows = {one.pk: one for one in near if one.pk not in without}
    found = following(facts_of(booking), map(facts_of, rows.values()), booking.property.zone) if rows else None
    return _with_property(rows[found.booking_id], booking) if found is not None else None


def former_stay(booking: Booking) -> Booking | None:
    """The stay of the same guest that this one follows without a gap, its property loaded."""
    if booking.status != Booking.Status.CONFIRMED:
        return None
    near = list(_confirmed(booking).filter(check_in__lt=booking.check_in, check_out__gt=booking.check_in - WITHIN))
    others = [facts_of(booking), *map(facts_of, near)]
    for one in sorted(near, key=lambda row: (row.check_out, row.pk), reverse=True):
        found = following(facts_of(one), others, booking.property.zone)
        if found is not None and found.booking_id == booking.pk:
            return _with_property(one, booking)
    return None


def next_stays(
    *,
    ending_after: datetime,
    until: datetime,
    properties: Collection[int] | QuerySet[Any, Any] | None = None,
    without: Collection[int] = (),
) -> dict[int, datetime]:
    """For each confirmed stay that ends between two moments and is followed by another one of its guest: when that one
    begins. `properties`: only there; `without`: as if these bookings were deleted. One query, however many stays."""
    rows = Booking.objects.filter(
        status=Booking.Status.CONFIRMED, check_out__gt=ending_after, check_in__lt=until + WITHIN
    ).exclude(pk__in=without)
    if properties is not None:
        rows = rows.filter(property__in=properties)
    homes: defaultdict[tuple[int, str], list[Stay]] = defaultdict(list)
    columns = ("property", "property__timezone", "pk", "guest_name", "check_in", "check_out")
    for home, zone, *facts in rows.order_by().values_list(*columns):
        homes[home, zone].append(Stay(*facts))
    found: dict[int, datetime] = {}
    for (_, zone), stays in homes.items():
        found |= among(stays, zone)
    return found


def among(stays: list[Stay], zone_name: str) -> Mapping[int, datetime]:
    """For each of the confirmed stays of one property that is followed by another one of its guest: when that one
    begins. Sorts `stays` by their beginnings."""
    try:
        zone = ZoneInfo(zone_name)
    except (ValueError, ZoneInfoNotFoundError):
        return {}  # the stays themselves cannot be read then; whoever brings them up to date says so
    stays.sort(key=lambda one: one.check_in)
    begins = [one.check_in for one in stays]
    found: dict[int, datetime] = {}
    for stay in stays:
        last = bisect_left(begins, stay.check_out + WITHIN)
        if last == bisect_left(begins, stay.check_out):
            continue  # nobody arrives when this guest leaves
        follower = following(stay, (one for one in stays[:last] if one.check_out > stay.check_out), zone)
        if follower is not None:
            found[stay.booking_id] = follower.check_in
    return found


def _confirmed(booking: Booking) -> QuerySet[Booking]:
    found = Booking.objects.filter(property=booking.property_id, status=Booking.Status.CONFIRMED)
    return found.exclude(pk=booking.pk).order_by()


def facts_of(booking: Booking) -> Stay:
    return Stay(booking.pk, booking.guest_name, booking.check_in, booking.check_out)


def _with_property(found: Booking, booking: Booking) -> Booking:
    found.property = booking.property
    return found
