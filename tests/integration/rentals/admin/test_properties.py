"""Properties in the admin: entered, corrected, and the stays that follow their times."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import Client

from rentals.models import Property
from tests.support.admin_forms import flat_form
from tests.support.house import House
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_property_is_entered_with_its_locks(host: Client, house: House) -> None:
    door = house.lock()
    response = host.post("/admin/rentals/property/add/", flat_form(locks=[str(door.pk)]))
    assert response.status_code == 302
    flat = Property.objects.get()
    assert (flat.timezone, flat.check_in_time, list(flat.locks.all())) == ("Europe/Warsaw", time(15), [door])
    assert "15:00 to 11:00" in text(host.get("/admin/rentals/property/"))
    assert '<option value="Europe/Warsaw">' in text(host.get(f"/admin/rentals/property/{flat.pk}/change/"))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("europe/warsaw", "Europe/Warsaw"), ("warsaw", "Europe/Warsaw"), ("new york", "America/New_York")],
)
def test_a_zone_is_understood_as_people_write_it(host: Client, typed: str, meant: str) -> None:
    host.post("/admin/rentals/property/add/", flat_form(timezone=typed))
    assert Property.objects.get().timezone == meant


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"timezone": "Warsav"}, "“Warsav” is not a time zone. Use a name such as Europe/Warsaw"),
        ({"timezone": "../../etc/passwd"}, "is not a time zone"),
        ({"timezone": ""}, "This field is required"),
        ({"check_in_time": "3 in the afternoon"}, "Enter a time such as 15:00"),
        ({"code_length": "4"}, "greater than or equal to 5"),
        ({"issue_ahead_days": "1000"}, "less than or equal to 365"),
        ({"early_minutes": "-1"}, "greater than or equal to 0"),
        ({"late_minutes": "99999999999999999999"}, "less than or equal to"),
        ({"locks": ["12345"]}, "not one of the available choices"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_wrong_input_about_a_property_is_explained_and_kept(
    host: Client, changes: dict[str, object], message: str
) -> None:
    response = host.post("/admin/rentals/property/add/", flat_form(**changes))
    assert response.status_code == 200
    assert message in text(response)
    assert 'value="Old Town 3"' in text(response) or "name" in changes
    assert not Property.objects.exists()


def test_a_new_check_out_time_moves_the_stays_that_follow_it(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    booking = house.stay(flat, flat.check_in_on((NOW + DAY).date()), timedelta(hours=20))
    booking.follows_property_times = True
    booking.save()
    form = flat_form(name="Flat", check_out_time="12:00", locks=[str(door.pk)])
    assert host.post(f"/admin/rentals/property/{flat.pk}/change/", form).status_code == 302
    house.settle()
    (remote,) = house.ours(door)
    assert remote.body.end is not None
    assert remote.body.end.astimezone(flat.zone).hour == 12


def test_a_check_out_time_that_has_passed_locks_out_nobody_in_the_house(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)  # it is 10:00 there
    leaves_today = house.stay(flat, -DAY, DAY, "Ben Ode")
    leaves_today.follows_property_times, leaves_today.check_out = True, flat.check_out_on(NOW.date())
    leaves_today.save()
    house.settle()
    form = flat_form(name="Flat", check_out_time="09:00", locks=[str(door.pk)])
    page = text(host.post(f"/admin/rentals/property/{flat.pk}/change/", form, follow=True))
    assert "Ben Ode is in the house and keeps the check-out Mon 1 Mar 2027, 11:00 CET." in page
    house.settle()
    (remote,) = house.ours(door)
    assert remote.body.end == NOW + timedelta(hours=1)


def test_a_new_property_is_offered_the_usual_times(host: Client) -> None:
    form = host.get("/admin/rentals/property/add/").context["adminform"].form
    assert (form["check_in_time"].value(), form["check_out_time"].value()) == (time(15), time(11))
