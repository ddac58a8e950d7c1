"""One complete, good calendar against what we have: what is new, what changed, what vanished.

Works on a `Ledger` in memory. The order: 1. pair events with known items, 2. let each item say what its event says now,
3. find or make the stay of every item that lists one, 4. judge the absences, 5. let the stays follow their sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rentals.calendars.decide import absence, merge
from rentals.calendars.decide.identity import codes_conflict, names_conflict
from rentals.calendars.decide.match import Known, Matching, match
from rentals.calendars.decide.placing import Arrival
from rentals.calendars.events import Verdict
from rentals.calendars.imports import duplicates
from rentals.calendars.imports.known import known_end, known_start
from rentals.calendars.imports.ledger import Ledger, content_of, source_of, stay_of
from rentals.calendars.imports.report import Report
from rentals.calendars.imports.summary import Summary
from rentals.models import Booking, FeedItem

#: Verdicts of items that list a stay.
LISTS_STAY = frozenset({Verdict.STAY, Verdict.TENTATIVE})


class Importer:
    """One import, or one decision of a person (see `approval`), which ends with `finish`."""

    def __init__(self, ledger: Ledger, source: str, now: datetime, confirm_after: timedelta) -> None:
        self.ledger, self.source, self.now, self.confirm_after = ledger, source, now, confirm_after
        self.report = Report()
        self.present: set[int] = set()  # items that this calendar lists
        self.affected: dict[int, Booking] = {}  # stays to look at again, by identity: new ones have no key yet

    def run(self, arrivals: Sequence[Arrival], *, empty: bool, complete: bool) -> Summary:
        """Take in everything that the calendar lists; `empty`: no event at all; `complete`: nothing may be hidden."""
        today = self.now.astimezone(self.ledger.zone).date()
        known = self.ledger.known()
        matching = match(known, arrivals, now=self.now, today=today)
        self._free_keys(matching)
        for one, arrival in matching.pairs:
            self._listed_again(self.ledger.items[one.id], one, arrival)
        for arrival in matching.fresh:
            self._listed_first(arrival)
        self.house_items()
        if complete:
            self._missing(matching.missing, empty=empty)
        return self.finish()

    def run_absences(self, *, empty: bool) -> Summary:
        """The content is the same as last time: only absences can ripen."""
        missing = [one for one in self.ledger.known() if _counts_as_absent(self.ledger.items[one.id])]
        self.present = set(self.ledger.items) - {one.id for one in missing}
        self._missing(missing, empty=empty)
        return self.finish()

    # -- 1 and 2: what is listed ----------------------------------------------------------------------------------

    def _free_keys(self, matching: Matching) -> None:
        paired = {one.id for one, _ in matching.pairs}  # perhaps by another way with the event of its own key
        for one in matching.displaced:
            if one.id not in paired:
                self.ledger.set(self.ledger.items[one.id], part=f"was {one.id}")
        for one, arrival in matching.pairs:
            if one.key != arrival.key:
                uid, recurrence_id, part = arrival.key
                self.ledger.set(self.ledger.items[one.id], uid=uid, recurrence_id=recurrence_id, part=part)

    def _listed_again(self, item: FeedItem, one: Known, arrival: Arrival) -> None:
        self.present.add(item.pk)
        if arrival.verdict is Verdict.QUARANTINED:
            self._unreadable_again(item, arrival)
            return
        arrival = known_start(known_end(arrival, item), item, one, self.now)
        if arrival.verdict is Verdict.CANCELLED and item.booking_id is not None:
            if one.holds_stay:
                self._cancelled_by_channel(item)
            return
        verdict = self._verdict(item, one, arrival)
        old_days, old_guest = (item.starts_on, item.ends_on), (item.guest_name, item.reservation_code)
        changed = self.ledger.say(item, arrival, verdict)
        back = self.ledger.set(item, absent_since=None, awaits_approval=False, kept_at=None, gone_at=None)
        if verdict not in LISTS_STAY:
            if changed and verdict is Verdict.REVIEW:
                self.report.row("waits for your decision", arrival)
            if one.holds_stay:
                self.let_go(item)
            return
        booking = self.ledger.booking_of(item)
        if booking is not None and (changed or back):
            if self._is_told_apart(item, old_guest, booking):
                self.ledger.unlink(item)
                if booking.check_in > self.now:  # left without a source, one in progress is not given up unasked
                    self.affect(booking)
                return
            self.affect(booking)
            if old_days != arrival.days:
                item_was_first = not self.ledger.others.get(booking.pk)
                self.report.row("dates changed" if item_was_first else "dates changed in this calendar", arrival)

    def _is_told_apart(self, item: FeedItem, old_guest: tuple[str, str], booking: Booking) -> bool:
        """Whether an event without name and code, taken for an echo, now tells that it is another guest's stay.

        Only what it tells for the first time counts: a name that is corrected reaches the other calendars later.
        """
        name, code = (
            "" if old else new for old, new in zip(old_guest, (item.guest_name, item.reservation_code), strict=True)
        )
        others = self.ledger.others.get(booking.pk, [])
        if not any(other.guest_name or other.reservation_code for other in others):
            others = [*others, *self.ledger.former.get(booking.pk, ())]
        return any(
            codes_conflict(code, other.reservation_code) or names_conflict(name, other.guest_name) for other in others
        )

    def _verdict(self, item: FeedItem, one: Known, arrival: Arrival) -> Verdict:
        """A person's decision counts first; and a stay that we issued a code for does not turn into a question."""
        if item.decision == FeedItem.Decision.NOT_STAY:
            return Verdict.BLOCK
        if item.decision == FeedItem.Decision.STAY and arrival.verdict in {Verdict.REVIEW, Verdict.BLOCK}:
            return Verdict.STAY
        if arrival.verdict is Verdict.REVIEW and one.holds_stay:
            return Verdict.STAY
        if self._waits_still(one, arrival):
            return Verdict.REVIEW
        return arrival.verdict

    def _waits_still(self, one: Known, arrival: Arrival) -> bool:
        """The rest of closed days, cut off day by day, does not become short enough to be a stay."""
        running = one.verdict is Verdict.REVIEW and not one.decided and one.begun(self.now)
        return running and arrival.verdict is Verdict.STAY and one.ends_on == arrival.ends_on

    def _unreadable_again(self, item: FeedItem, arrival: Arrival) -> None:
        """It is there, so nothing is absent; what it said last stays true until it can be read again."""
        self.report.counts["quarantined"] += 1
        back = self.ledger.set(item, absent_since=None, awaits_approval=False, kept_at=None)
        said = f"Its latest version cannot be read, the one before still counts. {arrival.reason}"[:200]
        reason = arrival.reason[:200] if item.verdict == Verdict.QUARANTINED else said
        if self.ledger.set(item, reason=reason) or back:
            self.report.row("quarantined", arrival)

    def _cancelled_by_channel(self, item: FeedItem) -> None:
        """At once, but a stay in progress waits for a person: a guest may be behind that door."""
        self.ledger.set(item, verdict=Verdict.CANCELLED.value, reason="The channel cancelled it.", absent_since=None)
        booking = self.ledger.booking_of(item)
        if booking is None or booking.check_out <= self.now:
            self.ledger.set(item, awaits_approval=False)
            return
        running = booking.check_in <= self.now and booking.status == Booking.Status.CONFIRMED
        if not running:
            self.let_go(item)
        elif item.kept_at is None:
            self.ledger.set(item, awaits_approval=True)

    def _listed_first(self, arrival: Arrival) -> None:
        if arrival.ends_at is not None and arrival.ends_at <= self.now:
            return  # over before we heard of it
        item = FeedItem(
            feed=self.ledger.feed,
            uid=arrival.key.uid,
            recurrence_id=arrival.key.recurrence_id,
            part=arrival.key.part,
            excerpt=arrival.excerpt,
            first_seen_at=self.now,
            changed_at=self.now,
            **content_of(arrival, arrival.verdict),
        )
        self.ledger.new_items.append(item)
        if arrival.verdict is Verdict.QUARANTINED:
            self.report.counts["quarantined"] += 1
            self.report.row("quarantined", arrival)
        elif arrival.verdict is Verdict.REVIEW:
            self.report.row("waits for your decision", arrival)

    # -- 3: stays of the items that list one ---------------------------------------------------------------------

    def house_items(self) -> None:
        """Find the stay that another source lists already, or make a new one."""
        listed_here: set[int] = set()
        cancelled_here: dict[int, FeedItem] = {}
        for item in (self.ledger.items[pk] for pk in self.present):
            booking = self.ledger.booking_of(item)
            if booking is not None and item.gone_at is None:
                listed_here.add(booking.pk)
            elif booking is not None:
                cancelled_here[booking.pk] = item
        homeless = [
            item
            for item in (*(self.ledger.items[pk] for pk in sorted(self.present)), *self.ledger.new_items)
            if item.verdict in LISTS_STAY and item.booking_id is None and not self._is_over(item)
        ]
        known_elsewhere = duplicates.Index(self.ledger, listed_here, cancelled_here) if homeless else None
        for item in homeless:
            booking = known_elsewhere.find(item) if known_elsewhere is not None else None
            told = merge.told_by([one for one in (source_of(item),) if one is not None])
            if told is None:
                continue
            if booking is None:
                booking = self._new_booking(item, told)
            else:
                self.report.item_row("also listed here", item)
                self.affect(booking)
            self.ledger.link(item, booking)

    def _is_over(self, item: FeedItem) -> bool:
        return item.ends_at is None or item.ends_at <= self.now

    def _new_booking(self, item: FeedItem, told: merge.Told) -> Booking:
        booking = self.ledger.new_booking(merge.new_stay(told, needs_review=item.needs_review), self.source)
        self.report.counts["created"] += 1
        self.report.item_row("new stay" if item.verdict == Verdict.STAY else "new, not confirmed yet", item)
        return booking

    # -- 4: what is not listed -----------------------------------------------------------------------------------

    def _missing(self, missing: Iterable[Known], *, empty: bool) -> None:
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
                if not empty:
                    self.ledger.drop(item)
            elif not one.holds_stay or (booking is not None and booking.status == Booking.Status.CANCELLED):
                self._missing_without_a_guest(item, empty=empty)
            elif booking is None or booking.check_out <= self.now or one.begun(self.now):
                self.ledger.set(item, absent_since=None, kept_at=None)
                if item.verdict != Verdict.CANCELLED:
                    self.ledger.set(item, awaits_approval=False)
            elif not empty and id(booking) in listed:  # under another key
                self.let_go(item, told=False)
            else:
                absent.append(item)
        self._judge(absent, empty=empty)

    def _missing_without_a_guest(self, item: FeedItem, *, empty: bool) -> None:
        """A person cancelled or deleted its stay, so nothing is lost with it. But once its absence is certain, its days
        are free: whoever is listed there next is another guest, whom the person's word does not mean."""
        if empty:
            return
        if item.absent_since is not None and item.absent_since <= self.now - self.confirm_after:
            self.let_go(item, told=False)
        elif item.absent_since is None:
            self.ledger.set(item, absent_since=self.now, awaits_approval=False)

    def _listed_stays(self) -> set[int]:
        """The stays, by identity, that some listed item holds."""
        listed = (*(self.ledger.items[pk] for pk in self.present), *self.ledger.new_items)
        return {id(self.ledger.booking_of(one)) for one in listed if one.gone_at is None}

    def _judge(self, absent: list[FeedItem], *, empty: bool) -> None:
        expected = [
            absence.Expected(item.pk, item.absent_since, item.kept_at is not None, item.awaits_approval)
            for item in self.ledger.items.values()
            if self._is_to_come(item)
        ]
        judgement = absence.judge(
            expected,
            {item.pk for item in absent},
            empty=empty,
            now=self.now,
            confirm_after=self.confirm_after,
        )
        self.report.held_reason = judgement.held_reason
        for item in absent:
            if item.pk in judgement.give_up:
                self.let_go(item)
            elif item.pk in judgement.waiting:
                self.report.counts["absent"] += 1
                if self.ledger.set(item, awaits_approval=False, absent_since=item.absent_since or self.now):
                    self.report.item_row("not listed any more; to be confirmed", item)
            elif item.pk in judgement.held and self.ledger.set(item, awaits_approval=True, absent_since=None):
                self.report.item_row("held", item)

    def _is_to_come(self, item: FeedItem) -> bool:
        booking = self.ledger.booking_of(item)
        if booking is None or item.gone_at is not None or item.starts_at is None:
            return False
        return min(item.starts_at, booking.check_in) > self.now and booking.status != Booking.Status.CANCELLED

    def let_go(self, item: FeedItem, *, told: bool = True) -> None:
        """The item holds its stay no longer; the stay lives on while another source lists it."""
        if not self.ledger.set(item, gone_at=self.now, awaits_approval=False, absent_since=None, kept_at=None):
            return
        booking = self.ledger.booking_of(item)
        if booking is not None:
            self.affect(booking)
        if told:
            self.report.item_row("left the calendar", item)

    # -- 5: the stays follow --------------------------------------------------------------------------------------

    def affect(self, booking: Booking) -> None:
        """Look at a stay again at the end."""
        self.affected[id(booking)] = booking

    def finish(self) -> Summary:
        """Let the affected stays follow their sources, write everything, and tell what was done."""
        own = self._items_by_stay() if self.affected else {}
        moved = [booking for booking in self.affected.values() if self._follow(booking, own.get(id(booking), []))]
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
        told = merge.told_by(self.ledger.sources_of(booking, own))
        changed = self.ledger.set_stay(booking, merge.follow(stay_of(booking), told, self.now))
        if changed and booking.status != old_status and booking.status == Booking.Status.CANCELLED:
            self.report.counts["cancelled"] += 1
        elif changed:
            self.report.counts["changed"] += 1
        return changed


def _counts_as_absent(item: FeedItem) -> bool:
    asked = item.awaits_approval and item.verdict != Verdict.CANCELLED
    return item.gone_at is None and (item.absent_since is not None or item.kept_at is not None or asked)
