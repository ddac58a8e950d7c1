"""Stays as lines of the board, with the state of each of their locks. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from pins.core.pin_state import State
from pins.models import Pin
from pins.status.disclosure import is_live
from pins.status.pins import next_step, pin_badge
from pins.status.stay_lists import Stay
from rentals.models import Booking
from rentals.wording import Badge, Tone, brief, clock_time


@dataclass(frozen=True, slots=True)
class RowLock:
    """One lock of a stay, for people."""

    lock_id: int
    name: str
    badge: Badge
    step: str  # "next try 14:05 CET"; empty where nothing is to come


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay. `moment`: the end of the stay that its list is about; `at` says it on the property's clock."""

    booking_id: int
    guest: str
    place: str
    moment: datetime
    at: str
    badge: Badge
    locks: tuple[RowLock, ...]  # those that deserve a look
    flags: tuple[str, ...]
    undisclosed: bool  # the code is ready, and nobody was shown it
    settled: bool  # asks for nothing more: ready, or gone

    @property
    def tone(self) -> Tone:
        return self.badge.tone


def outside(now: datetime) -> Q:
    """Stays that have begun and whose code is not on every lock, or cannot be entered there: a guest may stand before
    a closed door."""
    unready = Exists(_wanted(now).exclude(state__in=[State.SET, State.CHANGING]))
    mute = Exists(_wanted(now).filter(lock__has_keypad=False, lock__account__observe_only=False))
    return Q(Q(unready) | Q(mute), status=Booking.Status.CONFIRMED, check_in__lte=now, check_out__gt=now)


def codeless(now: datetime) -> Q:
    """Stays for which no lock is meant to hold a code."""
    return Q(~Exists(_wanted(now)))


def _wanted(now: datetime) -> QuerySet[Pin]:
    return Pin.objects.filter(grant__booking=OuterRef("pk"), wanted=True, grant__ends_at__gt=now)


def arrival(stay: Stay, now: datetime, *, turns_over: bool) -> StayRow:
    """A guest who arrives. `turns_over`: another one leaves the property on that day."""
    flags = []
    if turns_over:
        flags.append("same-day turnover")
    if stay.overlaps:
        flags.append("overlaps another stay")
    if stay.booking.needs_review:
        flags.append("needs review")
    grant = stay.grant
    undisclosed = grant is not None and stay.tone is Tone.READY and is_live(grant, now) and grant.disclosed_at is None
    if undisclosed:
        flags.append("not shown yet")
    settled = stay.tone is Tone.READY or stay.booking.check_out <= now
    return _row(stay, stay.booking.check_in, now, tuple(flags), settled=settled, undisclosed=undisclosed)


def departure(stay: Stay, now: datetime) -> StayRow:
    """A guest who leaves."""
    return _row(stay, stay.booking.check_out, now, (), settled=stay.tone in (Tone.READY, Tone.OVER))


def shut_out(stay: Stay, now: datetime) -> StayRow:
    """A guest who may stand before a closed door, whenever the stay began and ends."""
    begins = stay.booking.check_in
    since = f"here since {brief(begins, now, stay.booking.property.zone)}"
    return replace(_row(stay, begins, now, (), settled=False), at=since)


def _row(
    stay: Stay, moment: datetime, now: datetime, flags: tuple[str, ...], *, settled: bool, undisclosed: bool = False
) -> StayRow:
    booking = stay.booking
    return StayRow(
        booking_id=booking.pk,
        guest=booking.guest_name or "Guest",
        place=booking.property.name,
        moment=moment,
        at=clock_time(moment, booking.property.zone),
        badge=stay.badge,
        locks=tuple(_locks(stay, now)),
        flags=flags,
        undisclosed=undisclosed,
        settled=settled,
    )


def _locks(stay: Stay, now: datetime) -> list[RowLock]:
    found = []
    for pin in stay.pins:
        badge = pin_badge(pin, now)
        if badge.tone in (Tone.READY, Tone.OVER):
            continue
        step = next_step(pin, stay.booking.property.zone, now)
        found.append(RowLock(pin.lock_id, pin.lock.name, badge, step))
    return found
