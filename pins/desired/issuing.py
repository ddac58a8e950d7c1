"""New grants with everything that belongs to them: code, claims and PINs, for one stay or for many with few statements.

Everything is chosen in memory and inserted at once. Nobody is waited for and nothing is looked up that the database
decides anyway: its unique constraints (one grant for each stay, references, values on a lock) refuse what another
transaction was faster with. Then nothing of it is stored, and the caller takes the way of single steps (`grants`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from pins.core.alias import alias_text, new_reference
from pins.desired.claims import Keypads
from pins.desired.memorable import Likes
from pins.desired.wishes import Wish
from pins.models import AccessGrant, InstallationKey, Pin, ValueClaim
from rentals.models import Booking

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
    likes = Likes()
    for (booking, wish), reference in zip(asked, _references(len(asked), key), strict=True):
        grant = grant_for(booking, wish, now)
        grant.code, digest = keypads.take(
            wish.lock_ids, booking.property.code_length, liked=likes.of(booking, wish.lock_ids)
        )
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
