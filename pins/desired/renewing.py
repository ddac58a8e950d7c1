"""Many grants brought up to date together, with a few statements for a batch: the property of hundreds of stays gets
another lock or other times, or a calendar moves many stays.

Only where the code stays: the stay still wants it, and every lock that has it keeps it. All else, such as a value that
somebody else has on the new lock, is left to the way of single steps (`grants`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfoNotFoundError

from pins.core.alias import alias_text
from pins.desired.comparing import FACTS, active_locks, facts_of, next_begins
from pins.desired.wishes import Wish, wish_of
from pins.models import AccessGrant, InstallationKey, Pin, ValueClaim
from pins.models.pin import DESIRED_COLUMNS
from rentals.models import Booking


@dataclass
class _Rows:
    """What is to be written."""

    grants: list[AccessGrant] = field(default_factory=list)
    claims: list[ValueClaim] = field(default_factory=list)
    changed: list[Pin] = field(default_factory=list)
    new: list[Pin] = field(default_factory=list)


def renew(booking_ids: Collection[int], now: datetime) -> tuple[list[int], set[int]]:
    """Within a transaction: lock these bookings, their grants and PINs, and write what differs. Returns the bookings
    that are left, and the locks that have work.

    Raises `IntegrityError` if another transaction takes a value on one of the locks meanwhile.
    """
    rows = Booking.objects.select_for_update(of=("self",)).select_related("property").filter(pk__in=booking_ids)
    bookings = {booking.pk: booking for booking in rows.order_by("pk")}
    guests = AccessGrant.objects.select_for_update().filter(booking__in=bookings, kind=AccessGrant.Kind.GUEST)
    grants = {grant.booking_id: grant for grant in guests.order_by("pk")}
    doors, stays_on = active_locks(bookings.values()), next_begins(bookings.values())
    pins: defaultdict[int, dict[int, Pin]] = defaultdict(dict)
    for pin in Pin.objects.select_for_update().filter(grant__in=grants.values()).order_by("pk"):
        pins[pin.grant_id][pin.lock_id] = pin
    claims = _Claims(grants.values(), {lock_id for lock_ids in doors.values() for lock_id in lock_ids})
    found, left = _Rows(), [pk for pk in bookings if pk not in grants]
    for pk, grant in ((one.booking_id, one) for one in grants.values()):
        booking = bookings[pk or 0]
        try:
            wish = wish_of(booking, doors[booking.property_id], grant, now, stays_on_at=stays_on.get(booking.pk))
        except (ValueError, ZoneInfoNotFoundError):
            left.append(booking.pk)
            continue
        present = {lock_id for lock_id, pin in pins[grant.pk].items() if pin.wanted}
        stays = wish.wanted and bool(grant.code) and present <= wish.lock_ids
        if stays and claims.are_free(grant, wish.lock_ids):
            found.claims += claims.missing(grant, wish.lock_ids, now)
            _write_down(found, grant, wish, pins[grant.pk], now)
        else:
            left.append(booking.pk)
    AccessGrant.objects.bulk_update(found.grants, (*FACTS, "unnoticed"))
    ValueClaim.objects.bulk_create(found.claims)
    Pin.objects.bulk_update(found.changed, (*DESIRED_COLUMNS, "observed_rev"))
    Pin.objects.bulk_create(found.new)
    return left, {pin.lock_id for pin in (*found.changed, *found.new)}


def _write_down(found: _Rows, grant: AccessGrant, wish: Wish, pins: dict[int, Pin], now: datetime) -> None:
    """Take the wish over into the grant and its PINs, as single steps do (unsaved)."""
    asked = facts_of(wish)
    changed = {name for name in FACTS if getattr(grant, name) != asked[name]}
    for name in changed:
        setattr(grant, name, asked[name])
    before = len(found.changed) + len(found.new)
    moved = bool(changed & {"starts_at", "ends_at"})
    alias = alias_text(wish.holder_name, *wish.dates, grant.reference)
    for lock_id in sorted(wish.lock_ids):
        pin = pins.get(lock_id)
        if pin is None:
            pin = Pin(grant=grant, lock_id=lock_id, alias=alias, wished_at=now, state_changed_at=now)
            pin.refresh_plan(now)
            found.new.append(pin)
            continue
        pin.grant = grant
        if moved or not pin.wanted:
            pin.wanted, pin.alias, pin.wished_at = True, alias, now
            pin.desired_rev += 1
        elif "issue_at" in changed:
            pin.observed_rev += 1  # a run that read the plan before must not store the old one over it
        else:
            continue
        pin.refresh_plan(now)
        found.changed.append(pin)
    if changed or len(found.changed) + len(found.new) > before:
        grant.unnoticed = True  # what comes of it is news
        found.grants.append(grant)


class _Claims:
    """Who has the values of some grants on some locks."""

    def __init__(self, grants: Collection[AccessGrant], lock_ids: Collection[int]) -> None:
        key = InstallationKey.load()
        self._digests = {grant.pk: ValueClaim.digest_of(grant.code, key=key) for grant in grants}
        held = ValueClaim.objects.filter(
            lock_id__in=lock_ids, digest__in=set(self._digests.values()), released_at__isnull=True
        )
        self._held = {
            (lock_id, digest): grant_id
            for lock_id, digest, grant_id in held.values_list("lock_id", "digest", "grant_id")
        }

    def are_free(self, grant: AccessGrant, lock_ids: Collection[int]) -> bool:
        """Whether nobody else has the grant's value on any of the locks."""
        digest = self._digests[grant.pk]
        return all(self._held.get((lock_id, digest), grant.pk) == grant.pk for lock_id in lock_ids)

    def missing(self, grant: AccessGrant, lock_ids: Collection[int], now: datetime) -> Iterator[ValueClaim]:
        """Claims that the grant does not have yet; from now on they are its own."""
        digest = self._digests[grant.pk]
        for lock_id in sorted(lock_ids):
            if (lock_id, digest) not in self._held:
                self._held[lock_id, digest] = grant.pk
                yield ValueClaim(lock_id=lock_id, grant=grant, digest=digest, claimed_at=now)
