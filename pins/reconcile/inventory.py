"""Imports the locks of an account. They are recognised by serial number and never deleted.

The cloud knows a lock by a number that changes when the lock is removed and added again; the serial number stays. So
the serial number decides, and a new device id tells the reconciler that none of our codes came along.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import IntegrityError, transaction

from pins.core.budget import Purpose
from pins.reconcile import account_limits
from pins.reconcile.clients import client_for
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause, TedeeError
from pins.tedee.messages import RemoteLock
from rentals.models import Lock, LockAccount

#: A listing asks for a page and for the one after it, to learn that there is none.
_USUAL_REQUESTS = 2
#: How long an account rests after its key was refused; a new key ends the rest.
_REST_OF_A_DEAD_KEY = timedelta(minutes=5)
_LARGEST_ID = 2**63 - 1

NO_KEYPAD = "no keypad: guests cannot enter a code"
NO_BRIDGE = "no bridge: codes cannot be set from afar"


class Change(StrEnum):
    """What the import did with one lock."""

    NEW = "new"
    UPDATED = "updated"
    SAME = "as before"
    SKIPPED = "left alone"


@dataclass(frozen=True)
class Found:
    """One lock that the account sees."""

    name: str
    serial_number: str
    device_id: int
    change: Change
    notes: tuple[str, ...] = ()  # what a person should know, in plain words
    lock_id: int | None = None  # None: not taken over
    moved: bool = False  # it was removed and added again


@dataclass(frozen=True)
class Inventory:
    """What one look at an account brought."""

    found: tuple[Found, ...]
    unseen: tuple[str, ...]  # names of locks that Turnkey has for the account and the account no longer shows

    @property
    def moved_lock_ids(self) -> set[int]:
        """Locks that need a run because their codes did not come along."""
        return {one.lock_id for one in self.found if one.moved and one.lock_id is not None}


class FetchError(Exception):
    """The locks of an account could not be read; the text says why and what to do, in one line."""


def fetch(account: LockAccount, now: datetime, clients: Callable[[LockAccount], TedeeClient] = client_for) -> Inventory:
    """Read the account's locks and bring ours up to date. Raises `FetchError`.

    A person waits for the answer, so the requests may come from the last tenth of the budget, but never exceed it.
    """
    for _ in range(_USUAL_REQUESTS):
        if (until := account_limits.spend(account.budget_key, Purpose.ARRIVAL, now, now)) is not None:
            minutes = max(1, round((until - now).total_seconds() / 60))
            raise FetchError(f"The requests of this hour are used up. Try again in {minutes} min.")
    try:
        answer = clients(account).list_locks()
    except TedeeError as error:
        if error.cause is Cause.UNAUTHORIZED:
            account_limits.key_refused(account, _REST_OF_A_DEAD_KEY, now)
        raise FetchError(explain(error, LockAccount.Kind(account.kind))) from None
    for _ in range(answer.requests - _USUAL_REQUESTS):
        account_limits.spend(account.budget_key, Purpose.ARRIVAL, now, now)
    account_limits.answered(account, now)
    try:
        with transaction.atomic():
            return store(account, answer.value)
    except IntegrityError:  # another import added the same locks between our look and our insert
        raise FetchError("Another import ran at the same moment. Try again.") from None


def explain(error: TedeeError, kind: LockAccount.Kind) -> str:
    """Why the locks cannot be read, for the person who must fix it."""
    if error.cause is Cause.UNAUTHORIZED and kind is LockAccount.Kind.OAUTH:
        return (
            "Tedee refuses the access token: it has expired, or is a personal access key. Choose its kind, or enter a "
            "new one in the account."
        )
    if error.cause is Cause.RATE_LIMITED:
        minutes = max(1, round((error.retry_after or 600) / 60))
        return f"Tedee allows only a few lock lists in ten minutes. Try again in {minutes} min."
    return {
        Cause.UNAUTHORIZED: "Tedee refuses the access key: it is wrong, expired or revoked. Make a new one at "
        "portal.tedee.com (Personal Access Keys) and enter it in the account.",
        Cause.FORBIDDEN: "The access key may not read locks. Make one with the scopes Device.Read and "
        "Device.ReadWrite.",
        Cause.NETWORK: "The Tedee cloud cannot be reached. Check this machine's internet connection and try again.",
        Cause.SERVER: "The Tedee cloud gave an unusable answer. Try again later; if it stays, check TEDEE_API_URL.",
        Cause.NOT_FOUND: "The Tedee cloud does not know this request. Check TEDEE_API_URL.",
    }.get(error.cause, f"{error.summary}. Try again later.")


def store(account: LockAccount, remote: tuple[RemoteLock, ...]) -> Inventory:
    """Create and update the locks of an account from its list. Names that a person gave are kept."""
    seen: set[str] = set()
    found: list[Found] = []
    for one in remote:
        if one.serial_number and one.serial_number in seen:
            found.append(_skipped(one, "listed twice under this serial number; the first entry counts"))
            continue
        seen.add(one.serial_number)
        found.append(_store_one(account, one))
    ids = {one.lock_id for one in found if one.lock_id is not None}
    unseen = account.locks.exclude(pk__in=ids).values_list("name", flat=True)
    return Inventory(tuple(found), tuple(unseen))


def _store_one(account: LockAccount, one: RemoteLock) -> Found:
    if not 0 < one.id <= _LARGEST_ID:
        return _skipped(one, "Tedee gave it no usable number")
    by_serial = Lock.objects.filter(serial_number=one.serial_number).first() if one.serial_number else None
    by_device = Lock.objects.filter(device_id=one.id).first()
    lock = by_serial or by_device
    if lock is None:
        return _create(account, one)
    if lock.account_id != account.pk:
        return _skipped(one, f"already here through the account “{lock.account}”, which keeps it", lock)
    if by_serial is None and lock.serial_number and one.serial_number:
        return _skipped(
            one, f"has the device id of “{lock.name}”, another lock. Correct the device id of “{lock.name}”", lock
        )
    if by_device is not None and by_device.pk != lock.pk:
        return _skipped(
            one, f"was added again, but the entry “{by_device.name}” has its device id. Delete that entry", lock
        )
    return _update(lock, one)


def _create(account: LockAccount, one: RemoteLock) -> Found:
    name = one.name.strip()[:120] or f"Lock {one.serial_number or one.id}"[:120]
    lock = Lock.objects.create(account=account, device_id=one.id, name=name, **_facts(one))
    return Found(name, one.serial_number, one.id, Change.NEW, _notes(one), lock.pk)


def _update(lock: Lock, one: RemoteLock) -> Found:
    moved = lock.device_id != one.id
    facts = {"device_id": one.id, **_facts(one)}
    changed = [field for field, value in facts.items() if getattr(lock, field) != value]
    for field in changed:
        setattr(lock, field, facts[field])
    if changed:
        lock.save(update_fields=changed)
    notes = _notes(one)
    if moved:
        notes = ("was removed and added again: its codes are being set anew", *notes)
    if not lock.is_active:
        notes = ("switched off here: no codes are issued", *notes)
    change = Change.UPDATED if changed else Change.SAME
    return Found(lock.name, one.serial_number, one.id, change, notes, lock.pk, moved)


def _facts(one: RemoteLock) -> dict[str, object]:
    """What Tedee says, cut to what the columns hold. An empty answer about the serial number teaches nothing."""
    level = one.battery_level
    facts: dict[str, object] = {
        "time_zone": one.time_zone[:64],
        "has_keypad": one.has_keypad,
        "has_bridge": one.has_bridge,
        "is_connected": one.is_connected,
        "battery_level": level if level is not None and 0 <= level <= 100 else None,
    }
    if one.serial_number and len(one.serial_number) <= 64:
        facts["serial_number"] = one.serial_number
    return facts


def _notes(one: RemoteLock) -> tuple[str, ...]:
    notes = []
    if not one.has_keypad:
        notes.append(NO_KEYPAD)
    if not one.has_bridge:
        notes.append(NO_BRIDGE)
    elif one.is_connected is False:
        notes.append("offline at the moment")
    if one.battery_level is not None and one.battery_level <= 15:
        notes.append(f"battery at {one.battery_level} %: charge it")
    return tuple(notes)


def _skipped(one: RemoteLock, why: str, lock: Lock | None = None) -> Found:
    name = one.name or f"Lock {one.id}"
    lock_id = lock.pk if lock is not None else None
    return Found(name, one.serial_number, one.id, Change.SKIPPED, (why,), lock_id)
