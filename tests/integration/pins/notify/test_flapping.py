"""Trouble that comes and goes makes no storm of messages: people hear that it is there, and its end once it lasts."""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from pins.incidents import sweep_checks
from pins.models import Delivery, Incident, NotificationChannel
from pins.notify import flapping, sending
from pins.reconcile import sweep
from rentals.models import Lock
from tests.support.house import House, pin_of
from tests.support.notifications import hook, letters, open_for, resolve_for, states, tell
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WRONG, RIGHT = "The account may not manage this lock: Front door", "In order again: Front door"


def subjects() -> list[str]:
    return [str(one.subject) for one in mail.outbox]


def live(clock: time_machine.Traveller, span: timedelta) -> None:
    """A tick every half minute."""
    for _ in range(span // (30 * SECOND)):
        clock.shift(30 * SECOND)
        tell()


def flap(door: Lock, clock: time_machine.Traveller, *, times: int, wrong: timedelta, right: timedelta) -> None:
    for _ in range(times):
        open_for(door)
        live(clock, wrong)
        resolve_for(door)
        live(clock, right)


def test_an_hour_of_it_makes_four_messages(door: Lock, clock: time_machine.Traveller) -> None:
    """The first time it might be over for good; from the second on its end is believed after half an hour."""
    letters()
    flap(door, clock, times=20, wrong=2 * MINUTE, right=MINUTE)
    assert subjects() == [WRONG, RIGHT, WRONG]
    live(clock, 30 * MINUTE)
    assert subjects() == [WRONG, RIGHT, WRONG, RIGHT]
    live(clock, HOUR)
    assert len(mail.outbox) == 4
    open_for(door)  # much later it is another matter
    tell()
    resolve_for(door)
    tell()
    assert subjects()[4:] == [WRONG, RIGHT]


def test_when_it_comes_to_stay_that_is_told_once_more(door: Lock, clock: time_machine.Traveller) -> None:
    letters()
    flap(door, clock, times=5, wrong=2 * MINUTE, right=MINUTE)
    mail.outbox.clear()
    open_for(door)
    live(clock, 29 * MINUTE)
    assert subjects() == []
    live(clock, HOUR)
    assert subjects() == [WRONG]
    resolve_for(door)
    live(clock, HOUR)
    assert subjects() == [WRONG, RIGHT]


@pytest.mark.slow
def test_budgets_at_their_edge_make_no_storm(clock: time_machine.Traveller, settings: Settings) -> None:
    """A real case: an account that has few requests left, and a stay changed every half minute."""
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 20, 600
    house = House(rate_limit=20, rate_window=600.0)
    door = house.lock("Front door")
    flat = house.flat(door)
    letters(severity="urgent")
    stays = [house.stay(flat, (3 + n) * MINUTE, DAY, f"Guest {n}") for n in range(12)]
    for step in range(240):
        if step % 2 == 0:
            stay, way = stays[step // 2 % 12], 1 if step % 4 else -1
            stay.check_in, stay.check_out = stay.check_in + way * MINUTE, stay.check_out + way * HOUR
            stay.save()
        clock.shift(15 * SECOND)
        sweep.ration(timezone.now())
        for lock_id in sweep.due_locks(timezone.now()):
            house.run(Lock.objects.get(pk=lock_id))
        sweep_checks.check(timezone.now())
        tell()
    assert Incident.objects.filter(kind="budget_spent").count() > 10
    # The guests are at the door, so each one whose change waits for two minutes is a matter of its own.
    told = Counter(str(one.subject).partition(": ")[2] for one in mail.outbox)
    assert told["Office"] in range(1, 5)
    assert set(told.values()) <= set(range(1, 5))


def test_machines_are_told_everything(door: Lock, clock: time_machine.Traveller, settings: Settings) -> None:
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True  # the receiver is on loopback
    with Server([answer(200)]) as server:
        hook(server)
        flap(door, clock, times=5, wrong=MINUTE, right=MINUTE)
        told = [one.json()["type"] for one in server.requests]  # type: ignore[index]
    assert told == ["incident.opened", "incident.resolved"] * 5


def test_a_channel_without_ends_is_told_again_only_when_it_lasts(door: Lock, clock: time_machine.Traveller) -> None:
    letters(events=["incident.opened"])
    flap(door, clock, times=10, wrong=2 * MINUTE, right=MINUTE)
    assert subjects() == [WRONG]
    open_for(door)
    live(clock, 31 * MINUTE)
    assert subjects() == [WRONG] * 2


def test_a_channel_that_was_not_told_hears_at_once_when_it_comes_back(
    door: Lock, clock: time_machine.Traveller
) -> None:
    """One channel has a new address since; to the other one the message could not be sent."""
    moved = letters(events=["incident.opened"])
    deaf = letters(name="Ben", target="ben@example.com", events=["incident.opened"])
    flap(door, clock, times=1, wrong=MINUTE, right=MINUTE)
    NotificationChannel.objects.filter(pk=moved.pk).update(target="cleo@example.com")
    sending.listen_anew(moved.pk, timezone.now())
    Delivery.objects.filter(channel=deaf).update(state=Delivery.State.GIVEN_UP)
    mail.outbox.clear()
    clock.shift(MINUTE)
    open_for(door)
    tell()
    assert sorted(one.to[0] for one in mail.outbox) == ["ben@example.com", "cleo@example.com"]


def test_a_channel_with_ends_only_is_told_the_last_one(door: Lock, clock: time_machine.Traveller) -> None:
    letters(events=["incident.resolved"])
    flap(door, clock, times=10, wrong=2 * MINUTE, right=MINUTE)
    assert subjects() == [RIGHT]
    live(clock, 31 * MINUTE)
    assert subjects() == [RIGHT] * 2


def test_one_that_becomes_urgent_each_time_is_held_as_well(door: Lock, clock: time_machine.Traveller) -> None:
    letters(severity="urgent")
    letters(name="Every")
    for _ in range(10):
        for severity in (Incident.Severity.NOTICE, Incident.Severity.URGENT):
            Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=severity)
            live(clock, MINUTE)
        resolve_for(door, Incident.Kind.LOCK_OFFLINE)
        live(clock, MINUTE)
    assert len(mail.outbox) == 2 * 3


def test_another_door_and_another_cause_are_other_matters(
    house: House, door: Lock, clock: time_machine.Traveller
) -> None:
    letters()
    other = house.lock("Back door")
    flap(door, clock, times=3, wrong=MINUTE, right=MINUTE)
    mail.outbox.clear()
    for about, kind in ((other, Incident.Kind.NO_PERMISSION), (door, Incident.Kind.NO_ROOM)):
        open_for(about, kind)
        tell()
        resolve_for(about, kind)
        tell()
    assert len(mail.outbox) == 4


def test_an_end_that_quiet_hours_hold_is_taken_back_when_it_is_wrong_again(
    house: House, door: Lock, clock: time_machine.Traveller
) -> None:
    """Otherwise “in order again” would arrive after the newer news that it is wrong, which quiet hours do not hold."""
    channel = letters(timezone="UTC", quiet_from=time(9, 10), quiet_until=time(12))
    open_for(door)
    tell()
    clock.shift(20 * MINUTE)
    resolve_for(door)
    tell()
    clock.shift(HOUR)
    house.stay(house.flat(door), HOUR, DAY)  # today's guest
    open_for(door)
    tell()
    clock.shift(4 * HOUR)
    tell()
    assert subjects() == [WRONG, WRONG]
    assert states(channel) == ["sent", "dropped", "sent"]


def test_what_is_held_stands_in_nobodys_way(house: House, door: Lock, clock: time_machine.Traveller) -> None:
    channel = letters()
    pin = pin_of(house.stay(house.flat(door), 5 * HOUR, DAY), door)
    kind = Incident.Kind.CODE_LATE
    for _ in range(3):
        Incident.open(kind, timezone.now(), about=pin)
        live(clock, MINUTE)
        Incident.resolve(timezone.now(), about=pin, kinds=(kind,))
        live(clock, MINUTE)
    assert channel.deliveries.get(state="waiting").last_error == flapping.COMES_AND_GOES
    mail.outbox.clear()
    Incident.open(Incident.Kind.VALUE_REFUSED, timezone.now(), about=pin)
    tell()
    assert len(mail.outbox) == 1


def test_it_asks_a_constant_number_of_times_for_however_long_a_history(
    door: Lock, clock: time_machine.Traveller, django_assert_max_num_queries: Any
) -> None:
    letters()
    flap(door, clock, times=30, wrong=30 * SECOND, right=30 * SECOND)
    open_for(door)
    with django_assert_max_num_queries(40):
        tell()
    assert Delivery.objects.count() < 100
