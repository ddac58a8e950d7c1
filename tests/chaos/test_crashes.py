"""The same failing cloud, while the worker is killed four times and the broker is flushed, killed and started again."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.chaos import proofs, village
from tests.support.processes import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.real_processes, pytest.mark.timeout(1800)]

ROUNDS = 4
FLATS_BEFORE = 9  # their stays are set before the first kill and end while the kills go on


def test_kills_and_a_lost_broker_cost_time_but_no_pin(sqlite_url: str, tmp_path: Path) -> None:
    seed = proofs.seed_of_faults(7)
    options = ["--locks", str(village.LOCKS), "--foreign-pins", "3", "--latency", "0.1-0.4", "--late-seconds", "5"]
    with Stack(tmp_path, sqlite_url, simulator=[*options, "--faults", village.FAULTS, "--seed", seed]) as stack:
        place = village.settle_in(stack)
        foreign = proofs.foreign_pins(stack)
        place.book(stack, place.flats[:FLATS_BEFORE])
        proofs.wait_until_right(stack, "the first stays have their pins")

        begun = time.monotonic()
        killed_at = []
        new_flats, old_stays = place.flats[FLATS_BEFORE:], len(place.to_cancel)
        for number in range(ROUNDS):
            # New stays come and old ones end, so that the kill meets every kind of request.
            place.book(stack, new_flats[number::ROUNDS])
            place.end_two_thirds(stack, -(-old_stays // ROUNDS))
            killed_at.append(_kill_in_the_act(stack))
            if number == 1:
                stack.flush_redis()
            if number == 2:
                stack.cut_redis(seconds=1)
            stack.wait_for_worker()
        blows_took = time.monotonic() - begun
        proofs.wait_until_right(stack, "what the kills interrupted is put right")
        right_after = time.monotonic() - begun
        proofs.assert_never_wrong(stack, foreign)

        begun = time.monotonic()
        place.end_two_thirds(stack)
        proofs.wait_until_right(stack, "the pins of two thirds are gone, the others stay")
        gone_after = time.monotonic() - begun

        story = proofs.assert_never_wrong(stack, foreign)
        in_flight = [story.under_way_at(moment) for moment in killed_at]
        assert any(in_flight), "no kill met a request under way: this run proved nothing"
    proofs.write_figures(
        "crashes",
        [
            f"database sqlite, seed {seed}: {village.LOCKS} locks, {place.entered} bookings",
            *proofs.told(story),
            f"kill -9 of the worker: {len(killed_at)}, requests under way at each: {', '.join(map(str, in_flight))}",
            "Redis: flushed once, killed and started again once",
            f"blows took {blows_took:.1f} s; all right {right_after:.1f} s after the first (a lease lives 60 s)",
            f"the rest ended: gone after {gone_after:.1f} s",
            f"foreign pins untouched: {len(foreign)}",
        ],
    )


def _kill_in_the_act(stack: Stack) -> datetime:
    """Wait until several devices are at work, then `kill -9`."""
    stack.wait_for(
        "several devices are at work", lambda: sum(lock["occupied"] for lock in stack.locks()) >= 2, 60, every=0.01
    )
    killed_at = datetime.now(UTC)
    stack.kill_worker()
    return killed_at
