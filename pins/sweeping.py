"""The periodic look over everything: which locks have due work, who may spend, and what a person must be told."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q

from pins import accounts, budget, leases, reviewing
from pins.facts import State
from pins.models import ONLY_WATCHED, AccessGrant, Delivery, Heartbeat, Incident, LockState, Pin, RateBudget
from rentals.models import Lock, LockAccount

#: How many locks one sweep wakes at most; the next sweep comes soon.
MOST_LOCKS = 1000
#: Removed codes, with their attempts and incidents, are kept this long.
KEEP_RECORDS = timedelta(days=120)
#: So many are deleted in one transaction, so that nobody waits long for its locks.
BATCH = 1000
#: Without a sweep for so long somebody is told. A restart takes less.
LONGEST_SILENCE = timedelta(minutes=3)


def idle_since(now: datetime) -> datetime | None:
    """When the last sweep was, if that is so long ago that worker, beat or broker must be down; `None` while they work,
    and where none ever ran."""
    last = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    limit = max(LONGEST_SILENCE, timedelta(seconds=8 * settings.SWEEP_SECONDS))
    return last if last is not None and now - last > limit else None


def due_locks(now: datetime) -> list[int]:
    """Locks with due work, earliest deadline first; without those that rest, run, or were woken a moment ago."""
    accounts.forgive_new_keys(now)
    hint_holds = timedelta(seconds=max(30, 3 * settings.SWEEP_SECONDS))
    added_again = Q(operation__device_id__isnull=False) & ~Q(operation__device_id=F("device_id"))
    # Where Turnkey may write again nothing rests, whoever switched it: `update()` and the like announce nothing.
    released = Q(operation__pause_cause=ONLY_WATCHED, account__observe_only=False)
    due = (
        Lock.objects.filter(Q(pins__next_try_at__lte=now) | added_again)
        .exclude(Q(operation__paused_until__gt=now) & ~released)
        .exclude(operation__lease_until__gt=now, operation__lease_until__lte=now + leases.LEASE)
        # An alarm that is set for later hides nothing that is due now.
        .exclude(operation__dispatched_at__gt=now - hint_holds, operation__dispatched_at__lte=now)
        .exclude(account__operation__paused_until__gt=now)
        .annotate(deadline=Min("pins__deadline_at", filter=Q(pins__next_try_at__lte=now)))
        .order_by("deadline", "pk")
    )
    return list(due.values_list("pk", flat=True)[:MOST_LOCKS])


def ration(now: datetime) -> None:
    """Where more work is due than the budget allows, store the deadline up to which work may spend."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for account in LockAccount.objects.defer("secret", "webhook_token"):
        groups[account.budget_key].append(account.pk)
    for row in RateBudget.objects.filter(key__in=groups):
        left = budget.remaining(budget.Usage.from_json(row.usage), accounts.rules(), now)
        due = Pin.objects.filter(lock__account__in=groups[row.key], next_try_at__lte=now, deadline_at__isnull=False)
        due = due.exclude(lock__account__observe_only=True)  # what is only watched spends nothing worth a ration
        deadlines = list(due.order_by("deadline_at").values_list("deadline_at", flat=True)[: left + 1])
        cutoff = deadlines[left - 1] if 0 < left < len(deadlines) else None
        if cutoff != row.cutoff_at:
            # Only this column: a run may be spending at this moment.
            RateBudget.objects.filter(key=row.key).update(cutoff_at=cutoff)


def review_incidents(now: datetime) -> None:
    """Open what is late, and resolve what is over, whoever ended it."""
    reviewing.review(now)


def release(account_id: int, now: datetime) -> list[int]:
    """An account is no longer only watched: end the rest of its locks. Returns those with due work, the most urgent
    first."""
    LockState.objects.filter(lock__account=account_id, pause_cause=ONLY_WATCHED).update(
        paused_until=None, pause_cause=""
    )
    due = Lock.objects.filter(account=account_id, pins__next_try_at__lte=now)
    return list(due.annotate(deadline=Min("pins__deadline_at")).order_by("deadline", "pk").values_list("pk", flat=True))


def purge(now: datetime) -> int:
    """Delete grants that ended long ago and are off every lock; return how many."""
    old = AccessGrant.objects.filter(ends_at__lte=now - KEEP_RECORDS).exclude(
        pins__in=Pin.objects.exclude(state=State.REMOVED)
    )
    gone = list(old.values_list("pk", flat=True)[:5000])
    AccessGrant.objects.filter(pk__in=gone).delete()
    return len(gone)


def purge_incidents(now: datetime) -> int:
    """Delete what was resolved long ago, and the messages about it; return how many. Incidents of a PIN go with it,
    since they say from when its code stands (`pins.told`)."""
    old = Incident.objects.filter(pin=None, resolved_at__lte=now - KEEP_RECORDS).order_by("pk")
    count = 0
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            Delivery.objects.filter(incident__in=ids).delete()
            Incident.objects.filter(pk__in=ids).delete()
        count += len(ids)
    return count
