"""What one booking asks of the locks, read from the booking and its property. Decides nothing, writes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pins.core.periods import Period, stay_period
from pins.models import AccessGrant
from rentals.models import Booking


@dataclass(frozen=True)
class Wish:
    """What one booking asks for."""

    wanted: bool
    period: Period  # UTC, buffers included
    issue_at: datetime  # UTC
    lock_ids: frozenset[int]
    holder_name: str
    dates: tuple[date, date]  # local days of arrival and departure, for the alias

    def asks_for_a_grant(self, now: datetime, *, ahead: bool = False) -> bool:
        """Whether a stay without a grant gets one. `ahead`: also before its issue-ahead window opens."""
        return self.wanted and now < self.period.ends_at and (ahead or self.issue_at <= now)


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
