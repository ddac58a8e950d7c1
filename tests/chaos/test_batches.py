"""Runs that set many codes one after the other, killed four times in their midst: what a run took in advance, what it
knew from its beginning, and what it had not ended yet, are all lost with it, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.chaos import proofs
from tests.support.processes import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.real_processes, pytest.mark.timeout(1800)]

ROUNDS, LOCKS_A_ROUND, CODES = 4, 3, 12
FAULTS = "timeout_applied=0.05,timeout_lost=0.05,busy=0.05,writes_only"


def test_kills_in_the_midst_of_batches_lose_nothing(database_url: str, tmp_path: Path) -> None:
    options = ["--locks", str(ROUNDS * LOCKS_A_ROUND), "--foreign-pins", "3", "--latency", "0.2"]
    options += ["--late-seconds", "5", "--faults", FAULTS, "--seed", proofs.seed_of_faults(11)]
    with Stack(tmp_path, database_url, simulator=options) as stack:
        locks = stack.locks()
        foreign = proofs.foreign_pins(stack)
        flats = stack.desk.ask(
            "furnish",
            key=stack.key,
            locks=locks,
            flats=[{"name": f"Flat {lock['id']}", "doors": [lock["id"]]} for lock in locks],
        )
        killed_at, done = [], []
        for number in range(ROUNDS):
            # Each round has locks of its own: those of the round before keep their leases for a minute.
            ids = [lock["id"] for lock in locks[number * LOCKS_A_ROUND : (number + 1) * LOCKS_A_ROUND]]
            stack.desk.ask("book_together", stays=[stay for lock in ids for stay in _stays(flats[f"Flat {lock}"])])
            stack.wait_for("the batches are half done", partial(_half_done, stack, ids), 120, every=0.02)
            killed_at.append(datetime.now(UTC))
            stack.kill_worker()
            done.append(_codes(stack, ids))
            stack.wait_for_worker()
        proofs.wait_until_right(stack, "what the kills interrupted is put right")
        story = proofs.assert_never_wrong(stack, foreign)
        in_flight = [story.under_way_at(moment) for moment in killed_at]
        sent, counted = stack.journal()["requests"], stack.desk.ask("spent")
    assert any(in_flight), "no kill met a request under way: this run proved nothing"
    assert all(0 < count < LOCKS_A_ROUND * CODES for count in done), "no kill met a batch in its midst"
    # What a killed run took in advance counts as spent: never too little, and at most a block for each of its locks.
    assert len(sent) <= counted <= len(sent) + 5 * ROUNDS * LOCKS_A_ROUND
    proofs.write_figures(
        f"batches-{database_url.partition(':')[0]}",
        [
            f"{ROUNDS} times {LOCKS_A_ROUND} locks with {CODES} codes each",
            *proofs.told(story),
            f"codes on the locks at each kill: {', '.join(map(str, done))} of {LOCKS_A_ROUND * CODES}",
            f"requests under way at each: {', '.join(map(str, in_flight))}",
            f"requests sent {len(sent)}, counted {counted}",
        ],
    )


def _stays(flat: int) -> list[dict[str, object]]:
    first = proofs.whole_now() + timedelta(days=1)
    days = [first + timedelta(days=number) for number in range(CODES)]
    return [
        {
            "flat": flat,
            "guest": f"Guest{number}",  # one guest who stays on would keep one code until the next begins
            "check_in": day.isoformat(),
            "check_out": (day + timedelta(hours=20)).isoformat(),
        }
        for number, day in enumerate(days)
    ]


def _codes(stack: Stack, ids: list[int]) -> int:
    return sum(not pin["foreign"] for lock in stack.locks() if lock["id"] in ids for pin in lock["pins"])


def _half_done(stack: Stack, ids: list[int]) -> bool:
    at_work = sum(lock["occupied"] for lock in stack.locks() if lock["id"] in ids)
    return at_work >= 2 and _codes(stack, ids) >= LOCKS_A_ROUND * CODES // 3
