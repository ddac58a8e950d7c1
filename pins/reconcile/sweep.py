"""The periodic search for due work: which locks are to be woken, and who may spend."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery

from pins.core import budget
from pins.models import OBSERVE_ONLY, Heartbeat, LockState, Pin, RateBudget
from pins.reconcile import account_limits
from pins.reconcile.account_limits import WRITES_REST
from rentals.models import Lock, LockAccount

#: How many locks one sweep wakes at most; the next sweep comes soon.
MOST_LOCKS = 1000
#: After so long without a sweep, people are told. A restart takes less.
LONGEST_SILENCE = timedelta(minutes=3)


def idle_since(now: datetime) -> datetime | None:
    """When the last sweep was (UTC), if so long ago that worker, beat or broker must be down. `None`: they work, or no
    sweep ever ran."""
    last = Heartbeat.objects.filter(name="sweep").values_list("at", flat=True).first()
    limit = max(LONGEST_SILENCE, timedelta(seconds=8 * settings.SWEEP_SECONDS))
    return last if last is not None and now - last > limit else None


def due_locks(now: datetime) -> list[int]:
    """Locks with due work, earliest deadline first, then those that are only to be compared with what we believe;
    without those that rest, run, or were woken a moment ago. Of an account that cannot reach the cloud at most the one
    lock whose turn it is to probe."""
    account_limits.forgive_new_keys(now)
    hint_holds = timedelta(seconds=max(30, 3 * settings.SWEEP_SECONDS))
    due = (
        account_limits.with_work(now)
        # An alarm that is set for later hides nothing that is due now.
        .exclude(operation__dispatched_at__gt=now - hint_holds, operation__dispatched_at__lte=now)
        # Where only changes rest, reads may be due.
        .exclude(Q(account__operation__paused_until__gt=now) & ~Q(account__operation__pause_cause=WRITES_REST))
        .exclude(Q(account__operation__outages__gt=0) & ~Q(pk__in=account_limits.probing_locks(now)))
        .annotate(deadline=Subquery(_first_deadline(now)))
        .order_by(F("deadline").asc(nulls_last=True), "pk")
        .values_list("pk", flat=True)
    )
    return list(due[:MOST_LOCKS])


def _first_deadline(now: datetime) -> QuerySet[Pin, tuple[datetime | None]]:
    """Of the due codes of the lock outside. A subquery for each due lock: a join would read all codes of all locks."""
    due = Pin.objects.filter(lock=OuterRef("pk"), next_try_at__lte=now, deadline_at__isnull=False)
    return due.order_by("deadline_at").values_list("deadline_at")[:1]


def ration(now: datetime) -> None:
    """Where more work is due than the budget allows, store the deadline up to which work may spend. Begins with what is
    due and with the deadlines that are stored: an account without either costs nothing."""
    due = Pin.objects.filter(next_try_at__lte=now, deadline_at__isnull=False).order_by()
    due = due.exclude(lock__account__observe_only=True)  # hardly spends anything
    asked = dict(due.values_list("lock__account").annotate(codes=Count("pk")))
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for account in LockAccount.objects.filter(pk__in=asked).defer(*LockAccount.SECRETS):
        groups[account.budget_key].append(account.pk)
    for row in RateBudget.objects.filter(Q(key__in=groups) | Q(cutoff_at__isnull=False)):
        left = budget.remaining(budget.Usage.from_json(row.usage), account_limits.rules(), now)
        cutoff = None
        if 0 < left < sum(asked[pk] for pk in groups[row.key]):
            sooner = due.filter(lock__account__in=groups[row.key]).order_by("deadline_at")
            cutoff = sooner.values_list("deadline_at", flat=True)[left - 1 : left].first()
        if cutoff != row.cutoff_at:
            # Only this column: a run may be spending at this moment.
            RateBudget.objects.filter(key=row.key).update(cutoff_at=cutoff)


def release(account_id: int, now: datetime) -> list[int]:
    """An account is no longer observe-only: end the rest of its locks. Returns those with due work, the most urgent
    first."""
    LockState.objects.filter(lock__account=account_id, pause_cause=OBSERVE_ONLY).update(
        paused_until=None, pause_cause=""
    )
    due = Lock.objects.filter(account=account_id, pins__next_try_at__lte=now)
    return list(due.annotate(deadline=Min("pins__deadline_at")).order_by("deadline", "pk").values_list("pk", flat=True))
