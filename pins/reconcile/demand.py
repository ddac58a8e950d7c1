"""What is due on the accounts of one budget, by deadline: who comes first where the requests do not suffice for all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q, QuerySet

from pins.models import Pin
from pins.reconcile import statements
from pins.reconcile.statements import Slot, Statement, kept, slot
from rentals.models import LockAccount
from rentals.models.lock import budget_key

#: A lock that rests for another reason than the budget spends nothing, however much is due there.
BUDGET_SPENT: Final = "budget"
#: A code whose try has just failed, or whose lock rests for seconds, keeps its place before those that come later.
SOON: Final = timedelta(minutes=1)


def due(now: datetime) -> QuerySet[Pin]:
    """Codes that need a request now or `SOON`, on locks that may send one by then. An account that is observe-only
    hardly spends anything."""
    return _due_until(now + SOON)


def _due_until(soon: datetime | Slot) -> QuerySet[Pin]:
    resting = Q(lock__operation__paused_until__gt=soon) & ~Q(lock__operation__pause_cause=BUDGET_SPENT)
    pins = Pin.objects.filter(next_try_at__lte=soon, deadline_at__isnull=False, lock__account__observe_only=False)
    return pins.exclude(resting)


@dataclass
class Asked:
    """What is due on the accounts of one budget."""

    codes: int
    accounts: list[int]


def by_budget(now: datetime) -> dict[str, Asked]:
    """How many of them there are, by the key of the budget; budgets and accounts without any are left out."""
    rows = due(now).order_by().values("lock__account", "lock__account__rate_group").annotate(codes=Count("pk"))
    found: dict[str, Asked] = {}
    for account, group, codes in rows.values_list("lock__account", "lock__account__rate_group", "codes"):
        one = found.setdefault(budget_key(account, group), Asked(0, []))
        one.codes += codes
        one.accounts.append(account)
    return found


def first_deadlines(accounts: Collection[int], now: datetime, most: int) -> list[datetime]:
    """The earliest deadlines (UTC) of what is due, at most so many."""
    moments = (
        due(now).filter(lock__account__in=accounts).order_by("deadline_at").values_list("deadline_at", flat=True)[:most]
    )
    return [moment for moment in moments if moment is not None]


def due_before(key: str, deadline: datetime, now: datetime, *, most: int) -> int:
    """How many codes with an earlier deadline wait for requests of the budget `key` now; counted up to `most`."""
    kind, _, name = key.partition(":")
    counted = _counting(kind, most)
    return counted.number({"soon": now + SOON, "deadline": deadline, "sharing": name})


@kept
def _counting(kind: str, most: int) -> Statement:
    """The accounts that share a budget are those of one group, or one alone: see `budget_key`."""
    group, alone = slot("sharing", LockAccount, "rate_group"), slot("sharing", LockAccount, "id")
    accounts = LockAccount.objects.filter(Q(rate_group=group) if kind == "group" else Q(pk=alone, rate_group=""))
    due = _due_until(slot("soon", Pin, "next_try_at")).filter(lock__account__in=accounts.only("pk"))
    return statements.count(due.filter(deadline_at__lt=slot("deadline", Pin, "deadline_at")).order_by()[:most])
