"""The periodic search for due work: which locks are to be woken, and who may spend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Case, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, When

from pins.core import budget
from pins.core.audit import BEFORE_CHECK_IN
from pins.models import OBSERVE_ONLY, Heartbeat, LockState, Pin, RateBudget
from pins.reconcile import account_limits, demand, request_budget, wakes
from pins.reconcile.account_limits import ADDED_AGAIN, WRITES_REST
from rentals.models import Lock

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


@dataclass
class Limit:
    """What the accounts of one budget may still send, where that is not plenty."""

    left: int  # locks that may be woken
    until: datetime | None  # of the work with deadlines up to then (UTC); `None`: of all


#: By account.
Limits = Mapping[int, Limit]


def due_locks(now: datetime, limits: Limits | None = None) -> list[int]:
    """Locks with due work, earliest deadline first, then those that are only to be compared with what we believe;
    without those that rest, run, or were woken a moment ago. Of an account that cannot reach the cloud at most the one
    lock whose turn it is to probe; of one with too few requests left those that come first, and no more than it can
    pay. `limits`: from `ration`; without, those of the last sweep."""
    account_limits.forgive_new_locks(now)
    probing = account_limits.probing_locks(now, account_limits.forgive_new_keys(now))
    known = limits if limits is not None else _stored_limits(now)
    due = (
        account_limits.with_work(now)
        .exclude(wakes.under_way(now, "operation__"))
        # Where only changes rest, reads may be due.
        .exclude(Q(account__operation__paused_until__gt=now) & ~Q(account__operation__pause_cause=WRITES_REST))
        .exclude(Q(account__operation__outages__gt=0) & ~Q(pk__in=probing))
        .exclude(account__in=[account for account, limit in known.items() if not limit.left])
        .annotate(deadline=Subquery(_first_deadline(now)), acts=_acts(now))
        .order_by(F("deadline").asc(nulls_last=True), "pk")
        .values_list("pk", "account_id", "deadline", "acts")
    )
    return _within_budget(due[:MOST_LOCKS], known, now)


def _first_deadline(now: datetime) -> QuerySet[Pin, tuple[datetime | None]]:
    """Of the due codes of the lock outside. A subquery for each due lock: a join would read all codes of all locks."""
    due = Pin.objects.filter(lock=OuterRef("pk"), next_try_at__lte=now, deadline_at__isnull=False)
    return due.order_by("deadline_at").values_list("deadline_at")[:1]


def _acts(now: datetime) -> Case:
    """Whether more is due on the lock outside than to compare its list with what we believe; else NULL."""
    codes = Pin.objects.filter(lock=OuterRef("pk"), next_try_at__lte=now)
    return Case(When(ADDED_AGAIN | Q(Exists(codes)), then=True))


def _within_budget(
    due: Iterable[tuple[int, int, datetime | None, bool | None]], limits: Limits, now: datetime
) -> list[int]:
    """Of locks in the order of their deadlines those whose turn it is."""
    left = {id(limit): limit.left for limit in limits.values()}
    chosen: list[int] = []
    for lock_id, account_id, deadline, acts in due:
        limit = limits.get(account_id)
        if limit is not None and not acts and not budget.admits(limit.until, now + BEFORE_CHECK_IN, now):
            continue
        # One that was added again decides for itself: that costs no request.
        if limit is not None and deadline is not None:
            if not left[id(limit)] or (limit.until is not None and deadline > limit.until):
                continue
            left[id(limit)] -= 1
        chosen.append(lock_id)
    return chosen


def ration(now: datetime) -> Limits:
    """Where more work is due than the budget allows, store the deadline up to which work may spend. Begins with what is
    due and with the deadlines that are stored: an account without either costs nothing. Returns what follows for the
    locks that are due."""
    asked = demand.by_budget(now)
    found: dict[int, Limit] = {}
    for row in RateBudget.objects.filter(Q(key__in=asked) | Q(cutoff_at__isnull=False)):
        left, cutoff = request_budget.requests_left(row, now), None
        one = asked.get(row.key)
        if one is not None and one.codes > left // budget.REQUESTS_PER_CODE:
            cutoff = budget.cutoff(demand.first_deadlines(one.accounts, now, left + 1), left)
        if cutoff != row.cutoff_at:
            # Not the usage: a run may be spending at this moment.
            RateBudget.objects.filter(key=row.key).update(cutoff_at=cutoff)
            request_budget.void_blocks(row.key, now)
        if one is not None:
            found |= _limits(one, left, cutoff, now)
    return found


def _stored_limits(now: datetime) -> Limits:
    """Of the accounts with due work, by what the last sweep stored."""
    asked = demand.by_budget(now)
    found: dict[int, Limit] = {}
    for row in RateBudget.objects.filter(key__in=asked):
        found |= _limits(asked[row.key], request_budget.requests_left(row, now), row.cutoff_at, now)
    return found


def _limits(asked: demand.Asked, left: int, cutoff: datetime | None, now: datetime) -> dict[int, Limit]:
    """One for the accounts of a budget with less than what is kept for near deadlines, or with more due than they can
    pay; else none."""
    until = budget.spendable_until(left, cutoff, request_budget.rules(), now)
    if until is None:
        return {}
    return dict.fromkeys(asked.accounts, Limit(budget.codes_payable(left) if left else 0, until))


def release(account_id: int, now: datetime) -> list[int]:
    """An account is no longer observe-only: end the rest of its locks. Returns those with due work, the most urgent
    first."""
    LockState.objects.filter(lock__account=account_id, pause_cause=OBSERVE_ONLY).update(
        paused_until=None, pause_cause=""
    )
    due = Lock.objects.filter(account=account_id, pins__next_try_at__lte=now)
    return list(due.annotate(deadline=Min("pins__deadline_at")).order_by("deadline").values_list("pk", flat=True))
