"""What the activity of locks says about each stay, stored so that lists need not work it out (`pins.core.arrival`). All
times are UTC."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Final

from django.db.models import Q

from pins.core.arrival import EARLY, Awaited, Code, Entry, Judgement, Sign, is_absent, judge, read_again
from pins.core.pin_state import State
from pins.core.recurrence import read_recurrence
from pins.models import AccessGrant, DoorEntry, LockActivity, LockState, Pin, StayArrival
from pins.models.operation import OFFLINE
from rentals import end_to_end
from rentals.local_time import local_moment
from rentals.models import Booking
from rentals.models.periods import During

#: “Nobody came” is said of last midnight, not of former ones: an account may begin to read its activity at any time.
_LATELY: Final = timedelta(hours=24)
_MIDNIGHT: Final = time()
#: Not `announced`, which whoever announces writes.
_COLUMNS: Final = (
    *("read_at", "first_opened_at", "is_named", "maybe_used", "early_at", "early_is_named"),
    *("wrong_at", "wrong_tries", "absent_at"),
)


def judge_lock(lock_id: int, now: datetime) -> datetime:
    """Look at every stay that has a code on this lock now or within hours. Returns when to read the lock again."""
    stays = Pin.objects.filter(
        During("grant__starts_at", "grant__ends_at", now, now + EARLY),
        lock=lock_id,
        wanted=True,
        grant__wanted=True,
        grant__kind=AccessGrant.Kind.GUEST,
        grant__booking__isnull=False,
    )
    ids = list(stays.order_by("grant").values_list("grant", flat=True))
    bookings = Booking.objects.filter(grants__in=ids).select_related("property").order_by("pk")
    awaited = []
    for booking in bookings:
        code = _code_of(booking, ids)
        if code is not None:
            awaited.append(Awaited(code.starts_at, _judge(booking, code, now)))
    return read_again(awaited, now)


def _code_of(booking: Booking, grant_ids: Collection[int]) -> Code | None:
    found = codes(Q(booking=booking, pk__in=grant_ids))
    return found[0] if found else None


def codes(which: Q) -> list[Code]:
    """Codes of these grants, with the locks that they are meant for."""
    locks: dict[int, set[int]] = {}
    for grant_id, lock_id in Pin.objects.filter(grant__in=AccessGrant.objects.filter(which), wanted=True).values_list(
        "grant", "lock"
    ):
        locks.setdefault(grant_id, set()).add(lock_id)
    columns = ("pk", "starts_at", "ends_at", "kind", "recurrence")
    rows = AccessGrant.objects.filter(pk__in=locks).order_by("pk").values_list(*columns)
    return [
        Code(pk, frozenset(locks[pk]), starts, ends, kind == AccessGrant.Kind.GUEST, read_recurrence(recurrence))
        for pk, starts, ends, kind, recurrence in rows
    ]


def _judge(booking: Booking, code: Code, now: datetime) -> bool:
    """Store what is known of one stay. Returns whether its guest has come."""
    since = code.starts_at - EARLY
    rivals = Pin.objects.filter(
        During("grant__starts_at", "grant__ends_at", since, now + EARLY), lock__in=code.lock_ids, wanted=True
    )
    others = codes(Q(pk__in=list(rivals.order_by().values_list("grant", flat=True))) & ~Q(pk=code.id))
    entries = [
        Entry(lock, Sign(sign), at, named, is_foreign)
        for lock, sign, at, named, is_foreign in DoorEntry.objects.filter(
            lock__in=code.lock_ids, at__gte=since
        ).values_list("lock", "sign", "at", "grant", "is_foreign")
    ]
    return _store(booking, code, judge(code, others, entries), now)


def _store(booking: Booking, code: Code, found: Judgement, now: datetime) -> bool:
    known = LockActivity.objects.filter(lock__in=code.lock_ids, read_at__isnull=False)
    read = list(known.values_list("read_at", "whole_since"))
    is_whole = len(read) == len(code.lock_ids)
    before = StayArrival.objects.filter(booking=booking).first()
    if not is_whole and found == Judgement() and before is None:
        return False  # nothing can be said before every lock was read
    row = before or StayArrival(booking=booking)
    row.read_at = min((at for at, _ in read if at is not None), default=now)
    # Lines are kept for a while only; and what was said once is not taken back for a later line.
    if found.first_opened_at and not (row.first_opened_at and row.first_opened_at < found.first_opened_at):
        row.first_opened_at, row.is_named = found.first_opened_at, found.is_named
    row.maybe_used = row.maybe_used or found.was_used
    if found.early_at:
        row.early_at, row.early_is_named = found.early_at, found.early_is_named
    if found.wrong_at:
        row.wrong_at, row.wrong_tries = found.wrong_at, found.wrong_tries
    if row.absent_at is None and row.first_opened_at is None and is_whole:
        whole_since = max((since or now) for _, since in read)
        if _is_absent(booking, code, found, row.read_at, whole_since, now):
            row.absent_at = now
    facts = {name: getattr(row, name) for name in _COLUMNS}
    StayArrival.objects.update_or_create(booking=booking, defaults=facts)
    return row.first_opened_at is not None


def _is_absent(
    booking: Booking,
    code: Code,
    found: Judgement,
    read_at: datetime,
    whole_since: datetime,
    now: datetime,
) -> bool:
    """Whether nobody came by midnight. Not said where a lock was offline, since its lines come later; where the guest
    had no code that works; or where the guest is here already, with the stay before this one."""
    prop = booking.property
    midnight = local_moment(booking.arrival_date + timedelta(days=1), _MIDNIGHT, prop.timezone)
    if not midnight <= now < midnight + _LATELY:
        return False
    if not is_absent(code, found, midnight=midnight, whole_since=whole_since, read_at=read_at):
        return False
    offline = LockState.objects.filter(OFFLINE | Q(lock__is_connected=False), lock__in=code.lock_ids)
    missing = Pin.objects.filter(grant=code.id, wanted=True).exclude(state=State.SET)
    return not offline.exists() and not missing.exists() and end_to_end.former_stay(booking) is None
