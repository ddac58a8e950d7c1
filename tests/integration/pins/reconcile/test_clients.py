"""The clients that a process keeps: one for each account, key and setting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from pins.reconcile.clients import client_for
from pins.tedee.messages import PinBody
from rentals.models import LockAccount
from tests.support.real_cloud import close_clients
from tests.support.scripted_server import Server, good

pytestmark = pytest.mark.django_db
BODY = PinBody("Ann", "739105")


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    with Server([good({"id": 3}, 201)]) as server:
        settings.TEDEE_API_URL = server.url
        yield server
        close_clients()


def test_a_client_is_kept_until_the_key_changes(server: Server) -> None:
    account = LockAccount.objects.create(name="Office", secret="one")
    kept = client_for(account)
    assert client_for(account) is kept
    account.secret = "two"
    assert client_for(account) is not kept


@pytest.mark.parametrize("content_type", ["application/json", "application/json-patch+json"])
def test_bodies_are_announced_as_the_setting_says(server: Server, settings: Settings, content_type: str) -> None:
    account = LockAccount.objects.create(name="Office", secret="one")
    client_for(account).create_pin(1, BODY)
    settings.TEDEE_CONTENT_TYPE = content_type
    client_for(account).create_pin(1, BODY)

    assert [request.headers["content-type"] for request in server.requests] == ["application/json", content_type]


def test_each_account_and_each_address_of_the_cloud_has_a_client_of_its_own(server: Server, settings: Settings) -> None:
    office, home = (LockAccount.objects.create(name=name, secret="one") for name in ("Office", "Home"))
    kept = client_for(office)
    assert client_for(home) is not kept
    here = settings.TEDEE_API_URL
    with Server([good({"id": 4}, 201)]) as elsewhere:
        settings.TEDEE_API_URL = elsewhere.url
        assert client_for(office).create_pin(1, BODY).value == 4
        settings.TEDEE_API_URL = here
        assert client_for(office) is kept
