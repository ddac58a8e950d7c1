"""Many codes that must go at once, with a few statements for a batch: stays are deleted, or a person takes their codes
away. What single steps (`grants`) would write, is written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db import transaction

from pins.desired import claims
from pins.models import AccessGrant, Pin
from pins.models.pin import DESIRED_COLUMNS

_BATCH: Final = 500


def end(grant_ids: Collection[int], now: datetime, *, revoked: bool = False) -> dict[int, set[int]]:
    """Want none of these grants on any lock. Returns, by grant, the locks that have work.

    `revoked`: a person takes the codes away, and only a person brings them back; otherwise the stays are gone, and
    that is news. Rows are locked in the order of all writers: bookings by the caller, then grants, then PINs.
    """
    ids, touched = sorted(grant_ids), {grant_id: set[int]() for grant_id in grant_ids}
    for start in range(0, len(ids), _BATCH):
        with transaction.atomic():
            _end(ids[start : start + _BATCH], now, touched, revoked=revoked)
    return touched


def _end(ids: Collection[int], now: datetime, touched: dict[int, set[int]], *, revoked: bool) -> None:
    rows = AccessGrant.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    grants = {grant.pk: grant for grant in rows}
    pins = list(Pin.objects.select_for_update().filter(grant__in=grants, wanted=True).order_by("pk"))
    with_work = {pin.grant_id for pin in pins}
    for grant in grants.values():
        grant.wanted = False
        if revoked:
            grant.revoked_at = grant.revoked_at or now
        if grant.kind == AccessGrant.Kind.GUEST and (not revoked or grant.pk in with_work):
            grant.unnoticed = True  # what comes of it is news
    for pin in pins:
        pin.grant = grants[pin.grant_id]
        pin.wanted, pin.wished_at = False, now
        pin.desired_rev += 1
        pin.refresh_plan(now)
        touched[pin.grant_id].add(pin.lock_id)
    _write(grants.values())
    Pin.objects.bulk_update(pins, DESIRED_COLUMNS)
    claims.release_all_unused(pins, now)  # a code that never reached its lock is free at once


def _write(grants: Collection[AccessGrant]) -> None:
    """All of them have the same few values, so no statement names each one's."""
    alike: defaultdict[tuple[bool, datetime | None], list[int]] = defaultdict(list)
    for grant in grants:
        alike[grant.unnoticed, grant.revoked_at].append(grant.pk)
    for (unnoticed, revoked_at), ids in alike.items():
        AccessGrant.objects.filter(pk__in=ids).update(wanted=False, unnoticed=unnoticed, revoked_at=revoked_at)
