"""Admin and console lead to each other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from tests.support.house import House
from tests.support.pages import text
from tests.support.people import staff

pytestmark = pytest.mark.django_db

BOOKINGS, PROPERTIES, LOCKS = "/admin/rentals/booking/", "/admin/rentals/property/", "/admin/rentals/lock/"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_admin_and_console_lead_to_each_other(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="<River>")
    booking = house.stay(flat, DAY, DAY)
    assert f'<a href="/stays/{booking.pk}/">Open in the console</a>' in text(
        host.get(f"{BOOKINGS}{booking.pk}/change/")
    )
    assert f'href="/admin/rentals/booking/{booking.pk}/change/"' in text(host.get(f"/stays/{booking.pk}/"))
    page = text(host.get(f"{LOCKS}{door.pk}/change/"))
    assert f'<a href="/locks/{door.pk}/">Open in the console</a>' in page
    assert f'<a href="/admin/rentals/property/{flat.pk}/change/">&lt;River&gt;</a>' in page
    assert f'href="/admin/rentals/lock/{door.pk}/change/"' in text(host.get(f"/locks/{door.pk}/"))
    assert "Open in the console" not in text(host.get(f"{BOOKINGS}add/"))
    assert "Open in the console" not in text(host.get(f"{LOCKS}add/"))


def test_a_person_who_sees_no_stays_is_not_sent_to_the_console(client: Client, house: House) -> None:
    door = house.lock()
    client.force_login(staff("technician", "change_lock", "view_lock"))
    assert "Open in the console" not in text(client.get(f"{LOCKS}{door.pk}/change/"))
