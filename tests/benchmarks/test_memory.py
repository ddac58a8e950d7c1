"""Whether a worker grows: its memory after very many steps beside what it was after the first.

A step is a request that is planned, written down, sent and landed. Stays are booked, moved and cancelled in bulk, again
and again on the same locks, so that codes are set, changed and removed; the steps are counted by the cloud's journal.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.benchmarks import table
from tests.benchmarks.stays import furnish, many_stays, wait_until_settled
from tests.chaos import proofs
from tests.support.processes import Child, Stack

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.real_processes,
    pytest.mark.postgres,
    pytest.mark.timeout(5400),
]

LOCKS, CODES = (50, 20) if table.FULL else (10, 10)
FIRST, LAST = (1_000, 100_000) if table.FULL else (100, 300)


class Steps:
    """Makes them, a thousand at a time in full size."""

    def __init__(self, stack: Stack, flats: list[int]) -> None:
        self._stack, self._flats = stack, flats
        self._booked: list[int] = []
        self._turn = 0
        self.made = 0

    def further(self) -> None:
        """Book, move or cancel all, and wait until the locks follow."""
        desk, turn = self._stack.desk, self._turn % 3
        if turn == 0:
            self._booked = desk.ask("book_in_bulk", stays=many_stays(self._flats, CODES))
        elif turn == 1:
            desk.ask("change_in_bulk", bookings=self._booked, minutes=30)
        else:
            desk.ask("change_in_bulk", bookings=self._booked, status="cancelled")
        wait_until_settled(self._stack, 300)
        story = proofs.Story.of(self._stack)
        done = [one for one in story.requests if one["method"] != "GET" and one["status"] < 300]
        assert len(done) == LOCKS * CODES, "each of them takes one step for each code"
        self.made += len(done)
        self._turn += 1
        self._stack.control("reset-journal")


def resident(child: Child) -> float:
    """Megabytes of memory that a process occupies (RSS)."""
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def test_memory_after_many_steps(postgres_database_url: str, tmp_path: Path) -> None:
    settings = {"SWEEP_SECONDS": "15", "LATE_SECONDS": "600", "TEDEE_RATE_LIMIT": "1000000"}  # it may end in an hour
    with Stack(tmp_path, postgres_database_url, simulator=["--locks", str(LOCKS)], settings=settings) as stack:
        steps = Steps(stack, furnish(stack))
        sizes: list[tuple[int, float]] = []
        while steps.made < LAST:
            steps.further()
            sizes.append((steps.made, resident(stack.worker)))
    first = next(size for made, size in sizes if made >= FIRST)
    among = ", ".join(f"{made:,}: {size:.1f}" for made, size in sizes[:: max(1, len(sizes) // 8)])
    table.record(
        table.MEMORY,
        sizes[-1][1] / first,
        f"{first:.1f} MB after {FIRST:,}, {sizes[-1][1]:.1f} MB after {steps.made:,}; on the way {among}",
    )
