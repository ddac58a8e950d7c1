"""The preview: what an import would do, and only these bytes are applied."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from pins.models import AccessGrant, Incident
from rentals.admin import feed_preview
from rentals.calendars.ical.unfold import MAX_BYTES
from rentals.models import Booking, CalendarFeed, FeedItem, Property
from tests.support.feed_pages import NOW, action, calendar, event, feed_of, take, upload
from tests.support.feeds import FeedServer, sample
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR = timedelta(hours=1)


def test_the_preview_shows_what_the_import_then_does(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    shown = host.post(action(feed, "preview"), upload(sample(1)))
    assert shown.status_code == 200
    assert "3 new" in text(shown)
    assert text(shown).count("<strong>New stay</strong>") == 3
    assert "3 Mar to 8 Mar 2027" in text(shown)
    assert not Booking.objects.exists()
    assert not FeedItem.objects.exists()
    assert CalendarFeed.objects.get().state.last_good_at is None

    done = host.post(action(feed, "apply"), {"carried": shown.context["carried"]})
    assert "imported (3 new)" in told(done)
    assert Booking.objects.count() == 3
    assert AccessGrant.objects.exists()
    again = host.post(action(feed, "preview"), upload(sample(1)))
    assert "No stay would be added, changed or cancelled." in text(again)


def test_the_preview_names_what_is_left_out(host: Client, flat: Property) -> None:
    bad = event("bad@x", "20270403", "20270401", "Anna <b>Nowak</b>")
    shown = text(host.post(action(feed_of(flat), "preview"), upload(calendar(bad))))
    assert "<strong>Left out</strong>" in shown
    assert "Anna &lt;b&gt;Nowak&lt;/b&gt;" in shown
    assert "It ends before it starts." in shown
    assert "uarantined" not in shown


def test_the_preview_of_an_outage_says_that_stays_are_held(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, sample(1))
    shown = host.post(action(feed, "preview"), upload(sample(16)))
    assert "2 stays would be held, not cancelled" in text(shown)
    assert not FeedItem.objects.filter(awaits_approval=True).exists()
    assert not Incident.objects.exists()
    done = host.post(action(feed, "apply"), {"carried": shown.context["carried"]})
    assert "2 stays vanished and are kept until you decide" in told(done)
    assert Booking.objects.filter(status="confirmed").count() == 3


@pytest.mark.parametrize("number", [17, 18])
def test_a_calendar_that_cannot_be_taken_is_explained(host: Client, flat: Property, number: int) -> None:
    feed = feed_of(flat)
    response = host.post(action(feed, "preview"), upload(sample(number)))
    assert response.status_code == 302
    assert "Nothing was changed." in told(response)
    assert not FeedItem.objects.exists()


def test_a_fresh_fetch_is_previewed_and_its_faults_are_explained(
    host: Client, flat: Property, settings: Settings
) -> None:
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    with FeedServer() as server:
        feed = feed_of(flat, url=server.put("/very-secret.ics", sample(1)))
        shown = host.post(action(feed, "preview"), {"fetch": "yes"})
        assert "From its address" in text(shown)
        assert "3 new" in text(shown)
        assert "very-secret" not in text(shown)
        server.put("/very-secret.ics", b"gone", status=410)
        said = told(host.post(action(feed, "preview"), {"fetch": "yes"}))
    assert "the link was reset" in said
    assert "very-secret" not in said
    assert CalendarFeed.objects.get().state.failures == 0
    host.post(action(feed, "apply"), {"carried": shown.context["carried"]})
    assert Booking.objects.count() == 3


def test_uploads_that_are_too_large_missing_or_strange_are_explained(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    assert "larger than 5 MB" in told(host.post(action(feed, "preview"), upload(b"x" * (MAX_BYTES + 1))))
    assert "Choose a calendar file" in told(host.post(action(feed, "preview")))
    assert "Choose a calendar file" in told(host.post(action(feed, "preview"), {"calendar": "no file"}))
    for body, why in (
        (b"", "This file is not a calendar. Choose the .ics file"),
        (b"\x00\xff" * 100, "This file is not a calendar."),
        (b"<!doctype html><html><body>Log in</body></html>", "This file is not a calendar."),
        (sample(1)[:-60], "This file is cut off"),
        (b"BEGIN:VCALENDAR\n", "This file is cut off"),
    ):
        said = told(host.post(action(feed, "preview"), upload(body))).splitlines()[-1]
        assert why in said
        assert said.count("Nothing was changed.") == 1
        assert "link" not in said  # there is none to check


def test_only_the_very_bytes_of_the_preview_are_applied(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Other")
    carried = host.post(action(feed, "preview"), upload(sample(1))).context["carried"]
    somebody = Client()
    somebody.force_login(User.objects.create_superuser("somebody"))
    for who, where, what in (
        (host, other, carried),
        (somebody, feed, carried),
        (host, feed, carried[:-1]),
        (host, feed, "A" + carried[1:]),
        (host, feed, ""),
        (host, feed, "a:b:c"),
    ):
        assert "too old or damaged" in told(who.post(action(where, "apply"), {"carried": what}))
    clock.shift(2 * HOUR)
    assert "too old or damaged" in told(host.post(action(feed, "apply"), {"carried": carried}))
    assert not Booking.objects.exists()


def test_a_preview_does_not_undo_what_was_fetched_after_it(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    carried = host.post(action(feed, "preview"), upload(sample(1))).context["carried"]
    clock.shift(timedelta(minutes=5))
    take(feed, sample(2), NOW + timedelta(minutes=5))
    before = list(Booking.objects.order_by("pk").values())
    assert "newer content arrived" in told(host.post(action(feed, "apply"), {"carried": carried}))
    assert list(Booking.objects.order_by("pk").values()) == before


def test_a_large_calendar_travels_and_a_huge_one_is_sent_to_the_command(host: Client, flat: Property) -> None:
    big = b"".join(event(f"{n:032x}@x", "20270310", "20270312").encode() for n in range(20_000))
    packed = feed_preview.carry(big, NOW, feed_id=1, user_id=1)
    assert packed is not None
    assert feed_preview.uncarry(packed, feed_id=1, user_id=1) == feed_preview.Carried(big, NOW)
    noise = random.Random(7).randbytes(4_000_000)
    assert feed_preview.carry(noise, NOW, feed_id=1, user_id=1) is None
