"""How far something has been counted: a moment in a `Heartbeat` row, moved forward once and by one counter alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from pins.models import Heartbeat, Tally

#: What happened less than so long ago is counted next time: its transaction may not have ended, or another machine's
#: clock may be behind.
SETTLED: Final = timedelta(minutes=1)
#: After downtime the past is caught up in such steps, one a minute, so that none of them is long.
LONGEST_STEP: Final = timedelta(hours=6)


@dataclass(frozen=True)
class Span:
    """What is to be counted: after `since`, until `until` inclusive (UTC)."""

    since: datetime
    until: datetime


@contextmanager
def next_span(name: str, now: datetime) -> Iterator[Span | None]:
    """The span that was not counted yet, in a transaction that counts it: both or nothing. `None`: there is none, this
    is the first time (nothing before it is counted), or another counter took it."""
    with transaction.atomic():
        until = now - SETTLED
        row, created = Heartbeat.objects.get_or_create(name=name, defaults={"at": until})
        span = Span(row.at, min(until, row.at + LONGEST_STEP))
        if created or span.until <= span.since:
            yield None
            return
        # Two at once: the second waits here for the row, and then finds another moment in it.
        taken = Heartbeat.objects.filter(name=name, at=span.since).update(at=span.until)
        yield span if taken else None


def add(name: str, amounts: Mapping[str, float]) -> None:
    """Add to the counters of a metric, by label. Within `next_span`: nobody else writes them at the same time."""
    rows = Tally.objects.filter(name=name, label__in=amounts)
    known = set(rows.values_list("label", flat=True))
    for label in known:
        Tally.objects.filter(name=name, label=label).update(value=F("value") + amounts[label])
    fresh = [Tally(name=name, label=label, value=value) for label, value in amounts.items() if label not in known]
    if fresh:
        Tally.objects.bulk_create(fresh)
