"""The lower part of the board: locks to look after, and what is left of the request budgets. Reads no secret."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import BooleanField, Case, Count, Q, When, Window
from django.utils.translation import gettext as _

from pins.core import budget
from pins.models import RateBudget
from pins.reconcile import request_budget
from pins.status.locks import is_low
from pins.tedee.errors import Cause
from rentals.access import Scope, visible
from rentals.models import Lock, LockAccount

#: After a rest the next try follows within this time, if anything is due: until then the lock still counts as offline.
_NEXT_TRY: Final = timedelta(minutes=1)
_FEW_LOCKS: Final = 12


@dataclass(frozen=True, slots=True)
class LockLine:
    """A lock that a person should look after."""

    lock_id: int
    name: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """Requests of one Tedee user within the window (`TEDEE_RATE_WINDOW`)."""

    name: str
    used: int
    limit: int

    @property
    def share(self) -> int:
        """Percent."""
        return min(100, round(100 * self.used / self.limit))


def locks_to_look_after(now: datetime, scope: Scope) -> tuple[tuple[LockLine, ...], int]:
    """Locks that are offline, have a low battery, or lack a keypad or bridge; and how many more there are."""
    # `pins.reconcile.connectivity` asks only for these locks whether they are back, also where Turnkey only observes.
    marked = Q(operation__offline_since__isnull=False)
    rests = Q(operation__paused_until__gt=now - _NEXT_TRY, operation__pause_cause=Cause.OFFLINE.value)
    asked = Case(When(marked | rests, then=True), default=False, output_field=BooleanField())
    low = Q(battery_level__lt=Lock.LOW_BATTERY)
    bare = Q(has_keypad=False) | Q(has_bridge=False)
    found = visible(Lock.objects.all(), scope).filter(Q(is_connected=False) | rests | low | bare, is_active=True)
    found = found.order_by("name", "pk").annotate(rests=Case(When(rests, then=True), default=False))
    shown = list(found.annotate(of_all=Window(Count("pk")), asked=asked)[:_FEW_LOCKS])
    more = shown[0].of_all - len(shown) if shown else 0
    lines = [LockLine(one.pk, one.name, tuple(_complaints(one, asked=one.asked, rests=one.rests))) for one in shown]
    return tuple(lines), more


def _complaints(lock: Lock, *, asked: bool, rests: bool) -> Iterable[str]:
    """What is wrong with the lock. `asked`: Turnkey asks whether it is back; otherwise it may be back already. `rests`:
    a request found it offline."""
    if lock.has_keypad is False:
        yield _("no keypad")
    if lock.has_bridge is False:
        yield _("no bridge")
    elif lock.is_connected is False or rests:
        yield _("offline") if asked else _("offline when last looked at")
    if is_low(lock):
        yield _("battery {level} %").format(level=lock.battery_level)


def budgets(lock_accounts: Iterable[LockAccount], now: datetime) -> Iterable[BudgetLine]:
    """One line for the accounts of each Tedee user."""
    named: dict[str, list[str]] = {}
    for account in lock_accounts:
        named.setdefault(account.budget_key, []).append(account.name)
    usage = dict(RateBudget.objects.filter(key__in=named).values_list("key", "usage"))
    for key, names in named.items():
        left = budget.remaining(budget.Usage.from_json(usage.get(key, {})), request_budget.rules(), now)
        yield BudgetLine(", ".join(names), settings.TEDEE_RATE_LIMIT - left, settings.TEDEE_RATE_LIMIT)
