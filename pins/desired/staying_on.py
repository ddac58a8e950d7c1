"""Stays whose guest stays on: their code works until the next stay of the same guest begins (`rentals.end_to_end`).

So the end of one grant depends on other bookings. When those change, this brings the stays before them up to date; the
drift check asks the same for the stays that it compares.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import QuerySet

from pins.desired import grants
from pins.desired.wishes import wish_of
from pins.models import AccessGrant
from rentals import end_to_end
from rentals.models import Booking

#: Grant and stay end so close to each other, unless the stay was moved and nobody said so.
_USUAL = timedelta(days=3)
_MOMENT = timedelta(microseconds=1)
_BATCH = 500


def follow(booking_ids: Collection[int], now: datetime, *, deleted: bool = False, created: bool = False) -> set[int]:
    """Bring the stays up to date that these bookings may continue, or no longer do; return the locks that have work.

    `deleted`: the bookings are about to be deleted; `created`: they were not there before. A stay that another
    transaction holds is left out, since that one may wait for ours; the drift check finds it, if it is near within a
    minute, else within the hour.
    """
    touched: set[int] = set()
    gone = booking_ids if deleted else ()
    for booking_id in sorted(_differing(booking_ids, now, gone, created=created)):
        with transaction.atomic():
            rows = Booking.objects.select_for_update(of=("self",), skip_locked=True).select_related("property")
            booking = rows.filter(pk=booking_id).first()
            if booking is not None:
                touched |= grants.sync_booking(booking, now, without=gone)
    return touched


def _differing(booking_ids: Collection[int], now: datetime, gone: Collection[int], *, created: bool) -> Iterator[int]:
    """Stays with a code, in the properties of these bookings, whose end is not what it should be."""
    for changed, homes in _by_homes(sorted(booking_ids)):
        present = AccessGrant.objects.filter(
            kind=AccessGrant.Kind.GUEST,
            wanted=True,
            booking__property__in=homes,
            booking__check_out__gt=now - end_to_end.WITHIN,
        )
        theirs: list[AccessGrant] = []
        before: list[AccessGrant] = []
        for grant in present.select_related("booking__property").defer(*AccessGrant.SECRETS):
            (theirs if grant.booking_id in changed else before).append(grant)
        if not before or (created and len(theirs) == len(changed) and not _may_matter(theirs, before, now)):
            continue
        ends = [grant.booking.check_out for grant in before if grant.booking is not None]
        found = end_to_end.next_stays(
            ending_after=now - end_to_end.WITHIN, until=max(ends), properties=homes, without=gone
        )
        for grant in before:
            if grant.booking is not None and _ends_elsewhen(grant, grant.booking, found.get(grant.booking.pk), now):
                yield grant.booking.pk


def _by_homes(ids: list[int]) -> Iterator[tuple[set[int], Collection[int] | QuerySet[Any, Any]]]:
    """Bookings with their properties, so that the stays of no property are read twice: a calendar may bring thousands.
    Few need no statement of their own for that."""
    if len(ids) <= _BATCH:
        yield set(ids), Booking.objects.filter(pk__in=ids).order_by().values("property")
        return
    found: defaultdict[int, set[int]] = defaultdict(set)
    for start in range(0, len(ids), _BATCH):
        rows = Booking.objects.filter(pk__in=ids[start : start + _BATCH]).order_by()
        for pk, home in rows.values_list("pk", "property"):
            found[home].add(pk)
    homes = sorted(found)
    for start in range(0, len(homes), _BATCH):
        part = homes[start : start + _BATCH]
        yield set().union(*(found[home] for home in part)), part


def _may_matter(new: list[AccessGrant], before: list[AccessGrant], now: datetime) -> bool:
    """Whether stays that were not there before may change the end of a code: they are the next ones of the same guest;
    or they come between two stays that are end to end. Spares the usual new stay the search for what follows what."""
    arrivals = [grant.booking for grant in new if grant.booking is not None]
    for grant in before:
        stay = grant.booking
        if stay is None:
            continue
        if _ends_elsewhen(grant, stay, None, now):
            return True  # its guest stays on, or it is wrong already
        for one in arrivals:
            near = stay.check_out <= one.check_in < stay.check_out + end_to_end.WITHIN
            if near and end_to_end.is_same_guest(stay.guest_name, one.guest_name):
                return True
    return False


def _ends_elsewhen(grant: AccessGrant, booking: Booking, stays_on_at: datetime | None, now: datetime) -> bool:
    try:
        wish = wish_of(booking, (), grant, now, stays_on_at=stays_on_at)
    except (ValueError, ZoneInfoNotFoundError):
        return False  # a bulk write left nonsense; the drift check logs it, and it stops no other stay
    if booking.check_out <= now and grant.ends_at <= now:  # over: only the guest's next stay brings the code back
        early = timedelta(minutes=booking.property.early_minutes)
        return stays_on_at is not None and stays_on_at - early > now
    return grant.ends_at != wish.period.ends_at


def next_stays_of(stays: Collection[tuple[Booking, datetime]]) -> dict[int, datetime]:
    """By booking, when the next stay of its guest begins; its property is loaded. With each the end of its grant.

    For the drift check. One query for all whose grants end when they do: of their properties it reads what begins or
    ends in between, so stays that end together cost least. Those that were moved far away are asked one by one.
    """
    usual = [booking for booking, ends_at in stays if abs(booking.check_out - ends_at) <= _USUAL]
    found: dict[int, datetime] = {}
    if usual:
        ends = [booking.check_out for booking in usual]
        homes = {booking.property_id for booking in usual}
        found |= end_to_end.next_stays(ending_after=min(ends) - _MOMENT, until=max(ends), properties=homes)
    for booking, ends_at in stays:
        if abs(booking.check_out - ends_at) > _USUAL:
            try:
                follower = end_to_end.next_stay(booking)
            except (ValueError, ZoneInfoNotFoundError):
                continue  # it cannot be read: whoever brings it up to date says so
            found |= {booking.pk: follower.check_in} if follower is not None else {}
    return found


def closed_too_early(now: datetime) -> list[int]:
    """Stays that are over, although their guest stays on later today: that stay was entered in between. For the drift
    check."""
    over = AccessGrant.objects.filter(
        kind=AccessGrant.Kind.GUEST,
        wanted=True,
        ends_at__lte=now,
        booking__check_out__lte=now,
        booking__check_out__gt=now - end_to_end.WITHIN,
    ).order_by()
    rows = list(over.values_list("booking", "booking__property", "booking__property__early_minutes"))
    homes = {home for _, home, _ in rows}
    if not homes:
        return []
    found = end_to_end.next_stays(ending_after=now - end_to_end.WITHIN, until=now, properties=homes)
    return [pk for pk, _, early in rows if found.get(pk, now) - timedelta(minutes=early) > now]
