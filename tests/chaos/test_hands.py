"""A code that somebody deleted or narrowed in the lock app is back within a minute, where locks are compared often."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos import proofs
from tests.chaos.proofs import Story
from tests.support.processes import Stack

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(1800)]

LOCKS = 4
PERIOD = 15
QUIET = 3 * PERIOD


def test_what_hands_in_the_app_do_is_put_right_within_a_minute(sqlite_url: str, tmp_path: Path) -> None:
    settings = {"AUDIT_SECONDS": str(PERIOD), "SWEEP_SECONDS": "5"}
    with Stack(tmp_path, sqlite_url, simulator=["--locks", str(LOCKS)], settings=settings) as stack:
        locks = stack.locks()
        flats = [{"name": lock["name"], "doors": [lock["id"]]} for lock in locks]
        ids = list(stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats).values())
        begins = proofs.whole_now() - timedelta(hours=1)
        ends = begins + timedelta(days=1)
        stays = [
            {"flat": flat, "guest": "Anna", "check_in": begins.isoformat(), "check_out": ends.isoformat()}
            for flat in ids
        ]
        stack.desk.ask("book", stays=stays)
        proofs.wait_until_right(stack, "all pins are set")

        quiet = _requests_in(stack, QUIET)
        deleted, narrowed = stack.locks()[:2]
        stack.control("remove-pin", lock_id=deleted["id"], pin_id=deleted["pins"][0]["id"])
        early = (ends - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        stack.control("change-pin", lock_id=narrowed["id"], pin_id=narrowed["pins"][0]["id"], endDate=early)
        assert proofs.differences(stack)
        begun = time.monotonic()
        proofs.wait_until_right(stack, "both codes are back", 60)
        taken = time.monotonic() - begun
        proofs.assert_never_wrong(stack, [])
    assert quiet <= LOCKS * (QUIET / PERIOD + 1)
    proofs.write_figures(
        "hands-in-the-app",
        [
            f"locks compared every {PERIOD} s; {LOCKS} quiet locks in {QUIET} s: {quiet} requests",
            f"a deleted and a narrowed code were back after {taken:.0f} s",
        ],
    )


def _requests_in(stack: Stack, seconds: float) -> int:
    before = len(Story.of(stack).requests)
    until = time.monotonic() + seconds
    stack.wait_for("some quiet periods", lambda: time.monotonic() > until, seconds + 30)
    return len(Story.of(stack).requests) - before
