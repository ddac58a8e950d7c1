"""Incidents as people see them: the list of the admin, and what the board says is to fix."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from pins.board.incident_rows import open_incidents
from pins.board.issues import issues
from pins.incidents import slow_checks
from pins.models import AccessGrant, Incident, Pin
from rentals.access import EVERYTHING
from rentals.wording import Tone
from tests.support.house import House

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity
LIST = "/admin/pins/incident/"


@pytest.fixture
def three(house: House, clock: time_machine.Traveller) -> House:
    """A warning about a code, then a notice about a lock, then something urgent about the account."""
    house.stay(house.flat(house.lock()), 2 * DAY, DAY)
    house.settle()
    for kind, about in (
        (Kind.VALUE_REFUSED, Pin.objects.get()),
        (Kind.ZONE_DIFFERS, Pin.objects.get().lock),
        (Kind.DEAD_KEY, house.account),
    ):
        Incident.open(kind, timezone.now(), about=about)
        clock.shift(HOUR)
    return house


def rows(response: Any) -> str:
    """The table of a list, as text."""
    assert response.status_code == 200
    return unescape(response.content.decode()).partition('id="result_list"')[2].partition("</table>")[0]


def order(text: str, *words: str) -> list[str]:
    return sorted((word for word in words if word in text), key=text.index)


def test_the_list_is_sorted_by_severity_and_says_what_to_do(host: Client, three: House) -> None:
    shown = rows(host.get(LIST))
    assert order(shown, "Warning", "Notice", "Urgent") == ["Urgent", "Warning", "Notice"]
    for words in ("The lock refuses the code", "Flat: Anna Nowak", "Press “New code” on the stay", "10:00 CET"):
        assert words in shown
    assert f'href="/admin/rentals/lock/{Pin.objects.get().lock_id}/change/"' in shown
    assert f'<a href="/locks/{Pin.objects.get().lock_id}/">' in shown
    assert AccessGrant.objects.get().code not in shown


def test_the_list_can_be_narrowed_to_a_severity_and_shows_what_is_resolved(host: Client, three: House) -> None:
    assert order(rows(host.get(f"{LIST}?severity__exact=urgent")), "Warning", "Notice", "Urgent") == ["Urgent"]
    Incident.resolve(timezone.now(), about=three.account, kinds=(Kind.DEAD_KEY,))
    assert order(rows(host.get(LIST)), "Warning", "Notice", "Urgent") == ["Warning", "Notice"]
    resolved = rows(host.get(f"{LIST}?state=resolved"))
    assert "Tedee refuses the access key" in resolved
    assert "tk-over" in resolved
    assert "tk-act" not in resolved
    for column in range(5):
        assert host.get(f"{LIST}?o={column}&state=all").status_code == 200


def test_overlapping_stays_lead_to_the_stay(host: Client, house: House, clock: time_machine.Traveller) -> None:
    flat = house.flat(house.lock())
    house.stay(flat, 2 * DAY, 3 * DAY)
    second = house.stay(flat, 4 * DAY, 3 * DAY, "Olivia")
    slow_checks.check(timezone.now())
    assert f'<a href="/admin/rentals/booking/{second.pk}/change/">Flat: Olivia' in rows(host.get(LIST))
    (issue,), more = issues(timezone.now(), [], open_incidents(EVERYTHING))
    assert (issue.subject, issue.url, more) == ("Olivia at Flat", f"/stays/{second.pk}/", 0)
    assert host.get(f"{LIST}{Incident.objects.get().pk}/change/").status_code == 200


def test_the_board_sorts_by_severity_then_by_age(three: House, clock: Any) -> None:
    Incident.open(Kind.NO_ROOM, timezone.now(), about=Pin.objects.get().lock)
    found, _ = issues(timezone.now(), [], open_incidents(EVERYTHING))
    assert [(one.badge.label, one.badge.tone, one.since) for one in found] == [
        ("Urgent", Tone.ACT, "1 hour ago"),
        ("Warning", Tone.TROUBLE, "3 hours ago"),
        ("Warning", Tone.TROUBLE, "just now"),
        ("Notice", Tone.TROUBLE, "2 hours ago"),
    ]


def test_the_board_shows_a_badge_for_each(host: Client, three: House) -> None:
    shown = unescape(host.get("/").content.decode()).partition('class="issues"')[2].partition("</ul>")[0]
    assert order(shown, "Warning", "Notice", "Urgent") == ["Urgent", "Warning", "Notice"]
    assert shown.count('class="badge act"') == 1
    assert shown.count('class="badge trouble"') == 2
