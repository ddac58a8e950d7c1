"""Shows a guest the code of the stay, and spare codes that the guest was given."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from pins.desired import disclosure, handing_out
from pins.desired.handing_out import By, HandedOut
from pins.guests import reading
from pins.guests.reading import GuestStay
from pins.guests.status import CodeStatus, StayFacts, code_status
from pins.models import GuestPage, ValueClaim
from pins.models.reveal import BY_MESSAGE, ON_THEIR_PAGE


class NotConfirmedError(disclosure.CodeNotShownError):
    """Not every lock is known to have the code, or its time has not come."""


@dataclass(frozen=True)
class DoorCode:
    """A code on the page, and which doors it opens. An error report may contain its repr, which leaves out the code."""

    code: str = field(repr=False)
    doors: tuple[str, ...] = ()  # none: all of them


@sensitive_variables()
def show(stay: GuestStay, now: datetime, *, address: str) -> tuple[DoorCode, ...]:
    """What the page shows: one code for all doors, or, where a spare code was handed out, one for each door that it
    opens. Disclosed first; then looked at once more, because a lock may have changed between the first look and the
    moment from which the value is fixed.

    Raises a `CodeNotShownError`.
    """
    if any(door.spare for door in stay.facts.doors):
        return _with_spares(stay, now, address)
    return (DoorCode(_show(stay, now, by=ON_THEIR_PAGE, address=address, may=lambda facts: _is_available(facts, now))),)


@sensitive_variables()
def put_into_message(stay: GuestStay, now: datetime) -> str:
    """The code for a message, which may come before the page shows it: the host said so."""
    return _show(stay, now, by=BY_MESSAGE, address="", may=lambda facts: facts.confirmed and facts.released)


def _is_available(facts: StayFacts, now: datetime) -> bool:
    return code_status(facts, now) is CodeStatus.AVAILABLE


@sensitive_variables()
def _with_spares(stay: GuestStay, now: datetime, address: str) -> tuple[DoorCode, ...]:
    """The own code for the doors that have it, spare codes for the others."""
    facts = stay.facts
    if not _is_available(facts, now):
        raise NotConfirmedError
    own = {door.lock_id: door.name for door in facts.doors if door.confirmed and facts.covered}
    given = handing_out.show_again(stay.booking.pk, now, by=By(ON_THEIR_PAGE, address=address))
    found = [one for one in spare_codes(given) if not set(one.doors) & set(own.values())]
    if own:
        apart = {door.lock_id for door in facts.doors} - set(own)
        code = _show(
            stay, now, by=ON_THEIR_PAGE, address=address, may=lambda facts: _is_available(facts, now), apart=apart
        )
        found.insert(0, DoorCode(code, tuple(own.values())))
    return tuple(found)


@sensitive_variables()
def spare_codes(given: tuple[HandedOut, ...]) -> tuple[DoorCode, ...]:
    return tuple(DoorCode(one.code, (one.lock,)) for one in given)


@sensitive_variables()
def _show(
    stay: GuestStay,
    now: datetime,
    *,
    by: str,
    address: str,
    may: Callable[[StayFacts], bool],
    apart: Collection[int] = (),
) -> str:
    if stay.grant_id is None or not may(stay.facts):
        raise NotConfirmedError
    code = disclosure.reveal_to_holder(stay.grant_id, now, name=by, address=address, apart=apart)
    again = reading.read(stay.page, now)
    if again is None or again.grant_id != stay.grant_id or not may(again.facts):
        raise NotConfirmedError
    # From now on another code is news to this guest (`pins.guests.timing`).
    GuestPage.objects.filter(pk=stay.page.pk).update(told_code=ValueClaim.digest_of(code))
    return code
