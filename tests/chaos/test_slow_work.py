"""Calendars that hang keep threads for half a minute each: no door waits for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.chaos import proofs
from tests.support.feeds import FeedServer
from tests.support.processes import Stack

pytestmark = [pytest.mark.real_processes, pytest.mark.timeout(600)]

ROOM_FOR_DOORS, ROOM_FOR_FEEDS = 2, 6
FEEDS = 4 * ROOM_FOR_FEEDS
SETTINGS = {
    "FEEDS_ALLOW_PRIVATE_HOSTS": "1",
    "FEED_TICK_SECONDS": "1",
    "FEED_POLL_SECONDS": "1",
    "FEED_BACKOFF_SECONDS": "1",
    "TEDEE_MAX_IN_FLIGHT": str(ROOM_FOR_DOORS),
    "FEED_MAX_IN_FLIGHT": str(ROOM_FOR_FEEDS),
    "SWEEP_SECONDS": "600",  # the code comes by its own message, or the test fails
}
#: Far below the 30 seconds for which a calendar may hang, far above what a loaded machine adds.
AT_ONCE = 8.0


def test_a_door_does_not_wait_for_calendars_that_hang(sqlite_url: str, tmp_path: Path) -> None:
    with Stack(tmp_path, sqlite_url, simulator=["--locks", "1"], settings=SETTINGS) as stack, FeedServer() as channel:
        (lock,) = stack.locks()
        flats = [{"name": "Flat", "doors": [lock["id"]]}]
        (flat,) = stack.desk.ask("furnish", key=stack.key, locks=[lock], flats=flats).values()
        for number in range(FEEDS):
            stack.desk.ask("subscribe", flat=flat, name=f"Feed {number}", url=channel.hang(f"/{number}.ics"))
        stack.wait_for("as many calendars hang as may", lambda: len(channel.requests) >= ROOM_FOR_FEEDS, 60, every=0.05)

        check_in = proofs.whole_now() + timedelta(days=1)
        stay = {"flat": flat, "guest": "Anna", "check_in": check_in.isoformat()}
        (saved,) = stack.desk.ask("book", stays=[{**stay, "check_out": (check_in + timedelta(days=2)).isoformat()}])
        (created,) = stack.wait_for("the code is on the lock", lambda: proofs.Story.of(stack).changes or None, 60)
        waited = datetime.fromisoformat(created["at"]).timestamp() - saved["begun"]

        assert waited < AT_ONCE, "the door waited for a calendar"
        assert sum(channel.requests.values()) <= 2 * ROOM_FOR_FEEDS, "more calendars hung at once than have room"
    proofs.write_figures(
        "slow-work",
        [
            f"{FEEDS} calendars that hang, room for {ROOM_FOR_FEEDS} and for {ROOM_FOR_DOORS} locks in one worker",
            f"from the call of save() to the code on the lock: {waited:.3f} s",
        ],
    )
