"""Stays as lines of the board, with the state of each of their locks. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from pins.core.pin_state import State
from pins.models import AccessGrant, LockState, Pin
from pins.status.disclosure import is_live
from pins.status.pins import next_step, pin_badge
from pins.status.stays import guest_grants, stay_badge
from pins.status.wording import Kind
from rentals.access import Scope, visible
from rentals.models import Booking, Lock, LockAccount
from rentals.wording import Badge, Tone, brief, clock_time

#: Worst first: what a list shows when it cannot show all.
ORDER = (Tone.ACT, Tone.TROUBLE, Tone.OVER, Tone.BUSY, Tone.WAITING, Tone.READY)


@dataclass(frozen=True, slots=True)
class Door:
    """One lock of a stay, for people."""

    lock_id: int
    name: str
    badge: Badge
    step: str  # "next try 14:05 CET"; empty where nothing is to come


@dataclass(frozen=True, slots=True)
class Stay:
    """A booking with its codes, and the state of its locks, worked out once."""

    booking: Booking
    pins: tuple[Pin, ...]
    badge: Badge

    @property
    def tone(self) -> Tone:
        return self.badge.tone

    @property
    def is_observed(self) -> bool:
        """Whether Turnkey only observes one of its locks, so that it cannot say whether the guest gets in."""
        return self.badge.kind is Kind.OBSERVED


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay. `moment`: the end of the stay that its list is about; `at` says it on the property's clock."""

    booking_id: int
    property_id: int
    guest: str
    place: str
    moment: datetime
    at: str
    badge: Badge
    doors: tuple[Door, ...]  # those that deserve a look
    flags: tuple[str, ...]
    undisclosed: bool  # the code is ready, and nobody was shown it
    settled: bool  # asks for nothing more: ready, or gone

    @property
    def tone(self) -> Tone:
        return self.badge.tone


def stays(found: Q, scope: Scope, most: int | None = None) -> list[Booking]:
    """The bookings of a condition and a scope, the earliest first, with everything that their lines need. `most`: no
    more than so many. A few queries, however many bookings there are."""
    active = Lock.objects.filter(properties=OuterRef("property"), is_active=True)
    pins = Pin.objects.only(*_OF_PIN).order_by("lock__name", "pk")
    grants = guest_grants().only(*_OF_GRANT).prefetch_related(Prefetch("pins", queryset=visible(pins, scope)))
    rows = visible(Booking.objects.with_overlaps(), scope).filter(found).annotate(has_locks=Exists(active))
    bookings = list(
        rows.select_related("property")
        .only(*_OF_BOOKING)
        .prefetch_related(Prefetch("grants", queryset=grants))
        .order_by("check_in", "property__name", "pk")[:most]
    )
    _give_locks([pin for one in bookings for pin in _pins(one)])
    return bookings


#: What a list needs of each row, and no more: loading the rest would take most of a board's time.
_OF_BOOKING = (
    *("property", "guest_name", "check_in", "check_out", "status", "needs_review"),
    *("property__name", "property__timezone", "property__is_active"),
)
_OF_GRANT = ("booking", "wanted", "starts_at", "ends_at", "issue_at", "revoked_at", "disclosed_at")
_OF_PIN = ("grant", "lock", "wanted", "admitted", "state", "next_try_at", "last_cause", "op", "op_in_doubt")
_OF_ACCOUNT = ("name", "observe_only", "rate_group", "operation__paused_until", "operation__pause_cause")


def _give_locks(pins: list[Pin]) -> None:
    """Load each lock and each account once, not once a code, and the facts of operation of those that rest, or did.

    By hand: on SQLite `prefetch_related` makes a condition for each of them, which takes longer than everything else.
    """
    rests = LockState.objects.filter(paused_until__isnull=False).only("paused_until", "pause_cause")
    locks = (
        Lock.objects.filter(pk__in={pin.lock_id for pin in pins})
        .only("name", "account", "has_keypad")
        .prefetch_related(Prefetch("operation", queryset=rests))
        .in_bulk()
    )
    accounts = LockAccount.objects.filter(pk__in={lock.account_id for lock in locks.values()})
    by_id = accounts.select_related("operation").only(*_OF_ACCOUNT).in_bulk()
    for lock in locks.values():
        lock.account = by_id[lock.account_id]
    for pin in pins:
        pin.lock = locks[pin.lock_id]


def look(booking: Booking, now: datetime) -> Stay:
    """The state of a booking that `stays` loaded."""
    pins = _pins(booking)
    has_locks = bool(getattr(booking, "has_locks", True))
    return Stay(booking, pins, stay_badge(booking, _grant(booking), list(pins), has_locks=has_locks, now=now))


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
    if getattr(stay.booking, "overlaps", False):
        flags.append("overlaps another stay")
    if stay.booking.needs_review:
        flags.append("needs review")
    grant = _grant(stay.booking)
    undisclosed = grant is not None and stay.tone is Tone.READY and is_live(grant, now) and grant.disclosed_at is None
    if undisclosed:
        flags.append("not shown yet")
    settled = stay.tone is Tone.READY or stay.booking.check_out <= now
    row = _row(stay, stay.booking.check_in, now, tuple(flags), settled=settled)
    return replace(row, undisclosed=undisclosed)


def departure(stay: Stay, now: datetime) -> StayRow:
    """A guest who leaves."""
    return _row(stay, stay.booking.check_out, now, (), settled=stay.tone in (Tone.READY, Tone.OVER))


def shut_out(stay: Stay, now: datetime) -> StayRow:
    """A guest who may stand before a closed door, whenever the stay began and ends."""
    begins = stay.booking.check_in
    since = f"here since {brief(begins, now, stay.booking.property.zone)}"
    return replace(_row(stay, begins, now, (), settled=False), at=since)


def _row(stay: Stay, moment: datetime, now: datetime, flags: tuple[str, ...], *, settled: bool) -> StayRow:
    booking = stay.booking
    return StayRow(
        booking_id=booking.pk,
        property_id=booking.property_id,
        guest=booking.guest_name or "Guest",
        place=booking.property.name,
        moment=moment,
        at=clock_time(moment, booking.property.zone),
        badge=stay.badge,
        doors=tuple(_doors(stay, now)),
        flags=flags,
        undisclosed=False,
        settled=settled,
    )


def _doors(stay: Stay, now: datetime) -> list[Door]:
    found = []
    for pin in stay.pins:
        badge = pin_badge(pin, now)
        if badge.tone in (Tone.READY, Tone.OVER):
            continue
        step = next_step(pin, stay.booking.property.zone, now)
        found.append(Door(pin.lock_id, pin.lock.name, badge, step))
    return found


def _pins(booking: Booking) -> tuple[Pin, ...]:
    grant = _grant(booking)
    return tuple(grant.pins.all()) if grant is not None else ()


def _grant(booking: Booking) -> AccessGrant | None:
    return next(iter(booking.grants.all()), None)  # prefetched: guest grants only
