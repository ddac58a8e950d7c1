"""A person decides about a code: a new one, a chosen one, or none. Writes through `pins.desired.grants` alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeAlias

from django.db import IntegrityError, transaction

from pins.core.code_rules import NoValueLeft, problems
from pins.desired import claims, ending, grants, rotating
from pins.desired.refusals import Refusal
from pins.models import AccessGrant, Pin
from rentals.models import Booking
from rentals.phrases import mark
from rentals.wording import said


class CodeNotReplacedError(Refusal):
    """The code stays as it is."""


class CodeDisclosedError(CodeNotReplacedError):
    text = mark("The guest knows this code, so it cannot be replaced. Revoke it first, then ask for a new one.")


class CodeTakenError(CodeNotReplacedError):
    text = mark("A code on one of the locks has these digits already. Choose other digits.")


class CodeNotWantedError(CodeNotReplacedError):
    text = mark("The stay gets no code: it is not confirmed, it is over, or its property is switched off.")


class CodeNotAllowedError(ValueError):
    """The value breaks a rule of the locks. `problems` says which, one sentence each (phrases), without the value."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(map(said, problems)))
        self.problems = problems


def ensure_grant(booking_id: int, now: datetime) -> int | None:
    """The id of a stay's grant. It is made even before the issue-ahead window opens, because a person chooses its code
    today; nothing is sent to a lock before `issue_at`. `None`: the stay asks for no code."""
    with transaction.atomic():
        booking = grants.lock_booking(booking_id)
        if booking is None:
            return None
        grants.sync_booking(booking, now, ahead=True)
        made = AccessGrant.objects.filter(booking=booking, kind=AccessGrant.Kind.GUEST)
        return made.values_list("pk", flat=True).first()


def renew_code(grant_id: int, now: datetime) -> set[int]:
    """A person asks for another code. A revoked grant comes back with it. Returns the locks with work.

    Raises `CodeDisclosedError` while the guest relies on the present one.
    """
    with transaction.atomic():
        grant = _lock_with_booking(grant_id)
        if grant.disclosed_at is not None and grant.revoked_at is None:
            raise CodeDisclosedError
        grant.revoked_at = grant.disclosed_at = None
        grant.save(update_fields=["revoked_at", "disclosed_at"])
        touched = grants.sync_bookings([grant.booking_id], now) if grant.booking_id else set()
        return touched | grants.rotate(grant_id, now)


#: The locks with work, or why the code stays.
Renewal: TypeAlias = "set[int] | CodeDisclosedError | NoValueLeft"


def renew_codes(grant_ids: Collection[int], now: datetime) -> dict[int, Renewal]:
    """The same for the codes of many guests, with a few statements; one by one where these find no way."""
    with transaction.atomic():
        _lock_bookings_of(grant_ids)
        try:
            with transaction.atomic():
                return _renew_together(grant_ids, now)
        except (IntegrityError, NoValueLeft):  # another transaction was faster with a value, or one finds none
            return {grant_id: _renew_singly(grant_id, now) for grant_id in sorted(grant_ids)}


def _renew_together(grant_ids: Collection[int], now: datetime) -> dict[int, Renewal]:
    rows = AccessGrant.objects.select_for_update().filter(pk__in=grant_ids).order_by("pk")
    found = list(rows.defer(*AccessGrant.SECRETS))
    known = {one.pk for one in found if one.disclosed_at is not None and one.revoked_at is None}
    going = [one for one in found if one.pk not in known]
    ids = [one.pk for one in going]
    AccessGrant.objects.filter(pk__in=ids).exclude(revoked_at=None).update(revoked_at=None, disclosed_at=None)
    synced = grants.sync_bookings([one.booking_id for one in going if one.booking_id is not None], now)
    touched = rotating.rotate(ids, now)
    for grant_id, lock_id in Pin.objects.filter(grant__in=ids, lock__in=synced).values_list("grant", "lock"):
        touched[grant_id].add(lock_id)
    return {**touched, **{grant_id: CodeDisclosedError() for grant_id in known}}


def _renew_singly(grant_id: int, now: datetime) -> Renewal:
    try:
        return renew_code(grant_id, now)
    except (CodeDisclosedError, NoValueLeft) as kept:
        return kept


def set_code(grant_id: int, value: str, now: datetime) -> set[int]:
    """A person chose the code, and so knows it: from now on its value is fixed. A revoked grant comes back with it.
    Returns the locks with work.

    Raises `CodeNotAllowedError`, `CodeDisclosedError` (while the guest relies on another value), `CodeTakenError`
    and `CodeNotWantedError`; then nothing has changed.
    """
    if found := problems(value):
        raise CodeNotAllowedError(found)
    with transaction.atomic():
        grant = _lock_with_booking(grant_id)
        if grant.revoked_at is not None:
            grant.revoked_at = grant.disclosed_at = None
            grant.save(update_fields=["revoked_at", "disclosed_at"])
            if grant.booking_id is not None:
                grants.sync_bookings([grant.booking_id], now)
            grant = grants.lock_row(grant_id)
        if not grant.wanted or grant.ends_at <= now:
            raise CodeNotWantedError
        if grant.disclosed_at is not None and grant.code != value:
            raise CodeDisclosedError
        pins = list(Pin.objects.select_for_update().filter(grant=grant, wanted=True).order_by("pk"))
        if not claims.claim(grant, [pin.lock_id for pin in pins], value, now):
            raise CodeTakenError
        changed = grant.code != value
        grant.code, grant.disclosed_at = value, grant.disclosed_at or now
        grant.save(update_fields=["code", "disclosed_at"])
        for pin in pins if changed else ():
            pin.grant = grant
            grants.raise_revision(pin, now)
        return {pin.lock_id for pin in pins}


def revoke(grant_ids: Collection[int], now: datetime) -> dict[int, set[int]]:
    """A person takes codes away before their stays end. They stay revoked until a person asks for or chooses others,
    whatever the bookings say. Spare codes of the stays go with them. Returns, by grant, the locks with work."""
    with transaction.atomic():
        # Bookings are locked first, as everywhere: a spare code that is handed out at this moment goes, too.
        booking_ids = _lock_bookings_of(grant_ids)
        touched = ending.end(grant_ids, now, revoked=True)
        with_spares = AccessGrant.objects.filter(booking__in=booking_ids, kind=AccessGrant.Kind.BACKUP, wanted=True)
        concerned = AccessGrant.objects.filter(pk__in=grant_ids, booking__in=with_spares.values("booking")).order_by()
        for grant_id, booking_id in concerned.values_list("pk", "booking"):
            touched[grant_id] |= grants.take_along(booking_id, now)
        return touched


def _lock_bookings_of(grant_ids: Collection[int]) -> list[int]:
    """Lock the rows of their bookings, in the order of all writers. Returns the ids."""
    stays = AccessGrant.objects.filter(pk__in=grant_ids).exclude(booking=None).order_by()
    locked = Booking.objects.select_for_update().filter(pk__in=stays.values("booking")).order_by("pk")
    return list(locked.values_list("pk", flat=True))


def _lock_with_booking(grant_id: int) -> AccessGrant:
    """The grant, for a caller that also brings its booking up to date: the booking's row is locked first."""
    booking_id = AccessGrant.objects.values_list("booking_id", flat=True).get(pk=grant_id)
    if booking_id is not None:
        grants.lock_booking(booking_id)
    return grants.lock_row(grant_id)
