"""What a feed and its property's stays look like in the database, loaded once and written back in bulk.

Everything between is decided on these objects in memory; what did not change is not written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat

from rentals.calendars.decide.identity import trace_of
from rentals.calendars.decide.known import Known
from rentals.calendars.decide.merge import Source, Stay
from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.events import Channel, Verdict
from rentals.calendars.imports.bulk import BATCH, batches, write_changed
from rentals.local_time import local_moment
from rentals.models import Booking, CalendarFeed, FeedItem
from rentals.signals import bookings_changed

#: Booking.com lists "today onwards" by the clock of this zone, wherever the property is.
BOOKING_ZONE = "Europe/Amsterdam"
#: Stays that ended longer ago are not looked at any more.
HINDSIGHT = timedelta(days=40)

STAY_COLUMNS = tuple(one.name for one in fields(Stay))
KEY_COLUMNS = ("uid", "recurrence_id", "part")
_GUEST_COLUMNS = ("guest_name", "reservation_code", "phone_last4", "guest_count", "reservation_url")


class Ledger:
    """One feed's items and its property's stays of now and later; the bookings' rows are locked."""

    def __init__(self, feed: CalendarFeed, now: datetime, channel: Channel) -> None:
        self.feed, self.now, self.channel = feed, now, channel
        self.zone = feed.property.zone
        self.items = {item.pk: item for item in FeedItem.objects.filter(feed=feed).defer(*FeedItem.SECRETS)}
        mine = Booking.objects.filter(property=feed.property_id, check_out__gt=now - HINDSIGHT)
        self.bookings = {one.pk: one for one in mine.select_for_update(of=("self",)).order_by("pk")}
        for booking in self.bookings.values():
            booking.property = feed.property
        self.others: defaultdict[int, list[FeedItem]] = defaultdict(list)
        #: By stay, the items of any feed that listed it once: they know whose code it has.
        self.former: defaultdict[int, list[FeedItem]] = defaultdict(list)
        elsewhere = FeedItem.objects.filter(booking__in=mine).exclude(feed=feed).defer(*FeedItem.SECRETS)
        for item in (*self.items.values(), *(elsewhere if feed.property.feeds.count() > 1 else ())):
            if item.gone_at is not None:
                self.former[item.booking_id or 0].append(item)
            elif item.feed_id != feed.pk:
                self.others[item.booking_id or 0].append(item)
        self.had_unreadable = any(item.unreadable_since is not None for item in self.items.values())
        self.new_items: list[FeedItem] = []
        self.new_bookings: list[Booking] = []
        self._changed_items: defaultdict[int, set[str]] = defaultdict(set)  # columns by key
        self._rekeyed: set[int] = set()
        self._changed_bookings: defaultdict[int, set[str]] = defaultdict(set)
        self._dropped: list[int] = []
        self._moved_elsewhere: list[tuple[FeedItem, Booking]] = []
        self._linked: dict[int, tuple[FeedItem, Booking]] = {}

    # -- reading ------------------------------------------------------------------------------------------------

    def known(self) -> list[Known]:
        return [self._known(item) for item in self.items.values()]

    def _known(self, item: FeedItem) -> Known:
        booking = self.booking_of(item)
        moments = (item.starts_at, booking.check_in if booking else None, self._cut_off_at(item))
        begins = [moment for moment in moments if moment]
        return Known(
            id=item.pk,
            key=Key(item.uid, item.recurrence_id, item.part),
            verdict=Verdict(item.verdict),
            starts_on=item.starts_on,
            ends_on=item.ends_on,
            begins_at=min(begins, default=None),
            ends_at=item.ends_at,
            until=self._until(booking),
            name=item.guest_name,
            code=item.reservation_code,
            gone=item.gone_at is not None,
            decided=item.decision != FeedItem.Decision.NONE,
            forgotten=item.decision == FeedItem.Decision.NOT_STAY,
            trace=item.trace if item.decision == FeedItem.Decision.NOT_STAY else "",
            holds_stay=item.booking_id is not None and item.gone_at is None and _counts(item),
            seen_free=item.absent_since is not None and item.kept_at is None,
        )

    def _until(self, booking: Booking | None) -> date | None:
        """The check-out day of a stay that is alive."""
        if booking is None or booking.status == Booking.Status.CANCELLED or booking.check_out <= self.now:
            return None
        return self.days_of(booking)[1]

    def _cut_off_at(self, item: FeedItem) -> datetime | None:
        """The instant from which the channel leaves out the arrival day; None for other channels. Far in the west that
        is before check-in: by the channel's clock the stay is in progress, so its start is cut off, and a stay of a
        single night is left out."""
        if self.channel is not Channel.BOOKING or not item.whole_days or item.starts_on is None:
            return None
        return local_moment(item.starts_on + timedelta(days=1), time(), BOOKING_ZONE)

    def booking_of(self, item: FeedItem) -> Booking | None:
        """The stay that an item lists, without a query; None also for one that ended long ago."""
        linked = self._linked.get(id(item))
        return linked[1] if linked is not None else self.bookings.get(item.booking_id or 0)

    def days_of(self, booking: Booking) -> tuple[date, date]:
        return booking.check_in.astimezone(self.zone).date(), booking.check_out.astimezone(self.zone).date()

    def sources_of(self, booking: Booking, own: Iterable[FeedItem]) -> list[Source]:
        """Everything that lists the stay: `own` items of this feed, and those of the property's other feeds."""
        listed = [item for item in (*own, *self.others.get(booking.pk, ())) if item.gone_at is None]
        return [source for item in listed if (source := self._source_of(item)) is not None]

    def _source_of(self, item: FeedItem) -> Source | None:
        """With the property's times of today: the other feeds were read with those of their last fetch."""
        source, prop = source_of(item), self.feed.property
        if source is None or not item.whole_days or item.starts_on is None or item.ends_on is None:
            return source
        starts_at, ends_at = prop.check_in_on(item.starts_on), prop.check_out_on(item.ends_on)
        return replace(source, starts_at=starts_at, ends_at=ends_at) if starts_at < ends_at else source

    # -- changing -----------------------------------------------------------------------------------------------

    def say(self, item: FeedItem, arrival: Arrival, verdict: Verdict) -> bool:
        """Let an item say what its event says now; returns whether anything is different."""
        content = content_of(arrival, verdict)
        if item.decision == FeedItem.Decision.NOT_STAY:
            guest = arrival.guest
            if guest.name or guest.reservation_code:
                content["trace"] = trace_of(guest.name, guest.reservation_code)
            content.update(dict.fromkeys(_GUEST_COLUMNS, ""), guest_count=None, summary="")
        return self.set(item, **content)

    def set(self, item: FeedItem, **values: Any) -> bool:
        """Assign; remember the item if that changed something."""
        different = {name: value for name, value in values.items() if getattr(item, name) != value}
        for name, value in different.items():
            setattr(item, name, value)
        if different and item.pk is not None:
            item.changed_at = self.now
            self._changed_items[item.pk] |= {*different, "changed_at"}
            if set(different) & set(KEY_COLUMNS):
                self._rekeyed.add(item.pk)
        return bool(different)

    def new_booking(self, stay: Stay) -> Booking:
        """A stay that nobody listed before."""
        facts = {name: getattr(stay, name) for name in STAY_COLUMNS}
        source = self.channel.value if self.channel is not Channel.OTHER else "calendar"
        booking = Booking(property=self.feed.property, source=source, **facts)
        self.new_bookings.append(booking)
        return booking

    def link(self, item: FeedItem, booking: Booking) -> None:
        """Let an item list a stay; either may be new and without a key yet."""
        self._linked[id(item)] = (item, booking)
        if item.pk is not None:
            item.changed_at = self.now
            self._changed_items[item.pk] |= {"booking_id", "changed_at"}

    def unlink(self, item: FeedItem) -> None:
        """Let an item of this feed list no stay any more."""
        self._linked.pop(id(item), None)
        item.booking = None
        item.changed_at = self.now
        self._changed_items[item.pk] |= {"booking_id", "changed_at"}

    def move(self, item: FeedItem, booking: Booking) -> None:
        """Let an item that listed another stay list this one."""
        if item.feed_id == self.feed.pk:
            self.link(item, booking)
        else:
            self._moved_elsewhere.append((item, booking))

    def set_stay(self, booking: Booking, stay: Stay) -> bool:
        """Assign what the feeds and the person's edits make of it; returns whether it may matter to the locks."""
        different = {name for name in STAY_COLUMNS if getattr(booking, name) != getattr(stay, name)}
        for name in different:
            setattr(booking, name, getattr(stay, name))
        if different:
            self._changed_bookings[booking.pk] |= different
        return bool(different & {"status", "check_in", "check_out", "guest_name"})

    def set_contact(self, booking: Booking, **values: str) -> None:
        """Assign what a calendar says of the guest's addresses. Codes have nothing to do with them."""
        for name, value in (*values.items(), ("contact_from_feed", True)):
            if getattr(booking, name) != value:
                setattr(booking, name, value)
                if booking.pk is not None:
                    self._changed_bookings[booking.pk].add(name)

    def mark_for_review(self, booking: Booking) -> None:
        """A person should look at this stay. No code changes by that."""
        if not booking.needs_review:
            booking.needs_review = True
            if booking.pk is not None:
                self._changed_bookings[booking.pk].add("needs_review")

    def unreadable_since(self) -> list[datetime]:
        """Since when each row that this calendar lists cannot be read."""
        rows = [*self.items.values(), *self.new_items]
        return [one.unreadable_since for one in rows if one.unreadable_since and one.pk not in self._dropped]

    def drop(self, item: FeedItem) -> None:
        """Forget an event that held no stay."""
        self._dropped.append(item.pk)
        self._changed_items.pop(item.pk, None)
        self._rekeyed.discard(item.pk)

    # -- writing ------------------------------------------------------------------------------------------------

    def write(self, announced: Iterable[Booking]) -> None:
        """Write the differences, then announce which stays changed."""
        if self._dropped:
            FeedItem.objects.filter(pk__in=self._dropped).delete()
        if self._rekeyed:
            # Two items may trade keys: first all get a key of their own, so that no two ever hold the same one.
            aside = Concat(Value("~"), Cast("pk", CharField()))
            for group in batches(sorted(self._rekeyed)):
                FeedItem.objects.filter(pk__in=group).update(part=aside)
            for pk in self._rekeyed:
                self._changed_items[pk] |= set(KEY_COLUMNS)  # and then the one that is meant
        Booking.objects.bulk_create(self.new_bookings, batch_size=BATCH)
        changed = [self.bookings[pk] for pk in sorted(self._changed_bookings)]
        write_changed(Booking.objects, changed, self._changed_bookings)
        for item, booking in self._linked.values():
            item.booking_id = booking.pk
        changed_items = [self.items[pk] for pk in sorted(self._changed_items)]
        write_changed(FeedItem.objects, changed_items, self._changed_items)
        FeedItem.objects.bulk_create(self.new_items, batch_size=BATCH)
        for item, booking in self._moved_elsewhere:
            FeedItem.objects.filter(pk=item.pk).update(booking=booking, changed_at=self.now)
        new = (booking for booking in self.new_bookings if booking.status == Booking.Status.CONFIRMED)
        if ids := sorted({booking.pk for booking in (*announced, *new)}):
            bookings_changed.send(sender=CalendarFeed, booking_ids=ids, deleted=False)


def content_of(arrival: Arrival, verdict: Verdict) -> dict[str, Any]:
    """An arrival as columns of an item."""
    guest = arrival.guest
    return {
        "summary": arrival.summary,
        "starts_on": arrival.starts_on,
        "ends_on": arrival.ends_on,
        "starts_at": arrival.starts_at,
        "ends_at": arrival.ends_at,
        "whole_days": arrival.whole_days,
        "guest_name": guest.name,
        "reservation_code": guest.reservation_code,
        "phone_last4": guest.phone_last4,
        "guest_count": guest.guest_count,
        "reservation_url": guest.reservation_url,
        "verdict": verdict.value,
        "reason": arrival.reason,
        "needs_review": arrival.needs_review,
    }


def source_of(item: FeedItem) -> Source | None:
    """An item as one of its stay's sources. An item whose cancellation waits for a person still counts."""
    if item.starts_at is None or item.ends_at is None or not _counts(item):
        return None
    return Source(
        order=item.pk or 2**62,
        tentative=item.verdict == Verdict.TENTATIVE,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        whole_days=item.whole_days,
        name=item.guest_name,
        code=item.reservation_code,
    )


def _counts(item: FeedItem) -> bool:
    return item.decision != FeedItem.Decision.NOT_STAY


def stay_of(booking: Booking) -> Stay:
    return Stay(**{name: getattr(booking, name) for name in STAY_COLUMNS})
