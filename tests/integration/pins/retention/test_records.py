"""Records that are long over are deleted, in small steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins import tasks
from pins.models import (
    Delivery,
    Incident,
    IncidentNotice,
    NotificationChannel,
    Pin,
    PinAttempt,
)
from pins.notify import collecting, outbox
from pins.retention import records
from rentals.models import Booking
from tests.support.calendars import AIRBNB
from tests.support.house import House, pin_of
from tests.support.imports import feed_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def test_incidents_resolved_long_ago_are_deleted_with_their_messages(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a PIN live and go with it: they say since when a guest's code stands."""
    monkeypatch.setattr(records, "BATCH", 2)
    door = house.lock("Front door")
    flat = house.flat(door)
    stay = house.stay(flat, HOUR, 300 * DAY)
    house.settle()
    channel = NotificationChannel.objects.create(name="Anna", target="anna@example.com")
    subjects: list[tuple[Incident.Kind, Any]] = [
        (Kind.LOCK_OFFLINE, door),
        (Kind.DEAD_KEY, house.account),
        (Kind.FEED_STALE, feed_of(flat, AIRBNB)),
        (Kind.STAYS_OVERLAP, stay),
        (Kind.NO_ROOM, door),
    ]
    for kind, about in [*subjects, (Kind.CODE_CHANGED, pin_of(stay, door))]:
        Incident.open(kind, timezone.now(), about=about)
        Incident.resolve(timezone.now(), about=about, kinds=(kind,))
    clock.shift(DAY)
    Incident.open(Kind.ZONE_DIFFERS, timezone.now(), about=door)  # as old, and open
    collecting.collect(timezone.now())
    for incident in Incident.objects.all():  # of one that is switched off they may be as old
        Delivery.objects.create(
            channel=channel,
            key=f"x{incident.pk}",
            event="test",
            incident=incident,
            happened_at=timezone.now(),
            expires_at=timezone.now(),
        )
    clock.shift(119 * DAY - SECOND)
    assert records.purge_incidents(timezone.now()) == 0
    clock.shift(SECOND)
    assert records.purge_incidents(timezone.now()) == len(subjects)
    assert set(Incident.objects.values_list("kind", flat=True)) == {Kind.CODE_CHANGED, Kind.ZONE_DIFFERS}
    left = Delivery.objects.exclude(incident=None).filter(event="test").values_list("incident__kind", flat=True)
    assert set(left) == {Kind.CODE_CHANGED, Kind.ZONE_DIFFERS}
    assert not Delivery.objects.filter(incident=None).exists()
    assert IncidentNotice.objects.count() == 2


def test_the_nightly_task_forgets_them(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock("Front door")
    Incident.open(Kind.NO_ROOM, timezone.now(), about=door)
    Incident.resolve(timezone.now(), about=door, kinds=(Kind.NO_ROOM,))
    clock.shift(121 * DAY)
    tasks.purge()
    assert not Incident.objects.exists()


def test_many_messages_are_deleted_in_small_steps(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    channel = NotificationChannel.objects.create(name="Anna", target="anna@example.com")
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(channel=channel, key=str(n), event="test", state="sent", happened_at=now, expires_at=now, ended_at=now)
        for n in range(5)
    )
    clock.shift(30 * DAY)
    with CaptureQueriesContext(connection) as queries:
        assert outbox.purge(timezone.now()) == 5
    assert sum(one["sql"].startswith("DELETE") for one in queries.captured_queries) == 3
    assert not Delivery.objects.exists()


def test_old_records_are_purged_only_when_their_codes_are_gone(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, HOUR, HOUR)
    house.settle()
    clock.shift(200 * DAY)
    assert records.purge_grants(timezone.now()) == 0  # nobody has confirmed the removal yet
    house.settle()
    assert records.purge_grants(timezone.now()) == 1
    assert not Pin.objects.exists()
    assert Booking.objects.count() == 1


def test_many_grants_are_deleted_in_small_steps_and_the_rest_another_night(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "BATCH", 2)
    monkeypatch.setattr(records, "MOST", 4)
    flat = house.flat(house.lock())
    for number in range(5):
        house.stay(flat, (1 + 2 * number) * HOUR, HOUR)
    house.settle()
    clock.shift(200 * DAY)
    house.settle()
    assert [records.purge_grants(timezone.now()) for _ in range(3)] == [4, 1, 0]
    assert not Pin.objects.exists()


def test_looks_at_whole_locks_are_forgotten_after_a_month(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    now = timezone.now()
    for days in (31, 29):
        PinAttempt.objects.create(lock=door, op="list", outcome="done", started_at=now - timedelta(days=days))
    assert records.purge_looks(now) == 1
    assert PinAttempt.objects.get().started_at == now - timedelta(days=29)
