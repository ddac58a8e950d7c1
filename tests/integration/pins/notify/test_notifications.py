"""What happens is told once: the outbox, from an incident to a letter, a service and a webhook."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook

from pins import tasks
from pins.desired import code_overrides, grants
from pins.incidents import sweep_checks, texts
from pins.models import AccessGrant, Delivery, Incident, NotificationChannel, PinReveal
from pins.notify import collecting, outbox, sending, targets
from pins.notify.outgoing import Outgoing
from pins.notify.sending import Outcome
from pins.notify.words import Message
from rentals import signing_secrets
from rentals.models import Booking, CalendarFeed, Lock, LockAccount, Property
from tests.support.house import House, pin_of
from tests.support.mail_server import MailServer
from tests.support.scripted_server import Server, answer, drop

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
State = Delivery.State
EVERYTHING = ["incident.opened", "incident.resolved", "code.ready", "code.changed", "stay.cancelled"]


@pytest.fixture(autouse=True)
def _public_address(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://codes.example.com"
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True  # the receivers are on loopback


@pytest.fixture
def door(house: House) -> Lock:
    return house.lock("Front door")


def letters(**fields: Any) -> NotificationChannel:
    """A channel by e-mail; Django keeps the letters of a test in `mail.outbox`."""
    return NotificationChannel.objects.create(
        **{"name": "Anna", "kind": "email", "target": "anna@example.com", **fields}
    )


def hook(server: Server, **fields: Any) -> NotificationChannel:
    given = {"name": "Robot", "kind": "webhook", "signing_secret": signing_secrets.generate(), "events": EVERYTHING}
    return NotificationChannel.objects.create(
        **{**given, "target": f"http://127.0.0.1:{server.port}/h1dden-path", **fields}
    )


def tell() -> list[Outcome]:
    """One tick: what beat and a worker would do."""
    now = timezone.now()
    collecting.collect(now)
    done: list[Outcome] = []
    tried: set[int] = set()
    while following := [one for one in sending.due(timezone.now(), 1000) if one not in tried]:
        tried.add(following[0])
        done.append(sending.send(following[0]))
    return done


def open_for(lock: Lock, kind: Incident.Kind = Incident.Kind.NO_PERMISSION) -> None:
    Incident.open(kind, timezone.now(), about=lock)


def resolve_for(lock: Lock, kind: Incident.Kind = Incident.Kind.NO_PERMISSION) -> None:
    Incident.resolve(timezone.now(), about=lock, kinds=(kind,))


def tried(channel: NotificationChannel) -> str:
    """What came of a test message; "" when it was sent."""
    delivery = sending.queue_test(channel.pk, timezone.now())
    tasks.send_messages()
    delivery.refresh_from_db()
    assert delivery.state in (State.SENT, State.GIVEN_UP)
    return delivery.last_error


def states(channel: NotificationChannel) -> list[str]:
    return list(channel.deliveries.order_by("pk").values_list("state", flat=True))


class TestIncidents:
    def test_each_change_is_told_once_however_often_somebody_looks(
        self, door: Lock, clock: time_machine.Traveller
    ) -> None:
        channel = letters(target="anna@example.com\nben@example.com")
        open_for(door)
        for _ in range(3):
            tell()
        assert [one.subject for one in mail.outbox] == ["The account may not manage this lock: Front door"]
        letter = mail.outbox[0]
        assert letter.to == ["anna@example.com", "ben@example.com"]
        assert f"https://codes.example.com/locks/{door.pk}/" in letter.body
        assert "What to do:" in letter.body
        resolve_for(door)
        for _ in range(3):
            tell()
        assert [one.subject for one in mail.outbox][1:] == ["In order again: Front door"]
        clock.shift(HOUR)
        open_for(door)  # the same cause again is another incident
        tell()
        assert len(mail.outbox) == 3
        assert states(channel) == ["sent"] * 3

    def test_the_sweep_that_resolves_in_bulk_is_noticed_too(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        letters()
        stay = house.stay(house.flat(door), HOUR, DAY)
        clock.shift(20 * MINUTE)
        sweep_checks.review(timezone.now())
        tell()
        assert [one.subject for one in mail.outbox] == [
            "The code is not on the lock yet: Anna Nowak at Flat, Front door"
        ]
        assert f"https://codes.example.com/stays/{stay.pk}/" in mail.outbox[0].body
        house.settle()
        sweep_checks.review(timezone.now())
        tell()
        assert mail.outbox[1].subject == "In order again: Anna Nowak at Flat, Front door"

    def test_what_was_there_before_the_channel_is_not_told(self, door: Lock, clock: time_machine.Traveller) -> None:
        open_for(door)
        tell()
        clock.shift(MINUTE)
        letters()
        resolve_for(door)
        tell()
        assert mail.outbox == []

    def test_people_are_not_told_of_what_was_over_before_anybody_looked_and_machines_are(self, door: Lock) -> None:
        channel = letters()
        with Server([answer(200)]) as server:
            machine = hook(server)
            open_for(door)
            resolve_for(door)
            tell()
            assert [one.json()["type"] for one in server.requests] == ["incident.opened", "incident.resolved"]  # type: ignore[index]
        assert states(machine) == ["sent", "sent"]
        assert states(channel) == []

    def test_a_channel_hears_only_what_it_asked_for(self, door: Lock, house: House) -> None:
        urgent = letters(name="Urgent", severity="urgent", events=["incident.opened"])
        ends = letters(name="Ends", events=["incident.resolved"])
        off = letters(name="Off", is_active=False)
        Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=Incident.Severity.URGENT)
        open_for(door, Incident.Kind.NO_ROOM)
        tell()
        resolve_for(door, Incident.Kind.LOCK_OFFLINE)
        resolve_for(door, Incident.Kind.NO_ROOM)
        tell()
        assert [one.event for one in urgent.deliveries.all()] == ["incident.opened"]
        assert [one.event for one in ends.deliveries.all()] == ["incident.resolved"] * 2
        assert not off.deliveries.exists()

    def test_who_hears_only_what_is_urgent_is_told_when_it_becomes_so(
        self, door: Lock, clock: time_machine.Traveller
    ) -> None:
        """A code that is late two days ahead wakes nobody; the same incident is another matter an hour before."""
        urgent = letters(name="Urgent", severity="urgent")
        every = letters(name="Every")
        Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=Incident.Severity.NOTICE)
        tell()
        assert (states(urgent), states(every)) == ([], ["sent"])
        for _ in range(2):
            clock.shift(HOUR)
            Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=Incident.Severity.URGENT)
            tell()
        assert (states(urgent), states(every)) == (["sent"], ["sent"])
        assert urgent.deliveries.get().payload["incident"]["severity"] == "urgent"
        resolve_for(door, Incident.Kind.LOCK_OFFLINE)
        tell()
        assert (states(urgent), states(every)) == (["sent"] * 2, ["sent"] * 2)

    def test_one_about_a_stay_names_it_and_forgets_its_guest_with_it(self, house: House, door: Lock) -> None:
        """Of both stays, the one whose code is on the lock and the one whose code is not due for months."""
        channel, flat = letters(), house.flat(door, name="Old Town 3")
        near, far = house.stay(flat, 29 * HOUR, DAY, "Zoe"), house.stay(flat, 90 * DAY, DAY, "Xaver")
        house.settle()
        for stay in (near, far):
            Incident.open(Incident.Kind.STAYS_OVERLAP, timezone.now(), about=stay)
        tell()
        what = texts.trouble("stays_overlap").what
        assert [one.subject for one in mail.outbox] == [f"{what}: {who} at Old Town 3" for who in ("Zoe", "Xaver")]
        assert all(f"/stays/{stay.pk}/" in one.body for stay, one in zip((near, far), mail.outbox, strict=True))
        for stay in (near, far):
            stay.delete()
        said = str(list(channel.deliveries.values_list("payload", flat=True)))
        assert "Zoe" not in said
        assert "Xaver" not in said

    def test_an_incident_that_is_deleted_before_it_is_told_is_not_told(self, door: Lock) -> None:
        channel = letters()
        open_for(door)
        collecting.collect(timezone.now())
        Incident.objects.all().delete()
        assert tell() == [Outcome.DROPPED]
        assert states(channel) == ["dropped"]
        assert mail.outbox == []

    def test_messages_that_are_purged_are_not_told_again(self, door: Lock, clock: time_machine.Traveller) -> None:
        letters()
        open_for(door)
        tell()
        clock.shift(31 * DAY)
        assert outbox.purge(timezone.now()) == 1
        tell()
        assert len(mail.outbox) == 1


class TestFailures:
    def test_a_dead_receiver_is_tried_again_later_and_later_and_shown_as_failing(
        self, door: Lock, clock: time_machine.Traveller
    ) -> None:
        with Server([answer(500), drop(), answer(302, headers={"Location": "/x"}), answer(204)]) as server:
            channel = hook(server)
            open_for(door)
            assert tell() == [Outcome.FAILED]
            assert tell() == []
            channel.refresh_from_db()
            assert (channel.failures, channel.last_error) == (1, "The receiver answers with status 500.")
            assert channel.failing_since == timezone.now()
            for failures in (2, 3):
                clock.shift(10 * MINUTE)
                assert tell() == [Outcome.FAILED]
                channel.refresh_from_db()
                assert channel.failures == failures
            assert channel.last_error.startswith("The receiver redirects (302)")
            clock.shift(HOUR)
            assert tell() == [Outcome.SENT]
        channel.refresh_from_db()
        healthy: tuple[object, ...] = (channel.failures, channel.failing_since, channel.last_error)
        assert healthy == (0, None, "")
        ids = {one.headers["webhook-id"] for one in server.requests}
        assert (len(ids), len(server.requests)) == (1, 4)
        assert len({one.body for one in server.requests}) == 1

    def test_a_receiver_that_names_a_moment_is_not_asked_before(
        self, door: Lock, clock: time_machine.Traveller
    ) -> None:
        with Server([answer(429, headers={"Retry-After": "3600"}), answer(200)]) as server:
            hook(server)
            open_for(door)
            tell()
            clock.shift(59 * MINUTE)
            assert tell() == []
            clock.shift(2 * MINUTE)
            assert tell() == [Outcome.SENT]

    def test_a_receiver_that_is_gone_is_not_tried_again(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(410)]) as server:
            channel = hook(server)
            open_for(door)
            tell()
            clock.shift(DAY)
            tell()
            assert len(server.requests) == 1
        assert states(channel) == ["given_up"]

    def test_what_could_not_be_sent_in_days_is_given_up(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(500)]) as server:
            channel = hook(server)
            open_for(door)
            for _ in range(100):
                tell()
                clock.shift(HOUR)
            assert states(channel) == ["given_up"]
            assert 20 < len(server.requests) < 100

    def test_a_failing_channel_costs_one_try_at_a_time_and_no_other_channel_anything(
        self, house: House, clock: time_machine.Traveller
    ) -> None:
        letters()
        with Server([answer(500)]) as server:
            hook(server)
            for n in range(5):
                open_for(house.lock(f"Door {n}"))
            tell()
            assert len(server.requests) == 1
        assert len(mail.outbox) == 5

    def test_one_message_that_is_never_taken_blocks_no_other(self, house: House, clock: time_machine.Traveller) -> None:
        with Server([answer(400), answer(200), answer(200), answer(400)]) as server:
            channel = hook(server)
            for n in range(3):
                open_for(house.lock(f"Door {n}"))
            tell()
            clock.shift(MINUTE)
            tell()
        assert states(channel) == ["waiting", "sent", "sent"]

    def test_about_one_incident_things_are_told_in_their_order(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(500), answer(200)]) as server:
            hook(server)
            open_for(door)
            tell()
            resolve_for(door)
            clock.shift(MINUTE)
            tell()
            told = [one.json()["type"] for one in server.requests]  # type: ignore[index]
        assert told == ["incident.opened", "incident.opened", "incident.resolved"]

    def test_a_fault_of_ours_is_written_down_without_its_text(
        self, door: Lock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = letters()

        def broken(*_: object) -> None:
            raise RuntimeError("h1dden")

        monkeypatch.setattr(targets, "send", broken)
        open_for(door)
        assert tell() == [Outcome.FAILED]
        channel.refresh_from_db()
        assert channel.last_error == "Turnkey met a fault of its own (RuntimeError)."

    def test_a_crash_between_sending_and_marking_sends_again_under_the_same_id(
        self, door: Lock, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At least once, and only here more than once: the receiver knows the repetition by its id."""
        with Server([answer(200)]) as server:
            hook(server)
            open_for(door)
            with monkeypatch.context() as patched:

                def killed(*_: object) -> None:
                    raise SystemExit  # what no handler of ours catches

                patched.setattr(sending, "_sent", killed)
                with pytest.raises(SystemExit):
                    tell()
            assert tell() == []  # still claimed: nobody sends it meanwhile
            clock.shift(sending.CLAIM)
            assert tell() == [Outcome.SENT]
            first, second = server.requests
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body

    def test_a_crash_before_sending_loses_nothing(self, door: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
        letters()
        open_for(door)
        with monkeypatch.context() as patched:

            def killed(*_: object, **__: object) -> None:
                raise SystemExit

            patched.setattr(outbox, "put", killed)
            with pytest.raises(SystemExit):
                collecting.collect(timezone.now())
        tell()
        assert len(mail.outbox) == 1


class TestQuietHours:
    """The clock begins at 09:00 UTC, 10:00 in Warsaw."""

    def quiet(self, **fields: Any) -> NotificationChannel:
        return letters(timezone="Europe/Warsaw", quiet_from=time(9), quiet_until=time(12), **fields)

    def test_messages_wait_until_they_end(self, door: Lock, clock: time_machine.Traveller) -> None:
        channel = self.quiet()
        open_for(door)
        assert tell() == [Outcome.HELD]
        assert channel.deliveries.get().last_error == sending.QUIET
        clock.move_to(datetime(2027, 3, 1, 10, 59, 59, tzinfo=UTC))
        assert tell() == [Outcome.HELD]
        assert mail.outbox == []
        clock.move_to(datetime(2027, 3, 1, 11, tzinfo=UTC))
        assert tell() == [Outcome.SENT]
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
        assert sorted(tell()) == [Outcome.HELD, Outcome.SENT]
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
            # Good to know, as of a lock that is offline and has all its codes: nobody stands before it.
            (Incident.Kind.LOCK_OFFLINE, "notice", 5 * HOUR, False),
            (Incident.Kind.FEED_FAILING, "notice", 5 * HOUR, False),
            (Incident.Kind.DEAD_KEY, "urgent", 29 * HOUR, False),
            (Incident.Kind.FEED_RESET, "warning", 29 * HOUR, False),
            # Came yesterday, and no lock has the code yet; from the keypad that is gone any code is gone, too.
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
        assert tell() == [Outcome.SENT if told else Outcome.HELD]

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
        assert tell() == [Outcome.SENT if kind == Incident.Kind.NO_KEYPAD else Outcome.HELD]

    def test_a_door_without_guests_today_and_one_that_is_only_watched_wait(self, house: House, door: Lock) -> None:
        self.quiet()
        idle = house.lock("Back door")
        watched = LockAccount.objects.create(name="Watched", secret="another-key", observe_only=True)
        gate = Lock.objects.create(account=watched, device_id=77, name="Gate")
        house.stay(house.flat(door, gate), 5 * HOUR, DAY)
        for about in (idle, gate):
            Incident.open(Incident.Kind.NO_ROOM, timezone.now(), about=about)
        Incident.open(Incident.Kind.DEAD_KEY, timezone.now(), about=watched)
        assert tell() == [Outcome.HELD] * 3

    def test_budgets_are_shared_by_the_accounts_of_one_user(self, house: House, door: Lock) -> None:
        self.quiet()
        LockAccount.objects.update(rate_group="ours")
        first = LockAccount.objects.create(name="First", secret="another-key", rate_group="ours")
        house.stay(house.flat(door), 5 * HOUR, DAY)
        for kind in (Incident.Kind.BUDGET_SPENT, Incident.Kind.DEAD_KEY):
            Incident.open(kind, timezone.now(), about=first)
        assert tell() == [Outcome.SENT, Outcome.HELD]

    def test_one_that_presses_more_while_it_waits_is_looked_at_again(self, house: House, door: Lock) -> None:
        """A guest was booked for tonight in the meantime, say: what could wait cannot any more."""
        self.quiet()
        Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=Incident.Severity.NOTICE)
        assert tell() == [Outcome.HELD]
        house.stay(house.flat(door), HOUR, DAY)
        Incident.open(Incident.Kind.LOCK_OFFLINE, timezone.now(), about=door, severity=Incident.Severity.URGENT)
        assert tell() == [Outcome.SENT]

    def test_a_guest_who_is_booked_for_tonight_meanwhile_is_noticed_soon(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        channel = self.quiet()
        Incident.open(Incident.Kind.DEAD_KEY, timezone.now(), about=house.account)
        assert tell() == [Outcome.HELD]
        house.stay(house.flat(door), 2 * HOUR, DAY)
        assert tell() == []
        clock.shift(15 * MINUTE)
        assert tell() == [Outcome.SENT]
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
        assert tell() == [Outcome.SENT, Outcome.HELD]

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
                assert sending.send(waiting.pk) is Outcome.HELD
            counts.append(len(queries))
        assert counts[0] == counts[1]


class TestSummary:
    @pytest.mark.parametrize("how", ["too late", "another address"])
    def test_the_guests_of_one_that_is_not_sent_are_not_kept_either(
        self, how: str, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        made = letters(events=[], timezone="UTC", summary_at=time(9))
        house.stay(house.flat(door), 6 * HOUR, DAY, "Anna")
        collecting.collect(timezone.now())
        assert "Anna" in str(made.deliveries.get().payload)
        if how == "too late":
            clock.shift(5 * HOUR)
            collecting.collect(timezone.now())
        else:
            sending.listen_anew(made.pk, timezone.now())
        assert [(one.payload, one.ended_at is not None) for one in made.deliveries.all()] == [({}, True)]

    def test_one_a_day_with_todays_arrivals_in_their_own_zone_and_what_to_mend(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        made = letters(events=[], timezone="Europe/Warsaw", summary_at=time(10, 30))
        flat = house.flat(door, name="Old Town 3")
        far = house.flat(door, name="Honolulu", timezone="Pacific/Honolulu")  # there it is still February
        house.stay(flat, 6 * HOUR, DAY, "Anna")
        house.stay(flat, 30 * HOUR, DAY, "Tomorrow")
        house.stay(far, -6 * HOUR, DAY, "Kai")
        house.settle()
        Booking.objects.create(
            property=Property.objects.create(name="No door", timezone="Europe/Warsaw"),
            guest_name="Ben",
            check_in=timezone.now() + 5 * HOUR,
            check_out=timezone.now() + DAY,
        )
        open_for(door)
        tell()
        assert mail.outbox == []
        clock.shift(30 * MINUTE)
        for _ in range(3):
            tell()
        (letter,) = mail.outbox
        assert letter.subject == "Mon 1 Mar: 3 arrivals, 2 ready, 1 thing to mend"
        assert letter.body.splitlines() == [
            "Arriving today:",
            "- 15:00 CET Ben at No door: No lock",
            "- 17:00 HST Kai at Honolulu: Ready on 1 lock",
            "- 16:00 CET Anna at Old Town 3: Ready on 1 lock",
            "",
            "To mend:",
            f"- Front door: The account may not manage this lock. {texts.trouble('no_permission').remedy}",
            "",
            "https://codes.example.com/",
        ]
        assert not [one for one in AccessGrant.objects.all() if one.code and one.code in letter.body]
        # The guests of a day are kept no longer than it takes to tell of them.
        assert [one.payload for one in made.deliveries.all()] == [{}]
        clock.shift(DAY)
        tell()
        assert len(mail.outbox) == 2

    def test_a_webhook_gets_it_as_data(self, house: House, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(200)]) as server:
            hook(server, events=[], summary_at=time(9, 30))
            house.stay(house.flat(door), 6 * HOUR, DAY)
            clock.shift(HOUR)
            tell()
            body: Any = server.requests[0].json()
        assert body["type"] == "summary.daily"
        assert [one["guest"] for one in body["data"]["arrivals"]] == ["Anna Nowak"]
        assert body["data"]["url"] == "https://codes.example.com/"


@pytest.mark.django_db(transaction=True)
class TestStays:
    def test_a_stay_from_its_code_to_its_cancellation(
        self, house: House, door: Lock, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        second = house.lock("Attic")
        with Server([answer(200)]) as server:
            channel = hook(server)
            stay = house.stay(house.flat(door, second), DAY, DAY)
            grant = AccessGrant.objects.get()
            house.run(door)
            tell()
            assert server.requests == []  # one lock of two
            house.settle()
            tell()
            tell()
            code_overrides.renew_code(grant.pk, timezone.now())
            tell()
            house.settle()
            tell()
            stay.check_out += HOUR  # other dates are no other code
            stay.save()
            house.settle()
            tell()
            stay.status = Booking.Status.CANCELLED
            stay.save()
            tell()
            house.settle()
            stay.status = Booking.Status.CONFIRMED
            stay.save()
            house.settle()
            tell()
            stay.delete()
            tell()
        told: list[Any] = [one.json() for one in server.requests]
        assert [one["type"] for one in told] == [
            "code.ready",
            "code.changed",
            "stay.cancelled",
            "code.ready",
            "stay.cancelled",
        ]
        first = told[0]["data"]
        assert first["stay"]["guest"] == "Anna Nowak"
        assert first["stay"]["reference"] == grant.reference
        assert [one["name"] for one in first["locks"]] == ["Attic", "Front door"]
        assert "code" not in first
        assert told[-1]["data"]["stay"]["id"] is None
        assert not PinReveal.objects.exists()
        for sent in server.requests:
            Webhook(channel.signing_secret).verify(sent.body.decode(), sent.headers)

    def test_no_removal_is_promised_where_turnkey_only_watches(self, house: House, door: Lock) -> None:
        """The code was set before somebody ticked “Observe only”: it stays, and opens."""
        letters(events=["stay.cancelled"])
        gate = house.lock("Gate")
        stay = house.stay(house.flat(door, gate), DAY, DAY)
        house.settle()
        tell()
        watched = LockAccount.objects.create(name="Watched", secret="another-key", observe_only=True)
        Lock.objects.filter(pk=gate.pk).update(account=watched)
        stay.status = Booking.Status.CANCELLED
        stay.save()
        tell()
        (letter,) = mail.outbox
        assert "taken off Front door." in letter.body
        assert "Turnkey only watches Gate, so the code stays there" in letter.body

    def test_a_code_that_was_on_no_lock_comes_off_none(self, house: House, door: Lock) -> None:
        letters(events=["stay.cancelled"])
        stay = house.stay(house.flat(door), DAY, DAY)
        stay.status = Booking.Status.CANCELLED
        stay.save()
        tell()
        assert ["Its code is on no lock." in one.body for one in mail.outbox] == [True]

    def test_a_signature_is_that_of_the_body_and_the_secret(self, house: House, door: Lock) -> None:
        with Server([answer(200)]) as server:
            channel = hook(server)
            open_for(door)
            tell()
        (sent,) = server.requests
        assert sent.headers["content-type"] == "application/json"
        assert Webhook(channel.signing_secret).verify(sent.body.decode(), sent.headers) == json.loads(sent.body)
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(signing_secrets.generate()).verify(sent.body.decode(), sent.headers)
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(channel.signing_secret).verify(sent.body.decode() + " ", sent.headers)

    def test_the_code_is_sent_only_where_it_is_allowed_and_kept_nowhere_else(
        self, house: House, door: Lock, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        with Server([answer(500), answer(200)]) as server, Server([answer(200)]) as other:
            with_code, _ = hook(server, include_code=True), hook(other, name="Without")
            house.stay(house.flat(door), DAY, DAY)
            house.settle()
            code = AccessGrant.objects.get().code
            tell()
            with time_machine.travel(timezone.now() + MINUTE, tick=False):
                tell()
            sent: list[Any] = [one.json() for one in server.requests]
            assert [one["data"]["code"] for one in sent] == [code, code]
            plain: Any = other.requests[0].json()
            assert "code" not in plain["data"]
        grant = AccessGrant.objects.get()
        assert grant.disclosed_at is not None
        assert {one.user_name for one in PinReveal.objects.all()} == {"webhook “Robot”"}
        rows = json.dumps(list(Delivery.objects.values()), default=str)
        assert code not in rows
        assert "h1dden" not in rows
        with_code.refresh_from_db()
        assert code not in caplog.text
        assert "h1dden" not in caplog.text
        assert "whsec_" not in caplog.text

    def test_a_code_that_is_being_exchanged_waits_and_one_that_was_revoked_is_not_told(
        self, house: House, door: Lock, clock: time_machine.Traveller
    ) -> None:
        with Server([answer(200)]) as server:
            channel = hook(server, include_code=True)
            house.stay(house.flat(door), DAY, DAY)
            house.settle()
            collecting.collect(timezone.now())
            grant = AccessGrant.objects.get()
            grants.rotate(grant.pk, timezone.now())
            assert tell() == [Outcome.HELD]
            house.settle()
            clock.shift(2 * MINUTE)
            tell()
            codes = [one.json()["data"]["code"] for one in server.requests]  # type: ignore[index]
            grant.refresh_from_db()
            assert set(codes) == {grant.code}
            code_overrides.revoke(grant.pk, timezone.now())
            code_overrides.renew_code(grant.pk, timezone.now())
            house.settle()
            collecting.collect(timezone.now())
            code_overrides.revoke(grant.pk, timezone.now())
            assert tell() == [Outcome.DROPPED]
        assert channel.deliveries.filter(state=State.DROPPED).count() == 1

    def test_a_deleted_stay_takes_the_guests_name_along(self, house: House, door: Lock) -> None:
        channel = letters(events=EVERYTHING)
        stay = house.stay(house.flat(door), DAY, DAY)
        house.settle()
        tell()
        assert "Anna Nowak" in mail.outbox[0].subject
        stay.delete()
        assert "Anna" not in json.dumps([one.payload for one in channel.deliveries.all()])


class TestMail:
    def test_a_letter_reaches_a_real_server(self, door: Lock, settings: Settings) -> None:
        letters(target="anna@example.com\nben@example.com")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with MailServer() as server:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            open_for(door)
            assert tell() == [Outcome.SENT]
        ((recipients, text),) = server.letters
        assert recipients == ["anna@example.com", "ben@example.com"]
        delivery = Delivery.objects.get()
        assert f"Message-ID: <{delivery.uid.hex}@" in text
        assert "Auto-Submitted: auto-generated" in text

    @pytest.mark.parametrize(
        ("refuses", "said"),
        [("RCPT", "refuses the address"), ("MAIL", "refuses our sender"), ("DATA", "did not take the message")],
    )
    def test_a_refusal_is_told_in_words_without_the_address(
        self, door: Lock, settings: Settings, refuses: str, said: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        channel = letters(target="h1dden@example.com")
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        with MailServer(refuses=refuses) as server:
            settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
            assert said in tried(channel)
        channel.refresh_from_db()
        assert "h1dden" not in channel.last_error + caplog.text

    def test_without_a_server_it_says_what_to_set(self, settings: Settings) -> None:
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
        assert "EMAIL_URL" in tried(letters())
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        assert "cannot be reached" in tried(letters())


class TestTests:
    def test_a_test_message_goes_at_once_and_once(self, clock: time_machine.Traveller) -> None:
        channel = letters(is_active=False, quiet_from=time(0), quiet_until=time(23, 59))
        assert tried(channel) == ""
        clock.shift(DAY)
        tell()
        assert [one.subject for one in mail.outbox] == ["Turnkey: a test message"]

    def test_one_that_fails_says_why_and_is_not_repeated(self, clock: time_machine.Traveller) -> None:
        with Server([answer(404)]) as server:
            channel = hook(server)
            assert tried(channel) == "The receiver answers with status 404."
            clock.shift(DAY)
            tell()
            assert len(server.requests) == 1
        assert states(channel) == ["given_up"]

    def test_it_goes_before_all_that_waits_also_to_a_channel_that_rests(
        self, house: House, clock: time_machine.Traveller
    ) -> None:
        resting = letters(name="Resting", failures=3, rests_until=timezone.now() + HOUR)
        letters(name="Busy")
        for n in range(3):
            open_for(house.lock(f"Door {n}"))
        collecting.collect(timezone.now())
        delivery = sending.queue_test(resting.pk, timezone.now())
        assert sending.due(timezone.now(), 1) == [delivery.pk]
        tasks.send_messages()
        assert mail.outbox[0].subject == "Turnkey: a test message"

    def test_one_that_nobody_sends_is_given_up_soon(self, clock: time_machine.Traveller) -> None:
        channel = letters()
        sending.queue_test(channel.pk, timezone.now())
        clock.shift(10 * MINUTE)
        tell()
        assert mail.outbox == []
        assert states(channel) == ["given_up"]

    def test_failed_tests_make_no_message_wait(self, door: Lock, clock: time_machine.Traveller) -> None:
        """Whoever mends a channel presses the button again and again."""
        with Server([answer(500)] * 6 + [answer(200)]) as server:
            channel = hook(server)
            for _ in range(6):
                assert tried(channel)
            channel.refresh_from_db()
            facts = (channel.failures, channel.rests_until, channel.failing_since, channel.last_error)
            assert facts == (0, None, timezone.now(), "The receiver answers with status 500.")
            open_for(door)
            assert tell() == [Outcome.SENT]

    def test_one_that_is_taken_ends_the_wait_of_all(self, door: Lock, clock: time_machine.Traveller) -> None:
        with Server([answer(500)] * 5 + [answer(200)]) as server:
            channel = hook(server)
            open_for(door)
            for _ in range(5):
                clock.shift(HOUR)
                tell()
            assert tried(channel) == ""
            assert states(channel)[0] == "sent"

    def test_a_secret_that_is_missing_is_named(self) -> None:
        channel = NotificationChannel.objects.create(name="Robot", kind="webhook", target="https://example.com/")
        assert "signing secret" in tried(channel)


class TestTasks:
    def test_the_tick_notices_and_the_senders_send(self, door: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[dict[str, Any]] = []
        monkeypatch.setattr(tasks.send_messages, "delay", lambda **arguments: asked.append(arguments))
        letters()
        open_for(door)
        tasks.notify()
        assert asked == [{}]  # no argument at all, so nothing secret in the broker
        tasks.send_messages()
        tasks.send_messages()
        assert len(mail.outbox) == 1

    def test_senders_leave_room_for_locks(self, door: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
        letters()
        open_for(door)
        collecting.collect(timezone.now())
        for _ in range(tasks.SENDERS):
            assert tasks._room_to_send.acquire(blocking=False)
        try:
            tasks.send_messages()
            assert mail.outbox == []
        finally:
            for _ in range(tasks.SENDERS):
                tasks._room_to_send.release()
        tasks.send_messages()
        assert len(mail.outbox) == 1


def test_switching_on_again_tells_nothing_of_what_was_missed(door: Lock, clock: time_machine.Traveller) -> None:
    channel = letters()
    open_for(door)
    collecting.collect(timezone.now())
    clock.shift(MINUTE)
    sending.listen_anew(channel.pk, timezone.now())
    tell()
    assert mail.outbox == []
    assert states(channel) == ["dropped"]


def test_what_is_sent_shows_neither_body_nor_text_when_printed() -> None:
    shown = repr(Outgoing(uuid4(), Message("s3cret", "s3cret"), {"code": "s3cret"}))
    assert "s3cret" not in shown
