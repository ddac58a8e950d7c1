"""Calendars as a host meets them: which need a person, what would change, what is decided, and secrets that stay in."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from pins.models import AccessGrant, Incident
from rentals.admin import feed_preview
from rentals.calendars.ical.unfold import MAX_BYTES
from rentals.calendars.imports import run
from rentals.models import Booking, CalendarFeed, FeedItem, FeedState, Property, PublishedCalendar
from tests.support.feeds import FeedServer, sample
from tests.support.house import House

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LIST = "/admin/rentals/calendarfeed/"
ADD = f"{LIST}add/"
URL = "https://user:hunter2@www.airbnb.com/calendar/ical/1.ics?s=very-secret-part"
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
ACTIONS = (
    "fetch",
    "preview",
    "apply",
    "approve",
    "dismiss",
    "decide",
    "push",
    "new-address",
    "new-secret",
    "end-previous-secret",
    "remove-signing",
)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def host(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("host"))
    return client


@pytest.fixture
def viewer() -> Client:
    user = User.objects.create_user("viewer", is_staff=True)
    looks = ("view_calendarfeed", "view_feeditem", "view_booking", "view_incident")
    user.user_permissions.set(Permission.objects.filter(codename__in=looks))
    looking = Client()
    looking.force_login(user)
    return looking


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def flat(house: House) -> Property:
    return house.flat(house.lock())


def feed_of(flat: Property, name: str = "Airbnb", **fields: Any) -> CalendarFeed:
    return CalendarFeed.objects.create(property=flat, name=name, **{"url": URL, **fields})


def take(feed: CalendarFeed, body: bytes, now: datetime = NOW) -> None:
    run.import_calendar(feed.pk, body, now)


def calendar(*events: str, prodid: str = "-//Airbnb Inc//Hosting Calendar 1.0//EN") -> bytes:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{prodid}\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


def event(uid: str, first: str, last: str, summary: str = "Reserved", *more: str) -> str:
    lines = (
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTART;VALUE=DATE:{first}",
        f"DTEND;VALUE=DATE:{last}",
        f"SUMMARY:{summary}",
        *more,
        "END:VEVENT",
    )
    return "".join(f"{line}\r\n" for line in lines)


def page(feed: CalendarFeed) -> str:
    return f"{LIST}{feed.pk}/change/"


def action(feed: CalendarFeed, name: str) -> str:
    return f"{LIST}{feed.pk}/{name}/"


def booking_page(booking: Booking) -> str:
    return f"/admin/rentals/booking/{booking.pk}/change/"


def typed(flat: Property, **changes: str) -> dict[str, str]:
    return {
        "name": "Airbnb",
        "property": str(flat.pk),
        "channel": "auto",
        "is_active": "on",
        "url": "",
        "poll_minutes": "15",
        "longest_stay_nights": "30",
        "signing_secret": "",
        **changes,
    }


def upload(body: bytes) -> dict[str, Any]:
    return {"calendar": SimpleUploadedFile("export.ics", body, "text/calendar")}


def told(response: Any) -> str:
    return "\n".join(f"{one.level_tag}: {one.message}" for one in get_messages(response.wsgi_request))


def text(response: Any) -> str:
    return str(response.content.decode())


def held(flat: Property) -> tuple[CalendarFeed, list[FeedItem]]:
    """A feed whose three stays vanished together: one in progress is no longer asked about, two wait."""
    feed = feed_of(flat)
    take(feed, sample(1))
    take(feed, calendar(), NOW + HOUR)
    waiting = list(FeedItem.objects.filter(feed=feed, awaits_approval=True).order_by("starts_at"))
    assert len(waiting) == 2
    return feed, waiting


# -- secrets -----------------------------------------------------------------------------------------------------------


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


# -- permissions -------------------------------------------------------------------------------------------------------


def test_who_may_only_look_sees_no_buttons_and_no_secrets(viewer: Client, flat: Property) -> None:
    feed, _ = held(flat)
    feed.signing_secret = SECRET
    feed.save()
    response = viewer.get(page(feed))
    shown = text(response)
    assert "Your decision is needed" in shown
    assert "HMTEST0002" in shown
    content = shown.partition('id="content"')[2].partition('id="footer"')[0]
    for hidden in ("<button", 'type="checkbox"', "Fetch now", "Push address"):
        assert hidden not in content
    for secret in ("very-secret", "hunter2", SECRET, feed.token):
        assert secret not in shown
    for name in ACTIONS:
        assert viewer.post(action(feed, name), {"item": "1", "confirmed": "yes"}).status_code == 403
    assert viewer.get(LIST).status_code == 200
    assert viewer.get("/admin/rentals/feeditem/").status_code == 200
    assert Booking.objects.filter(status="cancelled").count() == 0


def test_actions_need_post_the_token_and_a_login(flat: Property) -> None:
    feed = feed_of(flat)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("host"))
    for name in ACTIONS:
        loaded = strict.get(action(feed, name))  # as after a login in between
        assert (loaded.status_code, loaded["Allow"]) == (405, "POST")
        assert "press the button once more" in text(loaded)
        assert page(feed) in text(loaded)
        assert strict.post(action(feed, name)).status_code == 403
        assert Client().post(action(feed, name)).status_code == 302
    strict_host = Client()
    strict_host.force_login(User.objects.get())
    assert strict_host.post(f"{LIST}99999/fetch/").status_code == 404


# -- the list ----------------------------------------------------------------------------------------------------------


def test_what_needs_a_person_comes_first(host: Client, flat: Property) -> None:
    take(feed_of(flat, "a fine"), sample(1))
    feed_of(flat, "b off", is_active=False)
    feed_of(flat, "c never")
    take(feed_of(flat, "d review"), sample(4))
    for name, column in (("e failing", "failing"), ("f stale", "stale"), ("g reset", "reset"), ("h held", "held")):
        FeedState.objects.filter(feed=feed_of(flat, name)).update(**{f"{column}_since": NOW, "last_good_at": NOW})
    rows = host.get(LIST).context["cl"].result_list
    assert [one.name for one in rows] == [
        "h held", "g reset", "f stale", "e failing", "d review", "c never", "a fine", "b off"
    ]  # fmt: skip
    shown = text(host.get(LIST))
    for word in ("Held", "Link was reset", "Stale", "Failing", "Never fetched", "Fine", "Switched off"):
        assert word in shown
    assert "Airbnb" in shown
    assert "just now" in shown

    def names(query: str) -> set[str]:
        return {one.name for one in host.get(f"{LIST}?{query}").context["cl"].result_list}

    assert names("health=held") == {"h held"}
    assert names("health=review") == {"d review"}
    assert names("from=booking") == {"d review"}
    assert names("q=flat") == {one.name for one in rows}
    assert names("q=stale") == {"f stale"}
    for strange in ("health=nonsense", "from=nonsense", "p=7", "o=3.-5", "q=%00"):
        assert host.get(f"{LIST}?{strange}").status_code in (200, 302)


def test_the_page_of_a_feed_says_what_to_do_next(host: Client, flat: Property) -> None:
    pushed, off, fetched = feed_of(flat, url=""), feed_of(flat, "Off", is_active=False), feed_of(flat, "Fetched")
    assert "It has no address to fetch from. Enter the channel" in text(host.get(page(pushed)))
    assert "Fetch now</button>" not in text(host.get(page(off)))
    assert "Fetch and preview</button>" in text(host.get(page(off)))
    assert "Fetch now</button>" in text(host.get(page(fetched)))
    FeedState.objects.filter(feed=fetched).update(stale_since=NOW, last_good_at=NOW - 2 * DAY)
    assert "enter new ones by hand meanwhile" in text(host.get(page(fetched)))


def test_the_list_counts_stays_to_come_reviews_and_the_unreadable(host: Client, flat: Property) -> None:
    take(feed_of(flat), sample(13))
    (row,) = host.get(LIST).context["cl"].result_list
    alive = Booking.objects.filter(status="confirmed", check_out__gt=NOW).count()
    assert (row.coming, row.unreadable) == (alive, 4)


def test_the_list_costs_the_same_number_of_queries_for_one_and_for_thirty_feeds(host: Client, flat: Property) -> None:
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as counted:
            assert host.get(url).status_code == 200
        return len(counted)

    take(feed_of(flat), sample(1))
    host.get(LIST)
    few, few_items = queries(LIST), queries("/admin/rentals/feeditem/")
    for number in range(30):
        take(feed_of(flat, f"feed {number}", channel="airbnb"), sample(1))
    assert queries(LIST) == few <= 12
    assert queries("/admin/rentals/feeditem/") <= few_items + 1


def test_the_page_costs_the_same_number_of_queries_however_many_items(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, calendar(event("a@x", "20270310", "20270312")))

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            host.get(page(feed))
        return len(counted)

    queries()
    few = queries()
    stays = [
        event(f"{n}@x", f"2027{4 + n % 8:02}{1 + n // 8:02}", f"2027{4 + n % 8:02}{2 + n // 8:02}") for n in range(60)
    ]
    take(feed, calendar(event("a@x", "20270310", "20270312"), *stays), NOW + HOUR)
    assert queries() <= few + 1


# -- fetching ----------------------------------------------------------------------------------------------------------


def test_fetch_now_makes_the_feed_due(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    FeedState.objects.update(next_fetch_at=NOW + DAY)
    assert "it is being fetched" in told(host.post(action(feed, "fetch")))
    assert FeedState.objects.get().next_fetch_at == NOW
    pushed, off = feed_of(flat, "Pushed", url=""), feed_of(flat, "Off", is_active=False)
    assert "no address" in told(host.post(action(pushed, "fetch")))
    assert "switched off" in told(host.post(action(off, "fetch")))
    chosen = {"action": "fetch_chosen", "_selected_action": [str(one.pk) for one in (feed, pushed, off)]}
    said = told(host.post(LIST, chosen))
    assert "Being fetched: 1 calendar." in said
    assert "Left out: 2" in said


def test_changed_rules_read_the_calendar_anew(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    FeedState.objects.update(etag="x", next_fetch_at=NOW + DAY)
    host.post(page(feed), typed(flat, longest_stay_nights="60"))
    state = FeedState.objects.get()
    assert (state.etag, state.next_fetch_at) == ("", NOW)
    for wrong in ({"longest_stay_nights": "0"}, {"poll_minutes": "1"}, {"channel": "turnkey"}, {"name": ""}):
        assert host.post(page(feed), typed(flat, **wrong)).status_code == 200


# -- preview -----------------------------------------------------------------------------------------------------------


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
    assert "It ends before it begins." in shown
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


# -- deciding ----------------------------------------------------------------------------------------------------------


def test_a_hold_names_the_threatened_stays(host: Client, flat: Property) -> None:
    feed, _ = held(flat)
    shown = text(host.get(page(feed)))
    assert "Your decision is needed" in shown
    assert "The calendar is empty; it listed 2 stays." in shown
    for words in ("3 Mar to 8 Mar 2027", "10 Apr to 14 Apr 2027", "Keep the chosen stays", "Cancel the chosen stays"):
        assert words in shown
    incidents = text(host.get("/admin/pins/incident/"))
    if Incident.objects.exists():
        assert f'<a href="{page(feed)}">Airbnb</a>' in incidents
        assert "Open the calendar and keep or cancel" in incidents


def test_approving_asks_first_names_the_stays_and_cancels_only_them(
    host: Client, flat: Property, house: House, clock: time_machine.Traveller
) -> None:
    feed, (one, two) = held(flat)
    clock.move_to(NOW + 2 * HOUR)
    asked = host.post(action(feed, "approve"), {"item": [str(one.pk)]})
    assert asked.status_code == 200
    assert "their codes are taken off every lock" in text(asked)
    assert "3 Mar to 8 Mar 2027" in text(asked)
    assert "10 Apr" not in text(asked)
    assert Booking.objects.filter(status="cancelled").count() == 0

    done = host.post(action(feed, "approve"), {"item": [str(one.pk)], "confirmed": "yes"})
    assert "1 stay cancelled. Its code is being removed." in told(done)
    assert Booking.objects.get(status="cancelled").feed_items.get() == one
    assert FeedItem.objects.get(pk=two.pk).awaits_approval
    assert CalendarFeed.objects.get().state.held_since is not None
    host.post(action(feed, "dismiss"), {"item": [str(two.pk)]})
    assert CalendarFeed.objects.get().state.held_since is None
    assert "Your decision is needed" not in text(host.get(page(feed)))
    assert LogEntry.objects.filter(change_message__contains="Approved").exists()


def test_a_hold_of_very_many_stays_is_decided_in_parts(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, calendar(*(event(f"{n}@x", f"2027{4 + n % 8:02}10", f"2027{4 + n % 8:02}12") for n in range(430))))
    take(feed, calendar(), NOW + HOUR)
    clock.move_to(NOW + 2 * HOUR)
    shown = text(host.get(page(feed)))
    assert "and 30 more, shown when you have decided about these." in shown
    items = re.findall(r'name="item" value="(\d+)" id="held', shown)
    assert len(items) == 400
    assert "400 stays kept." in told(host.post(action(feed, "dismiss"), {"item": items}))
    assert len(re.findall(r'name="item" value="\d+" id="held', text(host.get(page(feed))))) == 30


def test_keeping_ends_the_hold_and_cancels_nothing(host: Client, flat: Property, clock: time_machine.Traveller) -> None:
    feed, waiting = held(flat)
    clock.move_to(NOW + 2 * HOUR)
    done = host.post(action(feed, "dismiss"), {"item": [str(item.pk) for item in waiting]})
    assert "2 stays kept." in told(done)
    assert Booking.objects.filter(status="confirmed").count() == 3
    assert CalendarFeed.objects.get().state.held_since is None
    assert "You decided to keep the stay." in text(host.get(page(feed)))
    assert "nothing was" in told(host.post(action(feed, "approve"), {"item": [str(waiting[0].pk)], "confirmed": "yes"}))


def test_decisions_about_nothing_or_about_other_feeds_change_nothing(host: Client, flat: Property) -> None:
    feed, waiting = held(flat)
    other = feed_of(flat, "Other")
    item = {"item": [str(waiting[0].pk)]}
    assert "choose the stays" in told(host.post(action(feed, "approve"), {"confirmed": "yes"}))
    assert "choose the stays" in told(host.post(action(feed, "dismiss"), {"item": ["x", "-1", "9" * 40]}))
    assert "nothing is left" in told(host.post(action(other, "approve"), item))
    host.post(action(other, "approve"), {**item, "confirmed": "yes"})
    host.post(action(other, "decide"), {**item, "decision": "not_stay"})
    host.post(action(feed, "decide"), {**item, "decision": "nonsense"})
    host.post(action(feed, "decide"), item)
    assert Booking.objects.filter(status="confirmed").count() == 3
    assert FeedItem.objects.filter(awaits_approval=True, decision="").count() == 2


def test_an_item_to_review_becomes_a_stay_or_not_and_may_be_undone(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, "Booking")
    take(feed, sample(4))
    item = FeedItem.objects.get(verdict="review")
    shown = text(host.get(page(feed)))
    assert "Is it a stay?" in shown
    assert "It is a stay</button>" in shown
    clock.shift(timedelta(minutes=5))
    host.post(action(feed, "decide"), {"item": item.pk, "decision": "stay"})
    item.refresh_from_db()
    assert item.decision == "stay"
    assert item.booking is not None
    assert item.booking.status == "confirmed"
    shown = text(host.get(page(feed)))
    assert "You: a stay" in shown
    assert "You said that it is a stay." in shown
    assert "Is it a stay?" not in shown
    assert not item.booking.needs_review
    host.post(action(feed, "decide"), {"item": item.pk, "decision": ""})
    assert FeedItem.objects.get(pk=item.pk).decision == ""

    host.post(action(feed, "decide"), {"item": item.pk, "decision": "not_stay"})
    assert FeedItem.objects.get(pk=item.pk).decision == "not_stay"


def test_what_a_person_said_about_an_item_is_not_asked_again_on_its_booking(host: Client, flat: Property) -> None:
    feed = feed_of(flat, channel="other")
    take(feed, calendar(event("a@x", "20270310", "20270312", "Zxqv Wplm"), prodid="-//Nobody//EN"))
    item = FeedItem.objects.get()

    def decide(decision: str) -> tuple[str, bool]:
        host.post(action(feed, "decide"), {"item": item.pk, "decision": decision})
        booking = Booking.objects.get()
        return booking.status, booking.needs_review

    assert Booking.objects.get().needs_review
    assert decide("stay") == ("confirmed", False)
    assert decide("")[1]
    assert "Is it a stay?" in text(host.get(page(feed)))
    assert decide("not_stay") == ("cancelled", False)


def test_a_stay_that_goes_on_although_it_is_none_stays_marked(host: Client, flat: Property) -> None:
    feed = feed_of(flat, channel="other")
    take(feed, calendar(event("a@x", "20270228", "20270312", "Zxqv Wplm"), prodid="-//Nobody//EN"))
    host.post(action(feed, "decide"), {"item": FeedItem.objects.get().pk, "decision": "not_stay"})
    booking = Booking.objects.get()
    assert booking.needs_review == (booking.status == "confirmed")


def test_quarantined_items_show_their_reason_and_lines_as_text(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    bad = event("bad@x", "20270403", "20270401", "<script>alert(1)</script>")
    take(feed, calendar(event("good@x", "20270310", "20270312", "Reserved <b>bold</b>"), bad))
    shown = text(host.get(page(feed)))
    assert "What could not be read" in shown
    assert "DTEND;VALUE=DATE:20270401" in shown
    assert "<script>alert" not in shown
    assert "<b>bold" not in shown
    assert "<script>alert" not in text(host.get("/admin/rentals/feeditem/"))
    shown = text(host.get(f"/admin/rentals/feeditem/{FeedItem.objects.get(verdict='quarantined').pk}/change/"))
    assert "Calendar item, unknown dates" in shown
    assert "DTEND;VALUE=DATE:20270401" in shown
    assert "<script>alert" not in shown


def test_deleting_a_feed_keeps_its_stays_and_says_so(host: Client, flat: Property) -> None:
    feed, other = feed_of(flat), feed_of(flat, "Other")
    take(feed, sample(1))
    asked = text(host.get(f"{LIST}{feed.pk}/delete/"))
    assert "are kept, with their codes" in asked
    assert "cannot" not in asked.lower().replace("cannot be undone", "")
    host.post(f"{LIST}{feed.pk}/delete/", {"post": "yes"})
    assert Booking.objects.filter(status="confirmed").count() == 3
    chosen = {"action": "delete_selected", "_selected_action": [str(other.pk)]}
    assert "are kept, with their codes" in text(host.post(LIST, chosen))
    host.post(LIST, {**chosen, "post": "yes"})
    assert not CalendarFeed.objects.exists()
    booking = Booking.objects.first()
    assert booking is not None
    assert "a calendar that was deleted" in text(host.get(booking_page(booking)))


def test_the_property_of_a_feed_stays(host: Client, house: House, flat: Property) -> None:
    feed = feed_of(flat)
    hut = house.flat(name="Hut")
    host.post(page(feed), typed(hut))
    assert CalendarFeed.objects.get().property == flat


def test_items_can_be_looked_up_and_not_changed(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    take(feed, sample(1))
    items = "/admin/rentals/feeditem/"

    def count(query: str) -> int:
        return len(host.get(f"{items}?{query}").context["cl"].result_list)

    assert (count(""), count("verdict=stay"), count("verdict=block")) == (5, 3, 2)
    assert (count(f"feed={feed.pk}"), count("feed=999"), count("q=HMTEST0002"), count("review=waiting")) == (5, 5, 1, 0)
    item = FeedItem.objects.filter(verdict="stay").latest("starts_at")
    shown = text(host.get(f"{items}{item.pk}/change/"))
    assert "HMTEST0003" in shown
    assert 'name="_save"' not in shown
    assert host.post(f"{items}{item.pk}/change/", {"verdict": "block"}).status_code == 403
    assert host.post(f"{items}{item.pk}/delete/", {"post": "yes"}).status_code == 403


# -- the page of a booking ---------------------------------------------------------------------------------------------


def test_a_booking_shows_what_its_calendars_say(host: Client, flat: Property) -> None:
    airbnb, booking_com = feed_of(flat), feed_of(flat, "Booking")
    take(airbnb, sample(1))
    take(booking_com, sample(4))
    booking = Booking.objects.get(feed_items__reservation_code="HMTEST0003")
    shown = text(host.get(booking_page(booking)))
    assert "HMTEST0003" in shown
    assert "9034" in shown
    assert "CLOSED - Not available" in shown
    assert re.search(
        r'href="https://www.airbnb.com/hosting/[^"]*HMTEST0003" target="_blank" rel="noopener noreferrer"', shown
    )
    assert "You set" not in shown
    assert "also in Booking" in text(host.get(page(airbnb)))


@pytest.mark.parametrize(
    ("url", "shown_as_link"),
    [
        ("https://www.airbnb.com/hosting/reservations/details/HMX", True),
        ("https://www.airbnb.co.uk/hosting/reservations/details/HMX", True),
        ("https://admin.booking.com/x", True),
        ("https://airbnb.com.evil.example/x", False),
        ("https://evilairbnb.com/x", False),
        ("https://airbnb.com@evil.example/x", False),
        ("http://www.airbnb.com/x", False),
        ("javascript:alert(1)//www.airbnb.com", False),
        ("https://www.airbnb.com:8443/x", False),
        ('https://evil.example/"><script>alert(1)</script>', False),
    ],
)
def test_only_links_to_a_channels_own_site_are_links(
    host: Client, flat: Property, url: str, shown_as_link: bool
) -> None:
    feed = feed_of(flat)
    take(feed, sample(1))
    item = FeedItem.objects.get(reservation_code="HMTEST0002")
    FeedItem.objects.filter(pk=item.pk).update(reservation_url=url)
    assert item.booking is not None
    shown = text(host.get(booking_page(item.booking)))
    assert ("Open the reservation at the channel" in shown) is shown_as_link
    assert "<script>alert" not in shown
    assert f'href="{url}"' not in shown or shown_as_link


def test_what_a_person_set_stays_and_is_shown_beside_what_the_calendar_says(
    host: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat)
    take(feed, sample(1))
    booking = Booking.objects.get(feed_items__reservation_code="HMTEST0002")
    edited = {
        "property": str(flat.pk),
        "guest_name": "Anna",
        "status": "confirmed",
        "arrival_date": "2027-03-03",
        "arrival_time": "15:00",
        "departure_date": "2027-03-08",
        "departure_time": "13:00",
        "own_code": "",
    }
    assert host.post(booking_page(booking), edited).status_code == 302
    shown = text(host.get(booking_page(booking)))
    assert "You set the departure to Mon 8 Mar 2027, 13:00 CET; “Airbnb” says Mon 8 Mar 2027, 11:00 CET." in shown
    assert "You set the arrival" not in shown
    clock.shift(HOUR)
    take(feed, sample(2), NOW + HOUR)
    booking.refresh_from_db()
    assert booking.check_out == datetime(2027, 3, 8, 12, tzinfo=UTC)
    assert booking.guest_name == "Anna"

    done = host.post(f"/admin/rentals/booking/{booking.pk}/follow-calendar/")
    assert "follows it again" in told(done)
    booking.refresh_from_db()
    assert booking.check_out == datetime(2027, 3, 9, 10, tzinfo=UTC)
    assert booking.follows_property_times
    assert "You set the" not in text(host.get(booking_page(booking)))


def test_the_calendar_that_named_the_guest_is_the_one_that_is_quoted(host: Client, flat: Property) -> None:
    details = "DESCRIPTION:Reservation URL: https://www.airbnb.com/hosting/reservations/details/HMTEST0009"
    take(feed_of(flat), calendar(event("a@airbnb.com", "20270310", "20270312", "Reserved", details)))
    body = calendar(event("b@x", "20270310", "20270312", "Reserved - Berta Twin"), prodid="-//Nobody//EN")
    take(feed_of(flat, "Second"), body)
    Booking.objects.update(guest_name="Anna")
    shown = text(host.get(booking_page(Booking.objects.get())))
    assert "name to “Anna”; “Second” says “Berta Twin”." in shown


def test_saving_an_untouched_booking_is_no_edit_of_a_person(host: Client, flat: Property) -> None:
    take(feed_of(flat), sample(1))
    take(feed_of(flat, "Hostaway"), sample(9))
    for booking in Booking.objects.all():
        form = host.get(booking_page(booking)).context["adminform"].form
        data = {}
        for name in form.fields:
            value = form[name].value()
            data[name] = "" if value is None else f"{value:%H:%M}" if hasattr(value, "hour") else str(value)
        assert host.post(booking_page(booking), data).status_code == 302
        fresh = Booking.objects.get(pk=booking.pk)
        assert (fresh.check_in, fresh.check_out) == (fresh.feed_check_in, fresh.feed_check_out)
        assert (fresh.guest_name, fresh.status) == (fresh.feed_guest_name, fresh.feed_status)
        assert fresh.follows_property_times == booking.follows_property_times
        assert "You set" not in text(host.get(booking_page(fresh)))


def test_changed_property_times_are_no_edit_of_a_person(host: Client, flat: Property) -> None:
    take(feed_of(flat), sample(1))
    flat.check_out_time = flat.check_out_time.replace(hour=10)
    flat.save()
    booking = Booking.objects.get(feed_items__reservation_code="HMTEST0003")
    assert "You set" not in text(host.get(booking_page(booking)))


def test_a_stay_in_unknown_words_is_marked_until_a_person_agrees(
    host: Client, viewer: Client, flat: Property, clock: time_machine.Traveller
) -> None:
    feed = feed_of(flat, channel="other")
    body = calendar(event("a@x", "20270310", "20270312", "Zxqv Wplm"), prodid="-//Nobody//EN")
    take(feed, body)
    booking = Booking.objects.get()
    assert booking.needs_review
    bookings = "/admin/rentals/booking/"
    assert "needs review" in text(host.get(bookings))
    assert len(host.get(f"{bookings}?review=yes").context["cl"].result_list) == 1
    assert len(host.get(f"{bookings}?came=calendar").context["cl"].result_list) == 1
    assert len(host.get(f"{bookings}?came=hand").context["cl"].result_list) == 0
    url = f"{bookings}{booking.pk}/looks-right/"
    assert viewer.post(url).status_code == 403
    assert "Looks right" not in text(viewer.get(booking_page(booking)))
    assert "Looks right" in text(host.get(booking_page(booking)))
    assert "no longer marked" in told(host.post(url))
    assert not Booking.objects.get().needs_review
    assert len(host.get(f"{bookings}?review=yes").context["cl"].result_list) == 0
    assert "was not marked" in told(host.post(url))
    clock.shift(HOUR)
    take(feed, body.replace(b"VERSION:2.0", b"VERSION:2.0\r\nX-PING:1"), NOW + HOUR)
    assert not Booking.objects.get().needs_review


def test_a_stay_that_was_given_up_says_so(host: Client, flat: Property, clock: time_machine.Traveller) -> None:
    feed, waiting = held(flat)
    clock.move_to(NOW + 2 * HOUR)
    host.post(action(feed, "approve"), {"item": [str(waiting[0].pk)], "confirmed": "yes"})
    booking = Booking.objects.get(status="cancelled")
    shown = text(host.get(booking_page(booking)))
    assert "Cancelled because no calendar lists it any more." in shown
    assert "It left the calendar" in shown


def test_bookings_by_hand_have_no_calendar_section(host: Client, house: House, flat: Property) -> None:
    booking = house.stay(flat, DAY, DAY)
    assert 'id="calendar"' not in text(host.get(booking_page(booking)))
    assert "by hand" in text(host.get("/admin/rentals/booking/"))
