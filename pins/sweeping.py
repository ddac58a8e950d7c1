"""The periodic look over everything: which locks have due work, who may spend, and what a person must be told."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Min, Q, QuerySet

from pins import accounts, budget, leases
from pins.facts import State
from pins.models import ONLY_WATCHED, AccessGrant, Incident, LockState, Pin, RateBudget
from pins.tedee.errors import Cause
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
    for kind, pins in ((Incident.Kind.CODE_LATE, _late_codes(now)), (Incident.Kind.CODE_STAYS, staying_codes(now))):
        open_ones = Incident.objects.filter(kind=kind, resolved_at__isnull=True)
        for pin in pins.exclude(incidents__in=open_ones)[:500]:
            Incident.open(kind, now, about=pin)
        open_ones.exclude(pin__in=pins).update(resolved_at=now)
    unsolved = Incident.objects.filter(resolved_at__isnull=True)
    blocks = unsolved.filter(kind__in=[Incident.Kind.VALUE_REFUSED, Incident.Kind.VALUE_TAKEN])
    blocks.exclude(pin__state=State.BLOCKED).update(resolved_at=now)
    unsolved.filter(kind=Incident.Kind.CODE_CHANGED, pin__state=State.REMOVED).update(resolved_at=now)
    waiting = Pin.objects.filter(wanted=True, grant__ends_at__gt=now)
    crowded = unsolved.filter(kind=Incident.Kind.TOO_MANY_CODES)
    crowded.exclude(lock__pins__in=waiting.filter(admitted=False)).update(resolved_at=now)
    full = unsolved.filter(kind=Incident.Kind.NO_ROOM)
    full.exclude(lock__pins__in=waiting.filter(last_cause=Cause.NO_ROOM, remote_id=None)).update(resolved_at=now)


def release(account_id: int, now: datetime) -> list[int]:
    """An account is no longer only watched: end the rest of its locks. Returns those with due work, the most urgent
    first."""
    LockState.objects.filter(lock__account=account_id, pause_cause=ONLY_WATCHED).update(
        paused_until=None, pause_cause=""
    )
    due = Lock.objects.filter(account=account_id, pins__next_try_at__lte=now)
    return list(due.annotate(deadline=Min("pins__deadline_at")).order_by("deadline", "pk").values_list("pk", flat=True))


def _late_codes(now: datetime) -> QuerySet[Pin]:
    """Guests who arrive soon, or are here, for whom the lock does not hold what it should: for a while, and urgently.

    An extension is urgent when the old end comes near, not before. On a lock that is only watched nothing is late.
    """
    return Pin.objects.filter(
        wanted=True,
        grant__wanted=True,
        grant__starts_at__lte=now + ARRIVES_SOON,
        grant__ends_at__gt=now,
        wished_at__lte=now - PATIENCE,
        deadline_at__lte=now + ARRIVES_SOON,
        lock__account__observe_only=False,
    ).exclude(state=State.SET)


def staying_codes(now: datetime) -> QuerySet[Pin]:
    """Codes that are, or may be, on a lock where nobody wants them any more; also where Turnkey only watches, since
    the door opens to them all the same."""
    ended = Q(grant__ends_at__lte=now - PATIENCE)
    unwanted = Q(wanted=False, wished_at__lte=now - PATIENCE)
    maybe_there = Q(remote_id__isnull=False) | ~Q(op="") | Q(must_look=True)
    return Pin.objects.filter(ended | unwanted).filter(maybe_there)


def purge(now: datetime) -> int:
    """Delete grants that ended long ago and are off every lock; return how many."""
    old = AccessGrant.objects.filter(ends_at__lte=now - KEEP_RECORDS).exclude(
        pins__in=Pin.objects.exclude(state=State.REMOVED)
    )
    gone = list(old.values_list("pk", flat=True)[:5000])
    AccessGrant.objects.filter(pk__in=gone).delete()
    return len(gone)
