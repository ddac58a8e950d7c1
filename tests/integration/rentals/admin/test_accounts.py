"""Accounts in the admin: a key goes in and never comes out, and locks are fetched."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from pytest_django import Settings

from pins.models import AccessGrant, AccountState, Pin
from pins.simulator.cloud import Cloud
from pins.simulator.server import SimulatorServer
from rentals.models import Lock, LockAccount, Property
from tests.integration.conftest import START
from tests.support.house import KEY, House
from tests.support.pages import text, told
from tests.support.real_cloud import close_clients

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


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
        close_clients()
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


def test_the_address_for_tedees_events_is_shown_to_those_who_may_change_the_account(host: Client, house: House) -> None:
    page = text(host.get(f"/admin/rentals/lockaccount/{house.account.pk}/change/"))
    assert f"/webhooks/tedee/{house.account.webhook_token}/" in page
    assert house.account.webhook_token not in text(host.get("/admin/rentals/lockaccount/"))


def test_an_account_says_when_its_locks_were_read_and_when_its_key_ends(host: Client, house: House) -> None:
    page = f"/admin/rentals/lockaccount/{house.account.pk}/change/"
    assert "Not read yet." in text(host.get(page))
    assert "Unknown: Tedee has not told." in text(host.get(page))
    AccountState.objects.update_or_create(
        account=house.account, defaults={"listed_at": START, "key_valid_to": START + 30 * DAY}
    )
    said = text(host.get(page))
    assert "Mon 1 Mar 2027, 09:00 UTC" in said
    assert "Wed 31 Mar 2027, 09:00 UTC. If its user has several keys, it may be the end of another one." in said
