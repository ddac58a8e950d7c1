"""An item as the last import left it, and whether an event may speak of the same stay. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from rentals.calendars.decide.identity import codes_conflict
from rentals.calendars.decide.names import same_name, words_of
from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.events import Verdict

#: Verdicts that may hold a stay.
STAYS = frozenset({Verdict.STAY, Verdict.TENTATIVE, Verdict.REVIEW})


@dataclass(frozen=True, slots=True)
class Known:
    """An item as the last import left it."""

    id: int
    key: Key
    verdict: Verdict
    starts_on: date | None
    ends_on: date | None
    begins_at: datetime | None  # UTC; the earliest of what the feed says, the booking's check-in, the channel's clock
    ends_at: datetime | None
    until: date | None = None  # the check-out day of its booking, while that lives
    name: str = ""
    code: str = ""
    gone: bool = False  # it left the feed and its stay was given up
    decided: bool = False  # a person said what it is
    forgotten: bool = False  # a person said that nobody comes: personal data was wiped, except for the trace
    trace: str = ""  # see `identity.trace_of`
    holds_stay: bool = False  # it has a booking
    seen_free: bool = False  # the last good, complete fetch listed other events, and not this one

    @property
    def days(self) -> tuple[date | None, date | None]:
        return self.starts_on, self.ends_on

    def begun(self, now: datetime) -> bool:
        return self.begins_at is not None and self.begins_at <= now

    def ended(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    @property
    def is_nameless(self) -> bool:
        return not words_of(self.name) and not self.code


def is_other_guest(one: Known, arrival: Arrival) -> bool:
    """Whether names or codes differ. Without a UID or a code in common, any difference in the name counts."""
    if codes_conflict(one.code, arrival.guest.reservation_code):
        return True
    both = words_of(one.name) and words_of(arrival.guest.name)
    return bool(both) and not same_name(one.name, arrival.guest.name)


def is_other_by_days(one: Known, arrival: Arrival) -> bool:
    """The same with nothing but days in common. An event that no longer names the guest is another guest's as well; on
    days that were given up, so is one that names a guest for the first time."""
    if is_other_guest(one, arrival) or arrival.verdict not in STAYS:
        return is_other_guest(one, arrival)
    return not same_name(one.name, arrival.guest.name) and bool(words_of(one.name) or one.gone)


def overlaps(one: Known, arrival: Arrival) -> bool:
    """Whether both have some time in common; False where a time is not known."""
    if one.begins_at is None or one.ends_at is None or arrival.starts_at is None or arrival.ends_at is None:
        return False
    return one.begins_at < arrival.ends_at and arrival.starts_at < one.ends_at
