"""Properties, locks, accounts and the read-only lists of support, as people use and misuse them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pins.models import AccessGrant, AccountState, Incident, LockState, Pin, PinAttempt
from pins.reconcile import clients
from pins.simulator.cloud import Cloud
from pins.simulator.server import SimulatorServer
from rentals.models import Lock, LockAccount, Property
from tests.support.house import KEY, House

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def host(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


@pytest.fixture
def house() -> House:
    return House()


def text(response: Any) -> str:
    return str(response.content.decode())


def told(response: Any) -> str:
    return "\n".join(str(one.message) for one in get_messages(response.wsgi_request))


def flat_form(**changes: object) -> dict[str, object]:
    return {
        "name": "Old Town 3",
        "is_active": "on",
        "timezone": "Europe/Warsaw",
        "check_in_time": "15:00",
        "check_out_time": "11:00",
        "locks": [],
        "issue_ahead_days": "30",
        "code_length": "6",
        "early_minutes": "0",
        "late_minutes": "0",
        **changes,
    }


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


def test_a_key_goes_in_and_never_comes_out(host: Client) -> None:
    add = "/admin/rentals/lockaccount/add/"
    form = {"name": "Office", "kind": "personal_key", "rate_group": "", "secret": ""}
    assert "Paste the access key here" in text(host.post(add, form))
    bad = host.post(add, {**form, "secret": "not a kéy"})
    assert "This is not an access key" in text(bad)
    assert "not a k" not in text(bad)
    added = host.post(add, {**form, "secret": " PersonalKey SECRET-canary-1 "}, follow=True)
    account = LockAccount.objects.get()
    assert 'id="fetch-locks"' in text(added)  # the next step is where one is taken
    assert account.secret == "SECRET-canary-1"

    url = f"/admin/rentals/lockaccount/{account.pk}/change/"
    for path in (url, "/admin/rentals/lockaccount/", f"/admin/rentals/lockaccount/{account.pk}/history/"):
        assert "canary" not in text(host.get(path))
    host.post(url, {**form, "name": "Office 2"})
    account.refresh_from_db()
    assert (account.name, account.secret) == ("Office 2", "SECRET-canary-1")
    host.post(url, {**form, "secret": "SECRET-canary-2"})
    account.refresh_from_db()
    assert account.secret == "SECRET-canary-2"
    assert "canary" not in text(host.get(f"/admin/rentals/lockaccount/{account.pk}/history/"))


def test_a_new_account_leads_on_to_its_locks(host: Client) -> None:
    add = "/admin/rentals/lockaccount/add/"
    form = {"name": "Office", "kind": "personal_key", "rate_group": "", "secret": "some-key"}
    assert "Give the account a name." in text(host.post(add, {**form, "name": "  "}))
    answer = host.post(add, {**form, "_save": "Save"})
    assert answer["Location"] == f"/admin/rentals/lockaccount/{LockAccount.objects.get().pk}/change/"
    assert "Next: press “Fetch locks”." in told(answer)
    assert host.post(add, {**form, "name": "Cellar", "_addanother": "1"})["Location"] == add
    adder = User.objects.create_user("adder", is_staff=True)
    adder.user_permissions.add(Permission.objects.get(codename="add_lockaccount"))
    client = Client()
    client.force_login(adder)
    assert "Next:" not in told(client.post(add, {**form, "name": "Third", "_save": "Save"}))


def test_two_accounts_of_one_name_could_not_be_told_apart(host: Client) -> None:
    for name in ("Office", "Home", "Home"):
        LockAccount.objects.create(name=name, secret=KEY)
    form = {"name": "office ", "kind": "personal_key", "rate_group": "", "secret": "other-key"}
    taken = "There is an account of this name already."
    assert taken in text(host.post("/admin/rentals/lockaccount/add/", form))
    assert LockAccount.objects.count() == 3
    office, home, _ = LockAccount.objects.order_by("pk")
    assert taken in text(host.post(f"/admin/rentals/lockaccount/{home.pk}/change/", form))
    # What is so already can still be given another key, or another name.
    for one, name in ((home, "Home"), (home, "Seaside"), (office, "OFFICE")):
        sent = {**form, "name": name}
        assert host.post(f"/admin/rentals/lockaccount/{one.pk}/change/", sent).status_code == 302


def test_a_booking_without_any_property_says_what_comes_first(host: Client, house: House) -> None:
    assert "There is no property yet:" in text(host.get("/admin/rentals/booking/add/"))
    house.flat()
    assert "There is no property yet" not in text(host.get("/admin/rentals/booking/add/"))


def test_a_person_who_may_only_look_sees_no_key(house: House) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    looking = Client()
    looking.force_login(viewer)
    house.stay(house.flat(house.lock()), DAY, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    paths = (
        f"/admin/rentals/lockaccount/{house.account.pk}/change/",
        f"/admin/rentals/lock/{Lock.objects.get().pk}/change/",
        f"/admin/rentals/property/{Property.objects.get().pk}/change/",
        f"/admin/pins/accessgrant/{AccessGrant.objects.get().pk}/change/",
        f"/admin/pins/pin/{Pin.objects.get().pk}/change/",
    )
    for path in paths:
        response = looking.get(path)
        assert response.status_code == 200
        assert KEY not in text(response)
        assert code not in text(response)
    fetch = f"/admin/rentals/lockaccount/{house.account.pk}/fetch-locks/"
    assert looking.post(fetch).status_code == 403
    assert looking.get(fetch).status_code == 405


def test_an_account_whose_key_no_configured_key_opens_can_still_be_mended(
    host: Client, settings: Settings, house: House
) -> None:
    from cryptography.fernet import Fernet

    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    url = f"/admin/rentals/lockaccount/{house.account.pk}/change/"
    assert host.get("/admin/rentals/lockaccount/").status_code == 200
    assert host.get(url).status_code == 200
    assert host.get("/admin/rentals/lock/").status_code == 200
    form = {"name": "Office", "kind": "personal_key", "rate_group": "", "secret": "new-key"}
    assert host.post(url, form).status_code == 302
    assert LockAccount.objects.get().secret == "new-key"


def test_fetch_locks_by_the_button_and_by_the_action(host: Client, settings: Settings) -> None:
    cloud = Cloud(key=KEY)
    cloud.add_lock("Entrance", "S-1")
    cloud.add_lock("Cellar", "S-2", keypad=None)
    account = LockAccount.objects.create(name="Office", secret=KEY)
    with SimulatorServer(cloud, "127.0.0.1", 0) as server:
        settings.TEDEE_API_URL = server.api_url
        answer = told(host.post(f"/admin/rentals/lockaccount/{account.pk}/fetch-locks/"))
        assert "Office has 2 locks: 2 new." in answer
        assert "add a property</a> with the locks that its guests must open." in answer
        assert "Cellar: no keypad: guests cannot enter a code." in answer
        bulk = host.post(
            "/admin/rentals/lockaccount/", {"action": "fetch_locks", "_selected_action": [str(account.pk)]}
        )
        assert "Office has 2 locks: 2 as before." in told(bulk)
        house = Property.objects.create(name="Flat", timezone="UTC", check_in_time=time(15), check_out_time=time(11))
        host.get("/admin/")  # what was told is read
        again = told(host.post(f"/admin/rentals/lockaccount/{account.pk}/fetch-locks/"))
        assert "2 as before" in again
        assert "Next:" not in again
        house.delete()
        for *_, client in clients._clients.values():
            client.close()
        clients._clients.clear()
    assert Lock.objects.count() == 2
    assert "none: guests cannot enter a code" in text(host.get("/admin/rentals/lock/"))
    assert "No keypad" in text(host.get("/admin/rentals/lock/"))


def test_a_person_who_could_not_log_in_is_told_of(host: Client) -> None:
    form = {"username": "olga", "is_active": "on", "date_joined_0": "2027-03-01", "date_joined_1": "09:00:00"}
    access = {f"property_access-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}
    person = User.objects.create_user("olga", password="a-password-of-olga")
    url = f"/admin/auth/user/{person.pk}/change/"
    assert "“olga” cannot log in: tick “Staff status”" in text(host.post(url, form | access, follow=True))
    person.refresh_from_db()
    assert not person.is_staff
    saved = text(host.post(url, form | access | {"is_staff": "on"}, follow=True))
    assert "“olga” may do nothing yet: choose a group" in saved
    person.groups.add(Group.objects.get(name="viewer"))
    chosen = {"is_staff": "on", "groups": [str(Group.objects.get(name="viewer").pk)]}
    saved = text(host.post(url, form | access | chosen, follow=True))
    assert "was changed successfully" in saved
    assert "may do nothing" not in saved
    assert "cannot log in" not in saved


def test_fetch_locks_tells_what_is_wrong(host: Client, house: House) -> None:
    response = host.post(f"/admin/rentals/lockaccount/{house.account.pk}/fetch-locks/")
    assert "The Tedee cloud cannot be reached" in told(response)
    assert host.post("/admin/rentals/lockaccount/999/fetch-locks/").status_code == 404


def test_a_lock_says_why_it_rests_and_how_full_it_is(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    house.stay(Property.objects.get(), 3 * DAY, DAY)
    house.cloud.set_connected(door.device_id, False)
    house.settle()
    shown = text(host.get(f"/admin/rentals/lock/{door.pk}/change/"))
    assert "The lock is offline. Next try" in shown
    assert "1 ours, others not counted yet, room for 100" in shown
    LockState.objects.update(looked_at=timezone.now(), foreign_pins=2)
    assert "1 ours, 2 other, room for 100" in text(host.get(f"/admin/rentals/lock/{door.pk}/change/"))
    assert "Offline" in text(host.get("/admin/rentals/lock/"))


def test_a_lock_switched_off_in_the_admin_gives_back_its_codes_at_once(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    form = {
        "name": "Door",
        "account": str(house.account.pk),
        "serial_number": door.serial_number,
        "device_id": str(door.device_id),
        "pin_capacity": "100",
    }
    assert host.post(f"/admin/rentals/lock/{door.pk}/change/", form).status_code == 302
    house.settle()
    assert house.ours(door) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device_id": "99999999999999999999999"}, "less than or equal to"),
        ({"device_id": "-4"}, "greater than or equal to 0"),
        ({"device_id": "front"}, "Enter a whole number"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_wrong_input_about_a_lock_is_explained(
    host: Client, house: House, changes: dict[str, str], message: str
) -> None:
    form = {
        "name": "Door",
        "is_active": "on",
        "account": str(house.account.pk),
        "serial_number": "S-77",
        "device_id": "77",
        "pin_capacity": "100",
        **changes,
    }
    response = host.post("/admin/rentals/lock/add/", form)
    assert response.status_code == 200
    assert message in text(response)
    assert 'value="S-77"' in text(response)


def test_two_locks_never_share_a_serial_number_or_device_id(host: Client, house: House) -> None:
    door = house.lock()
    form = {
        "name": "Copy",
        "is_active": "on",
        "account": str(house.account.pk),
        "serial_number": door.serial_number,
        "device_id": str(door.device_id),
        "pin_capacity": "100",
    }
    response = host.post("/admin/rentals/lock/add/", form)
    assert response.status_code == 200
    assert Lock.objects.count() == 1
    assert "already exists" in text(response)


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


def test_the_address_for_tedees_events_is_shown_to_those_who_may_change_the_account(host: Client, house: House) -> None:
    page = text(host.get(f"/admin/rentals/lockaccount/{house.account.pk}/change/"))
    assert f"/webhooks/tedee/{house.account.webhook_token}/" in page
    assert house.account.webhook_token not in text(host.get("/admin/rentals/lockaccount/"))


@pytest.mark.parametrize(("level", "said"), [(None, "In order"), (19, "Battery low"), (20, "In order")])
def test_a_lock_whose_battery_is_nearly_empty_says_so(host: Client, house: House, level: int | None, said: str) -> None:
    door = house.lock()
    house.settle()
    Lock.objects.update(battery_level=level)
    for address in ("/admin/rentals/lock/", f"/locks/{door.pk}/"):
        assert said in text(host.get(address))


def test_a_new_property_is_offered_the_usual_times(host: Client) -> None:
    form = host.get("/admin/rentals/property/add/").context["adminform"].form
    assert (form["check_in_time"].value(), form["check_out_time"].value()) == (time(15), time(11))
