"""Guessing passwords: limits before anything is hashed, delays by name, and nobody locked out."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from config.people import login_form, tasks, throttle
from pins.models import Incident
from tests.support.logins import LOGIN, PASSWORD, counted, is_in, log_in
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counts")]


@pytest.fixture
def anna() -> User:
    return User.objects.create_superuser("anna", password=PASSWORD)


def test_one_address_has_few_tries_at_one_name_and_the_rest_is_not_hashed(client: Client, anna: User) -> None:
    with counted() as hashed:
        answers = [log_in(client, "anna", f"wrong {n}").status_code for n in range(30)]
    assert answers == [200] * throttle.PAIR.amount + [429] * (30 - throttle.PAIR.amount)
    assert hashed == [throttle.PAIR.amount]


def test_few_passwords_are_looked_at_in_one_moment_on_any_web_server(client: Client, anna: User) -> None:
    log_in(client, "anna", PASSWORD)  # its browser is known from now on
    with login_form._STRANGERS, login_form._STRANGERS, counted() as hashed:  # as if two threads did
        refused = log_in(Client(), "anna", PASSWORD)
        assert (refused.status_code, refused["Retry-After"], hashed) == (429, "5", [0])
        assert is_in(log_in(client, "anna", PASSWORD))
    assert is_in(log_in(Client(), "anna", PASSWORD))


def test_the_same_name_in_other_letters_is_the_same_name(client: Client, anna: User) -> None:
    answers = [log_in(client, name, "wrong").status_code for name in ("anna", "ANNA", " Anna", "\uff41nna") * 3]
    assert answers.count(429) == 12 - throttle.PAIR.amount


def test_one_address_has_few_tries_at_all_names(client: Client) -> None:
    with counted() as hashed:
        answers = [log_in(client, f"name{n}", "wrong").status_code for n in range(60)]
    assert answers == [200] * throttle.ADDRESS.amount + [429] * (60 - throttle.ADDRESS.amount)
    assert hashed == [throttle.ADDRESS.amount]


def test_a_network_of_ipv6_is_one_address(client: Client) -> None:
    answers = [log_in(client, f"name{n}", "wrong", f"2001:db8::{n:x}").status_code for n in range(50)]
    assert answers.count(429) == 50 - throttle.ADDRESS.amount


def test_a_refused_person_is_told_how_long(client: Client, anna: User) -> None:
    for _ in range(throttle.PAIR.amount):
        log_in(client, "anna", "wrong")
    refused = log_in(client, "anna", PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 900
    assert "this one was not looked at. Wait 15 minutes, then try again." in refused.content.decode()


def test_strangers_do_not_lock_the_host_out(client: Client, anna: User) -> None:
    """A thousand failures from everywhere: the host waits half a minute at most, from an address of their own."""
    with time_machine.travel("2027-03-01T09:00Z", tick=False) as clock:
        for n in range(16):  # patient ones: the delay is at its longest
            wait = int(log_in(client, "anna", "wrong", f"10.9.0.{n}").get("Retry-After", 0))
            clock.shift(timedelta(seconds=wait))
            log_in(client, "anna", "wrong", f"10.9.0.{n}")
        for n in range(100):
            log_in(client, "anna", "wrong", f"10.0.0.{n}")
        first = log_in(client, "anna", PASSWORD, "198.51.100.7")
        assert (first.status_code, first["Retry-After"]) == (429, "30")
        for n in range(100):  # the storm goes on meanwhile
            log_in(client, "anna", "wrong", f"10.1.0.{n}")
        clock.shift(timedelta(seconds=31))
        assert is_in(log_in(client, "anna", PASSWORD, "198.51.100.7"))


def test_a_known_browser_has_tries_that_strangers_cannot_use_up(client: Client, anna: User) -> None:
    """Not even those who share its address."""
    assert is_in(log_in(client, "anna", PASSWORD))
    client.post("/admin/logout/")
    for n in range(throttle.ADDRESS.amount + 5):
        log_in(Client(), f"name{n}", "wrong")
        log_in(Client(), "anna", "wrong")
    assert log_in(Client(), "anna", PASSWORD).status_code == 429
    assert is_in(log_in(client, "anna", PASSWORD))


def test_the_cookie_of_a_browser_helps_nobody_else(client: Client, anna: User) -> None:
    User.objects.create_superuser("ben", password=PASSWORD)
    assert is_in(log_in(client, "anna", PASSWORD))
    cookie = client.cookies["turnkey_device"]
    assert (cookie["httponly"], cookie["path"], cookie["samesite"]) == (True, LOGIN, "Strict")
    thief = Client()
    thief.cookies["turnkey_device"] = cookie.value
    for name in ("anna", "ben"):
        answers = [log_in(thief, name, f"wrong {n}").status_code for n in range(throttle.PAIR.amount + 2)]
        assert answers.count(429) == 2
    forged = ("", "x", "a:b:c", cookie.value[:-2])
    answers = []
    for n in range(2 * throttle.PAIR.amount):  # with a forged one a browser is a stranger, and has a stranger's tries
        thief.cookies["turnkey_device"] = forged[n % len(forged)]
        answers.append(log_in(thief, "anna", f"wrong {n}").status_code)
    assert answers.count(200) <= throttle.PAIR.amount


def test_the_delay_of_a_name_grows_with_its_failures(client: Client, anna: User) -> None:
    with time_machine.travel("2027-03-01T09:00Z", tick=False) as clock:
        waits = []
        for n in range(17):
            response = log_in(client, "anna", "wrong", f"10.0.0.{n}")
            waits.append(int(response.get("Retry-After", 0)))
            if waits[-1]:
                clock.shift(timedelta(seconds=waits[-1]))
                assert log_in(client, "anna", "wrong", f"10.0.0.{n}").status_code == 200
        assert waits == [0] * 10 + [1, 2, 4, 8, 16, 30, 30]


def test_an_unknown_name_is_slowed_down_like_a_known_one(client: Client, anna: User) -> None:
    answers = {
        name: [log_in(client, name, "wrong", f"10.0.{at}.{n}").status_code for n in range(14)]
        for at, name in enumerate(("anna", "nobody"))
    }
    assert answers["anna"] == answers["nobody"]
    assert 429 in answers["anna"]


def test_a_success_takes_back_the_tries_of_its_address(client: Client, anna: User) -> None:
    for _ in range(throttle.PAIR.amount - 1):
        log_in(client, "anna", "wrong")
    assert is_in(log_in(client, "anna", PASSWORD))
    assert log_in(Client(), "anna", "wrong").status_code == 200
    assert is_in(log_in(Client(), "anna", PASSWORD))


def test_many_failures_are_told_and_the_end_too(client: Client, anna: User) -> None:
    with time_machine.travel("2027-03-01T09:00Z", tick=False) as clock:
        for n in range(throttle.MANY.amount):
            log_in(client, f"name{n}", "wrong", f"10.0.0.{n}")
        assert not Incident.objects.exists()
        log_in(client, "one more", "wrong", "10.0.1.1")
        incident = Incident.objects.get()
        assert (incident.kind, incident.subject, incident.severity) == ("logins_fail", "site", "warning")
        clock.shift(timedelta(minutes=50))
        tasks.review_logins()
        assert Incident.objects.filter(resolved_at=None).exists()
        clock.shift(timedelta(minutes=11))
        tasks.review_logins()
        assert not Incident.objects.filter(resolved_at=None).exists()
        client.force_login(anna)
        assert client.get("/timeline/").status_code == 200


def test_the_board_and_the_list_show_it(client: Client, anna: User) -> None:
    from django.utils import timezone

    Incident.open(Incident.Kind.LOGINS_FAIL, timezone.now(), about=None)
    client.force_login(anna)
    assert "Somebody tries many passwords" in text(client.get("/"))
    page = text(client.get("/admin/pins/incident/"))
    assert "Somebody tries many passwords" in page
    assert "this installation" in page


def test_no_name_and_no_password_reaches_the_log(client: Client, anna: User, caplog: pytest.LogCaptureFixture) -> None:
    log_in(client, "my secret typed as a name", "hunter2 and more")
    log_in(client, "anna", "hunter2 and more")
    written = [(record.message, record.__dict__.get("user_id")) for record in caplog.records]
    assert ("login_failed", None) in written
    assert ("login_failed", anna.pk) in written
    assert "secret" not in caplog.text
    assert "hunter2" not in caplog.text


def test_a_very_long_password_is_not_hashed(client: Client, anna: User) -> None:
    with counted() as hashed:
        assert log_in(client, "anna", "x" * 100_000).status_code == 200
    assert hashed == [0]


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_stays_inside(client: Client, anna: User, wanted: str) -> None:
    response = log_in(client, "anna", PASSWORD, next=wanted)
    assert response["Location"] == "/"
    assert client.get(response["Location"], follow=True).status_code == 200


def test_next_leads_to_a_page_of_this_site(client: Client, anna: User) -> None:
    assert log_in(client, "anna", PASSWORD, next="/timeline/")["Location"] == "/timeline/"
