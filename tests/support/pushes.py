"""Calendars that are pushed to their feed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from standardwebhooks import Webhook

from rentals.models import CalendarFeed, Property
from tests.support.feeds import sample
from tests.support.pages import Answer

EMPTY = sample(16)


def make_feed(**fields: Any) -> CalendarFeed:
    flat = Property.objects.create(name="Flat", timezone="Europe/Warsaw")
    return CalendarFeed.objects.create(property=flat, name="Airbnb", **fields)


def send(
    feed: CalendarFeed, body: bytes = b"", content_type: str = "text/calendar", slash: str = "/", **headers: str
) -> Answer:
    path = f"/webhooks/ical/{feed.token}{slash}"
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().generic("POST", path, body, content_type, headers=given)


def signature(
    secret: str, body: bytes, given_id: str = "msg_1", ago: timedelta = timedelta(0), **changed: str
) -> dict[str, str]:
    at = timezone.now() - ago
    return {
        "webhook_id": given_id,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": Webhook(secret).sign(given_id, at, body.decode()),
        **changed,
    }


def told(answer: Answer) -> tuple[int, str]:
    """Status and word of an answer, which is JSON whatever happened."""
    assert answer["Content-Type"] == "application/json"
    said = answer.json()
    if "error" in said:
        assert set(said) == {"error", "detail"}
        assert said["detail"].rstrip("/").strip()
    return answer.status_code, said.get("status") or said["error"]
