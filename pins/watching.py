"""Learns that offline locks are back, many with one request, instead of asking each of them for its PINs."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from pins import accounts
from pins.budget import Purpose
from pins.clients import client_for
from pins.models import LockState
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause, TedeeError
from rentals.models import Lock, LockAccount

logger = logging.getLogger(__name__)

#: A lock that will be tried again within this time needs no watching (`sync`: at most every 20 s, Tedee API).
SOON = timedelta(seconds=30)
#: How many ids go into one query string.
MOST_IDS = 100


def locks_back_online(now: datetime, clients: Callable[[LockAccount], TedeeClient] = client_for) -> set[int]:
    """Ask for the connection of every lock that rests because it was offline; end the rest of those that are back.

    Spends from the half of the budget that watching may use, and one request per account and hundred locks.
    """
    offline: defaultdict[LockAccount, list[Lock]] = defaultdict(list)
    waiting = LockState.objects.filter(pause_cause=Cause.OFFLINE.value, paused_until__gt=now + SOON)
    for lock in Lock.objects.filter(operation__in=waiting).select_related("account"):
        offline[lock.account].append(lock)
    back: set[int] = set()
    for account, locks in offline.items():
        if accounts.paused_until(account, now) is None:
            back |= _connected(account, locks, clients, now)
    LockState.objects.filter(lock_id__in=back).update(paused_until=None)
    return back


def _connected(
    account: LockAccount, locks: list[Lock], clients: Callable[[LockAccount], TedeeClient], now: datetime
) -> set[int]:
    found: set[int] = set()
    for start in range(0, len(locks), MOST_IDS):
        group = {lock.device_id: lock for lock in locks[start : start + MOST_IDS]}
        if accounts.spend(account.budget_key, Purpose.WATCH, now, now) is not None:
            break
        try:
            answer = clients(account).sync_locks(list(group))
        except TedeeError as error:
            logger.info("watch_failed", extra={"account_id": account.pk, "cause": error.cause.value})
            break
        for connection in answer.value:
            lock = group.get(connection.id)
            if lock is not None and connection.is_connected is not None:
                Lock.objects.filter(pk=lock.pk).update(is_connected=connection.is_connected)
                if connection.is_connected:
                    found.add(lock.pk)
    return found
