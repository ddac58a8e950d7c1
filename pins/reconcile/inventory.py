"""Imports the locks of an account, when a person asks; `listing` renews what is known of them each hour. Locks are
recognised by serial number and never deleted.

The cloud knows a lock by a number that changes when the lock is removed and added again; the serial number stays. So
the serial number decides, and a new device id tells the reconciler that none of our codes came along.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from pins.core.budget import Purpose
from pins.models import AccountState
from pins.reconcile import account_limits, connectivity, request_budget
from pins.reconcile.clients import client_for
from pins.reconcile.tokens import TokenNotReady
from pins.tedee.answers import Answer
from pins.tedee.client import TedeeClient
from pins.tedee.errors import Cause, TedeeError, TokenEnded
from pins.tedee.messages import RemoteLock
from rentals.fields import behind
from rentals.models import Lock, LockAccount
from rentals.phrases import mark
from rentals.plain_text import one_line

#: A listing asks for a page and for the one after it, to learn that there is none.
_USUAL_REQUESTS = 2
#: How long an account rests after its key was refused; a new key ends the rest.
REST_OF_A_DEAD_KEY = timedelta(minutes=5)
_LARGEST_ID = 2**63 - 1

NO_KEYPAD = mark("no keypad: guests cannot enter a code")
NO_BRIDGE = mark("no bridge: codes cannot be set from afar")


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
    is_connected: bool | None = None


@dataclass(frozen=True)
class Inventory:
    """What one look at an account brought."""

    found: tuple[Found, ...]
    unseen: tuple[str, ...]  # names of locks that Turnkey has for the account and the account no longer shows
    back_lock_ids: frozenset[int] = frozenset()  # they rested because they were offline, and are connected

    @property
    def seen_lock_ids(self) -> set[int]:
        """Those of our locks that the account shows."""
        return {one.lock_id for one in self.found if one.lock_id is not None}

    @property
    def moved_lock_ids(self) -> set[int]:
        """Locks that need a run because their codes did not come along."""
        return {one.lock_id for one in self.found if one.moved and one.lock_id is not None}

    @property
    def lock_ids_to_wake(self) -> set[int]:
        """Locks that have something to do because of what was learned."""
        return self.moved_lock_ids | self.back_lock_ids


class FetchError(Exception):
    """The locks of an account could not be read; the text says why and what to do, in one line, in the language that is
    active."""


def fetch(account: LockAccount, now: datetime, clients: Callable[[LockAccount], TedeeClient] = client_for) -> Inventory:
    """Read the account's locks and bring ours up to date. Raises `FetchError`.

    A person waits for the answer, so the requests may come from the last tenth of the budget, but never exceed it.
    """
    for _number in range(_USUAL_REQUESTS):
        if (until := request_budget.spend(account.budget_key, Purpose.ARRIVAL, now, now)) is not None:
            minutes = max(1, round((until - now).total_seconds() / 60))
            spent = _("The requests of this hour are used up. Try again in {minutes} min.")
            raise FetchError(spent.format(minutes=minutes))
    try:
        answer = _listed(account, clients)
    except TedeeError as error:
        if error.cause is Cause.UNAUTHORIZED:
            account_limits.key_refused(account, REST_OF_A_DEAD_KEY, now)
        raise FetchError(explain(error, LockAccount.Kind(account.kind))) from None
    for _number in range(answer.requests - _USUAL_REQUESTS):
        request_budget.spend(account.budget_key, Purpose.ARRIVAL, now, now)
    account_limits.answered(account, now)
    try:
        with transaction.atomic():
            inventory = store(account, answer.value, add=True)
            AccountState.objects.update_or_create(account=account, defaults={"listed_at": now})
            return inventory
    except IntegrityError:  # another import added the same locks between our look and our insert
        raise FetchError(_("Another import ran at the same moment. Try again.")) from None


def _listed(account: LockAccount, clients: Callable[[LockAccount], TedeeClient]) -> Answer[tuple[RemoteLock, ...]]:
    try:
        return clients(account).list_locks()
    except TokenNotReady:
        raise
    except TokenEnded:  # refused before its end: once more, with another one
        return clients(account).list_locks()


def explain(error: TedeeError, kind: LockAccount.Kind) -> str:
    """Why the locks cannot be read, for the person who must fix it."""
    if error.cause is Cause.UNAUTHORIZED and kind is LockAccount.Kind.OAUTH:
        return _(
            "Tedee does not accept the connection of the account. Press “Connect with Tedee” on its page, or choose "
            "another kind of access there."
        )
    if error.cause is Cause.RATE_LIMITED:
        minutes = max(1, round(error.retry_after / 60)) if error.retry_after else 10
        often = _("Tedee allows only a few lock lists in ten minutes. Try again in {minutes} min.")
        return often.format(minutes=minutes)
    if error.cause in _EXPLAINED:
        return _(_EXPLAINED[error.cause])
    problem = _(_SUMMARIES.get(error.cause, _SUMMARIES[Cause.BAD_REQUEST]))
    return _("{problem}. Try again later.").format(problem=problem)


_EXPLAINED: Final = {
    Cause.UNAUTHORIZED: mark(
        "Tedee refuses the access key: it is wrong, expired or revoked. Make a new one at portal.tedee.com (Personal "
        "Access Keys) and enter it in the account."
    ),
    Cause.RENEWAL: mark("Tedee has not given a new access token yet. Try again in a moment."),
    Cause.FORBIDDEN: mark(
        "The access key may not read locks. Make one with the scopes Device.Read and Device.ReadWrite."
    ),
    Cause.NETWORK: mark("The Tedee cloud cannot be reached. Check this machine's internet connection and try again."),
    Cause.SERVER: mark("The Tedee cloud gave an unusable answer. Try again later; if it stays, check TEDEE_API_URL."),
    Cause.NOT_FOUND: mark("The Tedee cloud does not know this request. Check TEDEE_API_URL."),
}
#: As `pins.tedee.errors` says it. What is not here says something about a code, and was not asked.
_SUMMARIES: Final = {
    Cause.BAD_REQUEST: mark("Tedee refused the request as invalid"),
    Cause.BUSY: mark("The lock is busy with another request"),
    Cause.OFFLINE: mark("The lock is not connected"),
    Cause.TIMEOUT: mark("The lock did not answer the Tedee cloud in time"),
}


def store(account: LockAccount, remote: tuple[RemoteLock, ...], *, add: bool = False) -> Inventory:
    """Update the locks of an account from its list, and create new ones if `add`. Names that a person gave are kept.
    A lock that is listed as connected stops resting because it was offline. Call it in a transaction."""
    serials: set[str] = set()
    found: list[Found] = []
    known = _Known.of(remote)
    for one in remote:
        if one.serial_number and one.serial_number in serials:
            found.append(_skipped(one, _("listed twice under this serial number; the first entry counts")))
            continue
        serials.add(one.serial_number)
        if (stored := _store_one(account, one, known, add=add)) is not None:
            found.append(stored)
    ids = {one.lock_id for one in found if one.lock_id is not None}
    unseen = account.locks.exclude(pk__in=ids).values_list("name", flat=True)
    connected = {one.lock_id for one in found if one.is_connected and one.lock_id is not None}
    return Inventory(tuple(found), tuple(unseen), frozenset(connectivity.end_rest(connected)))


@dataclass(frozen=True)
class _Known:
    """Our locks that a list may be about, of any account."""

    by_serial: dict[str, Lock]
    by_device: dict[int, Lock]

    @classmethod
    def of(cls, remote: tuple[RemoteLock, ...]) -> _Known:
        ids = [one.id for one in remote if _is_usable(one)]
        serials = [one.serial_number for one in remote if one.serial_number]
        rows = Lock.objects.filter(Q(serial_number__in=serials) | Q(device_id__in=ids)).select_related("account")
        locks = list(rows.defer(*behind("account", LockAccount.SECRETS)))
        by_serial = {lock.serial_number: lock for lock in locks if lock.serial_number}
        return cls(by_serial, {lock.device_id: lock for lock in locks})

    def note(self, lock: Lock, device_id: int) -> None:
        """The lock is new, or has this device id now."""
        self.by_device.pop(lock.device_id, None)
        self.by_device[device_id] = lock


def _is_usable(one: RemoteLock) -> bool:
    return 0 < one.id <= _LARGEST_ID


def _store_one(account: LockAccount, one: RemoteLock, known: _Known, *, add: bool) -> Found | None:
    if not _is_usable(one):
        return _skipped(one, _("Tedee gave it no usable number"))
    by_serial, by_device = known.by_serial.get(one.serial_number), known.by_device.get(one.id)
    lock = by_serial or by_device
    if lock is None:
        return _create(account, one, known) if add else None
    if lock.account_id != account.pk:
        other = _("already here through the account “{account}”, which keeps it")
        return _skipped(one, other.format(account=lock.account), lock)
    if by_serial is None and lock.serial_number and one.serial_number:
        wrong = _("has the device id of “{lock}”, another lock. Correct the device id of “{lock}”")
        return _skipped(one, wrong.format(lock=lock.name), lock)
    if by_device is not None and by_device.pk != lock.pk:
        again = _("was added again, but the entry “{lock}” has its device id. Delete that entry")
        return _skipped(one, again.format(lock=by_device.name), lock)
    return _update(lock, one, known)


def _create(account: LockAccount, one: RemoteLock, known: _Known) -> Found:
    name = one_line(one.name, 120) or f"Lock {one.serial_number or one.id}"[:120]
    lock = Lock.objects.create(account=account, device_id=one.id, name=name, **_facts(one))
    known.note(lock, one.id)
    return Found(name, one.serial_number, one.id, Change.NEW, _notes(one), lock.pk, is_connected=one.is_connected)


def _update(lock: Lock, one: RemoteLock, known: _Known) -> Found:
    moved = lock.device_id != one.id
    facts = {"device_id": one.id, **_facts(one)}
    changed = {field: value for field, value in facts.items() if getattr(lock, field) != value}
    if changed:
        # Never Lock.save(): this is an observation, not a person's edit that the codes would have to follow.
        Lock.objects.filter(pk=lock.pk).update(**changed)
        known.note(lock, one.id)
    notes = _notes(one)
    if moved:
        notes = (_("was removed and added again: its codes are being set anew"), *notes)
    if not lock.is_active:
        notes = (_("switched off here: no codes are issued"), *notes)
    change = Change.UPDATED if changed else Change.SAME
    return Found(lock.name, one.serial_number, one.id, change, notes, lock.pk, moved, one.is_connected)


def _facts(one: RemoteLock) -> dict[str, object]:
    """What Tedee says, cut to what the columns hold. Where it says nothing, what we know stays: of a lock that is
    offline it tells no battery, which may well be the reason why it is offline."""
    facts: dict[str, object] = {
        "has_keypad": one.has_keypad,
        "has_bridge": one.has_bridge,
        "is_connected": one.is_connected,
    }
    if one.battery_level is not None and 0 <= one.battery_level <= 100:
        facts["battery_level"] = one.battery_level
    if one.time_zone:
        facts["time_zone"] = one.time_zone[:64]
    if one.serial_number and len(one.serial_number) <= 64:
        facts["serial_number"] = one.serial_number
    return facts


def _notes(one: RemoteLock) -> tuple[str, ...]:
    notes = []
    if not one.has_keypad:
        notes.append(_(NO_KEYPAD))
    if not one.has_bridge:
        notes.append(_(NO_BRIDGE))
    elif one.is_connected is False:
        notes.append(_("offline at the moment"))
    if one.battery_level is not None and one.battery_level < Lock.LOW_BATTERY:
        notes.append(_("battery at {percent} %: charge or change it").format(percent=one.battery_level))
    return tuple(notes)


def _skipped(one: RemoteLock, why: str, lock: Lock | None = None) -> Found:
    name = one.name or f"Lock {one.id}"
    lock_id = lock.pk if lock is not None else None
    return Found(name, one.serial_number, one.id, Change.SKIPPED, (why,), lock_id)
