"""What people see when a request goes wrong: a page that says what to do, and nothing of the inside."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from pins.board import views
from tests.support.pages import content
from tests.support.people import viewer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/nothing/", "/stays/999999/", "/locks/999999/"])
def test_an_address_that_leads_nowhere(client: Client, address: str) -> None:
    client.force_login(User.objects.create_superuser("host"))
    answer = client.get(address)
    assert answer.status_code == 404
    assert "There is nothing at this address" in content(answer)
    assert address not in content(answer)


def test_a_action_that_somebody_may_not_do(client: Client) -> None:
    client.force_login(viewer())
    answer = client.get("/admin/rentals/lockaccount/")
    assert answer.status_code == 403
    assert "You may not do this" in content(answer)


def test_a_page_that_has_grown_old() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("host"))
    answer = strict.post("/stays/1/revoke/")
    assert answer.status_code == 403
    assert "This page is too old" in content(answer)
    assert "Nothing was changed" in content(answer)


def test_a_fault_of_ours_shows_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("canary-4711")

    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("host"))
    monkeypatch.setattr(views, "render", broken)
    answer = client.get("/timeline/")
    assert answer.status_code == 500
    assert "Something went wrong here" in content(answer)
    assert "canary-4711" not in content(answer)
