"""Counts answers of the lock cloud, and how long codes take, once a minute: `/metrics` then reads a few rows.

A count reads what was answered or confirmed since the last one, by an index, however many rows there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, OuterRef

from pins.core.pin_state import State
from pins.measures.cursor import Span, add, next_span
from pins.models import AccessGrant, Pin, PinAttempt

#: The names of the counters in `Tally`.
ANSWERS, SET_BUCKET, SET_SUM = "answers", "set_bucket", "set_sum"
#: Upper bounds of the histogram, in seconds. An ordinary code takes a few; a lock that is offline takes hours.
BOUNDS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)
#: A code that a look confirms counts if it was sent within this time before; a later look repeats what is known.
CONFIRMED_BY_LOOK: Final = timedelta(days=1)


def count(now: datetime) -> None:
    """Count what happened since the last time. `now`: UTC."""
    with next_span("counted", now) as span:
        if span is None:
            return
        add(ANSWERS, _answers(span))
        waits = list(_waits(span))
        if waits:
            add(SET_BUCKET, Counter(bucket(wait) for wait in waits))
            add(SET_SUM, {"": sum(waits)})


def bucket(seconds: float) -> str:
    """The bound of the histogram's bucket that holds this wait."""
    return next((str(bound) for bound in BOUNDS if seconds <= bound), "+Inf")


def _answers(span: Span) -> dict[str, float]:
    """Requests about codes that were answered, or given up, in the span: how many by kind, outcome and cause."""
    done = PinAttempt.objects.filter(finished_at__gt=span.since, finished_at__lte=span.until)
    rows = done.order_by().values_list("op", "outcome", "cause").annotate(number=Count("pk"))
    return {f"{op},{outcome},{cause}": number for op, outcome, cause, number in rows}


def _waits(span: Span) -> Iterable[float]:
    """Seconds from the moment when a code was due on its lock until it was confirmed there, for each code that was
    confirmed in the span for the first time since its wish changed.

    A code is due when it is wished, or when its issue-ahead window opens. One that is confirmed again, after a doubt or
    because somebody deleted it in the Tedee app, is not counted: nobody knows since when it was missing.
    """
    sent = PinAttempt.objects.filter(pin=OuterRef("pk"), rev=OuterRef("desired_rev"), op__in=("post", "put"))
    lately = sent.filter(started_at__gt=OuterRef("state_changed_at") - CONFIRMED_BY_LOOK)
    before = sent.filter(outcome=PinAttempt.Outcome.DONE, finished_at__lt=OuterRef("state_changed_at"))
    confirmed = Pin.objects.filter(
        Exists(lately),
        ~Exists(before),
        state=State.SET,
        state_changed_at__gt=span.since,
        state_changed_at__lte=span.until,
    ).exclude(grant__kind=AccessGrant.Kind.BACKUP)  # spare codes take their turn after all others
    rows = confirmed.values_list("state_changed_at", "wished_at", "grant__issue_at")
    for at, wished_at, issue_at in rows:
        yield max(0.0, (at - max(wished_at, issue_at)).total_seconds())
