"""The periodic look over everything: which locks have due work, who may spend, and what a person must be told."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Min, Q, QuerySet

from pins import accounts, budget
from pins.facts import State
from pins.models import AccessGrant, Incident, Pin, RateBudget
from rentals.models import Lock, LockAccount

#: A guest arrives within this time and the code is not on the lock.
ARRIVES_SOON = timedelta(hours=4)
#: How long an ordinary setting or removal may take before a person is told.
PATIENCE = timedelta(minutes=10)
#: How many locks one sweep wakes at most; the next sweep comes soon.
MOST_LOCKS = 1000
#: Removed codes, with their attempts and incidents, are kept this long.
KEEP_RECORDS = timedelta(days=120)


def due_locks(now: datetime) -> list[int]:
    """Locks with due work, earliest deadline first; without those that rest, run, or were woken a moment ago."""
    accounts.forgive_new_keys(now)
    hint_holds = timedelta(seconds=max(30, 3 * settings.SWEEP_SECONDS))
    added_again = Q(operation__device_id__isnull=False) & ~Q(operation__device_id=F("device_id"))
    due = (
        Lock.objects.filter(Q(pins__next_try_at__lte=now) | added_again)
        .exclude(operation__paused_until__gt=now)
        .exclude(operation__lease_until__gt=now)
        .exclude(operation__dispatched_at__gt=now - hint_holds)
        .exclude(account__operation__paused_until__gt=now)
        .annotate(deadline=Min("pins__deadline_at", filter=Q(pins__next_try_at__lte=now)))
        .order_by("deadline", "pk")
    )
    return list(due.values_list("pk", flat=True)[:MOST_LOCKS])


def ration(now: datetime) -> None:
    """Where more work is due than the budget allows, store the deadline up to which work may spend."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for account in LockAccount.objects.defer("secret"):
        groups[account.budget_key].append(account.pk)
    for row in RateBudget.objects.filter(key__in=groups):
        left = budget.remaining(budget.Usage.from_json(row.usage), accounts.rules(), now)
        due = Pin.objects.filter(lock__account__in=groups[row.key], next_try_at__lte=now, deadline_at__isnull=False)
        deadlines = list(due.order_by("deadline_at").values_list("deadline_at", flat=True)[: left + 1])
        cutoff = deadlines[left - 1] if 0 < left < len(deadlines) else None
        if cutoff != row.cutoff_at:
            # Only this column: a run may be spending at this moment.
            RateBudget.objects.filter(key=row.key).update(cutoff_at=cutoff)


def review_incidents(now: datetime) -> None:
    """Open what is late and resolve what is late no more."""
    late, stays = _late_codes(now), _staying_codes(now)
    for kind, pins in ((Incident.Kind.CODE_LATE, late), (Incident.Kind.CODE_STAYS, stays)):
        open_ones = Incident.objects.filter(kind=kind, resolved_at__isnull=True)
        for pin in pins.exclude(incidents__in=open_ones)[:500]:
            Incident.open(kind, now, about=pin)
        open_ones.exclude(pin__in=pins).update(resolved_at=now)


def _late_codes(now: datetime) -> QuerySet[Pin]:
    return Pin.objects.filter(
        wanted=True,
        grant__wanted=True,
        grant__starts_at__lte=now + ARRIVES_SOON,
        grant__ends_at__gt=now,
        grant__created_at__lte=now - PATIENCE,
    ).exclude(state__in=[State.SET, State.CHANGING])


def _staying_codes(now: datetime) -> QuerySet[Pin]:
    ended = Q(grant__ends_at__lte=now - PATIENCE)
    unwanted = Q(wanted=False, state_changed_at__lte=now - PATIENCE)
    return Pin.objects.filter(ended | unwanted, remote_id__isnull=False)


def purge(now: datetime) -> int:
    """Delete grants that ended long ago and are off every lock; return how many."""
    old = AccessGrant.objects.filter(ends_at__lte=now - KEEP_RECORDS).exclude(
        pins__in=Pin.objects.exclude(state=State.REMOVED)
    )
    gone = list(old.values_list("pk", flat=True)[:5000])
    AccessGrant.objects.filter(pk__in=gone).delete()
    return len(gone)
