"""What a booking costs: requests are scarce, so they are counted by the cloud's own journal."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import proofs, village
from tests.chaos.proofs import DOUBTS, Story
from tests.support.processes import Stack

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(1800)]

LOCKS = 10
BOOKINGS_PER_LOCK = 5
PINS = LOCKS * BOOKINGS_PER_LOCK
#: The first code of an account is read once, to see what the cloud makes of its name.
READ_BACK = 1
#: Long enough for a slow machine to set all pins before the first stay ends.
SHORT_STAY = timedelta(seconds=20)


@pytest.mark.parametrize("faults", ["", village.FAULTS], ids=["without faults", "with faults"])
def test_a_booking_costs_two_requests_per_lock_and_failures_cost_no_more_than_they_must(
    sqlite_url: str, tmp_path: Path, faults: str
) -> None:
    seed = proofs.seed_of_faults(10)
    options = ["--locks", str(LOCKS), "--latency", "0.02-0.1", "--faults", faults, "--seed", seed]
    with Stack(tmp_path, sqlite_url, simulator=[*options, "--late-seconds", "5"]) as stack:
        locks = stack.locks()
        flats = [{"name": lock["name"], "doors": [lock["id"]]} for lock in locks]
        ids = list(stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats).values())
        ends = proofs.whole_now() + SHORT_STAY
        to_cancel = _book(stack, ids, ends)
        proofs.wait_until_right(stack, "all pins are set")
        set_before_the_end = datetime.now(UTC) < ends
        stack.desk.ask("cancel", bookings=to_cancel)
        stack.wait_for("the short stays end", lambda: datetime.now(UTC) > ends + timedelta(seconds=1), 60)
        proofs.wait_until_right(stack, "no pin is left")
        before = len(Story.of(stack).requests)
        quiet_until = time.monotonic() + 3
        stack.wait_for("three quiet seconds", lambda: time.monotonic() > quiet_until, 30)
        story = proofs.assert_never_wrong(stack, [])
        assert len(story.requests) == before, "requests were sent although nothing was left to do"
        if faults:
            bound = _assert_frugal(story)
        else:
            assert set_before_the_end, "this machine was too slow to set all pins before the first stay ended"
            assert story.by_method == {"POST": PINS, "DELETE": PINS, "GET": READ_BACK}
            bound = 2 * PINS + READ_BACK
    proofs.write_figures(
        "requests-with-faults" if faults else "requests-without-faults",
        [
            f"seed {seed}: {PINS} bookings of one lock each, two fifths cancelled, three fifths checked out",
            *proofs.told(story),
            f"requests per booking and lock over its life: {(len(story.requests) - READ_BACK) / PINS:.2f}",
            f"beside them: {READ_BACK} to read back the name of the account's first code",
            f"allowed: 2.00, and with the faults of this run {bound / PINS:.2f}",
        ],
    )


def _book(stack: Stack, flats: list[int], ends: datetime) -> list[int]:
    """Five stays for every flat; returns those that are to be cancelled. The others end by themselves, soon."""
    stays: list[dict[str, Any]] = []
    for flat in flats:
        for number in range(BOOKINGS_PER_LOCK):
            future = number % 3 == 1
            check_in = ends + timedelta(days=number) if future else ends - timedelta(days=1 + number)
            check_out = check_in + timedelta(days=1) if future else ends
            stay = {"flat": flat, "guest": "Anna", "check_in": check_in.isoformat()}
            stays.append({**stay, "check_out": check_out.isoformat()})
    saved = stack.desk.ask("book", stays=stays)
    return [one["id"] for one, stay in zip(saved, stays, strict=True) if stay["check_in"] > ends.isoformat()]


def _assert_frugal(story: Story) -> int:
    """Per lock: two requests a pin, one more for each failed answer, a look for each doubt, a read for each removal in
    doubt, a closing look for each pin that was ever in doubt, and the account's first code read back. Returns the sum
    of what is allowed."""
    allowed = 0
    for lock in {request["lock_id"] for request in story.requests}:
        requests = [request for request in story.requests if request["lock_id"] == lock]
        failed = [request for request in requests if request["fault"]]
        doubts = [request for request in failed if request["method"] != "GET" and request["fault"] in DOUBTS]
        closing = len({request["alias"] or request["pin_id"] for request in doubts})
        removals = sum(request["method"] == "DELETE" for request in doubts)
        bound = 2 * BOOKINGS_PER_LOCK + len(failed) + len(doubts) + removals + closing + READ_BACK
        assert len(requests) <= bound, f"lock {lock}: {len(requests)} requests, {bound} are explained"
        allowed += bound
    return allowed
