"""One stay that several feeds of a property list: channels import each other's calendars.

The same days from another source are the same stay: one code. A different guest name or reservation code says that
they are two, and then both get a code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from rentals import departure
from rentals.calendars.decide import merge
from rentals.calendars.decide.identity import codes_conflict, same_code
from rentals.calendars.decide.joined_events import JOINING
from rentals.calendars.decide.names import names_differ, same_name, words_of
from rentals.calendars.imports.ledger import Ledger, stay_of
from rentals.models import Booking, FeedItem


class Index:
    """The property's stays by their days, without those that this calendar itself lists by another event.

    `cancelled_here`: stays that it lists as cancelled. Another event of the same days is the next guest, not an echo.
    """

    def __init__(self, ledger: Ledger, listed_here: set[int], cancelled_here: Mapping[int, FeedItem]) -> None:
        self.ledger, self.cancelled_here = ledger, cancelled_here
        self.by_days: defaultdict[tuple[date, date], list[Booking]] = defaultdict(list)
        #: Cancelled by a person, and another feed lists them all the same.
        self.given_up: defaultdict[tuple[date, date], list[Booking]] = defaultdict(list)
        #: Ended by a person before its time: calendars list the days that it had, and may do so for the first time.
        self.left_early: defaultdict[tuple[date, date], list[Booking]] = defaultdict(list)
        self.items: defaultdict[int, list[FeedItem]] = defaultdict(list)
        for item in ledger.items.values():
            if item.gone_at is None and item.booking_id is not None:
                self.items[item.booking_id].append(item)
        over = [one for one in ledger.bookings.values() if one.check_out <= ledger.now]
        for booking, planned_end in departure.planned_ends(over).items():
            if planned_end > ledger.now and booking.pk not in listed_here:
                self.left_early[ledger.days_of(booking)[0], planned_end.astimezone(ledger.zone).date()].append(booking)
        for booking in ledger.bookings.values():
            if booking.check_out <= ledger.now or booking.pk in listed_here:
                continue
            if booking.status != Booking.Status.CANCELLED:
                self.by_days[ledger.days_of(booking)].append(booking)
            elif booking.feed_status != booking.status and ledger.others.get(booking.pk):
                self.given_up[ledger.days_of(booking)].append(booking)

    def find(self, item: FeedItem, others: Collection[int] = ()) -> Booking | None:
        """The stay that another source lists on the same days and that may be this guest's. It is not found again.

        `others`: stays of other guests on these days, as is known already.
        """
        if item.starts_on is None or item.ends_on is None:
            return None
        days = (item.starts_on, item.ends_on)
        candidates = self.by_days.get(days) or self.left_early.get(days, [])
        fitting = [one for one in candidates if one.pk not in others and not self._conflicts(one, item)]
        if not fitting and (running := self._cut_off(item)) is not None:
            return running
        if fitting:
            # Of several, first the one that names this guest, last what this calendar listed by another event.
            best = min(fitting, key=lambda booking: (not self._names(booking, item), bool(self.items.get(booking.pk))))
            candidates.remove(best)
            return best
        if item.guest_name or item.reservation_code:
            return None  # perhaps the next guest, who needs a code
        given_up = self.given_up.get((item.starts_on, item.ends_on), [])
        return given_up.pop() if given_up else None

    def _cut_off(self, item: FeedItem) -> Booking | None:
        """The guest in the house whom another source knows, for a row whose beginning was cut off before we first saw
        it: the channel lists today onwards."""
        nameless = item.whole_days and not item.guest_name and not item.reservation_code
        if self.ledger.channel not in JOINING or not nameless or item.starts_on is None:
            return None
        today = self.ledger.now.astimezone(self.ledger.zone).date()
        if item.starts_on > today + timedelta(days=1):  # the channel may be a day ahead
            return None
        for (starts_on, ends_on), found in self.by_days.items():
            if ends_on != item.ends_on or starts_on >= item.starts_on:
                continue
            running = [one for one in found if one.check_in <= self.ledger.now and not self._conflicts(one, item)]
            if len(running) == 1:
                found.remove(running[0])
                return running[0]
        return None

    def _names(self, booking: Booking, item: FeedItem) -> bool:
        """Whether a listed source of the stay names the guest whom the item names."""
        listing = (*self.items.get(booking.pk, ()), *self.ledger.others.get(booking.pk, ()))
        return any(_is_same_guest(one, item) for one in listing)

    def _conflicts(self, booking: Booking, item: FeedItem) -> bool:
        left = self.cancelled_here.get(booking.pk)
        if left is not None and not _is_same_guest(left, item):
            return True
        own = self.items.get(booking.pk, ())
        if any(one.guest_name or one.reservation_code for one in own) and not self._names(booking, item):
            return True  # the absent guest was named, and this may be another one
        told = booking.feed_guest_name or booking.guest_name  # a name that a person typed does not make another guest
        if names_differ(told, item.guest_name):
            return True
        listing = (*self.items.get(booking.pk, ()), *self.ledger.others.get(booking.pk, ()))
        if not any(one.guest_name or one.reservation_code for one in listing):
            # Only echoes are left of it. Its code was made for the guest whom the calendars named before.
            listing = (*listing, *self.ledger.former.get(booking.pk, ()))
        return any(
            codes_conflict(one.reservation_code, item.reservation_code) or names_differ(one.guest_name, item.guest_name)
            for one in listing
        )


def _is_same_guest(one: FeedItem, other: FeedItem) -> bool:
    """Whether both say so. Some systems issue a new UID and cancel the old one."""
    if codes_conflict(one.reservation_code, other.reservation_code):
        return False
    return same_code(one.reservation_code, other.reservation_code) or (
        bool(words_of(one.guest_name)) and same_name(one.guest_name, other.guest_name)
    )


def join(ledger: Ledger, own: Mapping[int, list[FeedItem]], moved: Iterable[Booking], now: datetime) -> list[Booking]:
    """Join a stay that moved with a nameless stay that another feed lists on its new days: an echo that came first.

    The nameless one is given up and its items list the other. Never one that has begun, or that a person changed.
    Returns the stays that changed by it.
    """
    given_up: list[Booking] = []
    if not ledger.others:
        return given_up
    by_days: defaultdict[tuple[date, date], list[Booking]] = defaultdict(list)
    for booking in ledger.bookings.values():
        by_days[ledger.days_of(booking)].append(booking)
    for booking in moved:
        if booking.status == Booking.Status.CANCELLED:
            continue
        mine = own.get(id(booking), [])
        for other in by_days[ledger.days_of(booking)]:
            if other is booking:
                continue
            keep, give = (booking, other) if _is_nameless(ledger, other, own, now) else (other, booking)
            if not _is_nameless(ledger, give, own, now) or keep.status == Booking.Status.CANCELLED:
                continue
            if _share_a_feed(ledger, mine, own.get(id(other), []), booking, other):
                continue
            for item in (*own.get(id(give), ()), *ledger.others.get(give.pk, ())):
                ledger.move(item, keep)
            ledger.set_stay(give, merge.give_up(stay_of(give)))
            given_up.append(give)
            # The one that stays has more sources now: confirmed by one of them, it is confirmed.
            here = [*own.get(id(keep), ()), *own.get(id(give), ()), *ledger.others.get(give.pk, ())]
            if ledger.set_stay(keep, merge.follow(stay_of(keep), merge.combine(ledger.sources_of(keep, here)), now)):
                given_up.append(keep)
            break
    return given_up


def _is_nameless(ledger: Ledger, booking: Booking, own: Mapping[int, list[FeedItem]], now: datetime) -> bool:
    """Whether only feeds know it, none names a guest, and it has not begun."""
    items = (*own.get(id(booking), ()), *ledger.others.get(booking.pk, ()))
    untouched = booking.status == booking.feed_status and booking.check_out == booking.feed_check_out
    untouched = untouched and not any(one.kept_at is not None for one in items)
    anonymous = not booking.guest_name and not any(one.guest_name or one.reservation_code for one in items)
    live = booking.status != Booking.Status.CANCELLED and booking.check_in > now
    return bool(items) and untouched and anonymous and live and booking.check_in == booking.feed_check_in


def _share_a_feed(
    ledger: Ledger, mine: list[FeedItem], theirs: list[FeedItem], booking: Booking, other: Booking
) -> bool:
    first = {one.feed_id for one in (*mine, *ledger.others.get(booking.pk, ())) if _is_listed(one)}
    second = {one.feed_id for one in (*theirs, *ledger.others.get(other.pk, ())) if _is_listed(one)}
    everyone = {one.feed_id for one in (*mine, *theirs)}
    everyone |= {one.feed_id for booked in (booking, other) for one in ledger.others.get(booked.pk, ())}
    return bool(first & second) or len(everyone) < 2  # one feed alone echoes nothing: `absence` judges what it drops


def _is_listed(item: FeedItem) -> bool:
    return item.absent_since is None and not item.awaits_approval and item.kept_at is None
