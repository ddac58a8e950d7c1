"""What `manage.py doctor` says of calendars and notifications: it reads what was left behind and asks nobody."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from pins.models import NotificationChannel
from pins.stack.checkup.calendars import calendars
from pins.stack.checkup.findings import Health
from pins.stack.checkup.installation import database
from pins.stack.checkup.notifications import notifications
from rentals.models import CalendarFeed, FeedState, Property

SINCE = datetime(2027, 3, 1, 9, tzinfo=UTC)
SECRET = "https://channel.invalid/export/very-secret-link.ics"

pytestmark = pytest.mark.django_db


def feed(name: str, **state: object) -> CalendarFeed:
    flat, _ = Property.objects.get_or_create(
        name="Flat", defaults={"timezone": "UTC", "check_in_time": time(15), "check_out_time": time(11)}
    )
    made = CalendarFeed.objects.create(property=flat, name=name, url=SECRET)
    FeedState.objects.filter(feed=made).update(**state)
    return made


@pytest.mark.parametrize(("number", "said"), [(1, "1 channel, none in trouble"), (2, "2 channels, none in trouble")])
def test_channels_are_counted_in_good_english(number: int, said: str, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://codes.example.com"
    for n in range(number):
        NotificationChannel.objects.create(name=f"Anna {n}", target="anna@example.com")
    assert [one.text for one in notifications()] == [said]


@pytest.mark.parametrize(("number", "said"), [(1, "1 migration is not applied."), (2, "2 migrations are not applied.")])
def test_migrations_are_counted_in_good_english(number: int, said: str) -> None:
    recorder = MigrationRecorder(connection)
    for app, name in sorted(recorder.applied_migrations())[-number:]:
        recorder.record_unapplied(app, name)
    assert said in [one.text for one in database()]


def test_without_calendars_there_is_nothing_to_say() -> None:
    assert list(calendars()) == []


def test_good_calendars_are_counted() -> None:
    feed("Airbnb", last_good_at=SINCE)
    feed("Vrbo", last_good_at=SINCE)
    (said,) = calendars()
    assert (said.health, said.text) == (Health.OK, "2 switched on, none in trouble")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("held_since", "is held"),
        ("reset_since", "does not exist any more"),
        ("stale_since", "not read for a long time"),
        ("failing_since", "cannot be read at present"),
    ],
)
def test_a_calendar_in_trouble_is_named_with_what_to_do_and_without_its_link(column: str, words: str) -> None:
    feed("Airbnb", last_good_at=SINCE)
    feed("Vrbo", last_good_at=SINCE, **{column: SINCE})
    (said,) = calendars()
    assert said.health is Health.WARN
    assert said.subject == "calendar, Vrbo"
    assert words in said.text
    assert "2027-03-01 09:00 UTC" in said.text
    assert said.remedy
    assert SECRET not in repr(said)


def test_the_trouble_that_needs_a_person_is_named_and_a_calendar_switched_off_says_nothing() -> None:
    feed("Airbnb", held_since=SINCE, failing_since=SINCE)
    off = feed("Vrbo", reset_since=SINCE)
    CalendarFeed.objects.filter(pk=off.pk).update(is_active=False)
    (said,) = calendars()
    assert "is held" in said.text
    assert "never read" in said.text


def test_a_link_that_no_key_opens_keeps_nobody_from_the_report() -> None:
    made = feed("Airbnb", stale_since=SINCE)
    CalendarFeed.objects.filter(pk=made.pk).update(name="Broken")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("UPDATE rentals_calendarfeed SET url = 'not a token of ours' WHERE id = %s", [made.pk])
    (said,) = calendars()
    assert said.subject == "calendar, Broken"


class TestNotifications:
    def channel(self, name: str = "Anna", **fields: object) -> NotificationChannel:
        return NotificationChannel.objects.create(**{"name": name, "target": "s3cret@example.com", **fields})

    def test_without_channels_there_is_nothing_to_say(self) -> None:
        assert list(notifications()) == []

    def test_a_failing_channel_is_named_without_its_target(self, settings: Settings) -> None:
        settings.PUBLIC_URL = "https://codes.example.com"
        self.channel("Ben")
        assert [one.health for one in notifications()] == [Health.OK]
        self.channel(failures=3, failing_since=SINCE, last_error="The mail server cannot be reached.")
        (said,) = notifications()
        assert (said.health, said.subject) == (Health.WARN, "channel, Anna")
        assert said.text == "has failed since 2027-03-01 09:00 UTC. The mail server cannot be reached."

    def test_what_is_missing_in_the_environment_is_named(self, settings: Settings) -> None:
        self.channel()
        assert [(one.health, one.remedy[:14]) for one in notifications()] == [(Health.WARN, "Set PUBLIC_URL")]
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
        assert [(one.health, one.remedy[:13]) for one in notifications()] == [(Health.FAIL, "Set EMAIL_URL")]
