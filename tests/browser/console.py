"""The stack as its pages show it, and how tests look at them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import httpx

from tests.support.processes import Stack

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page, Request
    from playwright.sync_api import expect as expect  # noqa: PLC0414 - so it is handed on
else:

    def expect(what: object) -> object:
        """Playwright's, imported late: without Playwright these tests are skipped, not broken."""
        from playwright.sync_api import expect

        return expect(what)


#: How long a door may take to be ready; usual are two seconds.
PATIENCE = 60.0
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Flat:
    """A property with one door."""

    id: int
    name: str
    lock: int  # its id here
    door: str  # the lock's name
    device: int  # the lock's number at Tedee


@dataclass
class Console:
    """The stack, where its pages are, and the flats that no test has taken yet."""

    stack: Stack
    url: str
    longest_named_flat: Flat
    _free: Iterator[Flat] = field(repr=False)

    @classmethod
    def furnish(cls, stack: Stack, url: str) -> Self:
        """A flat for every lock; the last of both have names as long as people make them."""
        locks = stack.locks()
        locks[-1]["name"] = "Back door of the carriage house behind the old apple orchard"
        names = [f"Harbour {number}" for number in range(1, len(locks))]
        names.append("Donaudampfschifffahrtsgesellschaftskapitänswohnung am Alten Hafen, second floor")
        flats = [{"name": name, "doors": [lock["id"]]} for name, lock in zip(names, locks, strict=True)]
        ids = stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats)
        own = stack.desk.ask("lock_ids")
        made = [
            Flat(ids[name], name, own[str(lock["id"])], lock["name"], lock["id"])
            for name, lock in zip(names, locks, strict=True)
        ]
        return cls(stack, url, made[-1], iter(made[:-1]))

    def flat(self) -> Flat:
        """One that no other test uses."""
        return next(self._free)

    def book(self, flat: Flat, guest: str, begins: timedelta = timedelta(hours=3), nights: int = 2) -> int:
        """A stay that begins so long from now; within a day it is on the board whatever the hour is."""
        check_in = datetime.now(UTC).replace(second=0, microsecond=0) + begins
        stay = {"flat": flat.id, "guest": guest}
        stay |= {"check_in": check_in.isoformat(), "check_out": (check_in + nights * DAY).isoformat()}
        (saved,) = self.stack.desk.ask("book", stays=[stay])
        return int(saved["id"])

    def ready_stay(self, flat: Flat, guest: str, **when: Any) -> int:
        booking = self.book(flat, guest, **when)
        self.wait_until_ready(booking)
        return booking

    def wait_until_ready(self, booking: int) -> None:
        self.stack.wait_for(
            "the code is on the lock", lambda: set(self.stay(booking)["states"].values()) == {"set"}, PATIENCE
        )

    def wait_until_in_trouble(self, booking: int) -> None:
        """One request for it has failed at least."""
        self.stack.wait_for(
            "a request failed", lambda: self.stack.desk.ask("failures", booking=booking) or None, PATIENCE
        )

    def stay(self, booking: int) -> dict[str, Any]:
        return next(dict(one) for one in self.stack.desk.ask("stays") if one["id"] == booking)

    def plug(self, flat: Flat, *, connected: bool) -> None:
        self.stack.control(f"locks/{flat.device}/plug", connected=connected)

    def push(self, feed: int, calendar: bytes) -> dict[str, Any]:
        """As a channel would send its calendar."""
        path = self.stack.desk.ask("push_path", feed=feed)
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as channel:
            answer = channel.post(path, content=calendar, headers={"Content-Type": "text/calendar"})
        answer.raise_for_status()
        return dict(answer.json())


class Watch:
    """Notes what no page may do: write an error to its console, fail in a script, ask any other server."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self.requests = 0
        self.complaints: list[str] = []

    def over(self, context: BrowserContext) -> None:
        context.on("request", self._asked)
        context.on("console", lambda said: self._complain(said.type in ("error", "warning"), f"console: {said.text}"))
        context.on("weberror", lambda error: self._complain(True, f"script: {error.error}"))
        context.on("page", lambda page: page.on("websocket", lambda socket: self._elsewhere(socket.url)))

    def _asked(self, request: Request) -> None:
        self.requests += 1
        self._elsewhere(request.url)

    def _elsewhere(self, url: str) -> None:
        self._complain(urlsplit(url).netloc != self._host, f"asked elsewhere: {url}")

    def _complain(self, wrong: bool, what: str) -> None:
        if wrong:
            self.complaints.append(what)


def look_again(page: Page) -> None:
    """Move the clock of a page, installed before it was opened, on to its next look at the server, and wait for it."""
    # In braces, so that the promise is kept and not waited for.
    page.evaluate(
        "() => { window.settled = new Promise(done => "
        "document.body.addEventListener('htmx:afterSettle', () => done(true), {once: true})) }"
    )
    page.clock.fast_forward("00:31")
    page.evaluate("window.settled")


def see_by_itself(page: Page, what: Locator, seconds: float = PATIENCE) -> None:
    """Wait until something stands on the page that renews itself; it is never loaded again."""
    deadline = time.monotonic() + seconds
    while not what.is_visible():
        assert time.monotonic() < deadline, f"not seen within {seconds:.0f} s: {what}"
        look_again(page)


def remember(page: Page) -> None:
    """Leave a mark that a page loses when it is loaded again."""
    page.evaluate("window.sameDocument = true")


def is_same_document(page: Page) -> bool:
    return bool(page.evaluate("window.sameDocument === true"))


def row(page: Page, guest: str) -> Locator:
    """The line of a stay among the arrivals."""
    return page.locator("[id^=arrivals-] .rows > li").filter(has_text=guest)
