"""A person has the data of a guest erased."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from pins.actions.results import ActionResult, done
from pins.retention import forgetting
from pins.retention.forgetting import Erased
from rentals.models import Booking
from rentals.wording import counted, day_and_time

#: How the history calls it.
BUTTON = "Erase the guest's data"


def ask(booking: Booking, now: datetime) -> ActionResult:
    """Erase what is known of the guest of this stay; or, while the guest may still come or be in the house, have it
    erased afterwards. Within a transaction of the caller. Raises `Booking.DoesNotExist`."""
    erased = forgetting.forget(booking.pk, now)
    if not erased.counts:
        over = day_and_time(booking.check_out, booking.property.zone)
        return done(f"the guest's data will be erased in the night after the stay ends, {over}. Nothing changes now.")
    return done(f"the guest's data was erased: {summed_up(erased)}.{_rest(erased)}")


def preview(booking: Booking, now: datetime) -> Erased:
    """What `ask` would erase now. Changes nothing."""
    with transaction.atomic():
        erased = forgetting.forget(booking.pk, now)
        transaction.set_rollback(True)
    return erased


def summed_up(erased: Erased) -> str:
    """`the name on 1 stay, 2 calendar rows, 1 code and 3 lines of the history`."""
    words = [
        counted(number, word) if word != "line of the history" else f"{counted(number, 'line')} of the history"
        for word, number in erased.counts.items()
        if number
    ]
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words) or "nothing"


def _rest(erased: Erased) -> str:
    if not erased.waits:
        return ""
    return " Its code may still be on a lock: the name that it has there follows in the night after it is off."
