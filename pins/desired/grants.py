"""The desired side: what each booking asks of the locks.

The only writer of grants and of a PIN's `alias`, `wanted`, `admitted` and `desired_rev`. Everything here compares and
writes differences only, so it is safe to run twice, and the drift check can run it over everything.

Rows are locked in the order booking, grant, its PINs by id. Nothing here waits for the network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from pins.core.alias import alias_text
from pins.core.periods import Period, stay_period
from pins.desired import claims
from pins.models import AccessGrant, Incident, Pin
from pins.models.pin import DESIRED_COLUMNS
from rentals import end_to_end
from rentals.models import Booking

#: From this many bookings on, those with nothing to do are sorted out first.
MANY = 20
_BATCH = 500


@dataclass(frozen=True)
class Wish:
    """What one booking asks for."""

    wanted: bool
    period: Period  # UTC, buffers included
    issue_at: datetime  # UTC
    lock_ids: frozenset[int]
    holder_name: str
    dates: tuple[date, date]  # local days of arrival and departure, for the alias


def wish_of(
    booking: Booking,
    lock_ids: Iterable[int],
    grant: AccessGrant | None,
    now: datetime,
    *,
    stays_on_at: datetime | None = None,
) -> Wish:
    """Read a booking (its property loaded) as a wish.

    `stays_on_at`: when the next stay of the same guest begins, if it is end to end with this one. Until then this code
    works, so that the door never closes in between; then the code of that stay does, since a keypad takes no digits
    twice. An inactive property gets no new codes; a guest who is already in keeps the code until check-out. Raises
    `ValueError` or `ZoneInfoNotFoundError` for times that are no period (bulk writes check nothing).
    """
    prop = booking.property
    period = stay_period(
        booking.check_in, booking.check_out, early_minutes=prop.early_minutes, late_minutes=prop.late_minutes
    )
    if stays_on_at is not None:
        period = period.until(stays_on_at - timedelta(minutes=prop.early_minutes))
    wanted = booking.status == Booking.Status.CONFIRMED
    if not prop.is_active:
        wanted = wanted and grant is not None and grant.wanted and period.starts_at <= now
    if grant is not None and grant.revoked_at is not None:
        wanted = False
    issue_at = period.starts_at - timedelta(days=prop.issue_ahead_days)
    dates = (booking.arrival_date, booking.departure_date)
    return Wish(wanted, period, issue_at, frozenset(lock_ids), booking.guest_name, dates)


def sync_bookings(booking_ids: Collection[int], now: datetime | None = None) -> set[int]:
    """Bring grants and PINs of bookings up to date; return the locks that have work because of it."""
    now = now or timezone.now()
    touched: set[int] = set()
    for booking_id in sorted(booking_ids if len(booking_ids) < MANY else _concerned(booking_ids, now)):
        with transaction.atomic():
            booking = lock_booking(booking_id)
            if booking is not None:
                touched |= sync_booking(booking, now)
    return touched


def _concerned(booking_ids: Collection[int], now: datetime) -> Iterator[int]:
    """The bookings among many (a calendar brings them) that have a grant or are due for one, with two queries a batch
    instead of several for each. A stay beyond its issue-ahead window gets its grant from the drift check."""
    ids = sorted(booking_ids)
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        granted = set(AccessGrant.objects.filter(booking__in=batch).values_list("booking_id", flat=True))
        rows = Booking.objects.filter(pk__in=batch).values_list(
            "pk", "check_in", "property__early_minutes", "property__issue_ahead_days"
        )
        for pk, check_in, early, ahead in rows:
            if pk in granted or check_in - timedelta(days=ahead, minutes=early + 1) <= now:
                yield pk


def lock_booking(booking_id: int) -> Booking | None:
    """The booking as it is now, its row locked; `None`: it is deleted. A copy that was read before the lock could be
    older than a wish that is already written."""
    rows = Booking.objects.select_for_update(of=("self",)).select_related("property")
    return rows.filter(pk=booking_id).first()


def end_bookings(booking_ids: Collection[int], now: datetime | None = None) -> set[int]:
    """The bookings are about to be deleted: their codes must go. Returns the locks that have work."""
    for booking_id in sorted(booking_ids):
        lock_booking(booking_id)  # a save of the same booking locks it before its grant, too
    return _end(AccessGrant.objects.filter(booking_id__in=booking_ids), now or timezone.now())


def end_orphans(now: datetime) -> set[int]:
    """End guest grants whose booking was deleted without a signal. Returns the locks that have work."""
    return _end(AccessGrant.objects.filter(booking=None, kind=AccessGrant.Kind.GUEST, wanted=True), now)


def _end(grants: Iterable[AccessGrant], now: datetime) -> set[int]:
    touched: set[int] = set()
    for grant_id in [grant.pk for grant in grants]:
        with transaction.atomic():
            grant = lock_row(grant_id)
            grant.wanted = False
            grant.unnoticed = True
            grant.save(update_fields=["wanted", "unnoticed"])
            touched |= wish_for_pins(grant, frozenset(), changed=False, now=now)
    return touched


def sync_booking(booking: Booking, now: datetime, *, ahead: bool = False, without: Collection[int] = ()) -> set[int]:
    """Bring one booking up to date, its row locked by the caller. `ahead`: also before its issue-ahead window opens.
    `without`: as if these other bookings were deleted."""
    grant = AccessGrant.objects.select_for_update().filter(booking=booking, kind=AccessGrant.Kind.GUEST).first()
    locks = booking.property.locks.filter(is_active=True).values_list("pk", flat=True)
    follower = end_to_end.next_stay(booking, without=without)
    wish = wish_of(booking, locks, grant, now, stays_on_at=follower.check_in if follower is not None else None)
    if grant is None:
        if not wish.wanted or wish.period.ends_at <= now or (now < wish.issue_at and not ahead):
            return set()
        grant = _new_grant(booking, wish, now)
        if grant is None:
            return set()  # another transaction made it between our look and our insert, from the same booking
    return _apply(grant, wish, booking.property.code_length, now)


def _new_grant(booking: Booking, wish: Wish, now: datetime) -> AccessGrant | None:
    try:
        with transaction.atomic():
            return AccessGrant.objects.create(
                booking=booking,
                holder_name=wish.holder_name,
                starts_at=wish.period.starts_at,
                ends_at=wish.period.ends_at,
                issue_at=wish.issue_at,
                created_at=now,
            )
    except IntegrityError:
        return None


def _apply(grant: AccessGrant, wish: Wish, code_length: int, now: datetime) -> set[int]:
    """Write what differs between a grant, its row locked, and the wish."""
    facts = {
        "starts_at": wish.period.starts_at,
        "ends_at": wish.period.ends_at,
        "issue_at": wish.issue_at,
        "wanted": wish.wanted,
        "holder_name": wish.holder_name,
    }
    changed = {name for name, value in facts.items() if getattr(grant, name) != value}
    for name in changed:
        setattr(grant, name, facts[name])
        grant.unnoticed = True
    wanted_locks = wish.lock_ids if wish.wanted else frozenset()
    recoded = _ensure_code(grant, wanted_locks, code_length, now)
    if changed or recoded:
        grant.save()
    content_changed = recoded or bool(changed & {"starts_at", "ends_at"})
    alias = alias_text(wish.holder_name, *wish.dates, grant.reference)
    touched = wish_for_pins(grant, wanted_locks, changed=content_changed, now=now, alias=alias)
    if "issue_at" in changed and not content_changed:
        touched |= _replan(grant, now)
    return touched


def _ensure_code(grant: AccessGrant, wanted_locks: frozenset[int], length: int, now: datetime) -> bool:
    """Make sure that the grant has a code, claimed on every lock that needs it. Returns whether the code changed.

    A code that the guest knows stays, even where the claim fails: then the lock itself decides whether both fit.
    """
    if not grant.code:
        grant.code = claims.choose(grant, wanted_locks, length, now)
        return True
    if claims.claim(grant, wanted_locks, grant.code, now):
        return False
    if grant.disclosed_at is not None:
        for lock_id in wanted_locks:
            claims.claim(grant, [lock_id], grant.code, now)
        return False
    grant.code = claims.choose(grant, wanted_locks, length, now)
    return True


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
    if not pin.grant.unnoticed:
        pin.grant.unnoticed = True
        AccessGrant.objects.filter(pk=pin.grant_id).update(unnoticed=True)
    pin.wished_at = now
    pin.refresh_plan(now)
    is_new = pin.desired_rev == 1
    pin.save(update_fields=None if is_new else DESIRED_COLUMNS)


def _replan(grant: AccessGrant, now: datetime) -> set[int]:
    """The moment to put the code on the locks moved, the wish itself did not."""
    touched: set[int] = set()
    for pin in Pin.objects.select_for_update().filter(grant=grant, wanted=True).order_by("pk"):
        pin.grant = grant
        pin.refresh_plan(now)
        pin.save(update_fields=DESIRED_COLUMNS)
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
