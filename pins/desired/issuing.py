"""New grants with everything that belongs to them: code, claims and PINs, for one stay or for many with few statements.

Everything is chosen in memory and inserted at once. Nobody is waited for and nothing is looked up that the database
decides anyway: its unique constraints (one grant for each stay, references, values on a lock) refuse what another
transaction was faster with. Then nothing of it is stored, and the caller takes the way of single steps (`grants`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from pins.core.alias import alias_text, new_reference
from pins.desired.claims import Keypads
from pins.desired.wishes import Wish, wish_of
from pins.models import AccessGrant, InstallationKey, Pin, ValueClaim
from rentals import end_to_end
from rentals.models import Booking, Property

_BATCH = 500
HAS_GRANT: Final = Exists(AccessGrant.objects.filter(booking=OuterRef("pk"), kind=AccessGrant.Kind.GUEST).order_by())


def issue(asked: Sequence[tuple[Booking, Wish]], now: datetime) -> set[int]:
    """Insert the grants of stays that have none, their rows locked by the caller; return the locks that have work.

    Raises `IntegrityError` if another transaction was faster with anything; then nothing is stored. Raises
    `NoValueLeft`.
    """
    key = InstallationKey.load()
    keypads = Keypads({lock_id for _, wish in asked for lock_id in wish.lock_ids}, now, key)
    grants: list[AccessGrant] = []
    digests: list[str] = []
    for (booking, wish), reference in zip(asked, _references(len(asked), key), strict=True):
        grant = grant_for(booking, wish, now)
        grant.code, digest = keypads.take(wish.lock_ids, booking.property.code_length)
        grant.reference = reference
        grants.append(grant)
        digests.append(digest)
    doors = [sorted(wish.lock_ids) for _, wish in asked]
    with transaction.atomic():
        AccessGrant.objects.bulk_create(grants)
        ValueClaim.objects.bulk_create(
            ValueClaim(lock_id=lock_id, grant=grant, digest=digest, claimed_at=now)
            for grant, digest, lock_ids in zip(grants, digests, doors, strict=True)
            for lock_id in lock_ids
        )
        Pin.objects.bulk_create(
            _pin(grant, wish, lock_id, now)
            for grant, (_, wish), lock_ids in zip(grants, asked, doors, strict=True)
            for lock_id in lock_ids
        )
    return {lock_id for lock_ids in doors for lock_id in lock_ids}


def grant_for(booking: Booking, wish: Wish, now: datetime) -> AccessGrant:
    """The grant of a stay, without code and reference (unsaved)."""
    return AccessGrant(
        booking=booking,
        holder_name=wish.holder_name,
        starts_at=wish.period.starts_at,
        ends_at=wish.period.ends_at,
        issue_at=wish.issue_at,
        created_at=now,
    )


def _pin(grant: AccessGrant, wish: Wish, lock_id: int, now: datetime) -> Pin:
    alias = alias_text(wish.holder_name, *wish.dates, grant.reference)
    pin = Pin(grant=grant, lock_id=lock_id, alias=alias, wished_at=now, state_changed_at=now)
    pin.refresh_plan(now)
    return pin


def _references(count: int, key: bytes) -> list[str]:
    """So many different ones. There are a million; a single one is free nearly always, of hundreds hardly all."""
    found: set[str] = set()
    while len(found) < count:
        drawn = {new_reference(key) for _ in range(count - len(found))}
        used = AccessGrant.objects.filter(reference__in=drawn).order_by() if count > 1 else AccessGrant.objects.none()
        found |= drawn - set(used.values_list("reference", flat=True))
    return list(found)


# -- many stays -------------------------------------------------------------------------------------------------------


def issue_many(booking_ids: Sequence[int], now: datetime) -> tuple[list[int], set[int]]:
    """Give codes to those of many bookings (a calendar brings them) that have none and are due for one. Returns those
    that remain for the caller, and the locks that have work.

    They remain because they have a grant, cannot be read as a period, or another transaction was faster. A stay beyond
    its issue-ahead window is in neither: it gets its grant from the drift check.
    """
    remaining: list[int] = []
    touched: set[int] = set()
    for start in range(0, len(booking_ids), _BATCH):
        batch = booking_ids[start : start + _BATCH]
        granted = _granted(batch)
        remaining += sorted(granted)
        due = _due([pk for pk in batch if pk not in granted], now)
        try:
            with transaction.atomic():
                asked, left = _read(due, now)
                touched |= issue(asked, now) if asked else set()
        except IntegrityError:
            left = due
        remaining += left
    return remaining, touched


def _granted(booking_ids: Collection[int]) -> set[int]:
    rows = AccessGrant.objects.filter(booking__in=booking_ids, kind=AccessGrant.Kind.GUEST).order_by()
    return {pk for pk in rows.values_list("booking_id", flat=True) if pk is not None}


def _due(booking_ids: Collection[int], now: datetime) -> list[int]:
    """Without those whose issue-ahead window has not opened. A minute more does no harm: `Wish` decides."""
    rows = Booking.objects.filter(pk__in=booking_ids, status=Booking.Status.CONFIRMED).order_by("pk")
    facts = rows.values_list("pk", "check_in", "property__early_minutes", "property__issue_ahead_days")
    return [pk for pk, check_in, early, ahead in facts if check_in - timedelta(days=ahead, minutes=early + 1) <= now]


def _read(booking_ids: Collection[int], now: datetime) -> tuple[list[tuple[Booking, Wish]], list[int]]:
    """Lock bookings and read what they ask for: those that ask for a grant, and those that must be looked at singly."""
    rows = Booking.objects.select_for_update(of=("self",)).select_related("property").filter(pk__in=booking_ids)
    bookings = list(rows.order_by("pk"))
    if not bookings:
        return [], []
    granted = _granted(booking_ids)  # again, now that nobody else can make one
    homes = {booking.property_id for booking in bookings}
    doors: defaultdict[int, list[int]] = defaultdict(list)
    links = Property.locks.through.objects.filter(property_id__in=homes, lock__is_active=True)
    for home, lock_id in links.values_list("property_id", "lock_id"):
        doors[home].append(lock_id)
    ends = [booking.check_out for booking in bookings]
    stays_on = end_to_end.next_stays(ending_after=min(ends) - timedelta(seconds=1), until=max(ends), properties=homes)
    asked: list[tuple[Booking, Wish]] = []
    left = sorted(granted)
    for booking in bookings:
        if booking.pk in granted:
            continue
        try:
            wish = wish_of(booking, doors[booking.property_id], None, now, stays_on_at=stays_on.get(booking.pk))
        except (ValueError, ZoneInfoNotFoundError):
            left.append(booking.pk)
            continue
        if wish.asks_for_a_grant(now):
            asked.append((booking, wish))
    return asked, left
