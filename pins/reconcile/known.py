"""What a run knows about its lock, besides the PINs that are due.

Read when the run begins, and again after anything but a plain success. In between it stays true: nobody but the run
that holds the lock's lease changes what a plain success asks for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from pins.core import posts
from pins.models import AccessGrant, AccountState, LockState, Pin
from pins.reconcile.statements import Rows, kept, slot
from pins.tedee.errors import Cause
from rentals.models import Lock


@dataclass(frozen=True, slots=True)
class PinFacts:
    """A PIN that is wanted on a lock, or may be there, at a glance."""

    pk: int
    wanted: bool
    admitted: bool
    remote_id: int | None
    extra_ids: list[int]
    nominees: list[int]
    posts: list[Any]
    op: str
    op_in_doubt: bool
    must_look: bool
    last_cause: str
    starts_at: datetime  # of the grant (UTC)
    ends_at: datetime
    disclosed_at: datetime | None
    kind: str  # of the grant
    applied_ends_at: datetime | None
    desired_rev: int
    tried_rev: int

    @property
    def is_reserve(self) -> bool:
        """Whether it is a spare code that nobody has yet."""
        return self.kind == AccessGrant.Kind.BACKUP and self.disclosed_at is None

    @property
    def held(self) -> set[int]:
        """The ids of its PINs on the lock."""
        return {*self.extra_ids, *({self.remote_id} if self.remote_id is not None else ())}

    def living(self, now: datetime) -> int:
        """How many codes it may have on the lock, without those that need no other explanation: their end has come, or
        they are to go and no removal was sent yet. One that a removal did not end counts."""
        made = [posts.Post.from_json(post) for post in self.posts]
        explained = {one for one in self.held if posts.has_ended(made, one, now)}
        if self.remote_id is not None and self.applied_ends_at is not None and self.applied_ends_at <= now:
            explained.add(self.remote_id)
        is_live = self.wanted and self.admitted and self.ends_at > now
        if not is_live and self.tried_rev != self.desired_rev:
            explained = self.held
        return posts.living([post for post in made if post.id not in explained], self.held - explained, now)


_COLUMNS = (
    *("pk", "wanted", "admitted", "remote_id", "extra_ids", "nominees", "posts", "op", "op_in_doubt", "must_look"),
    *("last_cause", "grant__starts_at", "grant__ends_at", "grant__disclosed_at", "grant__kind"),
    *("applied_ends_at", "desired_rev", "tried_rev"),
)


def pins_at_a_glance(lock_id: int, now: datetime) -> list[PinFacts]:
    """The PINs of a lock that are wanted, may be there, or wait for something. One query, of few columns: rows are
    wide, and a lock may have a hundred."""
    return [PinFacts(*row) for row in _glance().read({"lock": lock_id, "now": now})]


@kept
def _glance() -> Rows[tuple[Any, ...]]:
    now = slot("now", Pin, "hold_until")
    wanted = Q(wanted=True, grant__ends_at__gt=now)
    there = Q(remote_id__isnull=False) | ~Q(extra_ids=[]) | ~Q(posts=[]) | ~Q(op="") | Q(must_look=True)
    waiting = Q(last_cause=Cause.NO_ROOM.value, hold_until__gt=now)
    rows = Pin.objects.filter(wanted | there | waiting, lock=slot("lock", Pin)).order_by("pk")
    return Rows(rows.values_list(*_COLUMNS))


@kept
def _lock() -> Rows[Lock]:
    return Rows(Lock.objects.select_related("operation", "account__operation").filter(pk=slot("lock", Lock, "id")))


class KnownLock:
    """A lock with its account, the states of both, and its PINs at a glance."""

    def __init__(self, lock_id: int, now: datetime) -> None:
        self._lock_id = lock_id
        self._read(now)
        self.account_id = self._lock.account_id  # whose key this run uses, even if the lock moves meanwhile

    def _read(self, now: datetime) -> None:
        self._is_outdated = False
        (self._lock,) = _lock().read({"lock": self._lock_id})
        self.pins = pins_at_a_glance(self._lock_id, now)
        self.holders: defaultdict[int, set[int]] = defaultdict(set)
        for pin in self.pins:
            for remote_id in (*pin.held, *pin.nominees):
                self.holders[remote_id].add(pin.pk)
        self.waits_for_room = any(pin.last_cause == Cause.NO_ROOM for pin in self.pins)

    def outdated(self) -> None:
        """Something happened that changed more than the PIN that asked."""
        self._is_outdated = True

    def at(self, now: datetime) -> KnownLock:
        """Read again, where needed."""
        if self._is_outdated:
            self._read(now)
        return self

    @property
    def lock(self) -> Lock:
        return self._lock

    @property
    def state(self) -> LockState:
        return self._lock.operation

    @property
    def account_state(self) -> AccountState | None:
        return getattr(self._lock.account, "operation", None)
