"""The desired side of spare codes: each lock's pool, and the codes of it that stays have.

Everything compares and writes differences only, so it is safe to run twice. A booking is locked before a pool, that
before grants, and those before their PINs; nobody who holds a pool locks a booking or a guest's grant. All times are
UTC.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.views.decorators.debug import sensitive_variables

from pins.core import spares
from pins.core.alias import spare_alias
from pins.core.code_rules import MAXIMUM_LENGTH
from pins.desired import claims, grants
from pins.models import AccessGrant, Pin, SparePool
from rentals.fields import UndecryptableValue
from rentals.models import Lock, Property

logger = logging.getLogger(__name__)

#: A pool is compared so often while it is not full or a stay has one of its codes, and otherwise.
SOON, LATER = timedelta(minutes=10), timedelta(hours=1)
#: How many one look compares; the next one comes within a minute.
_MOST: Final = 500
_USUAL_LENGTH: Final = 6
#: Spare codes that nobody has.
WAITING: Final = Q(kind=AccessGrant.Kind.BACKUP, disclosed_at=None, wanted=True)


def look(now: datetime) -> set[int]:
    """What is due to be compared. Returns the locks with work. A pool waits for its next moment by an index, so a
    minute costs what is due then, and one statement where no lock has spare codes."""
    touched: set[int] = set()
    for pool_id in (
        SparePool.objects.filter(check_at__lte=now).order_by("check_at").values_list("pk", flat=True)[:_MOST]
    ):
        try:
            touched |= sync(pool_id, now)
        except UndecryptableValue:  # the others get theirs all the same
            logger.exception("spare_code_unreadable", extra={"pool_id": pool_id})
            SparePool.objects.filter(pk=pool_id).update(check_at=now + LATER)
    return touched


def repair(now: datetime) -> set[int]:
    """Compare all at once, however many there are."""
    return {lock_id for pool_id in SparePool.objects.values_list("pk", flat=True) for lock_id in sync(pool_id, now)}


@sensitive_variables()
def sync(pool_id: int, now: datetime) -> set[int]:
    """Bring the spare codes of one lock up to date: those that stays have, and those that nobody has."""
    touched, are_out = _follow_stays(pool_id, now)
    with transaction.atomic():
        pool = SparePool.objects.select_for_update(of=("self",)).select_related("lock").filter(pk=pool_id).first()
        if pool is None:
            return touched
        waiting = waiting_on(pool.lock_id, now)
        size = pool.size if pool.lock.is_active else 0
        there = [spare_of(one, now) for one in waiting]
        needed = spares.refill(there, size, now)
        for pin in waiting:
            if pin.grant_id in needed.drop:
                touched |= grants.withdraw(pin.grant, now)
        for _ in range(needed.make):
            touched |= _make(pool.lock, now)
        rests = needed.ready == size and not needed.make and all(one.opens for one in there) and not are_out
        pool.short_since = None if needed.ready == size else pool.short_since or now
        pool.check_at = now + (LATER if rests else SOON)
        pool.save(update_fields=["short_since", "check_at"])
        return touched


def waiting_on(lock_id: int, now: datetime) -> list[Pin]:
    """The spare codes of a lock that nobody has, their grants and PINs locked."""
    living = AccessGrant.objects.select_for_update(of=("self",)).filter(WAITING, ends_at__gt=now, pins__lock=lock_id)
    return pins_of(living.order_by("pk"), now)


@sensitive_variables()
def pins_of(found: Iterable[AccessGrant], now: datetime) -> list[Pin]:
    """The PINs of these spare codes, one for each, locked."""
    by_id = {grant.pk: grant for grant in found}
    pins = list(
        Pin.objects.select_for_update(of=("self",)).filter(grant__in=by_id).select_related("lock").order_by("pk")
    )
    for pin in pins:
        pin.grant = by_id[pin.grant_id]
    return pins


@sensitive_variables()
def spare_of(pin: Pin, now: datetime) -> spares.Spare:
    """A spare code for a decision; its period is what the lock knows of it."""
    opens = pin.wanted and pin.lock.has_keypad is not False and spares.opens(pin.view, now)
    return spares.Spare(pin.grant_id, pin.grant.ends_at, opens)


@sensitive_variables()
def _make(lock: Lock, now: datetime) -> set[int]:
    begins = now.replace(microsecond=0)
    grant = AccessGrant(kind=AccessGrant.Kind.BACKUP, starts_at=begins, ends_at=begins + spares.LIFE)
    grant.created_at = grant.issue_at = now
    grant.unnoticed = False
    grant.save()  # draws its reference; the claim belongs to it
    grant.code = claims.choose(grant, [lock.pk], _length(lock), now)
    grant.save(update_fields=["code"])
    alias = spare_alias(grant.reference)
    return grants.wish_for_pins(grant, frozenset({lock.pk}), changed=True, now=now, alias=alias)


def _length(lock: Lock) -> int:
    """As long as the longest codes of its properties."""
    lengths = Property.objects.filter(locks=lock).values_list("code_length", flat=True)
    return min(max(lengths, default=_USUAL_LENGTH), MAXIMUM_LENGTH)


# -- spare codes that stays have ---------------------------------------------------------------------------------------


def _follow_stays(pool_id: int, now: datetime) -> tuple[set[int], bool]:
    """Codes of this lock that were handed out end when their stay does, and go with it. Whoever changes a stay says so
    at once; here is what was changed in bulk. Returns the locks with work, and whether any are out."""
    out = AccessGrant.objects.filter(kind=AccessGrant.Kind.BACKUP, disclosed_at__isnull=False)
    out = out.filter(wanted=True, ends_at__gt=now, pins__lock__spare_pool=pool_id)
    found: list[tuple[int, int | None]] = list(out.order_by("pk").values_list("pk", "booking"))
    touched: set[int] = set()
    for grant_id, booking_id in found:
        with transaction.atomic():
            if booking_id is not None:
                grants.lock_booking(booking_id)
                touched |= grants.take_along(booking_id, now)
            else:  # its stay was deleted
                touched |= grants.withdraw(grants.lock_row(grant_id), now)
    return touched, bool(found)
