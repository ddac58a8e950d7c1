"""What the page of a stay says about the stays of the same guest before and after it. Reads no code."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from pins.models import AccessGrant
from pins.status.disclosure import is_live
from rentals import end_to_end
from rentals.models import Booking
from rentals.wording import day_and_time


def notes(booking: Booking, grant: AccessGrant | None, now: datetime, *, is_ready: bool) -> list[str]:
    """Sentences about the stays that are end to end with this one; none where there are none, or no code is issued.

    `grant`: that of the stay; `is_ready`: its code is known to be on every lock.
    """
    if not booking.property.is_active or (grant is not None and grant.revoked_at is not None):
        return []
    return [*_about_former(booking, now, is_ready), *_about_next(booking, grant, now, is_ready)]


def _about_next(booking: Booking, grant: AccessGrant | None, now: datetime, is_ready: bool) -> list[str]:
    later = end_to_end.next_stay(booking)
    if later is None:
        return []
    begins = _code_from(later)
    when = day_and_time(begins, booking.property.zone)
    if begins <= now:
        return [_("The guest stayed on, and needs the code of the next stay since {when}.").format(when=when)]
    revoked = AccessGrant.objects.filter(booking=later, revoked_at__isnull=False).exists()
    if revoked:
        begins_then = _("The guest stays on: the next stay begins on {when}, whose code is revoked; {present}.")
    else:
        begins_then = _("The guest stays on: the next stay begins on {when}, with a code of its own; {present}.")
    return [begins_then.format(when=when, present=_of_present(grant, now, is_ready=is_ready))]


def _of_present(grant: AccessGrant | None, now: datetime, *, is_ready: bool) -> str:
    if grant is not None and not is_live(grant, now):
        return _("this code is not in use")
    return _("this code works until then") if is_ready else _("this code would work until then")


def _about_former(booking: Booking, now: datetime, is_ready: bool) -> list[str]:
    former = end_to_end.former_stay(booking)
    begins = _code_from(booking)
    if former is None or begins <= now:
        return []
    zone = booking.property.zone
    left = day_and_time(former.check_out, zone)
    if is_ready:
        said = _(
            "The guest is here already: the stay before this one ends on {left}, and its code works until {until}."
        )
    else:
        said = _(
            "The guest is here already: the stay before this one ends on {left}, and its code would work until {until}."
        )
    then = _("From then on the guest needs the code of this stay.")
    return [f"{said.format(left=left, until=day_and_time(begins, zone))} {then}"]


def _code_from(booking: Booking) -> datetime:
    """When the code of a stay begins to work."""
    return booking.check_in - timedelta(minutes=booking.property.early_minutes)


def still_works(booking: Booking, grant: AccessGrant | None, now: datetime) -> bool:
    """Whether the code works on after check-out, until the next stay of the guest begins."""
    return grant is not None and is_live(grant, now) and end_to_end.next_stay(booking) is not None
