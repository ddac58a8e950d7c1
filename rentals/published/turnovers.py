"""From stays to turnovers: when a property stands empty between two guests. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Stay:
    """One guest's time in one property: aware instants, half-open."""

    check_in: datetime
    check_out: datetime
    key: int  # tells stays apart, usually the booking's primary key


@dataclass(frozen=True, slots=True)
class Turnover:
    """The time between one check-out and the next check-in of a property."""

    leaves: Stay
    arrives: Stay
    same_day: bool  # one guest leaves and the next arrives on the same local day

    @property
    def starts_at(self) -> datetime:
        return self.leaves.check_out

    @property
    def ends_at(self) -> datetime:
        return self.arrives.check_in

    @property
    def length(self) -> timedelta:
        """How long the property is empty; negative while both guests have it."""
        return self.ends_at - self.starts_at

    @property
    def overlaps(self) -> bool:
        """Whether the next guest arrives before the last one has left."""
        return self.length < timedelta(0)


def turnovers(stays: Iterable[Stay], zone: tzinfo) -> tuple[Turnover, ...]:
    """The turnovers of one property, in the order of arrival; `zone` is the property's.

    Each arrival but the first has exactly one. It begins when the last of all earlier guests leaves: where a short stay
    lies within a long one, the property is empty only after the long one has ended.
    """
    found = []
    last: Stay | None = None
    for stay in sorted(stays, key=lambda one: (one.check_in, one.check_out, one.key)):
        if last is not None:
            found.append(Turnover(leaves=last, arrives=stay, same_day=_same_day(last, stay, zone)))
        if last is None or stay.check_out >= last.check_out:
            last = stay
    return tuple(found)


def _same_day(leaves: Stay, arrives: Stay, zone: tzinfo) -> bool:
    return leaves.check_out.astimezone(zone).date() == arrives.check_in.astimezone(zone).date()
