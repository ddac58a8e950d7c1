"""Messages to guests: when, once, and again when something changed."""

from __future__ import annotations

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.actions import stays
from pins.desired import code_overrides
from pins.guests import collecting, links, sending
from pins.guests.timing import LAST_CALL
from pins.models import AccessGrant, GuestGuide, GuestPage, Incident
from pins.notify.tries import SendResult
from rentals.models import Booking, Property
from tests.support.guests import DAY, HOUR, path_of, shown_code, stay_of, tick
from tests.support.house import House
from tests.support.statements import statements

pytestmark = pytest.mark.django_db
SENT = [SendResult.SENT]


def code_of(stay: Booking) -> str:
    return AccessGrant.objects.get(booking=stay).code


def test_once_when_the_code_is_ready_and_its_time_has_come(
    house: House, flat: Property, guide: GuestGuide, clock: time_machine.Traveller
) -> None:
    stay = stay_of(house, flat, 3 * DAY)
    house.settle()
    assert tick() == []
    clock.shift(DAY)
    assert tick() == SENT
    assert tick() == []
    (letter,) = mail.outbox
    assert letter.to == ["anna@example.com"]
    assert letter.subject == "Your door code for Flat is ready"
    assert f"https://codes.example.com/g/{GuestPage.objects.get().token}/" in letter.body
    assert "Thursday, 4 Mar 2027 at 10:00" in letter.body
    assert "code:" not in letter.body
    assert code_of(stay) not in letter.body.replace(" ", "")
    assert AccessGrant.objects.get().disclosed_at is None  # the link discloses nothing


def test_at_once_for_a_stay_entered_late(house: House, flat: Property, guide: GuestGuide) -> None:
    stay_of(house, flat, 5 * HOUR)
    assert tick() == []
    house.settle()
    assert tick() == SENT


def test_an_offline_lock_does_not_keep_the_link(
    house: House, flat: Property, guide: GuestGuide, clock: time_machine.Traveller
) -> None:
    house.cloud.set_connected(flat.locks.get().device_id, False)
    stay = stay_of(house, flat, DAY)
    assert tick() == []
    clock.move_to(stay.check_in - LAST_CALL)
    assert tick() == SENT
    assert mail.outbox[0].subject == "Your stay at Flat"
    house.cloud.set_connected(flat.locks.get().device_id, True)
    house.live(clock, HOUR)
    assert tick() == []  # the page says the rest


def test_the_code_only_where_the_host_ticked_it_and_disclosed_first(
    house: House, flat: Property, guide: GuestGuide
) -> None:
    GuestGuide.objects.update(code_in_message=True)
    stay = stay_of(house, flat, DAY, guest_language="pl")
    house.settle()
    assert tick() == SENT
    assert f"Twój kod do drzwi: {' '.join(code_of(stay))}" in mail.outbox[0].body
    assert AccessGrant.objects.get().disclosed_at == timezone.now()


def test_the_code_follows_the_link_where_it_belongs_into_the_message(
    house: House, flat: Property, guide: GuestGuide, clock: time_machine.Traveller
) -> None:
    GuestGuide.objects.update(code_in_message=True)
    house.cloud.set_connected(flat.locks.get().device_id, False)
    stay = stay_of(house, flat, 3 * HOUR)
    assert tick() == SENT
    assert "door code:" not in mail.outbox[0].body
    house.cloud.set_connected(flat.locks.get().device_id, True)
    house.live(clock, HOUR)
    assert tick() == SENT
    assert " ".join(code_of(stay)) in mail.outbox[1].body
    assert tick() == []


def test_a_stay_that_a_person_must_release_waits(
    house: House, flat: Property, guide: GuestGuide, clock: time_machine.Traveller
) -> None:
    GuestGuide.objects.update(needs_release=True)
    stay = stay_of(house, flat, DAY)
    house.settle()
    assert tick() == []
    links.release(stay.pk, timezone.now())
    assert tick() == SENT


class TestChanges:
    @pytest.fixture
    def told(self, house: House, flat: Property, guide: GuestGuide) -> Booking:
        stay = stay_of(house, flat, DAY)
        house.settle()
        assert tick() == SENT
        mail.outbox.clear()
        return stay

    def test_other_times(self, house: House, told: Booking) -> None:
        told.check_out += HOUR
        told.save()
        assert tick() == SENT
        assert mail.outbox[0].subject == "Changed: your stay at Flat"
        assert mail.outbox[0].body.startswith("Something about your stay has changed.")
        assert "11:00" in mail.outbox[0].body
        house.settle()
        assert tick() == []

    def test_a_month_later(self, told: Booking) -> None:
        told.check_in += 30 * DAY
        told.check_out += 30 * DAY
        told.save()
        assert tick() == SENT

    def test_after_the_days_that_were_told(self, told: Booking, clock: time_machine.Traveller) -> None:
        clock.move_to(told.check_out + DAY)
        told.check_in += 30 * DAY
        told.check_out += 30 * DAY
        told.save()
        assert tick() == SENT

    def test_another_code(self, house: House, told: Booking) -> None:
        former = code_of(told)
        code_overrides.renew_code(AccessGrant.objects.get().pk, timezone.now())
        assert code_of(told) != former
        assert tick() == []
        house.settle()
        assert tick() == SENT
        assert mail.outbox[0].subject.startswith("Changed")
        assert tick() == []

    def test_another_code_after_the_guest_saw_it(self, house: House, told: Booking, client: Client) -> None:
        assert shown_code(client, told)
        assert tick() == []
        former = GuestPage.objects.get().token
        assert stays.revoke(told, timezone.now()).done
        assert tick() == []
        assert GuestPage.objects.get().token != former
        assert stays.new_code(told, timezone.now()).done
        house.settle()
        assert tick() == SENT
        assert former not in mail.outbox[0].body
        assert GuestPage.objects.get().token in mail.outbox[0].body

    def test_cancelled(self, told: Booking) -> None:
        told.status = Booking.Status.CANCELLED
        told.save()
        assert tick() == []


def test_a_call_for_help_after_check_out_stays_open_while_the_code_works(
    house: House, flat: Property, guide: GuestGuide, clock: time_machine.Traveller, client: Client
) -> None:
    """The property gives guests another hour: the page and the button are there, so somebody must be told."""
    Property.objects.update(late_minutes=60)
    stay = stay_of(house, flat, HOUR)
    house.settle()
    clock.move_to(stay.check_out + HOUR / 4)
    client.post(path_of(stay, "guest-help"))
    shut_out = Incident.objects.filter(kind="guest_shut_out", resolved_at=None)
    clock.shift(HOUR / 2)
    collecting.collect(timezone.now())
    assert shut_out.exists()
    clock.shift(HOUR / 2)
    collecting.collect(timezone.now())
    assert not shut_out.exists()


def test_a_call_for_help_about_a_cancelled_stay_is_heard_before_it_ends(
    house: House, flat: Property, guide: GuestGuide, clock: time_machine.Traveller, client: Client
) -> None:
    stay = stay_of(house, flat, HOUR)
    house.settle()
    client.post(path_of(stay, "guest-help"))
    Booking.objects.update(status=Booking.Status.CANCELLED)
    shut_out = Incident.objects.filter(kind="guest_shut_out", resolved_at=None)
    collecting.collect(timezone.now())
    assert shut_out.exists()
    clock.shift(HOUR)
    collecting.collect(timezone.now())
    assert not shut_out.exists()


def test_nothing_is_asked_where_nobody_uses_it(house: House, flat: Property) -> None:
    stay_of(house, flat, HOUR)
    with CaptureQueriesContext(connection) as captured:
        collecting.collect(timezone.now())
        assert sending.due(timezone.now(), 9) == []
    assert len(statements(captured)) == 3
    assert not GuestPage.objects.exists()
