"""The demo in a folder of its own, with the story that the pictures tell: what a host, a guest and a lock do in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from zoneinfo import ZoneInfo

import httpx

from pins.stack import demo, demo_calendars
from pins.stack.processes import free_port
from tests.screenshots.table import Scene
from tests.support.calendars import AIRBNB, airbnb, calendar, event
from tests.support.feeds import FeedServer
from tests.support.processes import Child, FrontDesk
from tests.support.waiting import until

#: Seconds. The demo's cloud is slow and fails often.
_PATIENCE: Final = 300.0
DAY: Final = timedelta(days=1)


class Scenery:
    """The demo and who acts in it, for the length of a `with` block. `tell` is given lines for the terminal."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._port, self._cloud_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        own = demo.own_environment(_environment(), folder / "demo", self._cloud_port)
        # The calendars of the demo change two minutes after its first start: let that be over.
        kept = folder / "demo" / "calendars_since"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text((datetime.now(UTC) - 2 * demo_calendars.CHANGES_AFTER).isoformat() + "\n", encoding="utf-8")
        ports = ("--port", str(self._port), "--simulator-port", str(self._cloud_port))
        self._demo = Child("demo", ["manage.py", "demo", *ports], folder, own)
        self._desk = FrontDesk(Child("desk", ["-m", "tests.chaos.front_desk"], folder, own))
        self._cloud = httpx.Client(base_url=f"http://127.0.0.1:{self._cloud_port}", trust_env=False, timeout=30)
        self._feeds = FeedServer()
        self._folder = folder
        self.places: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._feeds.__enter__()
            self._demo.start()
            self._wait("the simulated locks", lambda: "Board" in self._said())
            self._control("foreign-pin", lock_id=self._lock(demo.ENTRANCE), alias="07/24 Brian xNSAgd")
            self._desk.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._desk.child.stop()
        self._demo.stop()
        self._cloud.close()
        self._feeds.__exit__(kind, error, trace)

    @property
    def password(self) -> str:
        return (self._folder / "demo" / "admin_password").read_text(encoding="utf-8").strip()

    def bring_to(self, scene: Scene) -> None:
        """Let happen what the scene says, and wait until Turnkey has seen it."""
        self._tell(f"Scene: {scene.value}")
        {
            Scene.CALM: self._calm,
            Scene.OFFLINE: self._offline,
            Scene.HELP: lambda: None,  # the guest presses in the picture
            Scene.REPLACED: self._replaced,
        }[scene]()

    # -- what happens ---------------------------------------------------------------------------------------------

    def _calm(self) -> None:
        self._wait("every due code to be on its locks", lambda: "Settled after" in self._said())
        self._control("faults", text="")
        ids = self._ids()
        held = self._held_calendar(ids)
        self.places |= {
            "guest_page": self._printed("Guest"),
            "cleaner_page": self._printed("Cleaner"),
            "cleaner": f"/admin/pins/staffaccess/{ids['staff'][demo.CLEANER]}/change/",
            "garden_flat": f"/admin/rentals/property/{ids['properties']['Garden flat']}/change/",
            "account": f"/admin/rentals/lockaccount/{ids['accounts']['Simulated Tedee account']}/change/",
            "attic_lock": f"/locks/{ids['locks']['Attic']}/",
            "held_feed": f"/admin/rentals/calendarfeed/{held}/change/",
            "changed_booking": f"/admin/rentals/booking/{ids['bookings']['Nikola Probna']}/change/",
        }

    def _held_calendar(self, ids: dict[str, dict[str, int]]) -> int:
        """Of five stays to come three vanish together; one row was never right. Another calendar is gone."""
        today = datetime.now(ZoneInfo(demo.ZONE)).date()
        nights = ((20, 22), (22, 26), (29, 31), (36, 39), (39, 43))
        stays = [
            airbnb(f"stay-{number}", today + first * DAY, today + last * DAY, f"HMTEST000{number}")
            for number, (first, last) in enumerate(nights)
        ]
        damaged = event("damaged@airbnb.com", today + 50 * DAY, today + 45 * DAY)
        flat = ids["properties"]["Garden flat"]
        url = self._feeds.put("/airbnb.ics", calendar(*stays, damaged, prodid=AIRBNB))
        feed = int(self._desk.ask("subscribe", flat=flat, name="Airbnb Garden flat", url=url))
        gone = self._feeds.put("/gone.ics", b"", status=410)
        self._desk.ask("subscribe", flat=ids["properties"]["River room"], name="Vrbo River room", url=gone)
        self._wait("the calendar to be read", lambda: self._desk.ask("calendar", feed=feed)["good_fetch"])
        self._feeds.put("/airbnb.ics", calendar(*stays[:2], damaged, prodid=AIRBNB))
        self._wait("the calendar to be held", lambda: self._desk.ask("calendar", feed=feed)["held"])
        return feed

    def _offline(self) -> None:
        attic = self._lock("Attic")
        self._control(f"locks/{attic}/plug", connected=False)
        zone = ZoneInfo(demo.ZONE)
        begins = datetime.now(UTC).replace(second=0, microsecond=0)
        ends = datetime.combine(begins.astimezone(zone).date() + DAY, datetime.min.time(), zone).replace(hour=11)
        stay = {"flat": self._ids()["properties"]["Attic"], "guest": "Sofia"}
        stay |= {"check_in": begins.isoformat(), "check_out": ends.isoformat()}
        (made,) = self._desk.ask("book", stays=[stay])
        self._wait("a request to the lock to fail", lambda: self._desk.ask("failures", booking=made["id"]))
        page = self._desk.ask("guest_path", booking=made["id"])
        self.places |= {"sofia": f"/stays/{made['id']}/", "sofia_page": page}

    def _replaced(self) -> None:
        self._control(f"locks/{self._lock('Boat house')}/readd")

    # -- how it is looked at --------------------------------------------------------------------------------------

    def _ids(self) -> dict[str, dict[str, int]]:
        return dict(self._desk.ask("names"))

    def _lock(self, name: str) -> int:
        """The number of a lock at the simulated Tedee."""
        answer = self._cloud.get("/control/locks")
        return next(int(one["id"]) for one in answer.json()["locks"] if one["name"] == name)

    def _control(self, path: str, **fields: object) -> None:
        self._cloud.post(f"/control/{path}", json=fields).raise_for_status()

    def _said(self) -> str:
        return self._demo.log.read_text(errors="replace") if self._demo.log.exists() else ""

    def _printed(self, what: str) -> str:
        """The path that the demo printed on its line about something."""
        found = re.search(rf"{what} +{self.url}(/\S+)", self._said())
        if found is None:
            raise AssertionError(f"the demo named no page for: {what}")
        return found[1]

    def _wait(self, what: str, condition: Callable[[], object]) -> None:
        self._tell(f"  waiting for {what}")

        def holds() -> object:
            if not self._demo.runs:
                raise AssertionError(f"the demo ended by itself:\n{self._demo.tail()}")
            return condition()

        until(holds, f"{what}. The demo's last lines:\n{self._demo.tail()}", _PATIENCE)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
