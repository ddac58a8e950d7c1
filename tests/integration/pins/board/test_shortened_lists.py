"""The board shows the first of what is wrong, and says how many more there are."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from pins.board import issues, loading
from pins.models import Incident
from rentals.access import EVERYTHING
from rentals.models import Lock
from tests.support.house import House

pytestmark = pytest.mark.django_db


def offline_locks(house: House, number: int) -> list[Lock]:
    locks = [house.lock(f"Door {place:02d}") for place in range(number)]
    Lock.objects.update(is_connected=False)
    return locks


@pytest.mark.parametrize(("number", "shown", "more"), [(0, 0, 0), (3, 3, 0), (12, 12, 0), (13, 12, 1), (15, 12, 3)])
def test_locks_to_look_after(house: House, number: int, shown: int, more: int) -> None:
    offline_locks(house, number)
    board = loading.load(timezone.now(), scope=EVERYTHING)
    assert (len(board.locks), board.more_locks) == (shown, more)
    assert [line.name for line in board.locks] == [f"Door {place:02d}" for place in range(shown)]


@pytest.mark.parametrize(("beyond", "more"), [(-issues.MOST, 0), (-1, 0), (0, 0), (1, 1), (4, 4)])
def test_what_to_fix(house: House, beyond: int, more: int) -> None:
    for lock in offline_locks(house, issues.MOST + beyond):
        Incident.open(Incident.Kind.NO_ROOM, timezone.now(), about=lock)
    board = loading.load(timezone.now(), scope=EVERYTHING)
    assert (len(board.issues), board.more_issues) == (issues.MOST + beyond - more, more)
    assert board.to_fix == issues.MOST + beyond


@pytest.mark.parametrize(("urgent", "shown"), [(0, loading.FEW_ISSUES), (3, loading.FEW_ISSUES), (12, 12)])
def test_what_is_urgent_is_shown_and_not_much_more(house: House, client: Client, urgent: int, shown: int) -> None:
    for number, lock in enumerate(offline_locks(house, 15)):
        severity = Incident.Severity.URGENT if number < urgent else Incident.Severity.WARNING
        Incident.open(Incident.Kind.NO_ROOM, timezone.now(), about=lock, severity=severity)
    client.force_login(User.objects.create_superuser("host"))
    page = client.get("/").content.decode()
    assert page.count('class="where"') == shown
    assert f"Show {15 - shown} more" in page
    assert 'To fix <span class="count">15</span>' in page
    whole = client.get("/", {"all": "issues"}).content.decode()
    assert whole.count('class="where"') == 15
    assert '#issues">Show' not in whole
