"""The desired side of codes for people who work in the flats. Beside `grants`, which serves the stays, the only writer
of grants and wishes.

Everything compares and writes differences only, so it is safe to run twice. An access is locked before its grants, and
those before their PINs; after a booking, never before one. All times are UTC.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.views.decorators.debug import sensitive_variables

from pins.core.alias import staff_alias
from pins.core.periods import NO_END, NO_START
from pins.core.pin_state import State
from pins.core.recurrence import write_recurrence
from pins.core.staff import StaffWish
from pins.desired import grants, staff_codes
from pins.desired.staff_wishes import wishes_of
from pins.models import AccessGrant, Incident, Pin, StaffAccess
from rentals.fields import UndecryptableValue

logger = logging.getLogger(__name__)

#: What changed without a signal is found so soon: where a gap follows stays, and elsewhere.
SOON, LATER = timedelta(minutes=10), timedelta(hours=1)
AGAIN: Final = timedelta(minutes=1)
#: How many one look compares; the next one comes within a minute.
MOST: Final = 500


def sync(access_ids: Collection[int], now: datetime, *, without: Collection[int] = (), wait: bool = True) -> set[int]:
    """Bring the codes of these accesses up to date; return the locks that have work. `without`: as if these bookings
    were deleted. Without `wait`, one that another transaction holds is left to the next look."""
    touched: set[int] = set()
    for access_id in sorted(access_ids):
        with transaction.atomic():
            rows = StaffAccess.objects.select_for_update(of=("self",), skip_locked=not wait)
            access = rows.filter(pk=access_id).first()
            if access is not None:
                touched |= _sync(access, now, without)
            elif not wait:
                # Who holds it may not see what this transaction changed: the next look compares it again.
                transaction.on_commit(partial(_look_soon, access_id, now))
    return touched


def _look_soon(access_id: int, now: datetime) -> None:
    StaffAccess.objects.filter(pk=access_id).update(check_at=now)


@sensitive_variables()
def saved(access: StaffAccess, now: datetime) -> set[int]:
    """An access was saved, in this transaction. Returns the locks that have work.

    Raises `CodeTakenError` if a person chose digits that somebody else has on one of its locks.
    """
    touched = staff_codes.set_code(access.pk, access.code, now) if access.chose_code else set()
    return touched | sync([access.pk], now)


def follow(property_ids: Collection[int], now: datetime, *, without: Collection[int] = ()) -> set[int]:
    """The stays of these properties changed, or their locks. Whoever changes several stays in one transaction may hold
    one for which another such transaction waits: so nobody is waited for."""
    if not property_ids:
        return set()
    working = StaffAccess.objects.filter(properties__in=property_ids).order_by().values_list("pk", flat=True)
    return sync(set(working), now, without=without, wait=False)


def follow_locks(lock_ids: Collection[int], now: datetime) -> set[int]:
    """These locks were switched off or on."""
    found = set(StaffAccess.objects.filter(locks__in=lock_ids).order_by().values_list("pk", flat=True))
    found |= set(StaffAccess.objects.filter(properties__locks__in=lock_ids).order_by().values_list("pk", flat=True))
    return sync(found, now, wait=False)


def look(now: datetime) -> set[int]:
    """What is due to be compared: after changes that no signal announced, and as time passes. An access waits for its
    next moment by an index, so a minute costs what is due then."""
    due = list(StaffAccess.objects.filter(check_at__lte=now).defer(*StaffAccess.SECRETS).order_by("check_at")[:MOST])
    if not due:
        return set()
    wished = wishes_of(due, now)
    differing = _differing(due, wished, now)
    touched: set[int] = set()
    for access_id in sorted(differing):
        try:
            touched |= sync([access_id], now)
        except UndecryptableValue:  # the others get their codes all the same
            logger.exception("staff_code_unreadable", extra={"access_id": access_id})
    for access in due:
        # One that differed may wait for a value that is not free yet.
        at = now + AGAIN if access.pk in differing else _next_look(access, wished[access.pk], now)
        StaffAccess.objects.filter(pk=access.pk, check_at=access.check_at).update(check_at=at)
    return touched


def repair(now: datetime) -> set[int]:
    """Compare all at once, however many there are."""
    return sync(list(StaffAccess.objects.values_list("pk", flat=True)), now)


def _next_look(access: StaffAccess, wished: Collection[StaffWish], now: datetime) -> datetime:
    usual = SOON if access.is_active and access.mode == StaffAccess.Mode.TURNOVER else LATER
    moments = [one for wish in wished for one in (wish.span.ends_at, wish.issue_at) if one is not None and one > now]
    return min([now + usual, *moments])


def _differing(accesses: Collection[StaffAccess], wished: dict[int, tuple[StaffWish, ...]], now: datetime) -> list[int]:
    """Those whose codes are not as they ask. Two statements."""
    rows = AccessGrant.objects.filter(staff__in=[one.pk for one in accesses], ends_at__gt=now).order_by("pk")
    by_access: defaultdict[int | None, dict[tuple[int | None, str], AccessGrant]] = defaultdict(dict)
    for grant in rows.defer(*AccessGrant.SECRETS):
        by_access[grant.staff_id][grant.place_id, grant.part] = grant
    pins: defaultdict[int, set[int]] = defaultdict(set)
    ids = [grant.pk for theirs in by_access.values() for grant in theirs.values()]
    for grant_id, lock_id in Pin.objects.filter(wanted=True, grant__in=ids).values_list("grant_id", "lock_id"):
        pins[grant_id].add(lock_id)
    return [one.pk for one in accesses if _differs(one, wished[one.pk], by_access[one.pk], pins, now)]


def _differs(
    access: StaffAccess,
    wished: Iterable[StaffWish],
    living: dict[tuple[int | None, str], AccessGrant],
    pins: defaultdict[int, set[int]],
    now: datetime,
) -> bool:
    left = dict(living)
    for wish in wished:
        grant = left.pop(wish.key, None)
        if grant is None:
            if not _is_planned(wish, now):
                return True
            continue
        asked = _facts(access, wish)
        if any(getattr(grant, name) != value for name, value in asked.items()) or pins[grant.pk] != wish.lock_ids:
            return True
    return any(grant.wanted for grant in left.values())


def _is_planned(wish: StaffWish, now: datetime) -> bool:
    return wish.issue_at is not None and wish.issue_at > now


def _facts(access: StaffAccess, wish: StaffWish) -> dict[str, Any]:
    """A wish as columns of a grant."""
    return {
        "starts_at": wish.span.starts_at or NO_START,
        "ends_at": wish.span.ends_at or NO_END,
        "issue_at": wish.issue_at or NO_START,
        "wanted": True,
        "holder_name": access.name,
        "recurrence": write_recurrence(wish.recurrence),
    }


@sensitive_variables()
def _sync(access: StaffAccess, now: datetime, without: Collection[int]) -> set[int]:
    """Within a transaction that holds the access."""
    wished = wishes_of([access], now, without=without)[access.pk]
    staff_codes.choose_code(access, wished, now)
    rows = AccessGrant.objects.select_for_update(of=("self",)).filter(staff=access, ends_at__gt=now)
    living = {(grant.place_id, grant.part): grant for grant in rows.order_by("pk")}
    touched: set[int] = set()
    for wish in wished:
        touched |= _apply(access, living.pop(wish.key, None), wish, now)
    return touched | _unwish(living.values(), now)


def _unwish(living: Iterable[AccessGrant], now: datetime) -> set[int]:
    return set().union(*(grants.withdraw(grant, now) for grant in living if grant.wanted))


@sensitive_variables()
def _apply(access: StaffAccess, grant: AccessGrant | None, wish: StaffWish, now: datetime) -> set[int]:
    """Write what differs between a grant, its row locked, and the wish."""
    asked, is_new = _facts(access, wish), grant is None
    if grant is None:
        if _is_planned(wish, now) or staff_codes.waits_for_value(access, wish, now):
            return set()
        grant = AccessGrant(kind=AccessGrant.Kind.STAFF, staff=access, place_id=wish.property_id, part=wish.part.value)
        grant.created_at, grant.unnoticed = now, False
        changed = set(asked)
    else:
        changed = {name for name, value in asked.items() if getattr(grant, name) != value}
    for name in changed:
        setattr(grant, name, asked[name])
    if is_new:
        grant.save()  # draws its reference; claims belong to it
    recoded, had_to = staff_codes.settle_code(access, grant, wish, now)
    if changed or recoded:
        grant.save()
    content_changed = recoded or bool(changed & {"starts_at", "ends_at", "recurrence"})
    alias = staff_alias(access.name, grant.reference)
    touched = grants.wish_for_pins(grant, wish.lock_ids, changed=content_changed, now=now, alias=alias)
    if "issue_at" in changed and not content_changed:
        touched |= grants.replan(grant, now)
    if had_to:
        for pin in Pin.objects.filter(grant=grant, wanted=True).order_by("pk"):
            Incident.open(Incident.Kind.CODE_CHANGED, now, about=pin, severity=Incident.Severity.WARNING)
    return touched


def end(access_id: int, now: datetime) -> set[int]:
    """The access is about to be deleted: its codes must go. Returns the locks that have work."""
    with transaction.atomic():
        access = StaffAccess.objects.select_for_update().filter(pk=access_id).first()
        if access is None:
            return set()
        living = AccessGrant.objects.select_for_update(of=("self",)).filter(staff=access, ends_at__gt=now)
        return _unwish(list(living.order_by("pk")), now)


def close_books(now: datetime) -> int:
    """End the grants that nobody wants any more and whose codes are off every lock, so that they are deleted when they
    are old: a permanent one would never be. Returns how many."""
    remains = Pin.objects.filter(grant=OuterRef("pk")).exclude(state=State.REMOVED)
    unwanted = AccessGrant.objects.filter(kind=AccessGrant.Kind.STAFF, wanted=False, ends_at__gt=now, starts_at__lt=now)
    return unwanted.filter(~Exists(remains)).update(ends_at=now)
