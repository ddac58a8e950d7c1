"""A guest who cannot get in gets a spare code on the page; a host gives one on the stay."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from pins.desired import code_overrides
from pins.models import AccessGrant, Incident, PinReveal, SparePool
from rentals.models import Booking, Lock, Property
from tests.support.guests import HOUR, guide_of, page_text, path_of, stay_of
from tests.support.house import House
from tests.support.people import staff
from tests.support.spares import entered, minute, pool_on, spares_on

pytestmark = pytest.mark.django_db
SHOWN = re.compile(r'(?:<p class="lead">([^<]*)</p>\s*)?<p class="digits">(.*?)</p>', re.DOTALL)


def shown(text: str) -> dict[str, str]:
    """The codes on a guest's page, by the doors that they are for."""
    return {doors: "".join(re.findall(r"\d", digits)) for doors, digits in SHOWN.findall(text)}


def ask(client: Client, stay: Booking, language: str = "en") -> str:
    return client.post(f"{path_of(stay, 'guest-help')}?lang={language}").content.decode()


def outside(house: House, clock: time_machine.Traveller, *locks: Lock, **guide: bool) -> Booking:
    """A stay that has begun while the first of its locks was offline; each lock has a spare code."""
    flat = house.flat(*locks)
    guide_of(flat, **{"hands_out_spares": True, **guide})
    for lock in locks:
        pool_on(house, lock)
    house.cloud.set_connected(locks[0].device_id, False)
    stay = stay_of(house, flat, HOUR)
    for lock in locks:
        house.run(lock)
    clock.shift(2 * HOUR)
    return stay


def taken() -> bool:
    return AccessGrant.objects.filter(kind=AccessGrant.Kind.BACKUP, disclosed_at__isnull=False).exists()


@pytest.mark.parametrize(("language", "words"), [("en", "Use this code now"), ("pl", "Użyj teraz tego kodu")])
def test_the_guest_asks_and_the_door_opens(
    house: House, clock: time_machine.Traveller, client: Client, language: str, words: str
) -> None:
    door = house.lock("Front door")
    stay = outside(house, clock, door)
    assert "Show my code" not in page_text(client, stay)
    text = ask(client, stay, language)
    assert words in text
    ((doors, code),) = shown(text).items()
    assert doors.endswith("Front door")
    assert entered(house, door, code) is not None
    assert Incident.objects.get(kind="guest_shut_out").severity == "urgent"  # the host hears all the same
    reveal = PinReveal.objects.get()
    assert reveal.user_name == "the guest, who could not get in"
    # The page shows it again, by a press alone.
    page = page_text(client, stay)
    assert "Opens with a spare code" in page
    assert "Show my code" in page
    assert not shown(page)
    again = shown(client.post(path_of(stay, "guest-code")).content.decode())
    assert again == {"For Front door": code}
    assert AccessGrant.objects.get(booking=stay, kind="guest").disclosed_at is None  # the own code is not shown
    # And once the lock has the guest's own code, that.
    house.cloud.set_connected(door.device_id, True)
    house.live(clock, timedelta(minutes=10))
    minute(house)
    own = AccessGrant.objects.get(booking=stay, kind="guest").code
    assert shown(client.post(path_of(stay, "guest-code")).content.decode()) == {"For Front door": own}
    assert entered(house, door, code) is not None


def test_each_door_with_the_code_that_opens_it(house: House, clock: time_machine.Traveller, client: Client) -> None:
    front, gate = house.lock("Front door"), house.lock("Gate")
    stay = outside(house, clock, front, gate)
    own = AccessGrant.objects.get(booking=stay, kind="guest").code
    assert shown(client.post(path_of(stay, "guest-code")).content.decode()) == {}
    ((_, spare),) = shown(ask(client, stay)).items()
    assert shown(client.post(path_of(stay, "guest-code")).content.decode()) == {
        "For Gate": own,
        "For Front door": spare,
    }
    assert sum(pin.grant.is_reserve for pin in spares_on(gate)) == 1  # untouched
    # Somebody takes it off the lock by hand, and a look shows it: nothing is called working any more.
    (pin,) = [one for one in spares_on(front) if not one.grant.is_reserve]
    type(pin).objects.filter(pk=pin.pk).update(must_look=True)
    assert "Opens with a spare code" not in page_text(client, stay)
    assert shown(client.post(path_of(stay, "guest-code")).content.decode()) == {}


def test_the_own_code_is_shown_where_it_is_new_although_another_lock_has_the_former_one(
    house: House, clock: time_machine.Traveller, client: Client
) -> None:
    front, gate = house.lock("Front door"), house.lock("Gate")
    stay = outside(house, clock, front, gate)
    house.cloud.set_connected(front.device_id, True)
    house.live(clock, timedelta(minutes=10))
    house.cloud.set_connected(front.device_id, False)
    grant = AccessGrant.objects.get(booking=stay, kind="guest")
    code_overrides.renew_code(grant.pk, timezone.now())
    house.run(front)
    house.run(gate)
    ((_, spare),) = shown(ask(client, stay)).items()
    grant.refresh_from_db()
    assert shown(client.post(path_of(stay, "guest-code")).content.decode()) == {
        "For Gate": grant.code,
        "For Front door": spare,
    }
    assert entered(house, gate, grant.code) is not None
    assert entered(house, front, grant.code) is None
    assert entered(house, front, spare) is not None


@pytest.mark.parametrize("why", ["not allowed", "not released", "works", "too early"])
def test_nothing_is_given_where_it_should_not(
    house: House, clock: time_machine.Traveller, client: Client, why: str
) -> None:
    door = house.lock("Front door")
    stay = outside(house, clock, door, hands_out_spares=why != "not allowed", needs_release=why == "not released")
    if why == "works":
        house.cloud.set_connected(door.device_id, True)
        house.live(clock, timedelta(minutes=10))
    if why == "too early":
        clock.shift(-90 * timedelta(minutes=1))
    assert shown(ask(client, stay)) == {}
    assert not taken()
    assert Incident.objects.filter(kind="guest_shut_out").exists()


def test_looking_alone_takes_none(house: House, clock: time_machine.Traveller, client: Client) -> None:
    stay = outside(house, clock, house.lock("Front door"))
    page_text(client, stay)
    client.post(path_of(stay, "guest-code"))
    client.get(path_of(stay, "guest-help"))
    assert not taken()


class TestHost:
    def test_one_press_and_a_line_in_the_history(
        self, house: House, clock: time_machine.Traveller, host: Client
    ) -> None:
        door = house.lock("Front door")
        stay = outside(house, clock, door, hands_out_spares=False)
        url = reverse("admin:rentals_booking_spare", args=[stay.pk])
        page = host.get(reverse("stay", args=[stay.pk])).content.decode()
        assert "A spare code is ready there" in page
        assert url in page
        assert host.get(url).status_code == 405
        answer = host.post(url)
        assert "no-store" in answer["Cache-Control"]
        (code,) = re.findall(r'tk-shown" translate="no">(\d+)<', answer.content.decode())
        assert entered(house, door, code) is not None
        assert "Spare code given to the guest: Front door." in str(LogEntry.objects.get().get_change_message())
        assert PinReveal.objects.get().user_name == "host"
        page = host.get(reverse("stay", args=[stay.pk])).content.decode()
        assert "The guest has one for" in page
        assert code not in page
        lock = host.get(reverse("lock", args=[door.pk])).content.decode()
        assert f"Spare code of {stay.guest_name}" in lock
        assert "0 of 1 ready" in lock
        for listed in ("accessgrant", "pin", "pinreveal"):
            text = host.get(reverse(f"admin:pins_{listed}_changelist")).content.decode()
            assert code not in text

    def test_a_code_that_was_changed_while_the_lock_is_offline(
        self, house: House, clock: time_machine.Traveller, host: Client
    ) -> None:
        door = house.lock("Front door")
        stay = outside(house, clock, door)
        house.cloud.set_connected(door.device_id, True)
        house.live(clock, timedelta(minutes=10))
        page = reverse("stay", args=[stay.pk])
        assert "A spare code is ready there" not in host.get(page).content.decode()
        house.cloud.set_connected(door.device_id, False)
        host.post(reverse("stay-action", args=[stay.pk, "new_code"]))
        house.run(door)
        assert "A spare code is ready there" in host.get(page).content.decode()
        assert host.post(reverse("admin:rentals_booking_spare", args=[stay.pk])).status_code == 200
        assert "A spare code is ready there" not in host.get(page).content.decode()

    def test_it_can_be_shown_again_later(self, house: House, clock: time_machine.Traveller, host: Client) -> None:
        door = house.lock("Front door")
        stay = outside(house, clock, door)
        url = reverse("admin:rentals_booking_spare", args=[stay.pk])
        first = host.post(url).content.decode()
        house.cloud.set_connected(door.device_id, True)
        house.live(clock, timedelta(minutes=10))
        assert "Show the spare code" in host.get(reverse("stay", args=[stay.pk])).content.decode()
        again = host.post(url).content.decode()
        codes = [re.findall(r'tk-shown" translate="no">(\d+)<', text) for text in (first, again)]
        assert codes[0] == codes[1] != []
        assert LogEntry.objects.count() == 1

    def test_none_is_offered_or_given_while_the_own_code_works(
        self, house: House, clock: time_machine.Traveller, host: Client
    ) -> None:
        door = house.lock("Front door")
        stay = outside(house, clock, door)
        house.cloud.set_connected(door.device_id, True)
        house.live(clock, timedelta(minutes=10))
        assert "Spare code" not in host.get(reverse("stay", args=[stay.pk])).content.decode()
        answer = host.post(reverse("admin:rentals_booking_spare", args=[stay.pk]))
        assert answer.status_code == 409
        assert "no spare code is given" in answer.content.decode()
        assert not taken()

    def test_that_none_is_ready_is_said(self, house: House, clock: time_machine.Traveller, host: Client) -> None:
        door = house.lock("Front door")
        stay = outside(house, clock, door)
        SparePool.objects.update(size=0, check_at=timezone.now())
        minute(house)
        SparePool.objects.update(size=1)
        assert "No spare code is ready on Front door" in host.get(reverse("stay", args=[stay.pk])).content.decode()
        assert host.post(reverse("admin:rentals_booking_spare", args=[stay.pk])).status_code == 409

    @pytest.mark.parametrize("may", [["change_booking"], ["reveal_code", "view_booking"]])
    def test_who_may_not_gets_none(
        self, house: House, clock: time_machine.Traveller, client: Client, may: list[str]
    ) -> None:
        stay = outside(house, clock, house.lock("Front door"))
        client.force_login(staff("keeper", *may))
        assert client.post(reverse("admin:rentals_booking_spare", args=[stay.pk])).status_code == 403
        assert "give the guest a spare" not in client.get(reverse("stay", args=[stay.pk])).content.decode()
        assert not taken()

    def test_how_many_is_a_field_of_the_lock(self, house: House, flat: Property, host: Client) -> None:
        door = flat.locks.get()
        url = reverse("admin:rentals_lock_change", args=[door.pk])
        typed = {
            "name": door.name,
            "is_active": "on",
            "account": door.account_id,
            "serial_number": door.serial_number,
            "device_id": door.device_id,
            "pin_capacity": door.pin_capacity,
        }
        assert host.post(url, typed).status_code == 302
        assert not SparePool.objects.exists()  # nothing is stored for locks without any
        assert host.post(url, {**typed, "spare_codes": "2"}).status_code == 302
        assert SparePool.objects.get(lock=door).size == 2
        assert 'name="spare_codes" value="2"' in host.get(url).content.decode()
        assert "0 of 2 ready" in host.get(url).content.decode()
        assert "less than or equal to 5" in host.post(url, {**typed, "spare_codes": "6"}).content.decode()
        assert host.post(url, {**typed, "spare_codes": ""}).status_code == 302
        assert SparePool.objects.get(lock=door).size == 0
