"""From a stay to the half-open span of time `[from, until)` in which its code opens the door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

#: Stored for a code without a beginning or an end, so that every comparison of moments holds for it, too. Both can be
#: written in every time zone. No lock is told of them.
NO_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
NO_END: Final = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Period:
    """`[starts_at, ends_at)`: aware, UTC, whole seconds, never empty.

    Both ends are rounded down. The API takes milliseconds but gives no promise to keep them, and a value that comes
    back changed would look like drift. Rounding both ends the same way keeps two stays that meet still meeting
    (no overlap, no gap) and never lets a code outlive the agreed end.
    """

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts_at", _whole_second(self.starts_at))
        object.__setattr__(self, "ends_at", _whole_second(self.ends_at))
        if self.starts_at >= self.ends_at:
            raise ValueError("The end of a period must be after its start.")

    def __contains__(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at

    def until(self, moment: datetime) -> Period:
        """The same period, made longer so that it ends no earlier than `moment`."""
        return Period(self.starts_at, max(self.ends_at, moment))

    def overlaps(self, other: Period) -> bool:
        """Whether the two share an instant. Periods that only meet do not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def stay_period(
    check_in: datetime,
    check_out: datetime,
    *,
    early_minutes: int = 0,
    late_minutes: int = 0,
) -> Period:
    """The period of a stay, widened by the property's buffers in minutes.

    The buffers are elapsed time, also across a DST change. Raises `ValueError` for a naive moment, a negative
    buffer, or a check-out that is not after the check-in (buffers do not repair an impossible stay).
    """
    if early_minutes < 0 or late_minutes < 0:
        raise ValueError("Buffers are zero minutes or more.")
    stay = Period(check_in, check_out)
    try:
        return Period(
            stay.starts_at - timedelta(minutes=early_minutes),
            stay.ends_at + timedelta(minutes=late_minutes),
        )
    except OverflowError:
        raise ValueError("The period lies beyond the calendar.") from None


def _whole_second(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("A period needs aware datetimes.")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError("The moment lies beyond the calendar.") from None
