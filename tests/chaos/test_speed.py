"""How long it takes from a saved booking to the PIN on the lock, measured by the cloud's own journal."""

from __future__ import annotations

import statistics
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.chaos import proofs
from tests.support.processes import Stack

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(1800)]

BOOKINGS = 10


def test_a_saved_booking_reaches_the_lock_without_waiting_for_the_sweep(sqlite_url: str, tmp_path: Path) -> None:
    with Stack(tmp_path, sqlite_url, simulator=["--locks", "1"], settings={"SWEEP_SECONDS": "600"}) as stack:
        (lock,) = stack.locks()
        flats = [{"name": "Flat", "doors": [lock["id"]]}]
        (flat,) = stack.desk.ask("furnish", key=stack.key, locks=[lock], flats=flats).values()
        taken = []
        for number in range(BOOKINGS):
            check_in = proofs.whole_now() + timedelta(days=1 + 2 * number)
            stay = {"flat": flat, "guest": "Anna", "check_in": check_in.isoformat()}
            stay["check_out"] = (check_in + timedelta(days=1)).isoformat()
            (saved,) = stack.desk.ask("book", stays=[stay])
            created = stack.wait_for("the pin is on the lock", partial(_created, stack, number), 60, every=0.02)
            taken.append(created.timestamp() - saved["begun"])
        proofs.wait_until_right(stack, "the database knows it too")
    assert max(taken) < 60, "slower than the deadline that gave this test its time"
    proofs.write_figures(
        "speed-of-the-first-pin",
        [
            f"{BOOKINGS} bookings, a cloud that answers at once; from the call of save() to the PIN on the lock:",
            f"first {taken[0]:.3f} s, median {statistics.median(taken):.3f} s, slowest {max(taken):.3f} s",
        ],
    )


def _created(stack: Stack, number: int) -> datetime | None:
    changes = proofs.Story.of(stack).changes
    return datetime.fromisoformat(changes[number]["at"]) if len(changes) > number else None
