"""Stays as lines of the board, with the state of each of their doors. Reads no code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q

from pins import words
from pins.doors import door_badge, guest_grants, next_step, pins_for_people, standing_badge
from pins.facts import State
from pins.models import AccessGrant, Pin
from pins.words import Badge, Tone
from rentals.access import Scope, visible
from rentals.models import Booking, Lock

#: Worst first: what a list shows when it cannot show all.
ORDER = (Tone.ACT, Tone.TROUBLE, Tone.OVER, Tone.BUSY, Tone.WAITING, Tone.READY)


UNTOLD = "guest not told yet"


@dataclass(frozen=True, slots=True)
class Door:
    """One lock of a stay, in a layman's words."""

    lock_id: int
    name: str
    badge: Badge
    step: str  # "next try 14:05 CET"; empty where nothing is to come


@dataclass(frozen=True, slots=True)
class StayRow:
    """One stay. `moment` is the end that its list is about; `at` says it in the property's time."""

    booking_id: int
    property_id: int
    guest: str
    place: str
    moment: datetime
    at: str
    badge: Badge
    doors: tuple[Door, ...]  # those that deserve a look
    flags: tuple[str, ...]

    @property
    def tone(self) -> Tone:
        return self.badge.tone


def stays(found: Q, scope: Scope, most: int | None = None) -> list[Booking]:
    """The bookings of a condition and a scope, at most so many of the earliest, with all that their lines need: in
    three queries however many they are."""
    active = Lock.objects.filter(properties=OuterRef("property"), is_active=True)
    grants = guest_grants().prefetch_related(Prefetch("pins", queryset=visible(pins_for_people(), scope)))
    rows = visible(Booking.objects.with_overlaps(), scope).filter(found).annotate(has_locks=Exists(active))
    return list(
        rows.select_related("property")
        .prefetch_related(Prefetch("grants", queryset=grants))
        .order_by("check_in", "property__name", "pk")[:most]
    )


def outside(now: datetime) -> Q:
    """Stays that have begun and whose code is not on every lock, or cannot be entered there: a guest may stand before
    a closed door."""
    wanted = Pin.objects.filter(grant__booking=OuterRef("pk"), wanted=True, grant__ends_at__gt=now)
    unready = Exists(wanted.exclude(state__in=[State.SET, State.CHANGING]))
    mute = Exists(wanted.filter(lock__has_keypad=False, lock__account__observe_only=False))
    return Q(Q(unready) | Q(mute), status=Booking.Status.CONFIRMED, check_in__lte=now, check_out__gt=now)


def arrival(booking: Booking, now: datetime, *, turns_over: bool) -> StayRow:
    flags = []
    if turns_over:
        flags.append("same-day turnover")
    if getattr(booking, "overlaps", False):
        flags.append("overlaps another stay")
    if booking.needs_review:
        flags.append("needs review")
    if (said := _untold(_grant(booking), now)) and _tone(booking, now) is Tone.READY:
        flags.append(said)
    return _row(booking, booking.check_in, now, tuple(flags))


def departure(booking: Booking, now: datetime) -> StayRow:
    return _row(booking, booking.check_out, now, ())


def _row(booking: Booking, moment: datetime, now: datetime, flags: tuple[str, ...]) -> StayRow:
    zone = booking.property.zone
    return StayRow(
        booking_id=booking.pk,
        property_id=booking.property_id,
        guest=booking.guest_name or "Guest",
        place=booking.property.name,
        moment=moment,
        at=words.clock_time(moment, zone),
        badge=overall(booking, now),
        doors=tuple(_doors(booking, now)),
        flags=flags,
    )


def pins_of(booking: Booking) -> list[Pin]:
    """The codes of a stay that `stays` loaded."""
    grant = _grant(booking)
    return list(grant.pins.all()) if grant is not None else []


def overall(booking: Booking, now: datetime) -> Badge:
    """The doors of a stay that `stays` loaded, the worst first."""
    return door_badge(
        booking, _grant(booking), pins_of(booking), has_locks=bool(getattr(booking, "has_locks", True)), now=now
    )


def is_watched(booking: Booking, now: datetime) -> bool:
    """Does Turnkey only watch one of its locks, so that it cannot say whether the guest gets in?"""
    return overall(booking, now).label.startswith(words.WATCHED.label)


def _tone(booking: Booking, now: datetime) -> Tone:
    return overall(booking, now).tone


def _doors(booking: Booking, now: datetime) -> list[Door]:
    found = []
    for pin in pins_of(booking):
        badge = standing_badge(pin, now)
        if badge.tone in (Tone.READY, Tone.OVER):
            continue
        step = next_step(pin, booking.property.zone, now)
        found.append(Door(pin.lock_id, pin.lock.name, badge, "" if step == "none" else step))
    return found


def _grant(booking: Booking) -> AccessGrant | None:
    return next(iter(booking.grants.all()), None)  # prefetched: guest grants only


def _untold(grant: AccessGrant | None, now: datetime) -> str:
    live = grant is not None and grant.wanted and grant.revoked_at is None and now < grant.ends_at
    return UNTOLD if live and grant is not None and grant.disclosed_at is None else ""
