"""Messages as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pins.core.notification_events import Event
from pins.notify import texts

STAY = {
    "id": 3,
    "reference": "7F3K2Q",
    "property": "Old Town 3",
    "guest": "Anna Nowak",
    "check_in": "2027-03-02T14:00:00Z",
    "check_out": "2027-03-05T10:00:00Z",
    "time_zone": "Europe/Warsaw",
}
TROUBLE: dict[str, Any] = {
    "incident": {"id": 7, "kind": "code_late", "severity": "urgent"},
    "what": "The code is not on the lock yet",
    "remedy": "Look at the stay.",
    "stay": STAY,
    "lock": {"id": 1, "name": "Front door"},
    "calendar": None,
    "account": None,
    "path": "/stays/3/",
}


def test_a_trouble_says_what_where_and_what_to_do_with_a_link() -> None:
    said = texts.message(Event.INCIDENT_OPENED, TROUBLE, "https://codes.example.com")
    assert said.subject == "The code is not on the lock yet: Anna Nowak at Old Town 3, Front door"
    assert said.text.splitlines() == [
        "Anna Nowak at Old Town 3, Front door",
        "The code is not on the lock yet.",
        "What to do: Look at the stay.",
        "Arrives Tue 2 Mar 2027, 15:00 CET, leaves Fri 5 Mar 2027, 11:00 CET.",
        "https://codes.example.com/stays/3/",
    ]


@pytest.mark.parametrize(
    ("text", "most", "shortened"),
    [
        ("one\ntwo", 7, "one\ntwo"),
        ("one\ntwo\nthree\nfour", 18, "one\ntwo\nthree\nfour"),
        ("a" * 50 + "\n" + "b" * 80, 120, "a" * 50 + f"\n{texts.TOO_LONG}"),
        ("a" * 50 + "\n" + "b" * 80 + "\nhttps://x/", 130, "a" * 50 + f"\n{texts.TOO_LONG}\nhttps://x/"),
        ("a" * 500, 100, "a" * (100 - 1 - len(texts.TOO_LONG) - 1) + f"…\n{texts.TOO_LONG}"),
    ],
)
def test_a_long_text_is_cut_between_lines_and_says_so(text: str, most: int, shortened: str) -> None:
    assert texts.shortened(text, most) == shortened
    assert len(texts.shortened(text, most)) <= most


def test_without_a_public_address_there_is_no_link() -> None:
    assert "stays/3" not in texts.message(Event.INCIDENT_OPENED, TROUBLE, "").text
    assert "url" not in texts.body(Event.INCIDENT_OPENED, TROUBLE, datetime(2027, 3, 1, tzinfo=UTC), "")["data"]


def test_the_end_of_a_trouble_needs_no_action() -> None:
    said = texts.message(Event.INCIDENT_RESOLVED, TROUBLE, "")
    assert said.subject == "In order again: Anna Nowak at Old Town 3, Front door"
    assert "What to do" not in said.text


@pytest.mark.parametrize("event", [Event.CODE_READY, Event.CODE_CHANGED, Event.STAY_CANCELLED])
def test_news_of_a_stay_name_it(event: Event) -> None:
    said = texts.message(event, {"stay": STAY, "locks": [{"id": 1, "name": "Gate"}], "path": "/"}, "")
    assert "Anna Nowak at Old Town 3" in said.subject
    assert "Arrives Tue 2 Mar 2027, 15:00 CET" in said.text


def test_whatever_a_guest_is_called_a_subject_is_one_short_line() -> None:
    stay = {**STAY, "guest": "Eve\r\nBcc: all@example.com\x00" + "x" * 500}
    said = texts.message(Event.INCIDENT_OPENED, {**TROUBLE, "stay": stay}, "")
    assert said.subject.isprintable()
    assert len(said.subject) <= 180
    assert "\nBcc" not in said.text


def test_a_body_is_that_of_standard_webhooks() -> None:
    at = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
    told = texts.body(Event.INCIDENT_OPENED, TROUBLE, at, "https://codes.example.com")
    assert (told["type"], told["timestamp"]) == ("incident.opened", "2027-03-01T09:30:00Z")
    assert told["data"]["url"] == "https://codes.example.com/stays/3/"
    assert "path" not in told["data"]
    assert TROUBLE["path"] == "/stays/3/"  # what was given is not changed


def test_a_summary_lists_arrivals_and_what_to_fix() -> None:
    data = {
        "date": "2027-03-02",
        "time_zone": "Europe/Warsaw",
        "arrivals": [
            {"guest": "Anna", "property": "Attic", "at": "15:00 CET", "state": "Offline", "ready": False, "flags": []},
            {"guest": "", "property": "Loft", "at": "16:00 CET", "state": "Ready", "ready": True, "flags": ["x"]},
        ],
        "more_arrivals": 1,
        "to_mend": [{"subject": "Office", "what": "Tedee refuses the key", "remedy": "Make a new one.", "path": "/"}],
        "more_to_mend": 0,
        "path": "/",
    }
    said = texts.message(Event.SUMMARY, data, "https://codes.example.com")
    assert said.subject == "Tue 2 Mar: 3 arrivals, 1 ready, 1 thing to fix"
    assert said.text.splitlines() == [
        "Arriving today:",
        "- 15:00 CET Anna at Attic: Offline",
        "- 16:00 CET Guest at Loft: Ready; x",
        "- and 1 more",
        "",
        "To fix:",
        "- Office: Tedee refuses the key. Make a new one.",
        "",
        "https://codes.example.com/",
    ]
    quiet = {**data, "arrivals": [], "more_arrivals": 0, "to_mend": []}
    said = texts.message(Event.SUMMARY, quiet, "")
    assert said.subject == "Tue 2 Mar: no arrivals"
    assert said.text.splitlines() == ["Nobody arrives today.", "", "Nothing to fix."]
