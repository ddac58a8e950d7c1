"""Connecting an account by logging in at Tedee: there and back through the real server of the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pins.models import AccountTokens, Incident
from pins.simulator.authority import CLIENT_ID, CLIENT_SECRET
from pins.simulator.server import SimulatorServer
from rentals.models import LockAccount
from tests.support.house import House
from tests.support.incidents import review
from tests.support.pages import text, told
from tests.support.real_cloud import close_clients

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BACK = "/admin/rentals/lockaccount/connected/"


@pytest.fixture
def cloud(house: House, settings: Settings) -> Iterator[str]:
    """The house's cloud on a socket; the address of its authorization server."""
    with SimulatorServer(house.cloud) as server:
        settings.TEDEE_API_URL = server.api_url
        settings.TEDEE_OAUTH_CLIENT_ID, settings.TEDEE_OAUTH_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
        settings.TEDEE_OAUTH_AUTHORIZE_URL = f"{server.url}/oauth2/authorize"
        settings.TEDEE_OAUTH_TOKEN_URL = f"{server.url}/oauth2/token"
        yield server.url
        close_clients()


def page_of(account: LockAccount) -> str:
    return f"/admin/rentals/lockaccount/{account.pk}/change/"


def leave(host: Client, account: LockAccount) -> str:
    """Press the button; returns the address at Tedee."""
    answer = host.get(f"/admin/rentals/lockaccount/{account.pk}/connect/")
    assert answer.status_code == 302
    return answer["Location"]


def decide(there: str, decision: str = "allow") -> str:
    """What the person does at Tedee; returns the address to which the browser is led back, without the site."""
    answer = httpx.get(f"{there}&decision={decision}")
    back = urlsplit(answer.headers["Location"])
    assert back.path == BACK
    return f"{back.path}?{back.query}"


def test_the_way_there_and_back_connects_the_account_and_reads_its_locks(
    host: Client, house: House, cloud: str
) -> None:
    house.cloud.add_lock("Front door")
    assert "personal access key" in text(host.get(page_of(house.account)))
    there = leave(host, house.account)
    asked = dict(parse_qsl(urlsplit(there).query))
    assert asked["code_challenge_method"] == "S256"
    assert "verifier" not in there
    page = httpx.get(there).text
    assert 'id="allow"' in page
    answer = host.get(decide(there), follow=True)
    house.account.refresh_from_db()
    assert (house.account.kind, house.account.secret) == ("oauth", "")
    assert "is connected with Tedee" in text(answer)
    assert "1 lock: 1 new" in text(answer)
    assert "Connected since" in text(answer)
    assert AccountTokens.objects.get().refresh_token not in text(answer)
    assert "Connected with Tedee." in text(host.get(f"/admin/rentals/lockaccount/{house.account.pk}/history/"))


def test_a_dead_key_is_replaced_by_one_press_and_what_is_due_goes_on(
    host: Client, house: House, cloud: str, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.cloud.set_key_revoked("demo", True)
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.settle()
    assert review() == {Incident.Kind.DEAD_KEY: Incident.Severity.URGENT}
    host.get(decide(leave(host, house.account)))
    house.account.refresh_from_db()
    house.settle()
    assert len(house.ours(door)) == 1
    assert review() == {}
    assert "In order" in text(host.get("/admin/rentals/lockaccount/"))


def test_an_ended_connection_says_why_and_is_made_anew_by_one_press(
    host: Client, house: House, cloud: str, clock: time_machine.Traveller
) -> None:
    house.connect()
    door = house.lock()
    house.stay(house.flat(door), 3 * DAY, DAY)
    house.cloud.authority.add_script(["lost"])
    clock.shift(timedelta(hours=2))
    house.live(clock, timedelta(minutes=10))
    assert review() == {Incident.Kind.CONNECTION_ENDED: Incident.Severity.URGENT}
    page = text(host.get(page_of(house.account)))
    assert "its answer was lost on the way" in page
    assert "Connect once more" in page
    assert "Connect again" in text(host.get("/admin/rentals/lockaccount/"))
    host.get(decide(leave(host, house.account)))
    house.settle()
    assert len(house.ours(door)) == 1
    assert review() == {}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"state": "another"}, "was not begun on this page"),
        ({"state": ""}, "was not begun on this page"),
        ({"code": "worth nothing"}, "no longer accepts this login"),
        ({"code": ""}, "did not connect the account"),
        ({"error": "access_denied"}, "it was refused at Tedee"),
        ({"error": "<b>anything"}, "did not connect the account"),
    ],
)
def test_what_comes_back_otherwise_connects_nothing_and_says_why(
    host: Client, house: House, cloud: str, changed: dict[str, str], what: str
) -> None:
    back = decide(leave(host, house.account))
    query = dict(parse_qsl(urlsplit(back).query)) | changed
    answer = host.get(f"{BACK}?{urlencode(query)}")
    assert what in told(answer)
    assert "<b>" not in told(answer)
    assert not AccountTokens.objects.exists()
    assert LockAccount.objects.get().kind == "personal_key"
    assert "was not begun" in told(host.get(back)), "what was kept for it counts once"


def test_another_browser_cannot_finish_it(host: Client, house: House, cloud: str) -> None:
    back = decide(leave(host, house.account))
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    assert "was not begun on this page" in told(other.get(back))
    assert Client().get(back)["Location"].startswith("/admin/login/")
    assert not AccountTokens.objects.exists()


def test_it_takes_too_long(host: Client, house: House, cloud: str, clock: time_machine.Traveller) -> None:
    back = decide(leave(host, house.account))
    clock.shift(timedelta(minutes=16))
    assert "took too long" in told(host.get(back))


def test_somebody_else_s_page_cannot_begin_it(host: Client, house: House, cloud: str) -> None:
    path = f"/admin/rentals/lockaccount/{house.account.pk}/connect/"
    assert "was not begun on this page" in told(host.get(path, headers={"sec-fetch-site": "cross-site"}))
    assert host.post(path).status_code == 405
    assert host.post(BACK).status_code == 405


@pytest.mark.parametrize(
    ("step", "what"), [("client", "refuses this Turnkey"), ("lost", "gave no answer"), ("error", "gave no answer")]
)
def test_a_server_that_fails_is_told(host: Client, house: House, cloud: str, step: str, what: str) -> None:
    back = decide(leave(host, house.account))
    house.cloud.authority.add_script([step])
    assert what in told(host.get(back))
    assert not AccountTokens.objects.exists()
    assert LockAccount.objects.get().secret, "the key is used on"


def test_without_a_client_id_the_page_says_how_to_get_one(host: Client, house: House, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://codes.example.com"
    page = text(host.get(page_of(house.account)))
    assert "ask Tedee for a client id" in page
    assert f"https://codes.example.com{BACK}" in page
    assert "Set TEDEE_OAUTH_CLIENT_ID first" in told(
        host.get(f"/admin/rentals/lockaccount/{house.account.pk}/connect/")
    )


def test_who_may_not_change_accounts_cannot_connect_them(house: House, cloud: str) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_lockaccount"))
    looking = Client()
    looking.force_login(viewer)
    assert looking.get(f"/admin/rentals/lockaccount/{house.account.pk}/connect/").status_code == 403
    assert "Connect with Tedee" not in text(looking.get(page_of(house.account)))


def test_a_new_account_without_a_key_leads_on_to_the_connection(host: Client, cloud: str) -> None:
    form = {"name": "Home", "kind": "oauth", "rate_group": "", "secret": "", "_save": "Save"}
    answer = host.post("/admin/rentals/lockaccount/add/", form)
    account = LockAccount.objects.get(name="Home")
    assert answer["Location"] == page_of(account)
    assert "Next: press “Connect with Tedee”." in told(answer)
    assert "Not connected yet" in text(host.get(page_of(account)))
    assert "Not connected" in text(host.get("/admin/rentals/lockaccount/"))


def test_a_key_that_is_entered_again_ends_the_connection_and_keeps_no_token(
    host: Client, house: House, cloud: str
) -> None:
    house.connect()
    form = {"name": "Office", "kind": "personal_key", "rate_group": "", "secret": ""}
    assert "Paste the access key here" in text(host.post(page_of(house.account), form))
    assert AccountTokens.objects.exists()
    host.post(page_of(house.account), {**form, "secret": "house-key"})
    assert not AccountTokens.objects.exists()
    account = LockAccount.objects.get()
    assert (account.kind, account.secret) == ("personal_key", "house-key")


def test_a_key_is_not_sent_as_a_token_when_the_kind_is_changed(host: Client, house: House) -> None:
    form = {"name": "Office", "kind": "oauth", "rate_group": "", "secret": ""}
    host.post(page_of(house.account), form)
    assert LockAccount.objects.get().secret == ""


def test_the_page_says_what_fails(host: Client, house: House, clock: time_machine.Traveller) -> None:
    house.connect()
    now = timezone.now()
    AccountTokens.objects.update(failing_since=now, failure="client", failures=1)
    page = text(host.get(page_of(house.account)))
    assert "Tedee refuses this Turnkey" in page
    assert "The last access ends at" in page
