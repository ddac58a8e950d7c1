"""The periodic search for due work: which locks are to be woken, and who may spend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Min, OuterRef, Q, QuerySet, Subquery

from pins.core import budget
from pins.models import OBSERVE_ONLY, Heartbeat, LockState, Pin, RateBudget
from pins.reconcile import account_limits, demand, wakes
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
    lock whose turn it is to probe; of one with too few requests left those that come first, and no more than it can
    pay."""
    account_limits.forgive_new_keys(now)
    limits = _limits(now)
    due = (
        account_limits.with_work(now)
        .exclude(wakes.under_way(now, "operation__"))
        # Where only changes rest, reads may be due.
        .exclude(Q(account__operation__paused_until__gt=now) & ~Q(account__operation__pause_cause=WRITES_REST))
        .exclude(Q(account__operation__outages__gt=0) & ~Q(pk__in=account_limits.probing_locks(now)))
        .exclude(account__in=[account for account, limit in limits.items() if not limit.left])
        .annotate(deadline=Subquery(_first_deadline(now)))
        .order_by(F("deadline").asc(nulls_last=True), "pk")
        .values_list("pk", "account_id", "deadline")
    )
    return _within_budget(due[:MOST_LOCKS], limits)


def _first_deadline(now: datetime) -> QuerySet[Pin, tuple[datetime | None]]:
    """Of the due codes of the lock outside. A subquery for each due lock: a join would read all codes of all locks."""
    due = Pin.objects.filter(lock=OuterRef("pk"), next_try_at__lte=now, deadline_at__isnull=False)
    return due.order_by("deadline_at").values_list("deadline_at")[:1]


@dataclass
class _Limit:
    """What the accounts of one budget may still send, where that is not plenty."""

    left: int  # locks that may be woken
    until: datetime | None  # of the work with deadlines up to then (UTC); `None`: of all


def _limits(now: datetime) -> dict[int, _Limit]:
    """By account with due work, only those with less than what is kept for near deadlines, or with more due than they
    can pay."""
    groups, rules = _groups(demand.codes_by_account(now)), account_limits.rules()
    found: dict[int, _Limit] = {}
    for row in RateBudget.objects.filter(key__in=groups):
        left = budget.remaining(budget.Usage.from_json(row.usage), rules, now)
        until = budget.spendable_until(left, row.cutoff_at, rules, now)
        if not left or until is not None:
            share = _Limit(budget.codes_payable(left) if left else 0, until)
            found |= dict.fromkeys(groups[row.key], share)  # one for the whole group
    return found


def _within_budget(due: Iterable[tuple[int, int, datetime | None]], limits: dict[int, _Limit]) -> list[int]:
    """Of locks in the order of their deadlines those whose turn it is. One whose deadline is unknown, because there is
    only something to compare, decides for itself."""
    chosen: list[int] = []
    for lock_id, account_id, deadline in due:
        limit = limits.get(account_id)
        if limit is not None and deadline is not None:
            if not limit.left or (limit.until is not None and deadline > limit.until):
                continue
            limit.left -= 1
        chosen.append(lock_id)
    return chosen


def _groups(account_ids: Collection[int]) -> dict[str, list[int]]:
    """These accounts by their budgets."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for account in LockAccount.objects.filter(pk__in=account_ids).defer(*LockAccount.SECRETS):
        groups[account.budget_key].append(account.pk)
    return groups


def ration(now: datetime) -> None:
    """Where more work is due than the budget allows, store the deadline up to which work may spend. Begins with what is
    due and with the deadlines that are stored: an account without either costs nothing."""
    asked = demand.codes_by_account(now)
    groups = _groups(asked)
    for row in RateBudget.objects.filter(Q(key__in=groups) | Q(cutoff_at__isnull=False)):
        accounts = groups.get(row.key, [])
        left = budget.remaining(budget.Usage.from_json(row.usage), account_limits.rules(), now)
        cutoff = None
        if sum(asked[pk] for pk in accounts) > left // budget.REQUESTS_PER_CODE:
            cutoff = budget.cutoff(demand.first_deadlines(accounts, now, left + 1), left)
        if cutoff != row.cutoff_at:
            # Not the usage: a run may be spending at this moment.
            RateBudget.objects.filter(key=row.key).update(cutoff_at=cutoff)
            account_limits.void_blocks(row.key, now)


def release(account_id: int, now: datetime) -> list[int]:
    """An account is no longer observe-only: end the rest of its locks. Returns those with due work, the most urgent
    first."""
    LockState.objects.filter(lock__account=account_id, pause_cause=OBSERVE_ONLY).update(
        paused_until=None, pause_cause=""
    )
    due = Lock.objects.filter(account=account_id, pins__next_try_at__lte=now)
    return list(due.annotate(deadline=Min("pins__deadline_at")).order_by("deadline", "pk").values_list("pk", flat=True))
