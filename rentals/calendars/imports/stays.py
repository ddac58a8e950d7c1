"""The stays behind a feed's items: found or made, let go, and in the end made to follow their sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from rentals.calendars.decide import merge
from rentals.calendars.events import Contact, Verdict
from rentals.calendars.imports import duplicates
from rentals.calendars.imports.ledger import Ledger, source_of, stay_of
from rentals.calendars.imports.report import ImportReport
from rentals.calendars.imports.summary import Action, Summary
from rentals.models import Booking, FeedItem

#: Verdicts of items that list a stay.
LISTS_STAY = frozenset({Verdict.STAY, Verdict.TENTATIVE})


class Stays:
    """The stays of one import, or of one decision of a person (see `approval`). Both end with `finish`."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.now = ledger, ledger.now
        self.report = ImportReport()
        self._affected: dict[int, Booking] = {}  # to look at again, by identity: new ones have no key yet
        self._strangers: dict[int, int] = {}  # by the identity of a new item: the stay of another guest on its days

    def assign(self, present: Collection[int]) -> None:
        """Give each item that lists a stay its own: the one that another source lists already, or a new one.

        `present`: the items that this calendar lists now.
        """
        listed_here: set[int] = set()
        cancelled_here: dict[int, FeedItem] = {}
        for item in (self.ledger.items[pk] for pk in present):
            booking = self.ledger.booking_of(item)
            if booking is not None and item.gone_at is None:
                listed_here.add(booking.pk)
            elif booking is not None:
                cancelled_here[booking.pk] = item
        without_stay = [
            item
            for item in (*(self.ledger.items[pk] for pk in sorted(present)), *self.ledger.new_items)
            if item.verdict in LISTS_STAY and item.booking_id is None and not self._is_over(item)
        ]
        known_elsewhere = duplicates.Index(self.ledger, listed_here, cancelled_here) if without_stay else None
        for item in without_stay:
            booking = known_elsewhere.find(item, self._not_of(item)) if known_elsewhere is not None else None
            combined = merge.combine([one for one in (source_of(item),) if one is not None])
            if combined is None:
                continue
            if booking is None:
                booking = self._new_booking(item, combined)
            else:
                self.report.item_row(Action.ALSO_HERE, item)
                self.hear(item, booking)
                self.affect(booking)
            self.ledger.link(item, booking)

    def tell_apart(self, item: FeedItem, booking_id: int | None) -> None:
        """The new item does not list this stay, whatever its days say."""
        if booking_id is not None:
            self._strangers[id(item)] = booking_id

    def _not_of(self, item: FeedItem) -> tuple[int, ...]:
        stranger = self._strangers.get(id(item))
        return () if stranger is None else (stranger,)

    def _is_over(self, item: FeedItem) -> bool:
        return item.ends_at is None or item.ends_at <= self.now

    def _new_booking(self, item: FeedItem, combined: merge.Combined) -> Booking:
        booking = self.ledger.new_booking(merge.new_stay(combined, needs_review=item.needs_review))
        self.hear(item, booking)
        self.report.counts["created"] += 1
        self.report.item_row(Action.NEW if item.verdict == Verdict.STAY else Action.NEW_TENTATIVE, item)
        return booking

    def hear(self, item: FeedItem, booking: Booking) -> None:
        """Let a coming stay know how its guest can be reached, as soon as a calendar says so, and only once: from then
        on that is a person's matter. What a person wrote stays. What was erased on request does not come back."""
        said = item.contact
        if said == Contact() or booking.contact_from_feed or booking.forget_guest or booking.check_out <= self.now:
            return
        self.ledger.set_contact(
            booking,
            guest_email=booking.guest_email or said.email,
            guest_phone=booking.guest_phone or said.phone,
            guest_language=booking.guest_language or said.language,
        )

    def let_go(self, item: FeedItem, *, quietly: bool = False) -> None:
        """The item no longer holds its stay; the stay lives on while another source lists it."""
        if not self.ledger.set(item, gone_at=self.now, awaits_approval=False, absent_since=None, kept_at=None):
            return
        booking = self.ledger.booking_of(item)
        if booking is not None:
            self.affect(booking)
        if not quietly:
            self.report.item_row(Action.LEFT, item)

    def affect(self, booking: Booking) -> None:
        """Look at a stay again at the end."""
        self._affected[id(booking)] = booking

    def finish(self) -> Summary:
        """Let the affected stays follow their sources, write everything, and report what was done."""
        own = self._items_by_stay() if self._affected else {}
        moved = [booking for booking in self._affected.values() if self._follow(booking, own.get(id(booking), []))]
        given_up = duplicates.join(self.ledger, own, moved, self.now)
        self.ledger.write([*moved, *given_up])
        return self.report.summary([*self.ledger.items.values(), *self.ledger.new_items])

    def _items_by_stay(self) -> dict[int, list[FeedItem]]:
        """This feed's items that hold a stay, by the stay's identity."""
        own: defaultdict[int, list[FeedItem]] = defaultdict(list)
        for item in (*self.ledger.items.values(), *self.ledger.new_items):
            booking = self.ledger.booking_of(item)
            if booking is not None and item.gone_at is None:
                own[id(booking)].append(item)
        return own

    def _follow(self, booking: Booking, own: list[FeedItem]) -> bool:
        old_status = booking.status
        combined = merge.combine(self.ledger.sources_of(booking, own))
        changed = self.ledger.set_stay(booking, merge.follow(stay_of(booking), combined, self.now))
        if changed and booking.status != old_status and booking.status == Booking.Status.CANCELLED:
            self.report.counts["cancelled"] += 1
        elif changed:
            self.report.counts["changed"] += 1
        if self._says_more(booking, own):
            self.ledger.mark_for_review(booking)
        return changed

    def _says_more(self, booking: Booking, own: list[FeedItem]) -> bool:
        """Whether this calendar, whose word is new, lists days that the stay does not have because another calendar
        leads it: that one may be late, or may not be read any more. Times of day may differ between them."""
        if booking.status == Booking.Status.CANCELLED or not self.ledger.others.get(booking.pk):
            return False
        first, last = self.ledger.days_of(booking)
        begins_later = booking.check_in > self.now and booking.check_in == booking.feed_check_in
        ends_earlier = booking.check_out == booking.feed_check_out
        return any(
            (begins_later and one.starts_on is not None and one.starts_on < first)
            or (ends_earlier and one.ends_on is not None and one.ends_on > last)
            for one in own
            if source_of(one) is not None
        )
