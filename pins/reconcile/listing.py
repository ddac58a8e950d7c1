"""Once an hour the list of each account's locks: batteries, connections, and locks that were added again.

Tedee sends events about these to OAuth clients only (Tedee API, webhooks), so with a personal key nobody else tells us.
One request shows all locks of an account. Known locks are renewed; new ones are left to a person, who adds them with
“Fetch locks”. Each account has its own moment of the hour, so that many accounts do not ask at the same time.

All times are UTC.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from pins.core.budget import Purpose
from pins.models import AccountState, Incident, Pin
from pins.reconcile import account_limits, connectivity, key_expiry, request_budget
from pins.reconcile.clients import client_for
from pins.reconcile.inventory import REST_OF_A_DEAD_KEY, Inventory, store
from pins.tedee.client import Answer, TedeeClient
from pins.tedee.errors import Cause, TedeeError
from pins.tedee.messages import RemoteLock
from rentals.fields import UndecryptableValue
from rentals.models import Lock, LockAccount

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(hours=1)
#: How often due accounts are looked for.
TICK: Final = timedelta(minutes=2)
#: So long after its moment an account is still asked: a tick may be lost, and a failed request is repeated once. After
#: that it waits for the next hour, so that an outage does not end with all accounts asking at once.
TURN: Final = 2 * TICK
_EPOCH = datetime.min.replace(tzinfo=UTC)
#: Multiples of it, modulo 1, spread evenly however many there are.
_GOLDEN = 0.6180339887498949

Clients = Callable[[LockAccount], TedeeClient]


def list_due_accounts(now: datetime, clients: Clients = client_for) -> set[int]:
    """Read the locks of the accounts whose moment has come. Returns the locks to wake: those that are back online or
    were added again.

    One request an account, more where the list has several pages, from the half of the budget that checks may use.
    Once a day the end of the access key is asked for, too. A failure is logged. Where the cloud cannot be reached, the
    other accounts are not tried in this tick: each would wait until its deadline.
    """
    woken: set[int] = set()
    for account_id, listed_at in _due(now):
        try:
            account = LockAccount.objects.get(pk=account_id)
            if account_limits.paused_until(account, now) is None and _take_turn(account, now):
                woken |= _read(account, listed_at, clients, now)
        except (UndecryptableValue, LockAccount.DoesNotExist):
            logger.warning("listing_impossible", extra={"account_id": account_id})
        except TedeeError:
            break
    return woken


def turn_of(account_id: int, now: datetime) -> datetime:
    """When the account's last moment was: the same second of every hour."""
    offset = EVERY * (account_id * _GOLDEN % 1)
    return _EPOCH + offset + (now - _EPOCH - offset) // EVERY * EVERY


def _due(now: datetime) -> list[tuple[int, datetime | None]]:
    """The accounts with locks whose moment was less than `TURN` ago and that were not read since, and when they were
    read last."""
    long_ago = Q(operation__listed_at__isnull=True) | Q(operation__listed_at__lt=now - EVERY + TURN)
    accounts = LockAccount.objects.filter(long_ago, Exists(Lock.objects.filter(account=OuterRef("pk"))))
    rows = accounts.order_by("pk").values_list("pk", "operation__listed_at")
    return [(pk, listed_at) for pk, listed_at in rows if turn_of(pk, now) > now - TURN]


def _take_turn(account: LockAccount, now: datetime) -> bool:
    """False: another worker took it."""
    AccountState.objects.get_or_create(account=account)
    untaken = AccountState.objects.filter(account=account).exclude(listed_at__gte=turn_of(account.pk, now))
    return untaken.update(listed_at=now) == 1


def _read(account: LockAccount, listed_at: datetime | None, clients: Clients, now: datetime) -> set[int]:
    """One list of an account's locks, and what follows from it. After a failure `listed_at` is again what it was.
    Raises `TedeeError` where the cloud cannot be reached."""
    inventory: Inventory | None = None
    try:
        if _may_spend(account, now):
            client = clients(account)
            inventory = _store(account, _ask(account, client, now), now)
            _tell_of_missing_locks(account, inventory, client, now)
            key_expiry.check(account, client, now)
    except TedeeError as error:
        if error.cause is Cause.UNAUTHORIZED:
            account_limits.key_refused(account, REST_OF_A_DEAD_KEY, now)
        logger.info("listing_failed", extra={"account_id": account.pk, "cause": error.cause.value})
        if error.cause is Cause.NETWORK:
            raise
    except IntegrityError:  # somebody stored the same locks at the same moment
        logger.info("listing_collided", extra={"account_id": account.pk})
    finally:
        if inventory is None:
            AccountState.objects.filter(account=account, listed_at=now).update(listed_at=listed_at)
    return inventory.lock_ids_to_wake if inventory is not None else set()


def _ask(account: LockAccount, client: TedeeClient, now: datetime) -> Answer[tuple[RemoteLock, ...]]:
    """The account's locks. Pages that were not foreseen are counted afterwards."""
    answer = client.list_locks(account.locks.filter(is_active=True).values_list("device_id", flat=True))
    for _ in range(answer.requests - 1):
        _may_spend(account, now)
    return answer


def _store(account: LockAccount, answer: Answer[tuple[RemoteLock, ...]], now: datetime) -> Inventory:
    account_limits.answered(account, now)
    with transaction.atomic():
        inventory = store(account, answer.value)
    unknown = Incident.objects.filter(kind=Incident.Kind.LOCK_UNKNOWN, resolved_at=None)
    # A lock may be listed and yet answer that it is unknown: that is for its next answer to say.
    refuted = unknown.filter(lock__in=inventory.seen_lock_ids).exclude(lock__operation__pause_cause=Cause.NOT_FOUND)
    refuted.update(resolved_at=now)
    return inventory


def _tell_of_missing_locks(account: LockAccount, inventory: Inventory, client: TedeeClient, now: datetime) -> None:
    """Locks that the account no longer shows: an incident where codes are planned, since nobody can set them.

    A list may lag or be cut into pages. So the connections of these locks are asked for: a lock counts as missing only
    if neither the one nor the other answer has it.
    """
    unseen = {
        device_id: lock_id
        for lock_id, device_id in account.locks.filter(is_active=True).values_list("pk", "device_id")
        if lock_id not in inventory.seen_lock_ids
    }
    asked = sorted(unseen)[: connectivity.MOST_IDS]
    if not asked or not _may_spend(account, now):
        return
    gone = {unseen[device_id] for device_id in asked} - _still_there(client, asked, unseen)
    if gone:
        logger.warning("locks_not_listed", extra={"account_id": account.pk, "lock_ids": sorted(gone)})
    said = Incident.objects.filter(lock=OuterRef("pk"), kind=Incident.Kind.NO_PERMISSION, resolved_at=None)
    planned = Pin.objects.filter(lock=OuterRef("pk"), next_try_at__isnull=False)
    for lock in Lock.objects.filter(Exists(planned), ~Exists(said), pk__in=gone):
        Incident.open(Incident.Kind.LOCK_UNKNOWN, now, about=lock)


def _still_there(client: TedeeClient, device_ids: Iterable[int], lock_ids: dict[int, int]) -> set[int]:
    """Which of these locks the account still reaches. Raises `TedeeError` where nothing can be concluded."""
    try:
        return {lock_ids[one.id] for one in client.sync_locks(device_ids).value if one.id in lock_ids}
    except TedeeError as error:
        if error.cause in (
            Cause.FORBIDDEN,
            Cause.NOT_FOUND,
        ):  # a refusal that concerns these locks agrees with the list
            return set()
        raise


def _may_spend(account: LockAccount, now: datetime) -> bool:
    return request_budget.spend(account.budget_key, Purpose.CONNECTIVITY, now, now) is None
