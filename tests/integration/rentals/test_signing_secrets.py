"""Rotation of signing secrets, as the rows of both kinds of owners keep them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.db.models import QuerySet
from pytest_django import Settings

from pins.models import NotificationChannel
from rentals import signing_secrets
from rentals.models import CalendarFeed, Property

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
FIRST, SECOND, THIRD = (signing_secrets.generate() for _ in range(3))


@pytest.fixture
def feeds() -> QuerySet[CalendarFeed]:
    CalendarFeed.objects.create(property=Property.objects.create(name="Loft"), name="Airbnb", signing_secret=FIRST)
    return CalendarFeed.objects.all()


@pytest.fixture
def channels() -> QuerySet[NotificationChannel]:
    NotificationChannel.objects.create(name="Robot", kind="webhook", target="https://a.example", signing_secret=FIRST)
    return NotificationChannel.objects.all()


def test_the_replaced_secret_is_the_previous_one_and_the_one_before_it_ends(feeds: QuerySet[CalendarFeed]) -> None:
    for secret, previous in ((SECOND, FIRST), (SECOND, FIRST), (THIRD, SECOND)):
        signing_secrets.rotate(feeds, secret, NOW, overlap=None)
        feed = feeds.get()
        assert (feed.signing_secret, feed.previous_signing_secret) == (secret, previous)


@pytest.mark.parametrize(
    ("overlap", "previous", "until"),
    [(timedelta(0), "", None), (timedelta(hours=2), FIRST, NOW + timedelta(hours=2))],
    ids=["at_once", "after_two_hours"],
)
def test_a_previous_secret_that_ends_by_itself(
    channels: QuerySet[NotificationChannel], overlap: timedelta, previous: str, until: datetime | None
) -> None:
    signing_secrets.rotate(channels, SECOND, NOW, overlap)
    channel = channels.get()
    assert (channel.signing_secret, channel.previous_signing_secret) == (SECOND, previous)
    assert channel.previous_signs_until == until


def test_a_secret_that_no_configured_key_opens_can_be_replaced(
    channels: QuerySet[NotificationChannel], settings: Settings
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    signing_secrets.rotate(channels, SECOND, NOW, timedelta(hours=2))
    kept = channels.values_list("signing_secret", "previous_signing_secret", "previous_signs_until").get()
    assert kept == (SECOND, "", None)
