"""When no code is shown: too early, too late, or while a lock may hold another value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from pins.core.pin_state import Op
from pins.desired import code_overrides, disclosure, grants
from pins.models import AccessGrant, Pin, PinAttempt, PinReveal
from rentals.models import Booking
from tests.support.house import House
from tests.support.pages import text
from tests.support.reveal_pages import NOW, code_of, page, ready_stay, refused, reveal_url, shows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


# -- when it is refused ---------------------------------------------------------------------------------------------


def test_refused_before_there_is_a_code(host: Client, house: House) -> None:
    refused(host, house.stay(house.flat(house.lock()), 90 * DAY, DAY), "has no code yet")


def test_refused_without_a_lock(host: Client, house: House) -> None:
    refused(host, house.stay(house.flat(), 2 * DAY, DAY), "No lock has this code")


def test_refused_after_revocation(host: Client, house: House) -> None:
    booking = ready_stay(house)
    code_overrides.revoke([AccessGrant.objects.get().pk], NOW)
    refused(host, booking, "was revoked")
    assert "Show the code" not in text(host.get(page(booking)))


def test_refused_after_cancellation(host: Client, house: House) -> None:
    booking = ready_stay(house)
    booking.status = Booking.Status.CANCELLED
    booking.save()
    refused(host, booking, "gets no code")


def test_refused_after_the_end(host: Client, house: House, clock: time_machine.Traveller) -> None:
    booking = ready_stay(house)
    clock.move_to(NOW + 7 * DAY)
    refused(host, booking, "stay is over")


def test_refused_while_a_lock_has_another_value(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock("Front"), house.lock("Attic")), 2 * DAY, 5 * DAY)
    house.settle()
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    refused(host, booking, "being replaced")
    front = Pin.objects.get(lock__name="Front")
    house.run(front.lock)
    refused(host, booking, "being replaced")
    house.settle()
    assert shows(host.post(reveal_url(booking)), code_of(booking))


def test_refused_while_a_request_with_the_old_value_is_under_way(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    pin = Pin.objects.get()
    token = PinAttempt.objects.create(pin=pin, op="post", rev=pin.desired_rev).token
    sent = {"op": Op.POST, "op_rev": pin.desired_rev, "op_token": token, "op_code": code_of(booking)}
    Pin.objects.update(**sent)
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    refused(host, booking, "being replaced")


def test_refused_while_a_lost_request_may_still_bring_the_old_value(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    old = {"late_until": NOW + timedelta(minutes=5), "late_rev": 1, "late_count": 1, "late_kinds": "post"}
    pin = Pin.objects.get()
    for name, value in {**old, "late_codes": code_of(booking)}.items():
        setattr(pin, name, value)
    pin.save()
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    refused(host, booking, "being replaced")


def test_refused_between_the_locks_refusal_and_the_next_value(host: Client, house: House) -> None:
    booking = house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    pin = Pin.objects.get()
    pin.exists, pin.tried_rev = True, pin.desired_rev
    pin.save()
    refused(host, booking, "being replaced")


def test_a_lock_whose_content_must_be_read_again_counts_by_what_it_may_hold(host: Client, house: House) -> None:
    booking = ready_stay(house)
    unknown: dict[str, Any] = {"applied_known": False, "applied_code": ""}
    grants.rotate(AccessGrant.objects.get().pk, NOW)
    Pin.objects.update(**unknown)
    refused(host, booking, "being replaced")
    house.settle()
    Pin.objects.update(**unknown)
    assert shows(host.post(reveal_url(booking)), code_of(booking))


# -- at the same time as an exchange ----------------------------------------------------------------------------------


def test_a_disclosure_must_not_be_part_of_a_larger_transaction(transactional_db: None) -> None:
    house = House()
    house.stay(house.flat(house.lock()), 2 * DAY, 5 * DAY)
    user = User.objects.create_superuser("root")
    with pytest.raises(RuntimeError), transaction.atomic():
        disclosure.reveal(AccessGrant.objects.get().pk, NOW, user=user, address="")
    assert not PinReveal.objects.exists()
