"""The desired side: what each booking asks of the locks.

The only writer of grants and of a PIN's `alias`, `wanted`, `admitted` and `desired_rev`. Everything here compares and
writes differences only, so it is safe to run twice, and the drift check can run it over everything.

Rows are locked in the order booking, grant, its PINs by id. Nothing here waits for the network.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from pins.core.alias import alias_text
from pins.desired import claims, ending, issuing, together
from pins.desired.comparing import facts_of
from pins.desired.memorable import Likes
from pins.desired.wishes import Wish, wish_of
from pins.models import AccessGrant, Incident, Pin, StaffAccess
from pins.models.pin import DESIRED_COLUMNS
from rentals import end_to_end
from rentals.models import Booking

_TURNOVERS: Final = StaffAccess.objects.filter(mode=StaffAccess.Mode.TURNOVER, is_active=True).order_by()
#: Whether the codes of people who work there follow the stays of a booking's property.
IS_FOLLOWED: Final = Exists(_TURNOVERS.filter(properties=OuterRef("property")))
#: Whether a spare code was handed out to the guest of a booking.
_HAS_SPARE: Final = Exists(AccessGrant.objects.filter(booking=OuterRef("pk"), kind=AccessGrant.Kind.BACKUP).order_by())
#: From this many bookings on, those with nothing to do are sorted out first, and the others are written together.
MANY = 20


def sync_bookings(booking_ids: Collection[int], now: datetime | None = None) -> set[int]:
    """Bring grants and PINs of bookings up to date; return the locks that have work because of it."""
    return sync_and_follow(booking_ids, now or timezone.now())[0]


def sync_and_follow(booking_ids: Collection[int], now: datetime) -> tuple[set[int], set[int]]:
    """The same; also return the properties of these bookings between whose stays somebody works."""
    touched: set[int] = set()
    homes: set[int] = set()
    one_by_one = sorted(booking_ids)
    if len(booking_ids) >= MANY:
        homes = _followed_among(one_by_one)
        one_by_one, touched = together.sync(one_by_one, now)
    for booking_id in one_by_one:
        with transaction.atomic():
            booking = lock_booking(booking_id)
            if booking is not None:
                homes |= _followed(booking)
                touched |= sync_booking(booking, now)
    return touched, homes


def _followed_among(booking_ids: Sequence[int]) -> set[int]:
    if not _TURNOVERS.exists():
        return set()
    found: set[int] = set()
    for start in range(0, len(booking_ids), together.BATCH):
        batch = Booking.objects.filter(IS_FOLLOWED, pk__in=booking_ids[start : start + together.BATCH]).order_by()
        found |= set(batch.values_list("property", flat=True))
    return found


def _followed(booking: Booking) -> set[int]:
    return {booking.property_id} if getattr(booking, "is_followed", False) else set()


def lock_booking(booking_id: int) -> Booking | None:
    """The booking as it is now, its row locked; `None`: it is deleted. A copy that was read before the lock could be
    older than a wish that is already written.

    `has_grant`, `is_followed` and `has_spare` come with it. If that waited for somebody who made the grant, the first
    may still say no: PostgreSQL reads it from before the wait. The insert then fails, and the grant is found.
    """
    rows = Booking.objects.select_for_update(of=("self",)).select_related("property")
    more = {"has_grant": issuing.HAS_GRANT, "is_followed": IS_FOLLOWED, "has_spare": _HAS_SPARE}
    return rows.annotate(**more).filter(pk=booking_id).first()


def end_bookings(booking_ids: Collection[int], now: datetime) -> tuple[set[int], set[int]]:
    """The bookings are about to be deleted: their codes must go. Returns the locks that have work, and the properties
    between whose stays somebody works."""
    rows = Booking.objects.select_for_update().filter(pk__in=booking_ids).order_by("pk")
    # A save of the same booking locks it before its grant, too.
    locked = rows.annotate(is_followed=IS_FOLLOWED).values_list("property", "is_followed")
    homes = {home for home, is_followed in locked if is_followed}
    return _end(AccessGrant.objects.filter(booking_id__in=booking_ids), now), homes


def end_orphans(now: datetime) -> set[int]:
    """End guest grants whose booking was deleted without a signal. Returns the locks that have work."""
    return _end(AccessGrant.objects.filter(booking=None, kind=AccessGrant.Kind.GUEST, wanted=True), now)


def _end(grants: QuerySet[AccessGrant], now: datetime) -> set[int]:
    touched = ending.end(grants.order_by().values_list("pk", flat=True), now)
    return set().union(*touched.values())


def sync_booking(booking: Booking, now: datetime, *, ahead: bool = False, without: Collection[int] = ()) -> set[int]:
    """Bring one booking up to date, its row locked by the caller. `ahead`: also before its issue-ahead window opens.
    `without`: as if these other bookings were deleted."""
    grant = _grant_of(booking) if getattr(booking, "has_grant", True) else None
    locks = booking.property.locks.filter(is_active=True).values_list("pk", flat=True)
    follower = end_to_end.next_stay(booking, without=without)
    read = partial(wish_of, booking, list(locks), now=now, stays_on_at=follower.check_in if follower else None)
    wish = read(grant)
    if grant is None:
        if not wish.asks_for_a_grant(now, ahead=ahead):
            return set()
        try:
            return issuing.issue([(booking, wish)], now)
        except IntegrityError:
            # In between, another transaction made the grant, or took its value or its reference.
            grant = _grant_of(booking) or _new_grant(booking, wish, now)
            wish = read(grant)
    touched = _apply(grant, wish, booking, now)
    return touched | take_along(booking.pk, now) if getattr(booking, "has_spare", False) else touched


def take_along(booking_id: int, now: datetime) -> set[int]:
    """The spare codes that a stay's guest has end when the guest's own code does. They go with it, and where it is not
    wanted on their lock any more. Returns the locks with work."""
    with transaction.atomic():
        living = AccessGrant.objects.select_for_update().filter(booking=booking_id, ends_at__gt=now, wanted=True)
        found = list(living.exclude(kind=AccessGrant.Kind.STAFF).order_by("pk"))
        own = next((one for one in found if one.kind == AccessGrant.Kind.GUEST), None)
        doors = set(Pin.objects.filter(grant=own, wanted=True).values_list("lock", flat=True)) if own else set()
        touched: set[int] = set()
        for spare in found:
            if spare.kind == AccessGrant.Kind.GUEST:
                continue
            kept = doors & set(spare.pins.values_list("lock", flat=True))
            ends_at = own.ends_at if own is not None else spare.ends_at
            moved = spare.ends_at != ends_at
            spare.ends_at, spare.wanted = ends_at, bool(kept)
            if moved or not kept:
                spare.save(update_fields=["ends_at", "wanted"])
            touched |= wish_for_pins(spare, frozenset(kept), changed=moved, now=now)
        return touched


def _grant_of(booking: Booking) -> AccessGrant | None:
    return AccessGrant.objects.select_for_update().filter(booking=booking, kind=AccessGrant.Kind.GUEST).first()


def _new_grant(booking: Booking, wish: Wish, now: datetime) -> AccessGrant:
    """Step by step, each of which looks first: the way for what `issuing` could not do at once. A code comes later."""
    with transaction.atomic():
        grant = issuing.grant_for(booking, wish, now)
        grant.save()
        return grant


def _apply(grant: AccessGrant, wish: Wish, booking: Booking, now: datetime) -> set[int]:
    """Write what differs between a grant, its row locked, and the wish."""
    facts = facts_of(wish)
    changed = {name for name, value in facts.items() if getattr(grant, name) != value}
    for name in changed:
        setattr(grant, name, facts[name])
        grant.unnoticed = True
    wanted_locks = wish.lock_ids if wish.wanted else frozenset()
    recoded = _ensure_code(grant, wanted_locks, booking, now)
    if changed or recoded:
        grant.save()
    content_changed = recoded or bool(changed & {"starts_at", "ends_at"})
    alias = alias_text(wish.holder_name, *wish.dates, grant.reference)
    touched = wish_for_pins(grant, wanted_locks, changed=content_changed, now=now, alias=alias)
    if "issue_at" in changed and not content_changed:
        touched |= replan(grant, now)
    return touched


def _ensure_code(grant: AccessGrant, wanted_locks: frozenset[int], booking: Booking, now: datetime) -> bool:
    """Make sure that the grant has a code, claimed on every lock that needs it. Returns whether the code changed. The
    guest's phone counts for the first code alone: a number that is corrected later changes none.

    A code that the guest knows stays, even where the claim fails: then the lock itself decides whether both fit.
    """
    length = booking.property.code_length
    if not grant.code:
        liked = Likes().of(booking, wanted_locks)
        grant.code = claims.choose(grant, wanted_locks, length, now, liked=liked)
        return True
    if claims.claim(grant, wanted_locks, grant.code, now):
        return False
    if grant.disclosed_at is not None:
        for lock_id in wanted_locks:
            claims.claim(grant, [lock_id], grant.code, now)
        return False
    grant.code = claims.choose(grant, wanted_locks, length, now)
    return True


def withdraw(grant: AccessGrant, now: datetime) -> set[int]:
    """Want a grant, its row locked, on no lock any more. Returns the locks that have work."""
    grant.wanted = False
    grant.save(update_fields=["wanted"])
    return wish_for_pins(grant, frozenset(), changed=False, now=now)


def wish_for_pins(
    grant: AccessGrant, wanted_locks: frozenset[int], *, changed: bool, now: datetime, alias: str = ""
) -> set[int]:
    """Write the desired side of a grant's PINs; every change raises its revision. Returns the locks that have work."""
    pins = {pin.lock_id: pin for pin in Pin.objects.select_for_update().filter(grant=grant).order_by("pk")}
    touched: set[int] = set()
    for lock_id in sorted(wanted_locks | set(pins)):
        wanted = lock_id in wanted_locks
        pin = pins.get(lock_id) or Pin(lock_id=lock_id, wanted=False, desired_rev=0, next_try_at=None)
        if pin.wanted == wanted and not (changed and wanted):
            continue
        pin.grant = grant
        pin.wanted = wanted
        pin.alias = alias or pin.alias
        raise_revision(pin, now)
        if not wanted:
            claims.release_unused(pin, now)  # a code that never reached the lock is free at once
        touched.add(lock_id)
    return touched


def raise_revision(pin: Pin, now: datetime) -> None:
    """Store a changed wish of a row, its grant loaded, both locked. What comes of it is news."""
    pin.desired_rev += 1
    if not pin.grant.unnoticed and pin.grant.kind == AccessGrant.Kind.GUEST:
        pin.grant.unnoticed = True
        AccessGrant.objects.filter(pk=pin.grant_id).update(unnoticed=True)
    pin.wished_at = now
    pin.refresh_plan(now)
    is_new = pin.desired_rev == 1
    pin.save(update_fields=None if is_new else DESIRED_COLUMNS)


def replan(grant: AccessGrant, now: datetime) -> set[int]:
    """The moment to put the code on the locks moved, the wish itself did not."""
    touched: set[int] = set()
    for pin in Pin.objects.select_for_update().filter(grant=grant, wanted=True).order_by("pk"):
        pin.grant = grant
        pin.refresh_plan(now)
        pin.observed_rev += 1  # a run that read the plan before must not store the old one over it
        pin.save(update_fields=(*DESIRED_COLUMNS, "observed_rev"))
        touched.add(pin.lock_id)
    return touched


def lock_row(grant_id: int) -> AccessGrant:
    """The grant, its row locked until the transaction ends."""
    return AccessGrant.objects.select_for_update().get(pk=grant_id)


def rotate(grant_id: int, now: datetime, *, forced: bool = False) -> set[int]:
    """Give the grant another value on all its locks, because a lock refused this one; return the locks with work.

    Only while the code is not disclosed, read under the grant's row lock: a disclosure that comes in between wins.
    `forced`: the lock no longer takes the value that the guest knows; an incident says so.
    """
    with transaction.atomic():
        grant = lock_row(grant_id)
        if grant.disclosed_at is not None and not forced:
            return set()
        pins = list(Pin.objects.select_for_update().filter(grant=grant, wanted=True).order_by("pk"))
        lock_ids = [pin.lock_id for pin in pins]
        grant.code = claims.choose(grant, lock_ids, len(grant.code), now)
        grant.save(update_fields=["code"])
        for pin in pins:
            pin.grant = grant
            raise_revision(pin, now)
            if forced:
                Incident.open(Incident.Kind.CODE_CHANGED, now, about=pin)
        return set(lock_ids)
