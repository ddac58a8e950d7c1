"""Quiet hours hold what can wait until they end."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.models import Delivery, Incident, NotificationChannel
from pins.notify import collecting, sending
from pins.notify.tries import SendResult
from rentals.models import CalendarFeed, Lock, LockAccount, Property
from tests.support.house import House, pin_of
from tests.support.notifications import State, letters, open_for, resolve_for, states, tell

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class TestQuietHours:
    """The clock begins at 09:00 UTC, 10:00 in Warsaw."""

    def quiet(self, **fields: Any) -> NotificationChannel:
        return letters(timezone="Europe/Warsaw", quiet_from=time(9), quiet_until=time(12), **fields)

    def test_messages_wait_until_they_end(self, door: Lock, clock: time_machine.Traveller) -> None:
        channel = self.quiet()
        open_for(door)
        assert tell() == [SendResult.HELD]
        assert channel.deliveries.get().last_error == sending.QUIET
        clock.move_to(datetime(2027, 3, 1, 10, 59, 59, tzinfo=UTC))
        assert tell() == [SendResult.HELD]
        assert mail.outbox == []
        clock.move_to(datetime(2027, 3, 1, 11, tzinfo=UTC))
        assert tell() == [SendResult.SENT]
        channel.refresh_from_db()
        assert channel.failures == 0

    def test_what_is_over_when_they_end_is_not_told_at_all(self, door: Lock, clock: time_machine.Traveller) -> None:
        channel = self.quiet()
        open_for(door)
        tell()
        resolve_for(door)
        tell()
        clock.shift(3 * HOUR)
        tell()
        assert mail.outbox == []
        assert states(channel) == ["dropped"]

    def test_a_stay_that_arrives_today_is_told_at_once_and_one_of_tomorrow_is_not(
        self, house: House, door: Lock
    ) -> None:
        self.quiet()
        flat = house.flat(door)
        for days, guest in ((timedelta(hours=5), "Today"), (timedelta(hours=29), "Tomorrow")):
            pin = pin_of(house.stay(flat, days, DAY, guest), door)
            Incident.open(Incident.Kind.VALUE_REFUSED, timezone.now(), about=pin)
        assert sorted(tell()) == [SendResult.HELD, SendResult.SENT]
        assert ["Today" in one.subject for one in mail.outbox] == [True]

    @pytest.mark.parametrize(
        ("kind", "severity", "begins", "told"),
        [
            (Incident.Kind.LOCK_OFFLINE, "urgent", 5 * HOUR, True),
            (Incident.Kind.NO_KEYPAD, "urgent", 5 * HOUR, True),
            (Incident.Kind.NO_ROOM, "warning", 5 * HOUR, True),
            (Incident.Kind.DEAD_KEY, "urgent", 5 * HOUR, True),
            (Incident.Kind.BUDGET_SPENT, "urgent", 5 * HOUR, True),
            (Incident.Kind.FEED_RESET, "warning", 5 * HOUR, True),
            # Only good to know, as when a lock is offline and has all its codes: nobody is locked out.
            (Incident.Kind.LOCK_OFFLINE, "notice", 5 * HOUR, False),
            (Incident.Kind.FEED_FAILING, "notice", 5 * HOUR, False),
            (Incident.Kind.DEAD_KEY, "urgent", 29 * HOUR, False),
            (Incident.Kind.FEED_RESET, "warning", 29 * HOUR, False),
            # Came yesterday, and no lock has the code yet; without its keypad a lock takes no code at all.
            (Incident.Kind.LOCK_OFFLINE, "urgent", -20 * HOUR, True),
            (Incident.Kind.DEAD_KEY, "urgent", -20 * HOUR, True),
            (Incident.Kind.FEED_RESET, "warning", -20 * HOUR, False),
        ],
    )
    def test_what_is_wrong_with_a_door_of_todays_guest_is_told_at_once(
        self, house: House, door: Lock, kind: Incident.Kind, severity: str, begins: timedelta, told: bool
    ) -> None:
        self.quiet()
        other = house.lock("Back door")  # nobody comes there today
        flat = house.flat(door)
        house.stay(flat, begins, 3 * DAY)
        house.stay(house.flat(other, name="Empty"), 9 * DAY, DAY)
        about: Any = self.subject(kind, door, flat)
        Incident.open(kind, timezone.now(), about=about, severity=Incident.Severity(severity))
        assert tell() == [SendResult.SENT if told else SendResult.HELD]

    def subject(self, kind: Incident.Kind, door: Lock, flat: Property) -> Any:
        if kind in (Incident.Kind.DEAD_KEY, Incident.Kind.BUDGET_SPENT):
            return door.account
        if kind.startswith("feed_"):
            return CalendarFeed.objects.create(property=flat, name="Airbnb", url="https://example.com/x.ics")
        return door

    @pytest.mark.parametrize("kind", [Incident.Kind.LOCK_OFFLINE, Incident.Kind.NO_KEYPAD])
    def test_a_guest_who_has_the_code_and_came_yesterday_can_get_in_unless_there_is_no_keypad(
        self, house: House, door: Lock, kind: Incident.Kind, clock: time_machine.Traveller
    ) -> None:
        self.quiet()
        house.stay(house.flat(door), 4 * HOUR, 3 * DAY)
        house.settle()
        clock.shift(DAY)
        Incident.open(kind, timezone.now(), about=door, severity=Incident.Severity.URGENT)
        assert tell() == [SendResult.SENT if kind == Incident.Kind.NO_KEYPAD else SendResult.HELD]

    def test_a_door_without_guests_today_and_one_that_is_observed_wait(self, house: House, door: Lock) -> None:
        self.quiet()
        idle = house.lock("Back door")
        watched = LockAccount.objects.create(name="Watched", secret="another-key", observe_only=True)
        gate = Lock.objects.create(account=watched, device_id=77, name="Gate")
        house.stay(house.flat(door, gate), 5 * HOUR, DAY)
        for about in (idle, gate):
            Incident.open(Incident.Kind.NO_ROOM, timezone.now(), about=about)
        Incident.open(Incident.Kind.DEAD_KEY, timezone.now(), about=watched)
        assert tell() == [SendResult.HELD] * 3

    def test_budgets_are_shared_by_the_accounts_of_one_user(self, house: House, door: Lock) -> None:
        self.quiet()
        LockAccount.objects.update(rate_group="ours")
        first = LockAccount.objects.create(name="First", secret="another-key", rate_group="ours")
        house.stay(house.flat(door), 5 * HOUR, DAY)
        for kind in (Incident.Kind.BUDGET_SPENT, Incident.Kind.DEAD_KEY):
            Incident.open(kind, timezone.now(), about=first)
        assert tell() == [SendResult.SENT, SendResult.HELD]

    def test_one_that_presses_more_while_it_waits_is_looked_at_again(self, house: House, door: Lock) -> None:
        """For example, a guest was booked for tonight meanwhile, so the message can no longer wait."""
        self.quiet()
        Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=Incident.Severity.NOTICE)
        assert tell() == [SendResult.HELD]
        house.stay(house.flat(door), HOUR, DAY)
        Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=Incident.Severity.URGENT)
        assert tell() == [SendResult.SENT]

    def test_a_guest_who_is_booked_for_tonight_meanwhile_is_noticed_soon(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        channel = self.quiet()
        Incident.open(Incident.Kind.DEAD_KEY, timezone.now(), about=house.account)
        assert tell() == [SendResult.HELD]
        house.stay(house.flat(door), 2 * HOUR, DAY)
        assert tell() == []
        clock.shift(15 * MINUTE)
        assert tell() == [SendResult.SENT]
        assert channel.deliveries.get().last_error == ""

    def test_a_changed_code_of_a_guest_who_came_yesterday_wakes_somebody(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        self.quiet()
        stay = house.stay(house.flat(door), 4 * HOUR, 3 * DAY)
        house.settle()
        clock.shift(DAY)
        for kind in (Incident.Kind.CODE_CHANGED, Incident.Kind.CHANGED_IN_APP):
            Incident.open(kind, timezone.now(), about=pin_of(stay, door))
        assert tell() == [SendResult.SENT, SendResult.HELD]

    def test_it_asks_no_more_for_many_doors_than_for_one(self, house: House, door: Lock) -> None:
        self.quiet()
        counts = []
        for n in range(2):
            for m in range(20 * n + 1):
                house.stay(house.flat(house.lock(f"Door {n} {m}")), 29 * HOUR, DAY)
            account = LockAccount.objects.get() if n == 0 else house.account
            Incident.objects.all().delete()
            Incident.open(Incident.Kind.DEAD_KEY, timezone.now(), about=account)
            collecting.collect(timezone.now())
            (waiting,) = Delivery.objects.filter(state=State.WAITING, incident__isnull=False)
            with CaptureQueriesContext(connection) as queries:
                assert sending.send(waiting.pk) is SendResult.HELD
            counts.append(len(queries))
        assert counts[0] == counts[1]
