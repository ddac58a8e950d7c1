"""The first run by logging in at Tedee: there, back into the next step, and what its tokens say of the connection. The
simulator is the authorization server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from pins.admin.setup import facts
from pins.admin.setup.steps import Key, State, Step, judge
from pins.models import AccountTokens
from pins.simulator.authority import CLIENT_ID, CLIENT_SECRET
from pins.simulator.cloud import Cloud
from pins.simulator.server import SimulatorServer
from rentals.models import CalendarFeed, LockAccount, Property
from tests.support.feeds import FeedServer
from tests.support.house import KEY
from tests.support.pages import text
from tests.support.real_cloud import close_clients

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def cloud(settings: Settings) -> Iterator[Cloud]:
    cloud = Cloud(key=KEY)
    cloud.add_lock("Front door", "S-1")
    with SimulatorServer(cloud) as server:
        settings.TEDEE_API_URL = server.api_url
        settings.TEDEE_OAUTH_CLIENT_ID, settings.TEDEE_OAUTH_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
        settings.TEDEE_OAUTH_AUTHORIZE_URL = f"{server.url}/oauth2/authorize"
        settings.TEDEE_OAUTH_TOKEN_URL = f"{server.url}/oauth2/token"
        yield cloud
        close_clients()


def log_in_at_tedee(
    host: Client, *, again: bool = False, decision: str = "allow", changed: dict[str, str] | None = None
) -> Any:
    """Press the link, decide at Tedee, and be led back."""
    close_clients()  # one that a new token replaces would close its socket in another test
    there = host.get("/setup/connect/", {"again": "yes"} if again else {})
    assert there.status_code == 302
    back = urlsplit(httpx.get(f"{there['Location']}&decision={decision}").headers["Location"])
    query = dict(parse_qsl(back.query)) | (changed or {})
    return host.get(f"{back.path}?{urlencode(query)}", follow=True)


def key_step() -> Step:
    return next(one for one in judge(facts.load(timezone.now())) if one.key is Key.KEY)


def test_a_login_makes_the_account_and_leads_back_to_the_next_step(host: Client, cloud: Cloud) -> None:
    page = text(host.get("/setup/account/"))
    assert "Connect with Tedee" in page
    assert "With a personal access key instead" in page
    answer = log_in_at_tedee(host)
    assert answer.redirect_chain[-1][0] == "/setup/locks/"
    assert "1 lock of 1 can take a code." in text(answer)
    account = LockAccount.objects.get()
    assert (account.name, account.kind, account.observe_only) == ("Tedee", "oauth", True)
    assert "Connected with Tedee." in LogEntry.objects.values_list("change_message", flat=True)

    step = key_step()
    assert (step.state, step.text) == (State.DONE, "Tedee accepts the connection.")
    until = AccountTokens.objects.get().refresh_until
    assert step.notes[0] == "“Tedee”: it may read locks and change codes."
    assert f"Without that it would end on {until:%d %b %Y}" in step.notes[1]
    assert "Test the connection" in text(host.get("/setup/key/"))
    assert "Tedee accepts the connection" in text(host.post("/setup/key/", {"test": "yes"}, follow=True))


@pytest.mark.parametrize(
    ("decision", "changed", "said"),
    [
        ("refuse", {}, "it was refused at Tedee"),
        ("allow", {"state": "another"}, "was not begun on this page"),
        ("allow", {"code": "worth nothing"}, "no longer accepts this login"),
    ],
)
def test_a_login_that_fails_leaves_nothing_behind(
    host: Client, cloud: Cloud, decision: str, changed: dict[str, str], said: str
) -> None:
    answer = log_in_at_tedee(host, decision=decision, changed=changed)
    assert said in text(answer)
    assert not LockAccount.objects.exists()


def test_what_was_allowed_counts_and_a_second_login_puts_it_right(host: Client, cloud: Cloud) -> None:
    cloud.settings = replace(cloud.settings, scope_said="https://tedee.onmicrosoft.com/api/Device.Read offline_access")
    answer = log_in_at_tedee(host)
    assert answer.redirect_chain[-1][0] == "/setup/key/"
    assert "may read locks and put no code on them" in text(answer)
    assert key_step().state is State.TROUBLE
    cloud.settings = replace(cloud.settings, scope_said="")
    assert log_in_at_tedee(host, again=True).redirect_chain[-1][0] == "/setup/locks/"
    assert LockAccount.objects.count() == 1
    assert key_step().state is State.DONE


def test_a_connection_that_has_ended_is_made_anew_or_gives_way_to_a_key(host: Client, cloud: Cloud) -> None:
    log_in_at_tedee(host)
    AccountTokens.objects.update(ended="refused", ended_at=timezone.now())
    step = key_step()
    assert step.state is State.TROUBLE
    assert "is not connected" in step.text
    assert "Connect with Tedee" in text(host.get("/setup/key/"))
    log_in_at_tedee(host, again=True)
    assert key_step().state is State.DONE
    close_clients()
    host.post("/setup/key/", {"secret": KEY}, follow=True)
    account = LockAccount.objects.get()
    assert (account.kind, account.secret) == ("personal_key", KEY)
    assert not AccountTokens.objects.exists()
    assert key_step().text == "Tedee accepts the key."


def test_who_may_not_set_up_cannot_begin_and_cannot_come_back(host: Client, cloud: Cloud) -> None:
    there = host.get("/setup/connect/")["Location"]
    back = urlsplit(httpx.get(f"{there}&decision=allow").headers["Location"])
    User.objects.update(is_superuser=False)
    assert host.get(f"{back.path}?{back.query}").status_code == 403
    assert host.get("/setup/connect/").status_code == 403
    assert not LockAccount.objects.exists()


def test_without_a_client_id_there_is_only_the_key(host: Client) -> None:
    page = text(host.get("/setup/account/"))
    assert "Connect with Tedee" not in page
    assert "Connect and test the key" in page
    assert "Set TEDEE_OAUTH_CLIENT_ID first" in text(host.get("/setup/connect/", follow=True))


def test_a_calendar_that_was_switched_off_elsewhere_is_not_the_one_that_is_being_set_up(
    host: Client, settings: Settings
) -> None:
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    flat = Property.objects.create(name="Garden", timezone="Europe/Warsaw")
    with FeedServer() as feeds:
        typed = {"name": "Ours", "property": flat.pk, "url": feeds.put("/broken.ics", b"no calendar")}
        host.post("/setup/calendar/", typed)
        ours = CalendarFeed.objects.get()
        other = CalendarFeed.objects.create(property=flat, name="Switched off", is_active=False)
        other.url = feeds.url("/other.ics")
        other.save()
        assert host.get("/setup/calendar/").context["feed"] == ours
        host.post("/setup/calendar/", {**typed, "name": "Ours, renamed"})
    ours.refresh_from_db()
    other.refresh_from_db()
    assert (ours.name, other.name) == ("Ours, renamed", "Switched off")
    ours.delete()
    assert host.get("/setup/calendar/").context["feed"] is None
