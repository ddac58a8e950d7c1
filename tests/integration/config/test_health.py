"""Health addresses and the front door."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from django.utils import timezone

from config import health
from config.health import PARTS
from pins.measures.readiness import Part, Status
from pins.models import Heartbeat
from tests.support.people import staff


def test_healthz_needs_neither_database_nor_broker(client: Client) -> None:
    # Without the django_db mark any query would fail this test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok")


def work(*names: str, ago: timedelta = timedelta(0)) -> None:
    """Traces of periodic work."""
    for name in names:
        Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now() - ago, "waited": 0.2})


@pytest.mark.django_db
def test_readyz_is_content_when_all_answer_and_keep_up(client: Client, redis_url: str) -> None:
    work("beat", "sweep")
    with override_settings(REDIS_URL=redis_url):
        answer = client.get("/readyz")
    said = answer.json()
    assert (answer.status_code, said["ready"], said["behind"]) == (200, True, [])
    assert said["checks"] == dict.fromkeys(PARTS, "ok")
    assert said["seconds"].keys() == {"beat", "queue", "sweep"}


def test_many_who_ask_at_once_hold_few_threads(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """They ask neither the database nor the broker: without the django_db mark any query would fail this test."""
    with health._looking, health._looking, health._looking:  # as if three looked now
        monkeypatch.setattr(health, "_found", health._Found())
        assert client.get("/readyz").json()["checks"] == dict.fromkeys(PARTS, "unknown")
        found = dict.fromkeys(PARTS, Part(Status.OK))
        monkeypatch.setattr(health, "_found", health._Found(found, time.monotonic()))
        assert client.get("/readyz").status_code == 200
        monkeypatch.setattr(health, "_found", health._Found(found, time.monotonic() - 11))
        assert client.get("/readyz").status_code == 503


@pytest.mark.django_db
def test_readyz_names_what_is_out_of_reach(client: Client) -> None:
    work("beat", "sweep")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["behind"] == ["broker"]
    assert answer.json()["checks"]["broker"] == "unreachable"


@pytest.mark.django_db
def test_readyz_tells_a_dead_beat_from_a_dead_worker(client: Client, redis_url: str) -> None:
    work("beat")
    work("sweep", ago=timedelta(minutes=5))
    with override_settings(REDIS_URL=redis_url):
        assert client.get("/readyz").json()["behind"] == ["queue", "sweep"]
        work("sweep", "beat", ago=timedelta(minutes=5))
        assert client.get("/readyz").json()["behind"] == ["beat", "sweep"]


@pytest.mark.django_db
def test_readyz_says_that_nothing_was_started_yet(client: Client, redis_url: str) -> None:
    with override_settings(REDIS_URL=redis_url):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] | {"beat": "never", "queue": "never", "sweep": "never"} == answer.json()["checks"]


@pytest.mark.django_db
def test_readyz_says_that_migrations_are_missing(client: Client, redis_url: str) -> None:
    work("beat", "sweep")
    last = max(name for app, name in MigrationRecorder(connection).applied_migrations() if app == "pins")
    MigrationRecorder(connection).record_unapplied("pins", last)
    with override_settings(REDIS_URL=redis_url):
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["behind"]) == (503, ["migrations"])


@pytest.mark.django_db
def test_a_load_balancer_may_ask_for_what_the_pages_need(client: Client) -> None:
    answer = client.get("/readyz?only=database,migrations")
    assert (answer.status_code, answer.json()["checks"]) == (200, {"database": "ok", "migrations": "ok"})
    assert client.get("/readyz?only=sweep").status_code == 503
    for wrong in ("nonsense", "database,nonsense", ","):
        refused = client.get("/readyz", {"only": wrong})
        assert refused.status_code == 400
        assert "database, migrations" in refused.json()["error"]


@pytest.mark.django_db
def test_no_secret_is_said(client: Client) -> None:
    with override_settings(REDIS_URL="redis://:s3cr3t-of-redis@127.0.0.1:1/0"):
        answer = client.get("/readyz")
    assert answer.json()["checks"]["broker"] == "unreachable"
    assert "s3cr3t" not in answer.content.decode()


@pytest.mark.django_db
def test_what_cannot_be_asked_is_unknown(client: Client) -> None:
    with without_a_database():
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "unreachable",
        "migrations": "unknown",
        "broker": "unreachable",
        "beat": "unknown",
        "queue": "unknown",
        "sweep": "unknown",
    }


@contextmanager
def without_a_database() -> Iterator[None]:
    """Each statement fails as it does when the server is gone."""

    def gone(*_: object) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(gone):
        yield


def test_health_is_not_redirected_to_https(client: Client) -> None:
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 301


@pytest.mark.django_db
def test_the_front_door_is_the_board_for_who_may_see_it(client: Client) -> None:
    assert client.get("/", follow=True).redirect_chain == [("/admin/login/?next=/", 302)]
    client.force_login(get_user_model().objects.create_superuser("host", "host@example.com", "p"))
    assert client.get("/")["Location"] == "/setup/"  # nothing is set up yet
    client.force_login(staff("operator", "view_booking"))
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
