"""The budget of requests that an account's credentials have: taken before they are sent, and learned from refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from pins.core import budget
from pins.models import LockState, RateBudget
from pins.reconcile import demand, statements
from pins.reconcile.elapsed import stepped_ahead
from pins.reconcile.statements import Rows, Statement, kept, slot
from rentals.models import LockAccount

#: The pause of a lock whose account has no requests left.
BUDGET_SPENT = demand.BUDGET_SPENT
#: How long that is, unless the sweep finds that the lock's turn has come: it wakes in the order of deadlines, which
#: locks that woke themselves would not keep. Longer than any countdown of a message.
BUDGET_PAUSE = timedelta(minutes=5)


def rules() -> budget.Rules:
    """The account limit from the settings (Tedee API, rate limits)."""
    return budget.Rules(limit=settings.TEDEE_RATE_LIMIT, window_seconds=settings.TEDEE_RATE_WINDOW)


@dataclass(frozen=True)
class Booked:
    """Requests that may be sent, and the conditions under which they were had."""

    block: budget.Block
    cutoff_at: datetime | None  # of the budget: only what is due before it may be sent
    last: datetime  # all that is due before this moment (UTC) can be paid, too

    def is_for(self, deadline: datetime, now: datetime) -> bool:
        """May a request with this deadline be sent without asking who else is due?"""
        return deadline <= self.last or not budget.asks_others(deadline - now)


def locked_budget(key: str) -> RateBudget:
    """The row of a budget, locked until the transaction ends."""
    row = next(iter(_locking().read({"key": key})), None)
    return row or RateBudget.objects.select_for_update().get_or_create(key=key)[0]


@kept
def _locking() -> Rows[RateBudget]:
    return Rows(RateBudget.objects.select_for_update().filter(key=slot("key", RateBudget)))


@kept
def _spending() -> Statement:
    rows = RateBudget.objects.filter(key=slot("key", RateBudget))
    return statements.update(rows, {"usage": slot("usage", RateBudget)})


def requests_left(row: RateBudget, now: datetime) -> int:
    """How many requests of a budget are left."""
    return budget.remaining(budget.Usage.from_json(row.usage), rules(), now)


def spend(key: str, purpose: budget.Purpose, deadline: datetime, now: datetime) -> datetime | None:
    """Take one request from the budget before it is sent. `None`: it was taken; otherwise when to ask again (UTC)."""
    booked = book(key, purpose, deadline, now)
    return booked if isinstance(booked, datetime) else None


def book(
    key: str, purpose: budget.Purpose, deadline: datetime, now: datetime, *, later: Sequence[datetime] = ()
) -> Booked | datetime:
    """Take requests from the budget before they are sent: one, and more for what is due `later` (deadlines in UTC,
    earliest first), as far as that has its turn now. If none may be sent, when to ask again (UTC)."""
    with transaction.atomic():
        row = locked_budget(key)
        usage = _true_usage(row, now)
        if purpose is not budget.Purpose.CONNECTIVITY and not budget.admits(row.cutoff_at, deadline, now):
            return now + BUDGET_PAUSE
        # Much may have become due since the sweep stored the cutoff, and all of it may ask at the same time.
        left = budget.remaining(usage, rules(), now)
        together = [deadline, *(one for one in later if budget.admits(row.cutoff_at, one, now))]
        if not _pays_all_before(key, together[-1], left, now):
            together = [one for one in together if not budget.asks_others(one - now)] or [deadline]
            if not _pays_all_before(key, together[-1], left, now):
                return now + BUDGET_PAUSE
        reserve = budget.reserve_for(purpose, deadline - now, rules())
        booked = budget.book(usage, rules(), now, reserve=reserve, most=len(together))
        if booked is None:
            return budget.affordable_at(usage, rules(), now, reserve=reserve)
        _spending().run({"key": key, "usage": booked[0].to_json()})
        return Booked(booked[1], row.cutoff_at, together[-1])


def _true_usage(row: RateBudget, now: datetime) -> budget.Usage:
    """What was spent, put right where a clock stepped since, and stored. The row is locked."""
    stored = budget.Usage.from_json(row.usage)
    usage = budget.put_right(stored, rules(), now)
    if ahead := stepped_ahead(row.key, timezone.now()):  # `now` may have waited for the row
        usage = budget.stepped_ahead(usage, rules(), now, ahead)
    if usage is not stored:
        _spending().run({"key": row.key, "usage": usage.to_json()})
    return usage


def clock_came_back(now: datetime) -> None:
    """A clock of ours stood ahead: what was spent by it counts as spent now, in all budgets."""
    for key in RateBudget.objects.values_list("key", flat=True):
        with transaction.atomic():
            _true_usage(locked_budget(key), now)


def _pays_all_before(key: str, deadline: datetime, left: int, now: datetime) -> bool:
    """Are so many requests enough for all that is due before this deadline, and one more? What is near does not ask;
    nor where nothing is left, because the budget itself then says when to ask again."""
    if not left or not budget.asks_others(deadline - now):
        return True
    return budget.beyond(left, demand.due_before(key, deadline, now, most=rules().limit)) > 0


def give_back(key: str, block: budget.Block) -> None:
    """What is left of a block was not sent."""
    with transaction.atomic():
        usage = budget.give_back(budget.Usage.from_json(locked_budget(key).usage), block)
        _spending().run({"key": key, "usage": usage.to_json()})


def rate_limited(account: LockAccount, retry_after: float | None, now: datetime) -> None:
    """429: the budget learns when the next window begins (`retry_after`, in seconds) and lets nothing through until
    then, not even what runs have taken in advance. It is a row, so this survives any restart."""
    with transaction.atomic():
        row = locked_budget(account.budget_key)
        usage = budget.learn(budget.Usage.from_json(row.usage), rules(), now, retry_after)
        row.usage = usage.to_json()
        row.save(update_fields=["usage"])
        void_blocks(row.key, now)


def void_blocks(key: str, now: datetime) -> None:
    """What runs have taken in advance from a budget must not be sent: the limit, or who comes first, has changed."""
    LockState.objects.filter(rate_key=key, lease_until__gt=now).update(block_is_void=True)
