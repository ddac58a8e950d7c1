"""A session ends when no person works for hours; a board that refreshes itself is no person."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from config.people import tasks

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _usual_hours(settings: Settings) -> None:
    """Elsewhere sessions last as long as they may: tests move the clock by days."""
    settings.SESSION_COOKIE_AGE = 12 * 3600


@pytest.fixture
def clock() -> object:
    with time_machine.travel("2027-03-01T09:00Z", tick=False) as traveller:
        yield traveller


def test_work_keeps_a_session_and_idle_hours_end_it(client: Client, clock: time_machine.Traveller) -> None:
    client.force_login(User.objects.create_superuser("host"))
    for _ in range(5):
        clock.shift(10 * HOUR)
        assert client.get("/timeline/").status_code == 200
    clock.shift(12 * HOUR + timedelta(minutes=5))
    assert client.get("/timeline/").status_code == 302


def test_sessions_that_are_over_are_forgotten(client: Client, clock: time_machine.Traveller) -> None:
    """Also those of strangers who went no further than the login page."""
    client.post("/admin/login/passkey/begin/")
    client.force_login(User.objects.create_superuser("host"))
    Client().post("/admin/login/passkey/begin/")
    clock.shift(11 * HOUR)
    Client().post("/admin/login/passkey/begin/")
    tasks.review_logins()
    assert Session.objects.count() == 3
    clock.shift(2 * HOUR)
    tasks.review_logins()
    assert Session.objects.count() == 1


def test_a_board_that_stands_open_does_not_keep_it(client: Client, clock: time_machine.Traveller) -> None:
    client.force_login(User.objects.create_superuser("host"))
    client.get("/timeline/")
    for _ in range(12):
        clock.shift(HOUR)
        last = client.get("/", headers={"HX-Request": "true"})
    assert last.status_code in (200, 204)
    clock.shift(HOUR)
    assert client.get("/timeline/").status_code == 302


def test_the_session_is_not_written_by_each_page(
    client: Client, clock: time_machine.Traveller, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.force_login(User.objects.create_superuser("host"))
    client.get("/timeline/")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        client.get("/timeline/")
    assert not [one for one in asked.captured_queries if one["sql"].startswith("UPDATE")]
