"""What the board says after a backup was restored, until everything is as it was. Reads no secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q

from pins.models import Heartbeat
from pins.reconcile.after_loss import RESTORED
from rentals.access import Scope, visible
from rentals.models import Lock
from rentals.wording import brief, soon


@dataclass(frozen=True, slots=True)
class WaitingAccount:
    """An account that is observe-only since the restore."""

    account_id: int
    name: str
    locks: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What is not as usual yet."""

    at: str  # when the backup came back
    waiting: tuple[WaitingAccount, ...]  # nothing is written to their locks before a person releases them
    unread: int  # locks of the others that are still closed to changes, until their lists are compared
    half_spent_until: str  # half of the requests of a window count as spent; empty: not any more


def restored(now: datetime, scope: Scope, zone: ZoneInfo) -> Restored | None:
    """None where no backup was restored, or nothing of it is left to say. One query where none was. Its times are on
    the clock of `zone`."""
    at = Heartbeat.objects.filter(name=RESTORED).values_list("at", flat=True).first()
    if at is None:
        return None
    closed = visible(Lock.objects.all(), scope).filter(is_active=True, operation__look_first=True)
    waits = Q(account__observe_only=True)
    found = closed.filter(waits).values("account", "account__name").annotate(locks=Count("pk"))
    accounts = tuple(
        WaitingAccount(one["account"], one["account__name"], one["locks"])
        for one in found.order_by("account__name", "account")
    )
    unread = closed.exclude(waits).count()
    spent_until = at + timedelta(seconds=settings.TEDEE_RATE_WINDOW)
    if not accounts and not unread and spent_until <= now:
        return None
    spent = soon(spent_until, now, zone) if spent_until > now else ""
    return Restored(brief(at, now, zone), accounts, unread, spent)
