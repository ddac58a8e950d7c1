"""Learns whether offline locks are back: one request for many locks, instead of asking each of them for its PINs."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from pins.core.budget import Purpose
from pins.models import AccountState, LockState, Pin
from pins.reconcile import account_limits, request_budget
from pins.reconcile.clients import client_for
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause, TedeeError
from rentals.fields import UndecryptableValue, behind
from rentals.models import Lock, LockAccount

logger = logging.getLogger(__name__)

#: A lock that will be tried again within this time needs no check (`sync`: at most every 20 s, Tedee API).
SOON = timedelta(seconds=30)
#: How often an account is asked when nobody is waiting: no more often than its locks would be tried anyway.
UNHURRIED = timedelta(minutes=5)
#: With a deadline as near as this, each tick asks.
PRESSING = timedelta(hours=4)
#: While a guest is at the door: at each second tick, that is once a minute, and from the requests that arrivals have.
AT_THE_DOOR = timedelta(seconds=50)
#: How many ids go into one query string.
MOST_IDS = 100


def locks_back_online(now: datetime, clients: Callable[[LockAccount], TedeeClient] = client_for) -> set[int]:
    """Ask for the connection of every lock that rests because it was offline; end the rest of those that are back.
    Locks that were reported offline while a guest is due are included, even if nothing has to be done there: no run
    would send them a request and so learn that they are back. Returns the locks that are back.

    Costs one request per account and hundred locks, from the half of the budget that checks may use; while a guest is
    at the door of one of them, from the budget of arrivals.
    """
    offline: defaultdict[LockAccount, list[Lock]] = defaultdict(list)
    resting = Q(pause_cause=Cause.OFFLINE.value, paused_until__gt=now + SOON)
    idle = Q(lock__is_connected=False, offline_since__isnull=False) & ~Exists(
        Pin.objects.filter(lock=OuterRef("lock"), next_try_at__lte=now)
    )
    waiting = LockState.objects.filter(resting | idle)
    locks = Lock.objects.filter(operation__in=waiting).select_related("account")
    for lock in locks.defer(*behind("account", LockAccount.SECRETS)).order_by("pk"):
        offline[lock.account].append(lock)
    back: set[int] = set()
    for account, theirs in offline.items():
        try:
            if account_limits.paused_until(account, now) is None:
                turn = _turn(account, theirs, now)
                if turn is not None:
                    back |= _came_back(account, theirs, turn, clients, now)
        except UndecryptableValue:  # its key; others are asked all the same
            logger.warning("connectivity_check_impossible", extra={"account_id": account.pk})
    end_rest(back)
    return back


def connection_reported(lock: Lock, is_connected: bool) -> bool:
    """Store a connection that somebody reported unasked. True: the lock rested because it was offline, and its rest is
    over. Unlike an answer of `sync`, a report is news by itself, whatever we believed before."""
    Lock.objects.filter(pk=lock.pk).update(is_connected=is_connected)
    return is_connected and bool(end_rest({lock.pk}))


def end_rest(lock_ids: set[int]) -> set[int]:
    """Locks that are connected: end the rest of those that rest because they were offline, and return these. A rest
    with another cause stands."""
    resting = LockState.objects.filter(pause_cause=Cause.OFFLINE.value, paused_until__isnull=False)
    ids = set(resting.filter(lock_id__in=lock_ids).values_list("lock_id", flat=True))
    if ids:
        resting.filter(lock_id__in=ids).update(paused_until=None)
    return ids


def _turn(account: LockAccount, locks: list[Lock], now: datetime) -> Purpose | None:
    """Take this turn of asking for an account; for which purpose it is asked. `None`: it is not due, or another worker
    took it."""
    due = Pin.objects.filter(lock__in=locks, next_try_at__lte=now)
    AccountState.objects.get_or_create(account=account)
    turn = AccountState.objects.filter(account=account)
    at_the_door = due.filter(deadline_at__lte=now, wanted=True, grant__wanted=True, grant__ends_at__gt=now).exists()
    if at_the_door:
        turn = turn.exclude(watched_at__gt=now - AT_THE_DOOR)
    elif not due.filter(deadline_at__lte=now + PRESSING).exists():
        turn = turn.exclude(watched_at__gt=now - UNHURRIED)
    if turn.update(watched_at=now) != 1:
        return None
    return Purpose.ARRIVAL if at_the_door else Purpose.CONNECTIVITY


def _came_back(
    account: LockAccount,
    locks: list[Lock],
    purpose: Purpose,
    clients: Callable[[LockAccount], TedeeClient],
    now: datetime,
) -> set[int]:
    """The locks that were seen disconnected and are connected now. One that was connected all along and answers 428
    is set up wrongly: trying it again at once would not help."""
    found: set[int] = set()
    for start in range(0, len(locks), MOST_IDS):
        group = {lock.device_id: lock for lock in locks[start : start + MOST_IDS]}
        if request_budget.spend(account.budget_key, purpose, now, now) is not None:
            break
        try:
            answer = clients(account).sync_locks(list(group))
        except TedeeError as error:
            logger.info("connectivity_check_failed", extra={"account_id": account.pk, "cause": error.cause.value})
            break
        for connection in answer.value:
            lock = group.get(connection.id)
            if lock is None or connection.is_connected is None or connection.is_connected == lock.is_connected:
                continue
            Lock.objects.filter(pk=lock.pk).update(is_connected=connection.is_connected)
            if connection.is_connected and lock.is_connected is False:
                found.add(lock.pk)
    return found
