"""A person has the data of a guest erased."""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from django.db import transaction

from pins.actions.results import ActionResult, done, moment
from pins.retention import forgetting
from pins.retention.forgetting import Erased
from rentals.models import Booking
from rentals.phrases import phrase, phrases

#: How the history calls it.
BUTTON = "Erase the guest's data"


def ask(booking: Booking, now: datetime) -> ActionResult:
    """Erase what is known of the guest of this stay; or, while the guest may still come or be in the house, have it
    erased afterwards. Within a transaction of the caller. Raises `Booking.DoesNotExist`."""
    erased = forgetting.forget(booking.pk, now)
    if not erased.counts:
        return done(
            phrase(
                "the guest's data will be erased in the night after the stay ends, {ends}. Nothing changes now.",
                ends=moment(booking.check_out, booking.property.zone),
            )
        )
    return done(phrase("the guest's data was erased: {what}.", what=summed_up(erased)), _rest(erased))


def preview(booking: Booking, now: datetime) -> Erased:
    """What `ask` would erase now. Changes nothing."""
    with transaction.atomic():
        erased = forgetting.forget(booking.pk, now)
        transaction.set_rollback(True)
    return erased


def summed_up(erased: Erased) -> str:
    """A phrase: `2 calendar rows, 1 code, 1 stay and 3 lines of the history`."""
    several = [_number_of(what, number) for what, number in erased.counts.items() if number]
    if len(several) < 2:
        return several[0] if several else phrase("nothing")
    first, *others, last = several
    return phrase("{list} and {last}", list=reduce(_listed, others, first), last=last)


def _listed(before: str, one: str) -> str:
    return phrase("{before}, {one}", before=before, one=one)


def _number_of(what: str, number: int) -> str:
    """`what`: a key of `Erased.counts`."""
    match what:
        case "calendar row":
            return phrases("{number} calendar row", "{number} calendar rows", number)
        case "code":
            return phrases("{number} code", "{number} codes", number)
        case "guest page":
            return phrases("{number} guest page", "{number} guest pages", number)
        case "line of the history":
            return phrases("{number} line of the history", "{number} lines of the history", number)
        case "stay":
            return phrases("{number} stay", "{number} stays", number)
        case _:
            raise ValueError(f"Nothing is said of “{what}” here yet.")


def _rest(erased: Erased) -> str:
    if not erased.waits:
        return ""
    return phrase("Its code may still be on a lock: the name that it has there follows in the night after it is off.")
