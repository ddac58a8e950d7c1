"""Health addresses and the front door."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings


def test_healthz_needs_neither_database_nor_broker(client: Client) -> None:
    # Without the django_db mark any query would fail this test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db
def test_readyz_is_content_when_both_answer(client: Client, redis_url: str) -> None:
    with override_settings(REDIS_URL=redis_url):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": {"database": "ok", "broker": "ok"}})


@pytest.mark.django_db
def test_readyz_names_what_is_out_of_reach(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "broker": "unreachable"}


def test_health_is_not_redirected_to_https(client: Client) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 301


@pytest.mark.django_db
def test_the_front_door_is_the_board_for_who_may_see_it(client: Client) -> None:
    assert client.get("/", follow=True).redirect_chain == [("/admin/login/?next=/", 302)]
    client.force_login(get_user_model().objects.create_superuser("host", "host@example.com", "p"))
    answer = client.get("/")
    assert answer.status_code == 200
    assert "there is no booking yet" in answer.content.decode()
    assert 'href="/admin/"' in answer.content.decode()


@pytest.mark.django_db  # the end of any request looks after the database connection, if there is one
def test_the_admins_styles_are_served_without_a_build_step(client: Client) -> None:
    with override_settings(ALLOWED_HOSTS=["*"]):
        answer = client.get("/static/admin/css/base.css")
    assert answer.status_code == 200
    answer.close()
