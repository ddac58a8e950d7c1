"""Many stays at once, each with its codes and their state. Reads no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Prefetch, Q

from pins.models import AccessGrant, LockState, Pin
from pins.status.pins import opens_now
from pins.status.stays import guest_grants, stay_badge
from pins.status.wording import Kind
from rentals import end_to_end
from rentals.access import Scope, visible
from rentals.models import Booking, Lock, LockAccount, Property
from rentals.wording import Badge, Tone


@dataclass(frozen=True, slots=True)
class Stay:
    """A booking with its codes, and the state of its locks, worked out once."""

    booking: Booking
    grant: AccessGrant | None
    pins: tuple[Pin, ...]
    badge: Badge
    overlaps: bool  # with another stay of the property
    locks: frozenset[int] = frozenset()  # the active ones of the property
    has_lock_off: bool = False  # a lock of the property is switched off, so it has no code

    @property
    def tone(self) -> Tone:
        return self.badge.tone

    @property
    def is_observed(self) -> bool:
        """Whether Turnkey only observes one of its locks, so that it cannot say whether the guest gets in."""
        return self.badge.kind is Kind.OBSERVED

    def opens(self, now: datetime) -> bool:
        """Whether the code is known to open every lock of the property at this moment."""
        open_ones = {pin.lock_id for pin in self.pins if opens_now(pin, now)}
        return bool(self.locks) and self.locks <= open_ones


def load(found: Q, scope: Scope, most: int | None = None) -> list[Booking]:
    """The bookings of a condition and a scope, the earliest first, with everything that their lines need. `most`: no
    more than so many. A few queries, however many bookings there are."""
    pins = Pin.objects.only(*_OF_PIN).order_by("lock__name", "pk")
    grants = guest_grants().only(*_OF_GRANT).prefetch_related(Prefetch("pins", queryset=visible(pins, scope)))
    matching = visible(Booking.objects.with_overlaps(), scope).filter(found)
    bookings = list(
        matching.select_related("property", "arrival")
        .only(*_OF_BOOKING)
        .prefetch_related(Prefetch("grants", queryset=grants))
        .order_by("check_in", "property__name", "pk")[:most]
    )
    _give_locks([pin for one in bookings for pin in _pins(one)])
    give_property_locks(bookings)
    return bookings


def give_property_locks(bookings: Collection[Booking]) -> None:
    """Load which locks the properties of these bookings have, in one query, for `active_locks` and `stay_of`."""
    found: defaultdict[int, list[tuple[int, bool]]] = defaultdict(list)
    pairs = Property.locks.through.objects.filter(property__in={one.property_id for one in bookings})
    for property_id, lock_id, is_active in pairs.values_list("property_id", "lock_id", "lock__is_active"):
        found[property_id].append((lock_id, is_active))
    for one in bookings:
        setattr(one, _LOCKS, found[one.property_id])


def active_locks(booking: Booking) -> frozenset[int]:
    """The active locks of its property; after `give_property_locks`."""
    return frozenset(pk for pk, is_active in getattr(booking, _LOCKS) if is_active)


#: Where a booking keeps the locks of its property, each with whether it is active.
_LOCKS: Final = "_locks_of_property"
#: What a list needs of each row, and no more: loading the rest would take most of a board's time.
_OF_BOOKING = (
    *("property", "guest_name", "check_in", "check_out", "status", "needs_review"),
    *("property__name", "property__timezone", "property__is_active", "property__early_minutes"),
    *("arrival__read_at", "arrival__first_opened_at", "arrival__is_named", "arrival__maybe_used"),
    *(
        "arrival__absent_at",
        "arrival__early_at",
        "arrival__early_is_named",
        "arrival__wrong_at",
        "arrival__wrong_tries",
    ),
)
_OF_GRANT = ("booking", "wanted", "starts_at", "ends_at", "issue_at", "revoked_at", "disclosed_at")
_OF_PIN = (
    *("grant", "lock", "wanted", "admitted", "state", "next_try_at", "last_cause", "op", "op_in_doubt"),
    *("blocked", "remote_id", "applied_starts_at", "applied_ends_at"),
)
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
    locks = active_locks(booking)
    badge = stay_badge(booking, grant, list(pins), locks=locks, now=now)
    has_lock_off = len(getattr(booking, _LOCKS)) > len(locks)
    return Stay(booking, grant, pins, badge, bool(getattr(booking, "overlaps", False)), locks, has_lock_off)


def between_stays(stays: Collection[Stay], now: datetime) -> dict[int, datetime]:
    """By booking, the guests who stay on and are between two stays at this moment: the first is over, and the code of
    the next one works from the moment given here. `stays`: the confirmed ones of today. Not those whose code a person
    revoked, nor those of a property that is switched off."""
    over = [one.booking for one in stays if one.booking.check_out <= now and _can_stay_on(one)]
    near: defaultdict[int, list[end_to_end.Stay]] = defaultdict(list)
    for one in stays:
        near[one.booking.property_id].append(end_to_end.facts_of(one.booking))
    found: dict[int, datetime] = {}
    for booking in over:
        follower = end_to_end.following(end_to_end.facts_of(booking), near[booking.property_id], booking.property.zone)
        if follower is not None:
            found[booking.pk] = follower.check_in - timedelta(minutes=booking.property.early_minutes)
    return {pk: begins for pk, begins in found.items() if begins > now}


def _can_stay_on(stay: Stay) -> bool:
    return stay.booking.property.is_active and not (stay.grant is not None and stay.grant.revoked_at is not None)


def _pins(booking: Booking) -> tuple[Pin, ...]:
    grant = _grant(booking)
    return tuple(grant.pins.all()) if grant is not None else ()


def _grant(booking: Booking) -> AccessGrant | None:
    return next(iter(booking.grants.all()), None)  # prefetched: guest grants only
