"""What happens is told once: from an incident to the channels that asked for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from pins.incidents import sweep_checks, texts
from pins.models import Incident
from pins.notify import collecting, outbox, sending
from pins.notify.tries import SendResult
from rentals.models import Lock
from tests.support.house import House
from tests.support.notifications import hook, letters, open_for, resolve_for, states, tell
from tests.support.scripted_server import Server, answer

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


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
        sweep_checks.check(timezone.now())
        tell()
        assert [one.subject for one in mail.outbox] == [
            "The code is not on the lock yet: Anna Nowak at Flat, Front door"
        ]
        assert f"https://codes.example.com/stays/{stay.pk}/" in mail.outbox[0].body
        house.settle()
        sweep_checks.check(timezone.now())
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

    def test_a_channel_for_urgent_news_is_told_when_an_incident_becomes_urgent(
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
        """For both stays: one has its code on the lock, the code of the other is not due for months."""
        channel, flat = letters(), house.flat(door, name="Old Town 3")
        near, far = house.stay(flat, 29 * HOUR, DAY, "Zoe"), house.stay(flat, 90 * DAY, DAY, "Xaver")
        house.settle()
        for stay in (near, far):
            Incident.open(Incident.Kind.STAYS_OVERLAP, timezone.now(), about=stay)
        tell()
        what = texts.text_of("stays_overlap").what
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
        assert tell() == [SendResult.DROPPED]
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


def test_switching_on_again_tells_nothing_of_what_was_missed(door: Lock, clock: time_machine.Traveller) -> None:
    channel = letters()
    open_for(door)
    collecting.collect(timezone.now())
    clock.shift(MINUTE)
    sending.listen_anew(channel.pk, timezone.now())
    tell()
    assert mail.outbox == []
    assert states(channel) == ["dropped"]
