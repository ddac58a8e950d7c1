"""What follows from showing a code: it is fixed, and a change must be shown again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from pins.desired import code_overrides, grants
from pins.models import AccessGrant, Incident, PinReveal
from rentals.models import Booking
from tests.support.house import House
from tests.support.pages import text
from tests.support.reveal_pages import NOW, code_of, page, ready_stay, reveal_url, shows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


def test_after_a_disclosure_the_code_is_not_exchanged_silently(host: Client, house: House) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    grant, code = AccessGrant.objects.get(), code_of(booking)
    assert grants.rotate(grant.pk, NOW) == set()
    with pytest.raises(code_overrides.CodeDisclosedError):
        code_overrides.renew_code(grant.pk, NOW)
    assert code_of(booking) == code


def test_a_code_that_replaces_a_revoked_one_waits_for_disclosure(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    clock.shift(timedelta(minutes=5))
    code_overrides.revoke([AccessGrant.objects.get().pk], NOW + timedelta(minutes=5))
    house.settle()
    code_overrides.renew_code(AccessGrant.objects.get().pk, NOW + timedelta(minutes=5))
    house.settle()
    assert "Not shown yet" in text(host.get(page(booking)))
    response = host.post(reveal_url(booking))
    assert "Shown 2 times" not in text(response)
    assert PinReveal.objects.count() == 2


def test_a_code_that_had_to_change_after_it_was_shown_must_be_shown_again(
    host: Client, house: House, clock: time_machine.Traveller
) -> None:
    booking = ready_stay(house)
    host.post(reveal_url(booking))
    clock.shift(DAY)
    grants.rotate(AccessGrant.objects.get().pk, NOW + DAY, forced=True)
    house.settle()
    assert "New code not shown yet" in text(host.get(page(booking)))
    assert Incident.objects.get().resolved_at is None
    clock.shift(timedelta(minutes=1))
    response = host.post(reveal_url(booking))
    assert Incident.objects.get().resolved_at is not None
    assert shows(response, code_of(booking))
    assert "Shown to Helena on Tue 2 Mar 2027, 10:01 CET" in text(response)
    assert "Shown 2 times" not in text(response)
    assert AccessGrant.objects.get().disclosed_at == NOW


def test_a_code_that_the_host_chose_is_disclosed(host: Client, house: House) -> None:
    booking = ready_stay(house)
    code_overrides.set_code(AccessGrant.objects.get().pk, "480261", NOW)
    house.settle()
    assert "Chosen by a person on Mon 1 Mar 2027, 10:00 CET" in text(host.get(page(booking)))


def test_the_list_finds_ready_codes_that_were_not_shown_yet(host: Client, house: House) -> None:
    untold, told = ready_stay(house), ready_stay(house)
    unready = house.stay(house.flat(house.lock()), 2 * DAY, DAY)
    planned = house.stay(untold.property, 90 * DAY, DAY)
    host.post(reveal_url(told))

    def found() -> set[Booking]:
        return set(host.get("/admin/rentals/booking/?told=no").context["cl"].result_list)

    assert found() == {untold}
    house.settle()
    assert found() == {untold, unready}
    code_overrides.revoke([AccessGrant.objects.get(booking=unready).pk], NOW)
    assert found() == {untold}
    assert planned not in found()
