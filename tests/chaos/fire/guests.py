"""Guests who book, stay longer, come later, cancel and leave, a day's work in a minute. Decides, and does nothing.

The ledger says what the database must hold: every change that was confirmed to the host is in it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

#: A guest at the door, one who comes within minutes, one who comes in days; and how often.
_KINDS: Final = (("here", 0.35), ("soon", 0.3), ("far", 0.35))
#: What becomes of a stay that is there, and how often.
_CHANGES: Final = (("extend", 0.3), ("cancel", 0.25), ("leave", 0.2), ("move", 0.25))
SOON: Final = timedelta(seconds=15)


def whole_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Stay:
    """As the host entered it. Not `sure`: the database could not say whether it took the last change."""

    check_in: datetime
    check_out: datetime
    confirmed: bool = True
    sure: bool = True

    def differs(self, row: Mapping[str, Any]) -> str:
        """What a row of the database says otherwise; empty when it agrees."""
        if not self.sure:
            return ""
        told = {
            "check_in": self.check_in.isoformat(),
            "check_out": self.check_out.isoformat(),
            "confirmed": self.confirmed,
        }
        return ", ".join(
            f"{name} is {row[name]}, entered {value}" for name, value in told.items() if row[name] != value
        )


@dataclass
class Guests:
    """The stays of one run. The same seed gives the same wishes, as far as the database takes them."""

    rng: random.Random
    flats: Sequence[int]
    ledger: dict[int, Stay] = field(default_factory=dict)
    entered: int = 0
    changed: int = 0
    refused: int = 0
    told: list[tuple[datetime, int, Stay]] = field(default_factory=list)  # when the host was told of which stay

    def arrivals(self, count: int) -> list[dict[str, Any]]:
        """So many new stays, as the front desk takes them."""
        return [self._arrival() for _ in range(count)]

    def _arrival(self) -> dict[str, Any]:
        self.entered += 1
        rng, now = self.rng, whole_now()
        (kind,) = rng.choices([name for name, _ in _KINDS], [often for _, often in _KINDS])
        if kind == "here":
            begins = now - timedelta(seconds=rng.randrange(5, 600))
            ends = now + timedelta(seconds=rng.choice((30, 60, 120, 7_200, 86_400)))
        elif kind == "soon":
            begins = now + timedelta(seconds=rng.randrange(10, 120))
            ends = begins + timedelta(seconds=rng.choice((20, 60, 3_600)))
        else:
            begins = now + timedelta(days=rng.randrange(1, 20))
            ends = begins + timedelta(days=rng.randrange(1, 5))
        # One guest who stays on keeps one code: each of these is another guest.
        return {
            "flat": rng.choice(self.flats),
            "guest": f"Guest {self.entered}",
            "check_in": begins.isoformat(),
            "check_out": ends.isoformat(),
        }

    def booked(self, stays: Sequence[Mapping[str, Any]], ids: Sequence[int]) -> None:
        """The database took them."""
        for stay, booking in zip(stays, ids, strict=True):
            begins, ends = (datetime.fromisoformat(stay[name]) for name in ("check_in", "check_out"))
            self._tell(booking, Stay(begins, ends))

    def _tell(self, booking: int, stay: Stay) -> None:
        self.ledger[booking] = stay
        self.told.append((datetime.now(UTC), booking, stay))

    def restored(self, ledger: Mapping[int, Stay]) -> None:
        """The database is as it was then; of stays that were entered since nothing can be said."""
        self.in_doubt(self.ledger)
        self.ledger.clear()
        for booking, stay in ledger.items():
            self._tell(booking, stay)

    def change(self) -> tuple[str, dict[str, Any], dict[int, Stay]] | None:
        """What a host does next: the action of the front desk, its fields, and how the stays are after it."""
        now = whole_now()
        open_ones = [one for one, stay in self.ledger.items() if stay.confirmed and stay.sure and stay.check_out > now]
        if not open_ones:
            return None
        chosen = self.rng.sample(open_ones, min(len(open_ones), self.rng.choice((1, 1, 2, 4))))
        before = {one: self.ledger[one] for one in chosen}
        (kind,) = self.rng.choices([name for name, _ in _CHANGES], [often for _, often in _CHANGES])
        self.changed += 1
        minutes = self.rng.choice((1, 2, 30, 600))
        later = timedelta(minutes=minutes)
        if kind == "extend":
            after = {one: Stay(stay.check_in, stay.check_out + later) for one, stay in before.items()}
            return "change_in_bulk", {"bookings": chosen, "minutes": minutes}, after
        if kind == "cancel":
            after = {one: Stay(stay.check_in, stay.check_out, confirmed=False) for one, stay in before.items()}
            return "cancel", {"bookings": chosen}, after
        if kind == "move":
            after = {one: Stay(stay.check_in + later, stay.check_out + later) for one, stay in before.items()}
            return "move", {"bookings": chosen, "minutes": minutes}, after
        here = [one for one, stay in before.items() if stay.check_in < now]
        if not here:
            return None
        leaves = now + SOON
        after = {one: Stay(before[one].check_in, leaves) for one in here}
        return "check_out", {"bookings": here, "at": leaves.isoformat()}, after

    def took(self, after: Mapping[int, Stay]) -> None:
        """The database took a change."""
        for booking, stay in after.items():
            self._tell(booking, stay)

    def in_doubt(self, bookings: Mapping[int, Stay]) -> None:
        """The database refused a change, or took it and could not say so."""
        self.refused += 1
        for booking in bookings:
            stay = self.ledger[booking]
            self._tell(booking, Stay(stay.check_in, stay.check_out, stay.confirmed, sure=False))

    def lost(self, rows: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
        """What was entered and is not in the database as it was entered."""
        for booking, stay in self.ledger.items():
            row = rows.get(booking)
            if row is None:
                yield f"stay {booking} is not there"
            elif difference := stay.differs(row):
                yield f"stay {booking}: {difference}"
