"""The admin as a whole: its index, what support may look at, and strange addresses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from pins.models import AccessGrant, AccountState, Incident, LockState, Pin, PinAttempt
from tests.support.house import House
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_index_begins_with_what_a_host_needs_and_ends_with_the_scheduler(host: Client) -> None:
    response = host.get("/admin/")
    apps = response.context["app_list"]
    assert [one["name"] for one in apps[0]["models"]] == [
        "Bookings",
        "Properties",
        "Calendar feeds",
        "Locks",
        "Lock accounts",
        "Published calendars",
        "Calendar items",
    ]
    assert apps[-1]["app_label"] == "django_celery_beat"
    assert "Turnkey" in text(response)
    assert host.get("/admin/rentals/").status_code == 200


def test_a_booking_without_any_property_says_what_comes_first(host: Client, house: House) -> None:
    assert "There is no property yet:" in text(host.get("/admin/rentals/booking/add/"))
    house.flat()
    assert "There is no property yet" not in text(host.get("/admin/rentals/booking/add/"))


def test_support_reads_everything_and_changes_nothing(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    house.settle()
    pin, grant = Pin.objects.get(), AccessGrant.objects.get()
    for about in (pin, door, house.account):
        Incident.open(
            {"pin": Incident.Kind.CODE_LATE, "lock": Incident.Kind.NO_ROOM}.get(
                about._meta.model_name or "", Incident.Kind.DEAD_KEY
            ),
            NOW,
            about=about,
        )
    Incident.resolve(NOW, about=door, kinds=(Incident.Kind.NO_ROOM,))

    for name, one in (("accessgrant", grant), ("pin", pin), ("incident", Incident.objects.latest("pk"))):
        for path in (f"/admin/pins/{name}/", f"/admin/pins/{name}/{one.pk}/change/"):
            response = host.get(path)
            assert response.status_code == 200
            assert grant.code not in text(response)
        assert host.post(f"/admin/pins/{name}/{one.pk}/change/", {}).status_code == 403
        assert host.post(f"/admin/pins/{name}/{one.pk}/delete/", {"post": "yes"}).status_code == 403
        assert host.get(f"/admin/pins/{name}/add/").status_code == 403
        assert "••••••" in text(host.get(f"/admin/pins/{name}/{one.pk}/change/")) or name == "incident"
    open_ones = text(host.get("/admin/pins/incident/"))
    assert "The code is not on the lock yet" in open_ones
    assert "Make a new key at portal.tedee.com" in open_ones
    assert (
        "The lock has no room for more codes" not in open_ones.partition('id="result_list"')[2].partition("</table>")[0]
    )
    assert "The lock has no room for more codes" in text(host.get("/admin/pins/incident/?state=resolved"))
    assert PinAttempt.objects.exists()
    booking.delete()
    for path in ("/admin/pins/accessgrant/", "/admin/pins/incident/", f"/admin/pins/accessgrant/{grant.pk}/change/"):
        assert "deleted booking" in text(host.get(path))


def test_strange_addresses_are_no_server_errors(host: Client, house: House) -> None:
    house.lock()
    huge = "9" * 30
    for path in (
        f"/admin/rentals/lock/?account={huge}",
        "/admin/rentals/lock/?account=٣",
        f"/admin/rentals/lock/{huge}/change/",
        f"/admin/rentals/booking/{huge}/change/",
        "/admin/rentals/booking/x/change/",
        f"/admin/rentals/booking/?property__id__exact={huge}",
        f"/admin/pins/incident/?state={huge}",
        f"/admin/rentals/lock/?q={huge}",
    ):
        assert host.get(path, follow=True).status_code in (200, 404), path
    assert host.post(f"/admin/rentals/booking/{huge}/revoke/").status_code == 404


def test_tables_of_operation_are_not_offered(host: Client, house: House) -> None:
    LockState.objects.get_or_create(lock=house.lock())
    AccountState.objects.get_or_create(account=house.account)
    for name in ("lockstate", "accountstate", "ratebudget", "valueclaim", "installationkey"):
        assert host.get(f"/admin/pins/{name}/").status_code == 404
