"""Secrets of a feed go in and never come out."""

from __future__ import annotations

import re

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from rentals.models import CalendarFeed, FeedItem, FeedState, Property, PublishedCalendar
from tests.support.feed_pages import ADD, LIST, NOW, SECRET, URL, action, calendar, event, feed_of, page, take, typed
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def form_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that leads there."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert form is not None
    return dict(re.findall(r'<input type="hidden" name="(replaces)" value="([^"]*)"', form.group()))


def test_a_feed_is_entered_and_its_address_never_shown_again(host: Client, flat: Property) -> None:
    response = host.post(ADD, typed(flat, url=URL, signing_secret=SECRET))
    assert response.status_code == 302, text(response)
    feed = CalendarFeed.objects.get()
    assert (feed.url, feed.signing_secret, feed.state.next_fetch_at) == (URL, SECRET, NOW)
    shown = text(host.get(page(feed)))
    assert "An address on www.airbnb.com is stored. Leave this empty to keep it." in shown
    assert "A secret is stored." in shown
    for url in (page(feed), LIST, f"{LIST}{feed.pk}/history/", f"{LIST}{feed.pk}/delete/", ADD):
        answer = text(host.get(url))
        for secret in ("very-secret-part", "hunter2", SECRET, feed.token):
            assert secret not in answer
    assert "very-secret" not in " ".join(LogEntry.objects.values_list("change_message", flat=True))


def test_an_empty_address_keeps_the_stored_one_and_a_new_one_replaces_it(host: Client, flat: Property) -> None:
    feed = feed_of(flat, signing_secret=SECRET)
    FeedState.objects.update(etag="old", last_modified="old")
    assert host.post(page(feed), typed(flat, name="Renamed")).status_code == 302
    feed.refresh_from_db()
    assert (feed.name, feed.url, feed.signing_secret) == ("Renamed", URL, SECRET)
    assert feed.state.etag == "old"

    host.post(page(feed), typed(flat, url="webcal://ical.booking.com/v1/export?t=1"))
    feed = CalendarFeed.objects.get()
    assert feed.url == "https://ical.booking.com/v1/export?t=1"
    assert (feed.state.etag, feed.state.last_modified, feed.state.next_fetch_at) == ("", "", NOW)

    host.post(page(feed), typed(flat, forget_url="on"))
    assert CalendarFeed.objects.get().url == ""
    assert "forget_url" not in text(host.get(page(feed)))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://www.airbnb.com/1.ics", "begins with http://"),
        ("ftp://www.airbnb.com/1.ics", "Only links that begin with https://"),
        ("file:///etc/passwd", "Only links that begin with https://"),
        ("javascript://alert.example.com/1", "Only links that begin with https://"),
        ("www.airbnb.com/calendar/1.ics", "beginning with https://"),
        ("mailto:guest@example.com", "beginning with https://"),
        ("nonsense", "beginning with https://"),
        ("https://", "names no host"),
        ("https://exa mple.com/1.ics", "has spaces"),
        ("https://example.com/1.ics\u202e", "has spaces"),
        ("https://[::1", "not a link"),
        ("https://example.com:99999/1.ics", "not a link"),
        ("https://localhost/1.ics", "private network"),
        ("https://intranet/1.ics", "private network"),
        ("https://192.168.1.7/1.ics", "private network"),
        ("https://[::ffff:10.0.0.1]/1.ics", "private network"),
        ("https://2130706433/1.ics", "names no host"),
        ("https://0x7f.1/1.ics", "names no host"),
        ("BEGIN:VCALENDAR", "a calendar, not a link to one"),
        ("https://example.com/" + "x" * 3000, "too long"),
    ],
)
def test_nonsense_addresses_are_explained_and_not_repeated(host: Client, flat: Property, url: str, words: str) -> None:
    response = host.post(ADD, typed(flat, url=url))
    assert response.status_code == 200
    (error,) = response.context["adminform"].form.errors["url"]
    assert words in error
    assert "value=" + url not in text(response)
    assert not CalendarFeed.objects.exists()


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("webcal://www.airbnb.com/1.ics", "https://www.airbnb.com/1.ics"),
        ("WEBCALS://www.airbnb.com/1.ics", "https://www.airbnb.com/1.ics"),
        ("  https://www.airbnb.com/1.ics?s=a#x ", "https://www.airbnb.com/1.ics?s=a"),
        ("https://kalender.müller.example/1.ics", "https://kalender.müller.example/1.ics"),
    ],
)
def test_good_addresses_are_taken(host: Client, flat: Property, url: str, stored: str) -> None:
    assert host.post(ADD, typed(flat, url=url)).status_code == 302
    assert CalendarFeed.objects.get().url == stored


def test_plain_http_and_private_hosts_are_for_tests_alone(host: Client, flat: Property, settings: Settings) -> None:
    settings.FEEDS_ALLOW_PRIVATE_HOSTS = True
    assert host.post(ADD, typed(flat, url="http://127.0.0.1:8001/1.ics")).status_code == 302


def test_what_is_never_shown_again_is_asked_for_once_more_when_another_field_is_wrong(
    host: Client, flat: Property
) -> None:
    """Else who mends the other field and saves has a feed without an address, and learns it when no guest arrives."""
    for wrong in ({"name": ""}, {"poll_minutes": "1"}, {"longest_stay_nights": "x"}, {"property": "99999"}):
        response = host.post(ADD, typed(flat, url=URL, signing_secret=SECRET, **wrong))
        assert response.status_code == 200
        assert "This address is fine and is not stored yet: enter it once more." in text(response)
        assert "This secret is fine and is not stored yet: enter it once more." in text(response)
        assert "very-secret" not in text(response)
        assert SECRET not in text(response)
    said = text(host.post(ADD, typed(flat, name="", url="http://x")))
    assert "enter it once more" not in said
    assert not CalendarFeed.objects.exists()


def test_calendars_that_we_publish_and_push_addresses_are_no_feeds(host: Client, flat: Property) -> None:
    ours = PublishedCalendar.objects.create(property=flat, name="Cleaners")
    feed = feed_of(flat)
    for url, words in (
        (f"https://turnkey.example.com/calendars/{ours.token}.ics", "Turnkey itself publishes"),
        (f"https://turnkey.example.com/webhooks/ical/{feed.token}/", "push address"),
    ):
        response = host.post(ADD, typed(flat, url=url))
        assert words in str(response.context["adminform"].form.errors["url"])


def test_a_feed_whose_secrets_no_configured_key_opens_can_still_be_mended(
    host: Client, flat: Property, settings: Settings
) -> None:
    feed = feed_of(flat, signing_secret=SECRET)
    take(feed, calendar(event("bad@x", "20270403", "20270401")))
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key()]
    for url in (page(feed), f"/admin/rentals/feeditem/{FeedItem.objects.values_list('pk', flat=True).get()}/change/"):
        assert "No configured key opens them." in text(host.get(url))
    assert host.get(LIST).status_code == 200
    assert "None of the configured keys opens it" in text(host.post(action(feed, "push")))
    assert "An address is stored that no configured key opens." in text(host.get(page(feed)))
    refused = host.post(page(feed), typed(flat, url="https://www.airbnb.com/new.ics"))
    assert "Enter it anew" in str(refused.context["adminform"].form.errors["signing_secret"])
    refused = host.post(page(feed), typed(flat, signing_secret=SECRET))
    assert "Enter it anew" in str(refused.context["adminform"].form.errors["url"])
    response = host.post(page(feed), typed(flat, url="https://www.airbnb.com/new.ics", signing_secret=SECRET))
    assert response.status_code == 302
    assert "push address was renewed" in told(response)
    fresh = CalendarFeed.objects.get()
    assert (fresh.url, fresh.signing_secret) == ("https://www.airbnb.com/new.ics", SECRET)
    assert fresh.previous_signing_secret == ""
    assert host.post(action(fresh, "push")).status_code == 200


def test_signing_secrets_are_judged_and_rotate(host: Client, flat: Property) -> None:
    for nonsense in ("hunter2", "whsec_", "whsec_short", "whsec_" + "%" * 44):
        response = host.post(ADD, typed(flat, signing_secret=nonsense))
        assert "not a signing secret" in str(response.context["adminform"].form.errors["signing_secret"])
        assert nonsense not in re.sub(r"whsec_\W|whsec_\.\.\.", "", text(response)) or nonsense == "whsec_"
    feed = feed_of(flat, signing_secret=SECRET)
    other = "whsec_" + "WllYV1ZVVFNSUVBPTk1MS0pJSEdGRURDQkE="
    host.post(page(feed), typed(flat, signing_secret=other))
    feed = CalendarFeed.objects.get()
    assert (feed.signing_secret, feed.previous_signing_secret) == (other, SECRET)
    host.post(page(feed), typed(flat, signing_secret=other))  # the same again ends nothing
    assert CalendarFeed.objects.get().previous_signing_secret == SECRET


def test_the_push_address_comes_by_post_alone_and_is_on_record(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    assert host.get(action(feed, "push")).status_code == 405
    response = host.post(action(feed, "push"))
    assert f"http://testserver/webhooks/ical/{feed.token}/" in text(response)
    assert "no-store" in response["Cache-Control"]
    assert "Push address shown" in LogEntry.objects.latest("pk").change_message

    renewed = host.post(action(feed, "new-address"))
    fresh = CalendarFeed.objects.get()
    assert fresh.token != feed.token
    assert fresh.token in text(renewed)
    assert feed.token not in text(renewed)
    assert (fresh.url, fresh.token_digest != feed.token_digest) == (URL, True)


def test_secrets_are_made_rotated_and_ended_on_the_push_page(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    made = text(host.post(action(feed, "new-secret")))
    first = CalendarFeed.objects.get().signing_secret
    assert first.startswith("whsec_")
    assert first in made
    assert first not in text(host.post(action(feed, "push")))
    second_page = text(host.post(action(feed, "new-secret")))
    now = CalendarFeed.objects.get()
    assert (now.previous_signing_secret, now.signing_secret in second_page) == (first, True)
    assert "The previous secret still counts" in second_page
    host.post(action(feed, "end-previous-secret"))
    assert CalendarFeed.objects.get().previous_signing_secret == ""
    host.post(action(feed, "remove-signing"))
    assert CalendarFeed.objects.get().signing_secret == ""
    assert first not in " ".join(LogEntry.objects.values_list("change_message", flat=True))


@pytest.mark.parametrize(("name", "column"), [("new-address", "token"), ("new-secret", "signing_secret")])
def test_a_page_with_a_new_secret_makes_no_other_one_when_it_is_loaded_again(
    host: Client, flat: Property, name: str, column: str
) -> None:
    feed = feed_of(flat)
    sent = form_of(text(host.post(action(feed, "push"))), action(feed, name))
    assert sent
    host.post(action(feed, name), sent)
    made = getattr(CalendarFeed.objects.get(), column)
    assert made != getattr(feed, column)

    again = host.post(action(feed, name), sent)
    assert getattr(CalendarFeed.objects.get(), column) == made
    assert "already" in told(again)

    host.post(action(feed, name), form_of(text(again), action(feed, name)))
    assert getattr(CalendarFeed.objects.get(), column) != made
