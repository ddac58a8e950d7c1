"""How checks open and resolve incidents, whatever the cause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.incidents import slow_checks, sweep_checks
from pins.models import Incident
from pins.models.incident import MOST_SEVERE_FIRST
from rentals.models import Lock
from tests.support.booking_actions import open_incidents
from tests.support.calendars import AIRBNB, calendar, day, event
from tests.support.house import House
from tests.support.imports import feed_of, take
from tests.support.incidents import met, review, unplug

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


# -- calendars --------------------------------------------------------------------------------------------------------


def test_a_calendar_that_is_held_for_one_running_stay_speaks_of_no_vanished_stays(
    house: House, clock: time_machine.Traveller
) -> None:
    feed = feed_of(house.flat(house.lock()))
    running = event("a", day(2, 27), day(3, 5))
    take(feed, calendar(running, event("b", day(4, 1), day(4, 5)), prodid=AIRBNB))
    cancelled = running.replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    house.settle()
    clock.shift(HOUR)
    take(feed, calendar(cancelled, event("b", day(4, 1), day(4, 5)), prodid=AIRBNB))
    assert review() == {Kind.FEED_HELD: Severity.WARNING}
    assert str(Incident.objects.get()) == "A calendar waits for your decision"


# -- the machinery ----------------------------------------------------------------------------------------------------


def test_an_incident_becomes_more_severe_and_never_less(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    for severity, shown in (
        (Severity.NOTICE, Severity.NOTICE),
        (Severity.URGENT, Severity.URGENT),
        (Severity.WARNING, Severity.URGENT),
        (None, Severity.URGENT),
    ):
        Incident.open(Kind.NO_ROOM, timezone.now(), about=door, severity=severity)
        assert Incident.objects.get().severity == shown
    Incident.resolve(timezone.now(), about=door, kinds=(Kind.NO_ROOM,))
    Incident.open(Kind.NO_ROOM, timezone.now(), about=door)
    assert list(Incident.objects.order_by("pk").values_list("severity", flat=True)) == ["urgent", "warning"]


def test_they_sort_by_severity(house: House, clock: time_machine.Traveller) -> None:
    for severity in ("warning", "notice", "urgent"):
        Incident.open(Kind.NO_ROOM, timezone.now(), about=house.lock(severity), severity=Severity(severity))
    found = Incident.objects.order_by(MOST_SEVERE_FIRST).values_list("severity", flat=True)
    assert list(found) == ["urgent", "warning", "notice"]


def test_an_incident_that_a_run_ends_during_a_check_is_not_opened_again(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:busy"] * 500)
    house.stay(house.flat(door), 20 * HOUR, DAY)
    house.live(clock, HOUR)
    assert review() == {Kind.CODE_LATE: Severity.WARNING}
    look = sweep_checks._unready_codes

    def look_and_then_it_is_set(*args: Any) -> Any:
        found = look(*args)
        house.cloud.desk._scripts.clear()
        house.live(clock, 10 * MINUTE)
        return found

    monkeypatch.setattr(sweep_checks, "_unready_codes", look_and_then_it_is_set)
    sweep_checks.check(timezone.now())
    assert open_incidents() == []
    assert met(Kind.CODE_LATE) == 1


def test_two_checks_at_once_open_one_incident(house: House, clock: time_machine.Traveller) -> None:
    """The other one opened it after ours had looked."""
    door = house.lock()
    Lock.objects.update(has_keypad=False)
    house.stay(house.flat(door), 2 * DAY, DAY)
    Incident.open(Kind.NO_KEYPAD, timezone.now(), about=door)
    rival = Incident(kind=Kind.NO_KEYPAD, subject=f"lock:{door.pk}", lock=door, opened_at=timezone.now())
    sweep_checks._open([rival])
    assert open_incidents() == [Kind.NO_KEYPAD]


@pytest.mark.django_db(transaction=True)  # keys are checked when a transaction ends
def test_a_subject_that_was_deleted_meanwhile_stops_nothing() -> None:
    gone = Incident(kind=Kind.STAYS_OVERLAP, subject="booking:999", booking_id=999, opened_at=timezone.now())
    sweep_checks._open([gone])
    assert not Incident.objects.exists()


def test_a_check_costs_the_same_however_much_there_is(
    house: House, clock: time_machine.Traveller, django_assert_max_num_queries: Any
) -> None:
    def more(count: int) -> None:
        for n in range(count):
            door = house.lock(f"Door {n}")
            flat = house.flat(door, name=f"Flat {n}")
            Lock.objects.filter(pk=door.pk).update(has_keypad=False, time_zone="Asia/Tokyo", is_connected=False)
            house.stay(flat, HOUR, DAY)
            house.stay(flat, 2 * HOUR, DAY)
        sweep_checks.check(timezone.now())

    def look() -> None:
        clock.shift(20 * MINUTE)
        for _ in range(2):  # the first one opens
            with django_assert_max_num_queries(21):
                sweep_checks.check(timezone.now())
            with django_assert_max_num_queries(21):
                slow_checks.check(timezone.now())
        assert open_incidents().count(Kind.LOCK_OFFLINE) == Lock.objects.count()
        with django_assert_max_num_queries(9):  # nothing new: it reads, and writes nothing
            sweep_checks.check(timezone.now())
        with django_assert_max_num_queries(18):
            slow_checks.check(timezone.now())

    more(2)
    look()
    more(12)
    look()


def test_nothing_is_written_where_nothing_changed(house: House, clock: time_machine.Traveller) -> None:
    """On SQLite every write waits for all others."""
    door = house.lock()
    unplug(house, door)
    house.stay(house.flat(door, name="Flat"), 20 * HOUR, DAY)
    house.live(clock, 15 * MINUTE)
    review()
    house.live(clock, 20 * MINUTE)
    assert len(review()) == 2
    with CaptureQueriesContext(connection) as said:
        review()
    assert [query["sql"] for query in said if not query["sql"].startswith("SELECT")] == []
