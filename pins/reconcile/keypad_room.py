"""Stores which PINs may use the room on a keypad, and what its lock said about that room. The rules are in
`pins.core.capacity`.

`Lock.pin_capacity` is what we believe at first. A lock that refuses a code for lack of room knows better: what is on it
then is its `learned_room`, until a day later, until there is less on it, or until it takes a code all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F

from pins.core import capacity
from pins.desired import grants
from pins.models import Incident, LockState, Pin
from pins.reconcile.known import PinFacts, pins_at_a_glance
from pins.tedee.errors import Cause
from rentals.models import Lock

#: A comparison that comes before that is waited for.
_SOON: Final = timedelta(minutes=15)


def admit(
    lock: Lock, at_a_glance: Sequence[PinFacts], foreign_pins: int, state: LockState, now: datetime
) -> tuple[bool, bool]:
    """Decide which PINs the keypad has room for. Called by the one run that holds the lock's lease. Returns whether
    anything changed, and whether all have room.

    `foreign_pins`: how many PINs on the keypad are not ours, if that is still believed. A PIN leaves only for a nearer
    arrival, never because the keypad turned out fuller than thought: our PINs keep the places that they have. Spare
    codes do not: they have places only while the lock is known to have many.
    """
    pins = _wanted(at_a_glance, now)
    needed = [pin for pin in pins if not pin.is_reserve]
    there = sum(pin.remote_id is not None and pin.admitted for pin in needed)
    places = max(capacity.room(lock.pin_capacity, foreign_pins), there)
    learned = capacity.believed(state.learned_room, state.learned_room_at, now)
    candidates = [_candidate(pin, yields=learned is not None and _yielded(state, now)) for pin in needed]
    chosen = capacity.admitted(candidates, places)
    if learned is not None:
        chosen = capacity.admitted_to_full(candidates, chosen, learned, state.foreign_pins)
    if len(needed) < len(pins):
        chosen |= _spares(lock, pins, state, now, full=learned is not None)
    changed = [pin.pk for pin in pins if pin.admitted != (pin.pk in chosen)]
    _store(changed, now)
    have_room = all(pin.pk in chosen for pin in needed)
    if not have_room:
        Incident.open(Incident.Kind.TOO_MANY_CODES, now, about=lock)
    return bool(changed), have_room


def _spares(lock: Lock, pins: Sequence[PinFacts], state: LockState, now: datetime, *, full: bool) -> frozenset[int]:
    """Which spare codes may be on the lock. Without a look at its list nobody knows how many places are left, so it is
    compared soon. `full`: it said so lately; then none is added."""
    spares = [pin for pin in pins if pin.is_reserve]
    if full:
        return frozenset(pin.pk for pin in spares if pin.admitted and pin.remote_id is not None)
    if state.looked_at is None:
        LockState.objects.filter(lock=lock, audit_at__gt=now + _SOON).update(audit_at=now)
        return frozenset()
    left = capacity.room(lock.pin_capacity, state.foreign_pins) - (len(pins) - len(spares))
    return capacity.admitted_spares(map(_candidate, spares), left)


def refused(lock: Lock, pin: Pin, now: datetime) -> None:
    """412: the lock has no room for `pin`. Note how many codes that is, and tell people, but for a spare code.

    For an arrival within a day our furthest code that nobody was shown gives its place away, one for each refusal. If
    the lock refuses again after that code is gone, it has another reason: no more codes leave, and a person must act.
    """
    state = LockState.objects.get(lock=lock)
    ours = Pin.objects.filter(lock=lock, remote_id__isnull=False).count()
    LockState.objects.filter(lock=lock).update(learned_room=ours + state.foreign_pins, learned_room_at=now)
    helpless, is_spare = False, pin.grant.is_reserve
    if pin.remote_id is None and not is_spare and pin.grant.starts_at <= now + capacity.ARRIVES_SOON:
        if _yielded(state, now):
            on_its_way = Pin.objects.filter(lock=lock, wanted=True, admitted=False, remote_id__isnull=False)
            helpless = not on_its_way.exists()
        else:
            helpless = not _evict_for(lock, pin, now)
    if is_spare:
        return
    severity = Incident.Severity.URGENT if helpless else None
    Incident.open(Incident.Kind.NO_ROOM, now, about=lock, severity=severity)


def _evict_for(lock: Lock, pin: Pin, now: datetime) -> bool:
    ours = _wanted(pins_at_a_glance(lock.pk, now), now)
    candidates = [_candidate(one) for one in ours if one.remote_id is not None]
    yielding = capacity.evicted(candidates, pin.grant.starts_at, now)
    if yielding is None:
        return False
    LockState.objects.filter(lock=lock).update(yielded_at=now)
    _store([yielding], now)
    return True


def taken(state: LockState) -> None:
    """The lock took a code: it was not full, whatever it said before."""
    if state.learned_room is not None or state.yielded_at is not None:
        state.learned_room = state.learned_room_at = state.yielded_at = None
        state.save(update_fields=["learned_room", "learned_room_at", "yielded_at"])


def freed(lock: Lock, now: datetime) -> None:
    """A place on the keypad became free: PINs that were refused for lack of room need not wait longer."""
    LockState.objects.filter(lock=lock, learned_room__isnull=False).update(learned_room=None, learned_room_at=None)
    waiting = Pin.objects.filter(lock=lock, last_cause=Cause.NO_ROOM.value, hold_until__gt=now)
    waiting.update(hold_until=now, next_try_at=now, observed_rev=F("observed_rev") + 1)


def listed(lock: Lock, codes: int, now: datetime) -> None:
    """The lock's list was read, with so many codes. Fewer than when it was full: there is room again. More: it takes
    more than we thought to fill it."""
    full_at = LockState.objects.filter(lock=lock).values_list("learned_room", flat=True).first()
    if full_at is not None and codes < full_at:
        freed(lock, now)
    elif full_at is not None and codes > full_at:
        LockState.objects.filter(lock=lock).update(learned_room=codes)


def _wanted(pins: Iterable[PinFacts], now: datetime) -> list[PinFacts]:
    return [pin for pin in pins if pin.wanted and pin.ends_at > now]


def _candidate(pin: PinFacts, *, yields: bool = False) -> capacity.Candidate:
    return capacity.Candidate(
        pin.pk,
        pin.starts_at,
        disclosed=pin.disclosed_at is not None,
        on_lock=pin.remote_id is not None or bool(pin.op) or pin.must_look,
        yielding=yields and pin.remote_id is not None and not pin.admitted,
        reserve=pin.is_reserve,
    )


def _yielded(state: LockState, now: datetime) -> bool:
    return state.yielded_at is not None and state.yielded_at > now - capacity.BELIEVED


def _store(pin_ids: Iterable[int], now: datetime) -> None:
    """Turn over who is admitted, each under its grant's and its own row's lock."""
    for pin_id in pin_ids:
        with transaction.atomic():
            grant = grants.lock_row(Pin.objects.values_list("grant_id", flat=True).get(pk=pin_id))
            pin = Pin.objects.select_for_update().get(pk=pin_id)
            pin.grant = grant
            if pin.admitted and pin.remote_id is not None and grant.disclosed_at is not None:
                continue  # somebody was shown it since we looked: it never yields
            pin.admitted = not pin.admitted
            grants.raise_revision(pin, now)
