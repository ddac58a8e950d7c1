"""Spare codes, for people. Reads no code: `pins.desired.handing_out` decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pins.core.pin_state import State
from pins.desired import handing_out
from pins.models import AccessGrant, Pin
from pins.status.pins import is_confirmed, opens_now, pin_badge, pins_for_people
from rentals.access import Scope, visible
from rentals.models import Booking, Lock
from rentals.wording import Badge, Tone, brief

_BACKUP = AccessGrant.Kind.BACKUP


@dataclass(frozen=True, slots=True)
class SpareLine:
    """A spare code that the guest of a stay has."""

    lock_id: int
    name: str
    badge: Badge
    given: str  # when, and who was shown it first


@dataclass(frozen=True, slots=True)
class StaySpares:
    """What the page of a stay says about spare codes."""

    lines: tuple[SpareLine, ...]
    offered: tuple[str, ...]  # locks that the guest's own code does not open, and for which one is ready
    none_ready: tuple[str, ...]  # the same, where none is ready though the lock should have some


def of_stay(booking: Booking, now: datetime, scope: Scope) -> StaySpares:
    """In one query for a stay that has not begun, or whose code is on every lock."""
    theirs = Q(grant__booking=booking, grant__kind__in=(AccessGrant.Kind.GUEST, _BACKUP), wanted=True)
    pins = list(visible(pins_for_people(), scope).filter(theirs, grant__ends_at__gt=now))
    own = {pin.lock_id: pin for pin in pins if pin.grant.kind != _BACKUP and pin.grant.starts_at <= now}
    lines = tuple(_line(pin, booking, now) for pin in pins if pin.grant.kind == _BACKUP)
    if all(is_confirmed(pin, now) for pin in own.values()):
        return StaySpares(lines, (), ())
    ready = handing_out.offers(booking, now)
    pooled = Lock.objects.filter(pk__in=ready, spare_pool__size__gt=0).values_list("pk", flat=True) if ready else ()
    return StaySpares(
        lines,
        offered=tuple(pin.lock.name for lock_id, pin in own.items() if ready.get(lock_id)),
        none_ready=tuple(own[lock_id].lock.name for lock_id in pooled if lock_id in own and not ready[lock_id]),
    )


def on_lock(lock: Lock, now: datetime) -> str:
    """How many wait on a lock, of how many; empty where it should have none and has none."""
    pool = getattr(lock, "spare_pool", None)
    ready = sum(opens_now(pin, now) for pin in _waiting(now).filter(lock=lock))
    size = pool.size if pool is not None else 0
    if not size and not ready:
        return ""
    return ngettext("{number} of {total} ready", "{number} of {total} ready", ready).format(number=ready, total=size)


def _waiting(now: datetime) -> QuerySet[Pin]:
    return pins_for_people().filter(
        grant__kind=_BACKUP, grant__disclosed_at=None, grant__ends_at__gt=now, wanted=True, state=State.SET
    )


def _line(pin: Pin, booking: Booking, now: datetime) -> SpareLine:
    first = pin.grant.reveals.order_by("at", "pk").first()
    at = brief(pin.grant.disclosed_at or now, now, booking.property.zone)
    # Its digits never change, so it works while its end is being changed.
    badge = Badge(_("Works"), Tone.READY) if opens_now(pin, now) else pin_badge(pin, now)
    return SpareLine(pin.lock_id, pin.lock.name, badge, f"{at}, {first.person}" if first else at)
