"""Whatever is sent to whatever address, the answer comes soon and is no fault of ours.

Some hundred requests each time. `TURNKEY_FUZZ_REQUESTS=10000` sends more, `TURNKEY_FUZZ_SEED` others; a failure names
the seed and prints the request.
"""

from __future__ import annotations

import os
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import got_request_exception, request_finished, request_started
from django.db import close_old_connections
from django.test import Client

from config.wsgi import application
from rentals.models import CalendarFeed, PublishedCalendar
from tests.support import site_walk
from tests.support.fuzz import Fuzz, Request
from tests.support.house import House

pytestmark = pytest.mark.django_db

REQUESTS = int(os.environ.get("TURNKEY_FUZZ_REQUESTS", "400"))
SEED = os.environ.get("TURNKEY_FUZZ_SEED", "1")
#: Seconds that an answer may take on a machine with much to do.
PATIENCE = 20.0
#: They say that a part of the system is not there, as no broker is here.
HONEST = {"/readyz": {503}}


@pytest.fixture
def known() -> dict[str, list[str]]:
    """Values of placeholders, so that requests come further than to “there is nothing here”."""
    house = House()
    flat = house.flat(house.lock())
    stay = house.stay(flat, timedelta(hours=1), timedelta(days=1))
    feed = CalendarFeed.objects.create(property=flat, name="Airbnb")
    return {
        "/calendars/token": [PublishedCalendar.objects.create(property=flat, name="Cleaners").token],
        "/webhooks/ical/token": [feed.token],
        "/webhooks/tedee/token": [house.account.webhook_token],
        "booking_id": [str(stay.pk)],
        "lock_id": [str(house.account.locks.get().pk)],
        "object_id": ["1", str(stay.pk)],
        "action": ["revoke", "change_days"],
        "app_label": ["rentals", "pins"],
        "uidb64": ["MQ", "1"],
    }


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """A request would close the connection in whose transaction the test runs."""
    for signal in (request_started, request_finished):
        assert signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.timeout(max(180, REQUESTS))
@pytest.mark.parametrize(("person", "share"), [("anonymous", 0.75), ("host", 0.25)])
@pytest.mark.usefixtures("no_log", "kept_connection")
def test_no_request_is_answered_by_a_fault(person: str, share: float, known: dict[str, list[str]]) -> None:
    patterns = site_walk.patterns()
    if person == "anonymous":  # all other pages of the admin are behind the login page
        patterns = [one for one in patterns if one.count("/") < 4 or not one.startswith("/admin/") or "password" in one]
    fuzz = Fuzz(f"{SEED}-{person}", patterns, known)
    site = Site(person)
    statuses: Counter[int] = Counter()
    faults = 0
    for number in range(round(REQUESTS * share)):
        request = fuzz.request(number)
        if person == "host":
            request.method = "GET"  # a host may delete all that there is
        status, began = 0, time.monotonic()
        try:
            status = site.status(request, f"203.0.113.{number % 250}")
        except Exception:  # noqa: BLE001 - it would end the request's thread
            site.told.append(traceback.format_exc())
        finally:  # also when the test's time is over
            seconds = time.monotonic() - began
            if not (0 < status < 500 or status in HONEST.get(request.path, ())) or seconds > PATIENCE:
                faults += 1
                print(f"---- TURNKEY_FUZZ_SEED={SEED}, request {number} as {person}, {seconds:.1f} s:\n{request}")
                print(*site.told, sep="\n")
        statuses[status] += 1
    print(statuses)
    assert faults == 0, f"{faults} of {statuses.total()}: see above"
    assert len(statuses) > 4  # they came to more than one place


class Site:
    """What a web server calls, as somebody."""

    def __init__(self, person: str) -> None:
        self.told: list[str] = []  # what Django met on the way to the last answer
        self._cookie = ""
        if person == "host":
            client = Client()
            client.force_login(User.objects.create_superuser("host"))
            self._cookie = f"sessionid={client.cookies['sessionid'].value}"
        got_request_exception.connect(self._note)

    def status(self, request: Request, address: str) -> int:
        self.told.clear()
        found: list[int] = []
        environ = request.environ(address)
        if self._cookie:
            environ["HTTP_COOKIE"] = self._cookie
        begun: Any = lambda status, headers: found.append(int(status[:3]))  # noqa: E731
        body = application(environ, begun)
        for _ in body:
            pass
        if close := getattr(body, "close", None):
            close()
        return found[0]

    def _note(self, **_: object) -> None:
        self.told.append(traceback.format_exc())


@pytest.mark.parametrize(
    ("address", "query", "content_type", "status"),
    [
        ("/timeline/", "q=x" + "&a" * 1200, "text/plain; charset=utf-16", 400),
        ("/healthz", "q=x", "text/plain; charset=hex", 200),
        ("/healthz", "q=x", "text/plain; charset=idna", 200),
        ("/healthz", "q=x", "a/b; x*=nope''y", 200),
        ("/healthz", "q=x", "a/b; x*=punycode''" + "a" * 60_000, 200),
        ("/admin/auth/user/9999/delete/", "_to_field=", "", 302),
        ("/admin/rentals/booking/1/change/", "_to_field=", "", 302),
        ("/admin/rentals/lock/export/", "show=true", "", 302),
        ("/admin/rentals/property/export/", "pk=NaN", "", 302),
    ],
)
@pytest.mark.usefixtures("no_log", "kept_connection")
def test_what_was_a_fault_once(address: str, query: str, content_type: str, status: int) -> None:
    request = Request("GET", address, query, content_type, b"")
    assert Site("host").status(request, "203.0.113.1") == status


def test_the_same_seed_makes_the_same_requests() -> None:
    patterns = site_walk.patterns()
    first, again = (Fuzz("x", patterns, {}) for _ in range(2))
    assert str(first.request(7)) == str(again.request(7))
    assert len({str(first.request(number)) for number in range(50)}) == 50
