"""A channel's calendar goes through everything that channels do, before real processes: the codes follow rule by rule,
and no guest ever loses one because of a feed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.chaos import proofs
from tests.support.feeds import FeedServer, sample
from tests.support.processes import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.real_processes, pytest.mark.timeout(600)]

#: Absences are confirmed after seconds instead of half an hour, calendars read every second instead of every quarter.
CONFIRM_SECONDS = 4
SETTINGS = {
    "FEEDS_ALLOW_PRIVATE_HOSTS": "1",
    "FEED_TICK_SECONDS": "1",
    "FEED_POLL_SECONDS": "1",
    "FEED_BACKOFF_SECONDS": "1",
    "FEED_CONFIRM_SECONDS": str(CONFIRM_SECONDS),
    "FEED_FAILURES_BEFORE_ALERT": "2",
}
PATIENCE = 60.0
DAY = timedelta(days=1)


def test_codes_follow_the_calendar_and_outlive_all_its_faults(sqlite_url: str, tmp_path: Path) -> None:
    today = local_day()
    with Stack(tmp_path, sqlite_url, simulator=["--locks", "1"], settings=SETTINGS) as stack, FeedServer() as channel:
        url = channel.put("/airbnb.ics", sample(1, today))
        house = settle_in(stack, channel, "Airbnb Attic", url)
        with Watch(stack) as watch:
            # 01: three stays, the first in progress; blocks get no code.
            house.wait("three stays have their codes", lambda: len(house.pins()) == 3)
            first, second, third = (house.pin_of(f"HMTEST000{number}") for number in (1, 2, 3))
            assert period(second) == hours(today + 2 * DAY, today + 7 * DAY)

            # 02: a stay moves and keeps its code; one is absent, which counts only when a second look confirms it.
            changed_at = datetime.now(UTC)
            channel.put("/airbnb.ics", sample(2, today))
            house.wait("the moved stay has its new hours", lambda: house.moved(today + 3 * DAY, today + 8 * DAY))
            moved = house.pin_of("HMTEST0002")
            assert (moved["id"], moved["pin"]) == (second["id"], second["pin"])
            house.wait("the absent stay lost its code", lambda: len(house.pins()) == 2)
            confirmed_after = house.removal_of(third["id"]) - changed_at
            assert confirmed_after >= timedelta(seconds=CONFIRM_SECONDS)
            assert house.stay("HMTEST0003")["status"] == "cancelled"

            # 16: an outage that looks like an empty calendar holds the feed, with one alert, and cancels nothing.
            channel.put("/airbnb.ics", sample(16))
            house.wait("the feed is held", lambda: house.look()["held"])
            house.fetches_for(CONFIRM_SECONDS + 2)
            assert house.look()["open_incidents"] == ["feed_held"]
            assert house.pins() == house.sorted_pins(first, moved)

            # 17 and 18: half a calendar and an error page are no calendars.
            for number in (17, 18):
                channel.put("/airbnb.ics", sample(number, today))
                house.wait("the feed fails", lambda: house.look()["failures"] >= 2)
                house.fetches_for(CONFIRM_SECONDS)
                assert "feed_failing" in house.look()["open_incidents"]
                assert house.pins() == house.sorted_pins(first, moved)
                if number == 17:
                    channel.put("/airbnb.ics", sample(2, today))
                    house.wait("it can be read again", lambda: house.look()["open_incidents"] == [])

            # And back: the first shape again, everything in order.
            channel.put("/airbnb.ics", sample(1, today))
            house.wait("three codes again", lambda: len(house.pins()) == 3)
            house.wait("the stay is back on its days", lambda: house.moved(today + 2 * DAY, today + 7 * DAY))
            house.wait("nothing is open", lambda: house.look()["open_incidents"] == [])
            proofs.wait_until_right(stack, "bookings, locks and database agree", PATIENCE)

            assert house.pin_of("HMTEST0001") == first, "the guest in the house kept the code untouched"
            back = house.pin_of("HMTEST0002")
            assert (back["id"], back["pin"]) == (second["id"], second["pin"])
            assert house.stay("HMTEST0003")["status"] == "confirmed"
            assert house.look()["incidents"] == 3, "held once, failing twice, each told once"
        story = proofs.assert_never_wrong(stack, house.foreign)
        removed = [change["pin_id"] for change in story.changes if change["action"] not in ("created", "updated")]
        assert removed == [third["id"]]
        assert watch.vanished == {third["id"]}, "the code of a living stay was gone for a moment"
    proofs.write_figures(
        "calendars-through-faults",
        [
            f"shapes 01, 02, 16, 17, 02, 18, 01 in {channel.requests['/airbnb.ics']} fetches",
            f"{watch.looks} looks at the lock while it happened",
            f"an absence took effect after {confirmed_after.total_seconds():.1f} s (at least {CONFIRM_SECONDS} s)",
            *proofs.told(story),
        ],
    )


def test_new_identities_of_every_event_cost_no_request(sqlite_url: str, tmp_path: Path) -> None:
    yesterday = local_day() - DAY  # the second shape is the next day's: today's
    with Stack(tmp_path, sqlite_url, simulator=["--locks", "1"], settings=SETTINGS) as stack, FeedServer() as channel:
        url = channel.put("/booking.ics", sample(4, yesterday))
        house = settle_in(stack, channel, "Booking.com Attic", url)
        house.wait("three stays have their codes", lambda: len(house.pins()) == 3)
        proofs.wait_until_right(stack, "the database knows it too", PATIENCE)
        assert house.look()["verdicts"] == ["review", "stay", "stay", "stay"]
        stays, pins, requests = house.look()["stays"], house.pins(), len(proofs.Story.of(stack).requests)

        channel.put("/booking.ics", sample(5, yesterday))
        house.fetches_for(2 * CONFIRM_SECONDS)

        assert house.look()["stays"] == stays
        assert house.pins() == pins
        story = proofs.assert_never_wrong(stack, house.foreign)
        assert len(story.requests) == requests, "a changed UID cost a request to a lock"
        assert house.look()["incidents"] == 0
    proofs.write_figures(
        "calendars-rotated-uids",
        [
            f"shapes 04, then 05 with every UID rotated; {channel.requests['/booking.ics']} fetches",
            f"requests to the lock: {requests} before, {len(story.requests) - requests} because of the rotation",
        ],
    )


def local_day() -> date:
    """Today where the flats are."""
    return datetime.now(ZoneInfo("Europe/Warsaw")).date()


def settle_in(stack: Stack, channel: FeedServer, name: str, url: str) -> House:
    """Enter account, lock and a flat that gets codes two months ahead, and its calendar."""
    (lock,) = stack.locks()
    flats = [{"name": "Attic", "doors": [lock["id"]], "issue_ahead_days": 60}]
    foreign = proofs.foreign_pins(stack)
    (flat,) = stack.desk.ask("furnish", key=stack.key, locks=[lock], flats=flats).values()
    feed = stack.desk.ask("subscribe", flat=flat, name=name, url=url)
    return House(stack, channel, feed, url.rpartition("/")[2], foreign)


@dataclass
class House:
    """A flat with one door, whose bookings come from one calendar."""

    stack: Stack
    channel: FeedServer
    feed: int
    file: str
    foreign: list[tuple[int, dict[str, Any]]] = field(repr=False)

    def wait(self, what: str, look: Callable[[], object], seconds: float = PATIENCE) -> None:
        self.stack.wait_for(what, lambda: bool(look()), seconds, every=0.2, progress=lambda: str(self.look()))

    def look(self) -> dict[str, Any]:
        return dict(self.stack.desk.ask("calendar", feed=self.feed))

    def stay(self, code: str) -> dict[str, Any]:
        return dict(self.look()["stays"][code])

    def pins(self) -> list[dict[str, Any]]:
        """Ours on the lock, in the order of their ids."""
        return self.sorted_pins(*(pin for lock in self.stack.locks() for pin in lock["pins"] if not pin["foreign"]))

    def sorted_pins(self, *pins: dict[str, Any]) -> list[dict[str, Any]]:
        return sorted(pins, key=lambda pin: int(pin["id"]))

    def pin_of(self, code: str) -> dict[str, Any]:
        """The pin whose period is that of the stay."""
        stay = self.stay(code)
        wanted = tuple(datetime.fromisoformat(stay[name]) for name in ("check_in", "check_out"))
        (pin,) = [pin for pin in self.pins() if period(pin) == wanted]
        return pin

    def moved(self, first: date, last: date) -> bool:
        """Whether some code is on the lock for these days."""
        return any(period(pin) == hours(first, last) for pin in self.pins())

    def removal_of(self, pin_id: int) -> datetime:
        (change,) = [
            one
            for one in proofs.Story.of(self.stack).changes
            if one["pin_id"] == pin_id and one["action"] not in ("created", "updated")
        ]
        return datetime.fromisoformat(change["at"])

    def fetches_for(self, seconds: float) -> None:
        """Let the calendar be read again and again for a while: three times at least."""
        path, begun = f"/{self.file}", time.monotonic()
        before = self.channel.requests[path]
        self.wait(
            "the calendar is read again and again",
            lambda: self.channel.requests[path] >= before + 3 and time.monotonic() - begun >= seconds,
        )


def hours(first: date, last: date) -> tuple[datetime, ...]:
    """From check-in at 15:00 to check-out at 11:00, where the flat is."""
    zone = ZoneInfo("Europe/Warsaw")
    return datetime.combine(first, wall_time(15), zone), datetime.combine(last, wall_time(11), zone)


def period(pin: dict[str, Any]) -> tuple[datetime, ...]:
    return tuple(datetime.fromisoformat(pin[name]) for name in ("startDate", "endDate"))


class Watch:
    """Looks at the lock all the time, in a thread of its own, and notes each pin of ours that is gone."""

    def __init__(self, stack: Stack) -> None:
        self._url = stack.cloud.base_url
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self.vanished: set[int] = set()
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        seen: set[int] = set()
        with httpx.Client(base_url=self._url, trust_env=False, timeout=30) as cloud:
            while not self._stop.wait(0.05):
                locks = cloud.get("/control/locks").json()["locks"]
                there = {pin["id"] for lock in locks for pin in lock["pins"] if not pin["foreign"]}
                self.vanished |= seen - there
                seen |= there
                self.looks += 1
