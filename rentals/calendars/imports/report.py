"""What an import notes on its way, and the `Summary` that is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rentals.calendars.decide.placing import Arrival
from rentals.calendars.events import Verdict
from rentals.calendars.imports.summary import Action, Row, Summary
from rentals.models import FeedItem
from rentals.phrases import phrase

RUNNING_CANCELLED = phrase("The channel cancelled a stay in progress.")


class ImportReport:
    """Counts of stays, and a row for each thing that changed."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.held_reason = ""
        self._rows: list[Row] = []

    def row(self, action: Action, arrival: Arrival) -> None:
        """Something happened to what the calendar says now."""
        self._rows.append(
            Row(
                action,
                arrival.starts_on,
                arrival.ends_on,
                arrival.verdict,
                arrival.guest.name,
                arrival.reason,
                arrival.summary,
            )
        )

    def item_row(self, action: Action, item: FeedItem) -> None:
        """Something happened to what we hold."""
        verdict = Verdict(item.verdict)
        row = Row(action, item.starts_on, item.ends_on, verdict, item.guest_name, item.reason, item.summary)
        self._rows.append(row)

    def summary(self, items: Sequence[FeedItem]) -> Summary:
        """The summary of the import. `items`: everything of this feed, as it is afterwards."""
        held = [item for item in items if item.awaits_approval]
        if not self.held_reason and any(item.verdict == Verdict.CANCELLED for item in held):
            self.held_reason = RUNNING_CANCELLED
        return Summary(
            created=self.counts["created"],
            changed=self.counts["changed"],
            cancelled=self.counts["cancelled"],
            held=len(held),
            absent=self.counts["absent"],
            quarantined=self.counts["quarantined"],
            review=sum(item.verdict == Verdict.REVIEW and item.gone_at is None for item in items),
            held_reason=self.held_reason,
            rows=tuple(self._rows),
        )
