"""Many grants get other values at once, with a few statements: what `grants.rotate` would write for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from pins.desired.claims import Keypads
from pins.models import AccessGrant, InstallationKey, Pin, ValueClaim
from pins.models.pin import DESIRED_COLUMNS


def rotate(grant_ids: Collection[int], now: datetime) -> dict[int, set[int]]:
    """Choose another value for each of these grants of guests, and return, by grant, the locks with work. Nobody was
    shown the present ones: the caller has locked the rows and looked.

    Raises `IntegrityError` if another transaction was faster with a value, and `NoValueLeft`; then nothing is stored.
    """
    with transaction.atomic():
        grants = {
            one.pk: one for one in AccessGrant.objects.select_for_update().filter(pk__in=grant_ids).order_by("pk")
        }
        pins: defaultdict[int, list[Pin]] = defaultdict(list)
        for pin in Pin.objects.select_for_update().filter(grant__in=grants, wanted=True).order_by("pk"):
            pins[pin.grant_id].append(pin)
        keypads = Keypads({pin.lock_id for ours in pins.values() for pin in ours}, now, InstallationKey.load())
        claims: list[ValueClaim] = []
        for grant in grants.values():
            locks = [pin.lock_id for pin in pins[grant.pk]]
            grant.code, digest = keypads.take(locks, len(grant.code))
            grant.unnoticed = grant.unnoticed or bool(locks)  # what comes of it is news
            claims += (ValueClaim(lock_id=one, grant=grant, digest=digest, claimed_at=now) for one in locks)
            for pin in pins[grant.pk]:
                pin.grant, pin.wished_at = grant, now
                pin.desired_rev += 1
                pin.refresh_plan(now)
        AccessGrant.objects.bulk_update(grants.values(), ("code", "unnoticed"))
        ValueClaim.objects.bulk_create(claims)
        Pin.objects.bulk_update([pin for ours in pins.values() for pin in ours], DESIRED_COLUMNS)
    return {pk: {pin.lock_id for pin in pins[pk]} for pk in grants}
