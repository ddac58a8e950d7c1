"""One complete, good calendar compared with what we have: what is new, what changed, what vanished.

Works on a `Ledger` in memory, in this order: 1. pair events with known items, 2. let each item say what its event says
now, 3. find or make the stay of every item that lists one (`stays`), 4. judge the absences (`absences`), 5. let the
stays follow their sources (`stays`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rentals.calendars.decide.identity import codes_conflict
from rentals.calendars.decide.known import Known
from rentals.calendars.decide.match import Matching, match
from rentals.calendars.decide.names import names_differ
from rentals.calendars.decide.placing import Arrival
from rentals.calendars.decide.rebooked import REASON as REBOOKED
from rentals.calendars.events import Verdict
from rentals.calendars.imports.absences import Absences, may_ripen
from rentals.calendars.imports.kept_times import keep_end, keep_start
from rentals.calendars.imports.ledger import Ledger, content_of
from rentals.calendars.imports.stays import LISTS_STAY, Stays
from rentals.calendars.imports.summary import Action, Summary
from rentals.models import Booking, FeedItem
from rentals.phrases import phrase, together

CANCELLED = phrase("The channel cancelled it.")


class Importer:
    """One import. `confirm_after`: how long a stay must be absent until that counts."""

    def __init__(self, ledger: Ledger, confirm_after: timedelta) -> None:
        self.ledger, self.now, self.confirm_after = ledger, ledger.now, confirm_after
        self.stays = Stays(ledger)
        self.present: set[int] = set()  # items that this calendar lists

    def run(self, arrivals: Sequence[Arrival], *, empty: bool, complete: bool) -> Summary:
        """Import everything that the calendar lists. `empty`: it lists no event; `complete`: damage hides none."""
        today = self.now.astimezone(self.ledger.zone).date()
        known = self.ledger.known()
        matching = match(known, arrivals, now=self.now, today=today)
        self._free_keys(matching)
        for one, arrival in matching.pairs:
            self._listed_again(self.ledger.items[one.id], one, arrival)
        rebooked = {arrival.key: one for one, arrival in matching.rebooked}
        for arrival in matching.fresh:
            self._listed_first(arrival, rebooked.get(arrival.key))
        self.stays.assign(self.present)
        if complete:
            self._settle_absences(matching.missing, empty=empty)
        return self.stays.finish()

    def run_absences(self, *, empty: bool) -> Summary:
        """The content is the same as last time: only absences can ripen."""
        missing = [one for one in self.ledger.known() if may_ripen(self.ledger.items[one.id])]
        self.present = set(self.ledger.items) - {one.id for one in missing}
        self._settle_absences(missing, empty=empty)
        return self.stays.finish()

    def _settle_absences(self, missing: Sequence[Known], *, empty: bool) -> None:
        Absences(self.stays, self.present, self.confirm_after, empty=empty).settle(missing)

    def _free_keys(self, matching: Matching) -> None:
        paired = {one.id for one, _ in matching.pairs}  # a displaced item may be paired after all, in a later pass
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
        arrival = keep_start(keep_end(arrival, item), item, one, self.now)
        if arrival.verdict is Verdict.CANCELLED and item.booking_id is not None:
            if one.holds_stay:
                self._cancelled_by_channel(item)
            return
        verdict = self._verdict(item, one, arrival)
        old_days, old_guest = (item.starts_on, item.ends_on), (item.guest_name, item.reservation_code)
        was_clear = not item.needs_review
        changed = self.ledger.say(item, arrival, verdict)
        back = self.ledger.set(item, absent_since=None, awaits_approval=False, kept_at=None, gone_at=None)
        self.ledger.set(item, unreadable_since=None)
        if verdict not in LISTS_STAY:
            if changed and verdict is Verdict.REVIEW:
                self.stays.report.row(Action.WAITS, arrival)
            if one.holds_stay:
                self.stays.let_go(item)
            return
        item.contact = arrival.guest.contact
        booking = self.ledger.booking_of(item)
        if booking is not None and (changed or back):
            if self._is_told_apart(item, old_guest, booking):
                self.ledger.unlink(item)
                if (
                    booking.check_in > self.now
                ):  # without a source it is given up, which a stay in progress never is unasked
                    self.stays.affect(booking)
                return
            self.stays.affect(booking)
            if was_clear and item.needs_review and item.decision == FeedItem.Decision.NONE:
                self.ledger.mark_for_review(booking)
            if old_days != arrival.days:
                item_was_first = not self.ledger.others.get(booking.pk)
                self.stays.report.row(Action.DATES_CHANGED if item_was_first else Action.DATES_CHANGED_HERE, arrival)
        if booking is not None:
            self.stays.hear(item, booking)

    def _is_told_apart(self, item: FeedItem, old_guest: tuple[str, str], booking: Booking) -> bool:
        """Whether an event without name and code, taken for an echo, now tells that it is another guest's stay.

        Only a name or code that it gives for the first time counts: a corrected name reaches the other calendars later.
        """
        name, code = (
            "" if old else new for old, new in zip(old_guest, (item.guest_name, item.reservation_code), strict=True)
        )
        others = self.ledger.others.get(booking.pk, [])
        if not any(other.guest_name or other.reservation_code for other in others):
            others = [*others, *self.ledger.former.get(booking.pk, ())]
        return any(
            codes_conflict(code, other.reservation_code) or names_differ(name, other.guest_name) for other in others
        )

    def _verdict(self, item: FeedItem, one: Known, arrival: Arrival) -> Verdict:
        """A person's decision counts first; and a stay that has a booking does not turn into a question."""
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
        """It is listed, so it is not absent. What it said last counts until it can be read again."""
        self.stays.report.counts["quarantined"] += 1
        back = self.ledger.set(item, absent_since=None, awaits_approval=False, kept_at=None)
        if item.decision == FeedItem.Decision.NOT_STAY:
            return  # nobody comes, whatever it says
        never_read = item.verdict == Verdict.QUARANTINED
        kept = "" if never_read else phrase("Its latest version cannot be read; the version before still counts.")
        changed = self.ledger.set(item, reason=together(kept, arrival.reason))
        if never_read:
            names = ("summary", "starts_on", "starts_at", "ends_on", "ends_at")
            self.ledger.set(item, **{name: getattr(arrival, name) for name in names})
        self.ledger.set(item, unreadable_since=item.unreadable_since or self.now)
        if changed or back:
            self.stays.report.row(Action.QUARANTINED, arrival)

    def _cancelled_by_channel(self, item: FeedItem) -> None:
        """Cancel at once, but a stay in progress waits for a person: the guest may be inside."""
        self.ledger.set(item, verdict=Verdict.CANCELLED.value, reason=CANCELLED, absent_since=None)
        booking = self.ledger.booking_of(item)
        if booking is None or booking.check_out <= self.now:
            self.ledger.set(item, awaits_approval=False)
            return
        running = booking.check_in <= self.now and booking.status == Booking.Status.CONFIRMED
        if not running:
            self.stays.let_go(item)
        elif item.kept_at is None:
            self.ledger.set(item, awaits_approval=True)

    def _listed_first(self, arrival: Arrival, former: Known | None = None) -> None:
        """`former`: holds the stay of another guest, who had these days before."""
        if former is not None:
            arrival = replace(arrival, reason=together(arrival.reason, REBOOKED))
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
            unreadable_since=self.now if arrival.verdict is Verdict.QUARANTINED else None,
            **content_of(arrival, arrival.verdict),
        )
        item.contact = arrival.guest.contact
        self.ledger.new_items.append(item)
        if former is not None:
            self.stays.tell_apart(item, self.ledger.items[former.id].booking_id)
        if arrival.verdict is Verdict.QUARANTINED:
            self.stays.report.counts["quarantined"] += 1
            self.stays.report.row(Action.QUARANTINED, arrival)
        elif arrival.verdict is Verdict.REVIEW:
            self.stays.report.row(Action.WAITS, arrival)
