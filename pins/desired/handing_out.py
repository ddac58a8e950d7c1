"""Hands out spare codes: from then on one belongs to a stay, and is disclosed. Sends nothing, so it works while the
lock is offline. The rules are in `pins.core.spares`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from pins.core import spares
from pins.desired import grants
from pins.desired.disclosure import CodeNotShownError, parsed_address
from pins.desired.spares import WAITING, pins_of, spare_of, waiting_on
from pins.models import AccessGrant, Pin, PinReveal, SparePool
from rentals.models import Booking
from rentals.phrases import mark


class NotProvenError(CodeNotShownError):
    text = mark(
        "The guest's own code works, as far as Turnkey knows, or its time has not come. So no spare code is given."
    )


class NoSpareError(CodeNotShownError):
    text = mark("No spare code is ready on the lock.")


@dataclass(frozen=True)
class By:
    """Who is shown the code, for the list of disclosures."""

    name: str
    user_id: int | None = None
    address: str = ""  # anything that is no IP address is left out


@dataclass(frozen=True)
class HandedOut:
    """One spare code, and the lock that it opens. An error report may contain its repr, which leaves out the code."""

    lock_id: int
    lock: str
    code: str = field(repr=False)
    is_new: bool  # it was handed out now; else the guest had it already


@sensitive_variables()
def hand_out(booking_id: int, now: datetime, *, by: By) -> tuple[HandedOut, ...]:
    """A spare code for each lock that the guest's own code does not open now, where one is ready; the same again, where
    the stay has one. The caller has checked the permission. Locks with work are found by a sweep, or woken by the
    caller.

    Written down before anybody can read it: all is committed when this returns, so it must not be called inside a
    transaction. Two who ask at once for one stay wait for each other at its row, and for one lock at its pool.

    Raises `NotProvenError` and `NoSpareError`; then nothing was written.
    """
    with transaction.atomic(durable=True):
        booking = grants.lock_booking(booking_id)
        failing = _failing(booking, now) if booking is not None else frozenset()
        if booking is None or not failing:
            raise NotProvenError
        pools = SparePool.objects.select_for_update(of=("self",)).filter(lock__in=failing)
        list(pools.order_by("lock").values_list("pk", flat=True))
        pins = _held(booking_id, failing, now)
        held = _by_lock(pins, now)
        waiting: dict[int, list[spares.Spare]] = {}
        for lock_id in sorted(failing):
            more = waiting_on(lock_id, now)
            waiting |= _by_lock(more, now)
            pins += more
        chosen = spares.choose(failing, held, waiting)
        if not chosen:
            raise NoSpareError
        by_grant = {pin.grant_id: pin for pin in pins}
        found = tuple(_give(by_grant[one.grant_id], booking, now, by) for one in chosen.values())
        pools.update(check_at=now)  # the pool is filled within a minute
        return tuple(sorted(found, key=lambda one: (one.lock, one.lock_id)))


@sensitive_variables()
def show_again(booking_id: int, now: datetime, *, by: By) -> tuple[HandedOut, ...]:
    """The spare codes that the stay has and that open their locks at this moment; none are handed out. Each is written
    down as shown again. All is committed when this returns."""
    with transaction.atomic(durable=True):
        booking = grants.lock_booking(booking_id)
        pins = [pin for pin in _held(booking_id, None, now) if spare_of(pin, now).opens]
        return tuple(_give(pin, booking, now, by) for pin in pins) if booking is not None else ()


@sensitive_variables()
def opened_by_spares(booking_id: int, now: datetime) -> frozenset[int]:
    """The locks that a spare code of this stay is known to open now, for the guest's page. One query."""
    return _opened(_of_stay(booking_id, now), now)


@sensitive_variables()
def offers(booking: Booking, now: datetime) -> dict[int, bool]:
    """The locks for which the guest of this stay could be given a spare code, and whether one is ready there. Without
    those for which the guest has one. Writes nothing; `hand_out` decides anew."""
    failing = _failing(booking, now)
    asked = failing - opened_by_spares(booking.pk, now) if failing else failing
    waiting = AccessGrant.objects.filter(WAITING, ends_at__gt=now, pins__lock__in=asked)
    ready = _opened(waiting, now) if asked else frozenset()
    return {lock_id: lock_id in ready for lock_id in asked}


@sensitive_variables()
def _opened(found: QuerySet[AccessGrant], now: datetime) -> frozenset[int]:
    """The locks that these spare codes are known to open now."""
    pins = Pin.objects.filter(grant__in=found.values("pk")).select_related("grant", "lock")
    return frozenset(pin.lock_id for pin in pins if spare_of(pin, now).opens)


def _of_stay(booking_id: int, now: datetime) -> QuerySet[AccessGrant]:
    return AccessGrant.objects.filter(booking=booking_id, kind=AccessGrant.Kind.BACKUP, wanted=True, ends_at__gt=now)


@sensitive_variables()
def _failing(booking: Booking, now: datetime) -> frozenset[int]:
    """The locks on which the guest's own code is proven not to work."""
    rows = AccessGrant.objects.filter(booking=booking, kind=AccessGrant.Kind.GUEST)
    grant = rows.filter(wanted=True, revoked_at=None, ends_at__gt=now).first()
    if grant is None or booking.status != Booking.Status.CONFIRMED:
        return frozenset()
    pins = list(Pin.objects.filter(grant=grant, wanted=True).select_related("lock"))
    for pin in pins:
        pin.grant = grant
    doors = {pin.lock_id: pin.lock.has_keypad is not False and spares.opens(pin.view, now) for pin in pins}
    return spares.failed(spares.OwnCode(grant.starts_at, grant.ends_at, doors), now)


def _held(booking_id: int, lock_ids: Collection[int] | None, now: datetime) -> list[Pin]:
    pins = pins_of(_of_stay(booking_id, now).select_for_update(of=("self",)).order_by("pk"), now)
    return [pin for pin in pins if lock_ids is None or pin.lock_id in lock_ids]


def _by_lock(pins: Iterable[Pin], now: datetime) -> dict[int, list[spares.Spare]]:
    found: defaultdict[int, list[spares.Spare]] = defaultdict(list)
    for pin in pins:
        found[pin.lock_id].append(spare_of(pin, now))
    return dict(found)


@sensitive_variables()
def _give(pin: Pin, booking: Booking, now: datetime, by: By) -> HandedOut:
    """Bind a spare code, its grant and PIN locked, to a stay. Its value is fixed from now on; its end becomes that of
    the guest's own code, on the lock as soon as that can be reached."""
    grant = pin.grant
    is_new = grant.disclosed_at is None
    if is_new:
        grant.booking, grant.holder_name, grant.disclosed_at = booking, booking.guest_name, now
        grant.save(update_fields=["booking", "holder_name", "disclosed_at"])
        grants.take_along(booking.pk, now)
    PinReveal.objects.create(
        grant=grant, user_id=by.user_id, user_name=by.name[:150], at=now, remote_address=parsed_address(by.address)
    )
    return HandedOut(pin.lock_id, pin.lock.name, grant.code, is_new)
