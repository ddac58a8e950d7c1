"""The second step: switched on with a code, asked for after the password, each code taken once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from config.people import codes, throttle
from config.people.models import SecondStep
from pins.models import Incident
from tests.support.logins import PASSWORD, is_in, log_in
from tests.support.pages import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counts")]

PAGE, CODE = "/admin/second-step/", "/admin/login/code/"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2027-03-01T09:00:05Z", tick=False) as traveller:
        yield traveller


@pytest.fixture
def anna(clock: time_machine.Traveller) -> User:
    return User.objects.create_user("anna", "anna@example.com", PASSWORD, is_staff=True)


def now_shown(user: User, clock: Any) -> str:
    """What the person's app shows."""
    import time

    return codes.code_at(SecondStep.objects.get(user=user).key, int(time.time() // codes.PERIOD))


def switch_on(user: User, clock: time_machine.Traveller) -> list[str]:
    """Returns the spare codes."""
    client = Client()
    log_in(client, user.username, PASSWORD)
    client.get(PAGE)
    page = text(client.post(PAGE, {"code": now_shown(user, clock)}))
    clock.shift(timedelta(seconds=codes.PERIOD))
    return re.findall(r"<code translate=\"no\">([\w-]+)</code>", page)


def test_the_password_alone_lets_nobody_in(client: Client, anna: User, clock: Any) -> None:
    switch_on(anna, clock)
    half = log_in(client, "anna", PASSWORD, next="/timeline/")
    assert half["Location"] == CODE
    assert not half.wsgi_request.user.is_authenticated
    assert client.get("/admin/").status_code == 302
    done = client.post(CODE, {"code": now_shown(anna, clock)})
    assert done["Location"] == "/timeline/"
    assert client.get("/admin/").status_code == 200


def test_without_it_the_password_is_enough(client: Client, anna: User) -> None:
    assert is_in(log_in(client, "anna", PASSWORD))


def test_a_code_is_taken_once(client: Client, anna: User, clock: Any) -> None:
    switch_on(anna, clock)
    shown = now_shown(anna, clock)
    for taken in (True, False):
        other = Client()
        log_in(other, "anna", PASSWORD)
        assert (other.post(CODE, {"code": shown}).status_code == 302) is taken


def test_codes_of_a_minute_ago_and_of_tomorrow_are_refused(client: Client, anna: User, clock: Any) -> None:
    switch_on(anna, clock)
    shown = now_shown(anna, clock)
    clock.shift(timedelta(seconds=2 * codes.PERIOD))
    log_in(client, "anna", PASSWORD)
    assert client.post(CODE, {"code": shown}).status_code == 200
    clock.shift(timedelta(days=-1))
    for wrong in ("", "000000", "x" * 40, "\uff11\uff12\uff13\uff14\uff15\uff16", "\x00"):
        assert client.post(CODE, {"code": wrong}).status_code in (200, 302)
        assert client.get("/admin/").status_code == 302


def test_a_spare_code_lets_in_once(client: Client, anna: User, clock: Any) -> None:
    spare = switch_on(anna, clock)
    assert len(set(spare)) == 10
    for typed, lets_in in ((spare[3].upper().replace("-", " "), True), (spare[3], False), (spare[4], True)):
        other = Client()
        log_in(other, "anna", PASSWORD)
        assert (other.post(CODE, {"code": typed}).status_code == 302) is lets_in, typed
    assert len(SecondStep.objects.get().spare_codes) == 8


def test_guessing_codes_is_limited_and_told(client: Client, anna: User, clock: Any) -> None:
    switch_on(anna, clock)
    answers = []
    for n in range(throttle.CODES.amount + 3):
        other = Client()
        log_in(other, "anna", PASSWORD, f"10.0.0.{n}")
        answers.append(other.post(CODE, {"code": "000000"}).status_code)
    assert answers == [200] * throttle.CODES.amount + [429] * 3
    assert Incident.objects.get().kind == "logins_fail"
    other = Client()
    log_in(other, "anna", PASSWORD)
    assert other.post(CODE, {"code": now_shown(anna, clock)}).status_code == 429


def test_half_a_login_ends(client: Client, anna: User, clock: Any) -> None:
    switch_on(anna, clock)
    log_in(client, "anna", PASSWORD)
    clock.shift(timedelta(minutes=11))
    assert client.post(CODE, {"code": now_shown(anna, clock)})["Location"].startswith("/admin/login/")
    log_in(client, "anna", PASSWORD)
    anna.set_password("somebody chose another one")
    anna.save()
    assert client.post(CODE, {"code": now_shown(anna, clock)})["Location"].startswith("/admin/login/")
    assert Client().get(CODE)["Location"].startswith("/admin/login/")


def test_neither_key_nor_spare_codes_are_readable_in_the_database(anna: User, clock: Any) -> None:
    spare = switch_on(anna, clock)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM people_secondstep")
        stored = str(cursor.fetchall())
    assert SecondStep.objects.get().key not in stored
    assert not any(one in stored for one in spare)


def test_the_page_shows_the_key_until_it_is_on_and_never_after(client: Client, anna: User, clock: Any) -> None:
    log_in(client, "anna", PASSWORD)
    page = client.get(PAGE)
    key = SecondStep.objects.get().key
    assert key[:4] in text(page)
    assert "<svg" in text(page)
    assert "no-store" in page["Cache-Control"]
    wrong = client.post(PAGE, {"code": "000000"})
    assert "not the code of this moment" in text(wrong)
    client.post(PAGE, {"code": now_shown(anna, clock)})
    assert f"{key[:4]} {key[4:8]}" not in text(client.get(PAGE))


def test_it_is_switched_off_with_a_code(client: Client, anna: User, clock: Any) -> None:
    switch_on(anna, clock)
    client.force_login(anna)
    client.post(PAGE, {"code": "000000"})
    assert SecondStep.objects.filter(confirmed_at__isnull=False).exists()
    client.post(PAGE, {"code": now_shown(anna, clock)})
    assert not SecondStep.objects.filter(confirmed_at__isnull=False).exists()


def test_an_administrator_switches_it_off_for_a_lost_phone(client: Client, anna: User, clock: Any) -> None:
    switch_on(anna, clock)
    client.force_login(User.objects.create_superuser("host"))
    page = text(client.get(f"/admin/auth/user/{anna.pk}/change/"))
    assert f"/admin/auth/user/{anna.pk}/drop-second-step/" in page
    client.post(f"/admin/auth/user/{anna.pk}/drop-second-step/")
    assert not SecondStep.objects.filter(user=anna).exists()


def test_where_it_is_required_nothing_else_is_shown_before(
    client: Client, anna: User, clock: Any, settings: LazySettings
) -> None:
    settings.SECOND_STEP_REQUIRED = True
    assert is_in(log_in(client, "anna", PASSWORD))
    for url in ("/", "/admin/", "/admin/rentals/booking/", "/admin/password_change/"):
        assert client.get(url)["Location"] == PAGE
    assert client.get("/healthz").status_code in (200, 302)
    client.get(PAGE)
    client.post(PAGE, {"code": now_shown(anna, clock)})
    assert client.get("/admin/").status_code == 200


def test_the_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, in six digits."""
    import base64

    key = base64.b32encode(b"12345678901234567890").decode()
    for moment, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert codes.code_at(key, moment // codes.PERIOD) == code
