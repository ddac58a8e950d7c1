"""Shows a guest the code of the stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from pins.desired import disclosure
from pins.guests import reading
from pins.guests.reading import GuestStay
from pins.guests.status import CodeStatus, StayFacts, code_status
from pins.models import GuestPage, ValueClaim

#: Under which name a disclosure on the page, and one in a message, is listed.
PAGE, MESSAGE = "the guest, on their page", "the guest, by message"


class NotConfirmedError(disclosure.CodeNotShownError):
    """Not every lock is known to have the code, or its time has not come."""


@sensitive_variables()
def show(stay: GuestStay, now: datetime, *, address: str) -> str:
    """The code for the page. Disclosed first; then looked at once more, because a lock may have changed between the
    first look and the moment from which the value is fixed.

    Raises a `CodeNotShownError`.
    """
    return _show(stay, now, by=PAGE, address=address, may=lambda facts: code_status(facts, now) is CodeStatus.AVAILABLE)


@sensitive_variables()
def put_into_message(stay: GuestStay, now: datetime) -> str:
    """The same for a message, which may come before the page shows the code: the host said so."""
    return _show(stay, now, by=MESSAGE, address="", may=lambda facts: facts.confirmed and facts.released)


@sensitive_variables()
def _show(stay: GuestStay, now: datetime, *, by: str, address: str, may: Callable[[StayFacts], bool]) -> str:
    if stay.grant_id is None or not may(stay.facts):
        raise NotConfirmedError
    code = disclosure.reveal_to_holder(stay.grant_id, now, name=by, address=address)
    again = reading.read(stay.page, now)
    if again is None or again.grant_id != stay.grant_id or not may(again.facts):
        raise NotConfirmedError
    # From now on another code is news to this guest (`pins.guests.timing`).
    GuestPage.objects.filter(pk=stay.page.pk).update(told_code=ValueClaim.digest_of(code))
    return code
