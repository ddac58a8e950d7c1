"""Many stays at once, each with its codes and their state. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q

from pins.models import AccessGrant, LockState, Pin
from pins.status.stays import guest_grants, stay_badge
from pins.status.wording import Kind
from rentals.access import Scope, visible
from rentals.models import Booking, Lock, LockAccount
from rentals.wording import Badge, Tone


@dataclass(frozen=True, slots=True)
class Stay:
    """A booking with its codes, and the state of its locks, worked out once."""

    booking: Booking
    grant: AccessGrant | None
    pins: tuple[Pin, ...]
    badge: Badge
    overlaps: bool  # with another stay of the property

    @property
    def tone(self) -> Tone:
        return self.badge.tone

    @property
    def is_observed(self) -> bool:
        """Whether Turnkey only observes one of its locks, so that it cannot say whether the guest gets in."""
        return self.badge.kind is Kind.OBSERVED


def load(found: Q, scope: Scope, most: int | None = None) -> list[Booking]:
    """The bookings of a condition and a scope, the earliest first, with everything that their lines need. `most`: no
    more than so many. A few queries, however many bookings there are."""
    active = Lock.objects.filter(properties=OuterRef("property"), is_active=True)
    pins = Pin.objects.only(*_OF_PIN).order_by("lock__name", "pk")
    grants = guest_grants().only(*_OF_GRANT).prefetch_related(Prefetch("pins", queryset=visible(pins, scope)))
    matching = visible(Booking.objects.with_overlaps(), scope).filter(found).annotate(has_locks=Exists(active))
    bookings = list(
        matching.select_related("property")
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


def stay_of(booking: Booking, now: datetime) -> Stay:
    """A booking that `load` loaded, with its state at this moment (UTC)."""
    grant, pins = _grant(booking), _pins(booking)
    has_locks, overlaps = bool(getattr(booking, "has_locks", True)), bool(getattr(booking, "overlaps", False))
    badge = stay_badge(booking, grant, list(pins), has_locks=has_locks, now=now)
    return Stay(booking, grant, pins, badge, overlaps)


def _pins(booking: Booking) -> tuple[Pin, ...]:
    grant = _grant(booking)
    return tuple(grant.pins.all()) if grant is not None else ()


def _grant(booking: Booking) -> AccessGrant | None:
    return next(iter(booking.grants.all()), None)  # prefetched: guest grants only
