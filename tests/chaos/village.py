"""Twenty locks and their bookings: nineteen flats with a door each, four of which share the building's entrance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.chaos.proofs import whole_now
from tests.support.processes import Stack

LOCKS = 20
BOOKINGS_PER_FLAT = 5
FLATS_BEHIND_THE_ENTRANCE = 4
#: The answers of the proof: every third request fails.
FAULTS = "timeout_applied=0.1,timeout_lost=0.1,busy=0.1,offline=0.05,drop_applied=0.02"

GUESTS = ("Anna Nowak", "Ben Ode", "Chloé Petit", "Đorđe Ilić", "Eva-Maria Stein", "李 娜", "", "Omar al-Farsi")


@dataclass
class Village:
    """The ids of flats and bookings, by what becomes of the stay."""

    flats: list[int]
    staying: list[int] = field(default_factory=list)
    to_cancel: list[int] = field(default_factory=list)
    to_leave: list[int] = field(default_factory=list)
    entered: int = 0

    def book(self, stack: Stack, flats: Iterable[int]) -> None:
        """Enter five bookings for each flat: a third stays, a third will be cancelled, a third has begun already."""
        stays: list[dict[str, Any]] = []
        groups: list[list[int]] = []
        for flat in flats:
            for number in range(BOOKINGS_PER_FLAT):
                group = (self.staying, self.to_cancel, self.to_leave)[self.entered % 3]
                begun = group is self.to_leave
                check_in = whole_now() + (timedelta(hours=-3) if begun else timedelta(days=1 + 3 * number))
                stays.append(
                    {
                        "flat": flat,
                        "guest": GUESTS[self.entered % len(GUESTS)],
                        "check_in": check_in.isoformat(),
                        "check_out": (check_in + timedelta(days=2)).isoformat(),
                    }
                )
                groups.append(group)
                self.entered += 1
        for group, saved in zip(groups, stack.desk.ask("book", stays=stays), strict=True):
            group.append(saved["id"])

    def end_two_thirds(self, stack: Stack, flats_until: int | None = None) -> None:
        """A third is cancelled, a third leaves in a few seconds; of those entered before, when a number is given."""
        cancelled, leaving = self.to_cancel[:flats_until], self.to_leave[:flats_until]
        self.to_cancel, self.to_leave = self.to_cancel[len(cancelled) :], self.to_leave[len(leaving) :]
        stack.desk.ask("cancel", bookings=cancelled)
        stack.desk.ask("check_out", bookings=leaving, at=(whole_now() + timedelta(seconds=6)).isoformat())


def settle_in(stack: Stack) -> Village:
    """Enter account, locks and flats."""
    locks = stack.locks()
    entrance, doors = locks[0]["id"], [lock["id"] for lock in locks[1:]]
    flats = [
        {"name": f"Flat {number}", "doors": [door, entrance] if number < FLATS_BEHIND_THE_ENTRANCE else [door]}
        for number, door in enumerate(doors)
    ]
    return Village(list(stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats).values()))
