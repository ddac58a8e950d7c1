"""What `/metrics` tells, read from the database in a constant number of statements.

Nothing is kept in a process: web, worker and beat are several, and any of them gives the same answer. Each statement
reads what is due, open or set up, never what ever was: counters are kept by `pins.measures.counting`. No name, no code
and no address is among the figures; accounts go by their id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Exists, F, Min, OuterRef, Q

from pins.core import budget
from pins.core.pin_state import State
from pins.measures.promise import Kept, lately
from pins.models import AccessGrant, Heartbeat, Incident, Pin, RateBudget, Tally
from pins.reconcile import after_loss, request_budget
from rentals.access import EVERYTHING
from rentals.models import Booking, CalendarFeed, LockAccount

#: More due codes are not counted: a scrape must stay short when everything has piled up. Alerts fire long before.
MOST_DUE: Final = 20_000
#: The conditions of a calendar, by the column that says since when.
CONDITIONS: Final = ("held", "stale", "failing", "reset", "refused")
#: Rows of `Heartbeat` that are no periodic work: how far was counted (`pins.measures.cursor`), and the last restore.
_NO_WORK: Final = ("counted", "marks", after_loss.RESTORED)


@dataclass(frozen=True, slots=True)
class Beat:
    """A trace of periodic work."""

    name: str
    age: float  # seconds since it last began
    seconds: float | None  # how long it took
    waited: float | None  # how long its message had waited


@dataclass(frozen=True, slots=True)
class Budget:
    """Requests of the accounts of one Tedee user. `account`: the first of them, by its id."""

    account: int
    left: int
    limit: int


@dataclass(frozen=True, slots=True)
class Feeds:
    """The calendars that are switched on."""

    active: int
    oldest: float | None  # seconds since the calendar that waits longest was read without fault
    conditions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """All of them, at one moment."""

    due: int
    overdue: int
    at_risk: int
    promise: tuple[Kept, ...]
    tallies: Mapping[str, Mapping[str, float]]
    incidents: Mapping[tuple[str, str], int]  # by kind and severity
    budgets: tuple[Budget, ...]
    beats: tuple[Beat, ...]
    feeds: Feeds


def read(now: datetime) -> Figures:
    """The figures of this moment (`now`: UTC)."""
    due, overdue = _due(now)
    return Figures(
        due=due,
        overdue=overdue,
        at_risk=_at_risk(now),
        promise=lately(now, EVERYTHING),
        tallies=_tallies(),
        incidents=_incidents(),
        budgets=_budgets(now),
        beats=_beats(now),
        feeds=_feeds(now),
    )


def _due(now: datetime) -> tuple[int, int]:
    """Codes with something to do now, and those of them whose deadline is past; without observe-only locks, where
    nothing is done."""
    due = Pin.objects.filter(next_try_at__lte=now).order_by().annotate(only_watched=F("lock__account__observe_only"))
    some = due.values("pk", "deadline_at", "only_watched")[:MOST_DUE]
    ours = Q(only_watched=False)
    numbers = some.aggregate(due=Count("pk", filter=ours), overdue=Count("pk", filter=ours & Q(deadline_at__lte=now)))
    return numbers["due"], numbers["overdue"]


def _at_risk(now: datetime) -> int:
    """Stays that begin within `CODE_WARN_HOURS` and whose code is not confirmed on each of their locks, though it is
    time for it."""
    soon = now + timedelta(hours=settings.CODE_WARN_HOURS)
    coming = Booking.objects.filter(status=Booking.Status.CONFIRMED, check_in__gt=now, check_in__lte=soon)
    # Two statements, both by an index: asked for all at once, PostgreSQL reads every grant there is.
    arrivals = list(coming.order_by().values_list("pk", flat=True))
    planned = AccessGrant.objects.filter(booking__in=arrivals, kind=AccessGrant.Kind.GUEST, wanted=True)
    unready = Pin.objects.filter(wanted=True, lock__account__observe_only=False).exclude(state=State.SET)
    return planned.filter(Exists(unready.filter(grant=OuterRef("pk"))), issue_at__lte=now).count()


def _tallies() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, label, value in Tally.objects.order_by("name", "label").values_list("name", "label", "value"):
        found.setdefault(name, {})[label] = value
    return found


def _incidents() -> dict[tuple[str, str], int]:
    unsolved = Incident.objects.filter(resolved_at__isnull=True).order_by()
    rows = unsolved.values_list("kind", "severity").annotate(number=Count("pk"))
    return {(kind, severity): number for kind, severity, number in rows}


def _budgets(now: datetime) -> tuple[Budget, ...]:
    first: dict[str, int] = {}
    for account in LockAccount.objects.only("pk", "rate_group").order_by("pk"):
        first.setdefault(account.budget_key, account.pk)
    usage = dict(RateBudget.objects.filter(key__in=first).values_list("key", "usage"))
    rules = request_budget.rules()
    return tuple(
        Budget(pk, budget.remaining(budget.Usage.from_json(usage.get(key, {})), rules, now), rules.limit)
        for key, pk in first.items()
    )


def _beats(now: datetime) -> tuple[Beat, ...]:
    rows = Heartbeat.objects.exclude(name__in=_NO_WORK).order_by("name")
    return tuple(Beat(row.name, max(0.0, (now - row.at).total_seconds()), row.seconds, row.waited) for row in rows)


def _feeds(now: datetime) -> Feeds:
    active = CalendarFeed.objects.filter(is_active=True)
    numbers = active.aggregate(
        active=Count("pk"),
        oldest=Min("state__last_good_at"),
        **{name: Count("pk", filter=Q(**{f"state__{name}_since__isnull": False})) for name in CONDITIONS},
    )
    oldest = numbers["oldest"]
    return Feeds(
        active=numbers["active"],
        oldest=max(0.0, (now - oldest).total_seconds()) if oldest is not None else None,
        conditions={name: numbers[name] for name in CONDITIONS},
    )
