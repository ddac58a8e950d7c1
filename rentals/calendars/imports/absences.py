"""Known items that a complete calendar does not list any more: what becomes of each, and of the stay that it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from rentals import disclosure
from rentals.calendars.decide import absence
from rentals.calendars.decide.known import Known
from rentals.calendars.events import Verdict
from rentals.calendars.imports.stays import LISTS_STAY, Stays
from rentals.calendars.imports.summary import Action
from rentals.models import Booking, FeedItem


class Absences:
    """The absences of one import. `present`: the items that the calendar lists. `empty`: it lists no event at all."""

    def __init__(self, stays: Stays, present: Collection[int], confirm_after: timedelta, *, empty: bool) -> None:
        self.stays, self.ledger, self.now = stays, stays.ledger, stays.now
        self.present, self.confirm_after, self.empty = present, confirm_after, empty

    def settle(self, missing: Iterable[Known]) -> None:
        """Let go of what certainly left, note what is to be confirmed, and hold what a person decides."""
        absent: list[FeedItem] = []
        listed = self._listed_stays()
        for one in missing:
            item = self.ledger.items[one.id]
            booking = self.ledger.booking_of(item)
            if one.gone:
                continue
            if one.ended(self.now):
                self.ledger.set(item, absent_since=None, awaits_approval=False, kept_at=None)
                continue
            if not one.holds_stay and item.decision == FeedItem.Decision.NONE:
                if not self.empty:
                    self.ledger.drop(item)
            elif not one.holds_stay or (booking is not None and booking.status == Booking.Status.CANCELLED):
                self._missing_without_a_guest(item)
            elif booking is None or booking.check_out <= self.now or one.begun(self.now):
                self.ledger.set(item, absent_since=None, kept_at=None)
                if item.verdict != Verdict.CANCELLED:
                    self.ledger.set(item, awaits_approval=False)
            elif not self.empty and id(booking) in listed:  # under another key
                self.stays.let_go(item, quietly=True)
            else:
                absent.append(item)
        self._judge(absent)

    def _missing_without_a_guest(self, item: FeedItem) -> None:
        """A person cancelled or deleted its stay, so nothing is lost with it. But once its absence is certain, its days
        are free: whoever is listed there next is another guest, about whom the person decided nothing."""
        if self.empty:
            return
        if item.absent_since is not None and item.absent_since <= self.now - self.confirm_after:
            self.stays.let_go(item, quietly=True)
        elif item.absent_since is None:
            self.ledger.set(item, absent_since=self.now, awaits_approval=False)

    def _listed_stays(self) -> set[int]:
        """The stays, by identity, that some listed item holds."""
        listed = (*(self.ledger.items[pk] for pk in self.present), *self.ledger.new_items)
        return {id(self.ledger.booking_of(one)) for one in listed if one.gone_at is None}

    def _judge(self, absent: list[FeedItem]) -> None:
        taken_again = self._taken_again(absent)
        expected = [
            absence.Expected(
                item.pk, item.absent_since, item.kept_at is not None, item.awaits_approval, item.pk in taken_again
            )
            for item in self.ledger.items.values()
            if self._is_to_come(item)
        ]
        judgement = absence.judge(
            expected,
            {item.pk for item in absent},
            empty=self.empty,
            now=self.now,
            confirm_after=self.confirm_after,
        )
        self.stays.report.held_reason = judgement.held_reason
        for item in absent:
            if item.pk in judgement.give_up:
                self.stays.let_go(item)
            elif item.pk in judgement.waiting:
                self.stays.report.counts["absent"] += 1
                if self.ledger.set(item, awaits_approval=False, absent_since=item.absent_since or self.now):
                    self.stays.report.item_row(Action.ABSENT, item)
            elif item.pk in judgement.held and self.ledger.set(
                item, awaits_approval=True, absent_since=item.absent_since or (None if self.empty else self.now)
            ):
                self.stays.report.item_row(Action.HELD, item)

    def _taken_again(self, absent: Iterable[FeedItem]) -> set[int]:
        """Of the items, those whose days another row of this calendar has now, and whose guest may know the code: the
        code stands until a person decides."""
        listed = (*(self.ledger.items[pk] for pk in self.present), *self.ledger.new_items)
        nameless = [one for one in listed if one.gone_at is None and one.verdict in LISTS_STAY and _is_nameless(one)]
        days = {(one.starts_on, one.ends_on) for one in nameless}
        items = {one.booking_id: one.pk for one in absent if (one.starts_on, one.ends_on) in days and _is_nameless(one)}
        return {items[pk] for pk in disclosure.known_among([pk for pk in items if pk is not None])}

    def _is_to_come(self, item: FeedItem) -> bool:
        booking = self.ledger.booking_of(item)
        if booking is None or item.gone_at is not None or item.starts_at is None:
            return False
        return min(item.starts_at, booking.check_in) > self.now and booking.status != Booking.Status.CANCELLED


def _is_nameless(item: FeedItem) -> bool:
    return not item.guest_name and not item.reservation_code


def may_ripen(item: FeedItem) -> bool:
    """Whether time alone may change what the item's absence means."""
    asked = item.awaits_approval and item.verdict != Verdict.CANCELLED
    return item.gone_at is None and (item.absent_since is not None or item.kept_at is not None or asked)
