"""What the board says is to fix: one entry for each cause, and below it whom it concerns."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.board import issues, loading
from pins.incidents import slow_checks, sweep_checks
from pins.models import Incident, Pin
from rentals.access import EVERYTHING, Scope
from rentals.models import Booking, Lock
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def board(scope: Scope = EVERYTHING) -> loading.Board:
    return loading.load(timezone.now(), scope=scope)


def said(shown: loading.Board) -> list[tuple[str, str, list[str], int]]:
    return [(one.what, one.subject, [stay.who for stay in one.concerns], one.more) for one in shown.issues]


def late(*stays: Booking, severity: Incident.Severity = Severity.WARNING) -> None:
    for pin in Pin.objects.filter(grant__booking__in=stays):
        Incident.open(Kind.CODE_LATE, timezone.now(), about=pin, severity=severity)


def test_a_lock_that_is_offline_is_one_thing_to_fix(host: Client, house: House, clock: time_machine.Traveller) -> None:
    """From the pulled plug on, as the check of every sweep finds it."""
    door = house.lock("Rose door")
    rose = house.flat(door, name="Rose Flat")
    for begins, name in ((9, "Cleo Roe"), (6, "Ben Ode"), (5, "Anna Berg")):
        house.stay(rose, begins * HOUR, 10 * DAY, name)
    house.stay(rose, 20 * HOUR, 10 * DAY, "Dora")
    house.cloud.set_connected(door.device_id, False)
    house.settle()
    sweep_checks.check(timezone.now())
    clock.shift(HOUR)
    house.settle()
    sweep_checks.check(timezone.now())
    assert Incident.objects.filter(resolved_at=None).count() == 5

    shown = board()
    assert said(shown) == [
        (
            "The lock cannot be reached",
            "Rose door",
            ["Anna Berg at Rose Flat", "Ben Ode at Rose Flat", "Cleo Roe at Rose Flat"],
            1,
        )
    ]
    assert (shown.to_fix, shown.issues[0].badge.label) == (1, "Urgent")
    part = unescape(host.get("/").content.decode()).partition('id="issues"')[2].partition("</section>")[0]
    anna = Booking.objects.get(guest_name="Anna Berg")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part))
    assert "Check the bridge and its Wi-Fi" in words
    assert "Anna Berg at Rose Flat , arrives today 15:00 CET" in words
    assert f'<a href="/stays/{anna.pk}/">Anna Berg at Rose Flat</a>' in part
    assert f'<a href="/locks/{door.pk}/">1 more</a>' in part
    assert "1 thing to fix" in host.get("/").content.decode()


def test_a_lock_without_keypad_is_one_thing_to_fix_however_many_arrive(house: House) -> None:
    door = house.lock("Rose door")
    rose = house.flat(door, name="Rose Flat")
    house.stay(rose, 5 * HOUR, HOUR, "Anna")
    house.stay(rose, -HOUR, 2 * HOUR, "Ben")
    house.settle()
    Lock.objects.update(has_keypad=False)
    assert len(board().issues) == 2  # nobody has noticed the cause yet
    slow_checks.check(timezone.now())
    (only,) = board().issues
    assert (only.what, only.subject) == ("The lock has no keypad, and guests are expected", "Rose door")
    assert [(one.who, one.when) for one in only.concerns] == [
        ("Ben at Rose Flat", "expected since Mon 1 Mar, 09:00 CET"),
        ("Anna at Rose Flat", "arrives today 15:00 CET"),
    ]


def test_an_account_speaks_for_the_codes_of_all_its_locks(house: House) -> None:
    stays = [house.stay(house.flat(house.lock(), house.lock()), 5 * HOUR, DAY, name) for name in ("Anna", "Ben")]
    late(*stays)
    Incident.open(Kind.DEAD_KEY, timezone.now(), about=house.account)
    assert said(board()) == [("Tedee refuses the access key", "Office", ["Anna at Flat", "Ben at Flat"], 0)]


def test_a_code_that_stays_says_when_its_guest_left(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    stay = house.stay(house.flat(door), HOUR, HOUR, "Anna")
    gone = house.stay(stay.property, 3 * DAY, DAY, "Ben")
    house.settle()
    for one in (stay, gone):
        Incident.open(Kind.CODE_STAYS, timezone.now(), about=pin_of(one, door))
    Incident.open(Kind.LOCK_OFFLINE, timezone.now(), about=door)
    clock.shift(3 * HOUR)
    (only,) = board().issues
    assert [one.when for one in only.concerns] == ["left Mon 1 Mar, 12:00 CET", "the code should be gone"]


def test_an_entry_says_since_when_or_until_when_a_guest_waits(house: House) -> None:
    """The guest's hour decides what is urgent, not the age of the incident."""
    flat = house.flat(house.lock())
    for begins, name in ((-DAY, "Anna"), (5 * HOUR, "Ben"), (3 * DAY, "Cleo")):
        booking = house.stay(flat, begins, 2 * DAY, name)
        pin = Pin.objects.get(grant__booking=booking)
        Incident.open(Kind.VALUE_TAKEN, timezone.now(), about=pin)
        Incident.open(Kind.STAYS_OVERLAP, timezone.now(), about=booking)
    whens = {one.subject.split()[0]: one.when for one in board().issues}
    assert whens == {
        "Anna": "expected since Sun 28 Feb, 10:00 CET",
        "Ben": "arrives today 15:00 CET",
        "Cleo": "arrives Thu 4 Mar, 10:00 CET",
    }


def test_a_code_of_a_deleted_booking_is_named_without_a_place(house: House) -> None:
    door = house.lock()
    stay = house.stay(house.flat(door), HOUR, HOUR, "Anna")
    house.settle()
    Incident.open(Kind.CODE_STAYS, timezone.now(), about=pin_of(stay, door))
    stay.delete()
    assert said(board()) == [("The code is still on the lock after check-out", "Anna, Door", [], 0)]
    Incident.open(Kind.LOCK_OFFLINE, timezone.now(), about=door)
    (only,) = board().issues
    assert [(one.who, one.url) for one in only.concerns] == [("Anna", f"/locks/{door.pk}/")]


def test_a_shared_lock_names_nobody_of_another_property(house: House) -> None:
    entrance = house.lock("Entrance")
    own, other = house.flat(entrance, name="Own"), house.flat(entrance, name="Other")
    late(house.stay(own, 5 * HOUR, DAY, "Anna"))
    late(*(house.stay(other, number * HOUR, DAY, "Zoe") for number in (1, 2, 3, 4)), severity=Severity.URGENT)
    Incident.open(Kind.LOCK_OFFLINE, timezone.now(), about=entrance)
    assert [more for *_, more in said(board())] == [2]
    shown = board(Scope(frozenset({own.pk})))
    assert said(shown) == [("The lock cannot be reached", "Entrance", ["Anna at Own"], 0)]
    assert shown.issues[0].badge.label == "Warning"


def test_the_number_of_things_to_fix_counts_causes_also_those_not_shown(house: House) -> None:
    flat = house.flat(*(house.lock(f"Door {number:02}") for number in range(issues.MOST + 3)))
    late(house.stay(flat, 5 * HOUR, DAY), house.stay(flat, 6 * HOUR, DAY))
    for lock in flat.locks.all():
        Incident.open(Kind.LOCK_OFFLINE, timezone.now(), about=lock)
    shown = board()
    assert (len(shown.issues), shown.more_issues, shown.to_fix) == (issues.MOST, 3, issues.MOST + 3)


def test_more_to_fix_costs_no_more_queries(house: House) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            board()
        return len(asked)

    def furnish(number: int) -> Any:
        for _ in range(number):
            door = house.lock()
            late(house.stay(house.flat(door), 5 * HOUR, DAY))
            Incident.open(Kind.LOCK_OFFLINE, timezone.now(), about=door)

    furnish(1)
    few = cost()
    furnish(5)
    assert cost() == few
