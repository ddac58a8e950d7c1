"""Stays whose guest stays on: their code works until the next stay of the same guest begins (`rentals.end_to_end`).

So the end of one grant depends on other bookings. When those change, this brings the stays before them up to date; the
drift check asks the same for all stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Max

from pins.desired import grants
from pins.desired.wishes import wish_of
from pins.models import AccessGrant
from rentals import end_to_end
from rentals.models import Booking, Property

#: How far beyond the issue-ahead window stays are looked at together. Those that end later, long ones, one by one.
_BEYOND = timedelta(days=31)
_BATCH = 500


def follow(booking_ids: Collection[int], now: datetime, *, deleted: bool = False, created: bool = False) -> set[int]:
    """Bring the stays up to date that these bookings may continue, or no longer do; return the locks that have work.

    `deleted`: the bookings are about to be deleted; `created`: they were not there before. A stay that another
    transaction holds is left out, since that one may wait for ours; the drift check finds it within a minute.
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
    ids = sorted(booking_ids)
    for start in range(0, len(ids), _BATCH):
        homes = Booking.objects.filter(pk__in=ids[start : start + _BATCH]).order_by().values("property")
        present = AccessGrant.objects.filter(
            kind=AccessGrant.Kind.GUEST,
            wanted=True,
            booking__property__in=homes,
            booking__check_out__gt=now - end_to_end.WITHIN,
        )
        changed = set(ids[start : start + _BATCH])
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


class NextStays:
    """For the drift check: when the guest of each stay stays on, with one query for nearly all of them."""

    def __init__(self, now: datetime) -> None:
        ahead = Property.objects.aggregate(most=Max("issue_ahead_days"))["most"] or 0
        self._until = now + timedelta(days=ahead) + _BEYOND
        self._found = end_to_end.next_stays(ending_after=now - end_to_end.WITHIN, until=self._until)

    def begins_at(self, booking: Booking) -> datetime | None:
        """When the next stay of its guest begins. Its property is loaded."""
        if booking.check_out <= self._until:
            return self._found.get(booking.pk)
        follower = end_to_end.next_stay(booking)
        return follower.check_in if follower is not None else None

    def closed_too_early(self, now: datetime) -> list[int]:
        """Stays that are over, although their guest stays on later today: that stay was entered in between."""
        over = AccessGrant.objects.filter(
            kind=AccessGrant.Kind.GUEST,
            wanted=True,
            ends_at__lte=now,
            booking__check_out__lte=now,
            booking__check_out__gt=now - end_to_end.WITHIN,
        ).values_list("booking", "booking__property__early_minutes")
        return [pk for pk, early in over if self._found.get(pk, now) - timedelta(minutes=early) > now]
