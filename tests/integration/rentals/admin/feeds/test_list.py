"""The list of feeds and the page of one: what needs a person comes first, and fetching at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from rentals.calendars.fetching.refusals import refusal
from rentals.models import Booking, FeedState, Property
from tests.support.feed_pages import LIST, NOW, action, calendar, event, feed_of, page, take, typed
from tests.support.feeds import sample
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


# -- the list ----------------------------------------------------------------------------------------------------------


def test_what_needs_a_person_comes_first(host: Client, flat: Property) -> None:
    take(feed_of(flat, "a fine"), sample(1))
    feed_of(flat, "b off", is_active=False)
    feed_of(flat, "c never")
    take(feed_of(flat, "d review"), sample(4))
    for name, column in (("e failing", "failing"), ("f stale", "stale"), ("g reset", "reset"), ("h held", "held")):
        FeedState.objects.filter(feed=feed_of(flat, name)).update(**{f"{column}_since": NOW, "last_good_at": NOW})
    FeedState.objects.filter(feed=feed_of(flat, "i refused")).update(refused_since=NOW, stale_since=NOW)
    rows = host.get(LIST).context["cl"].result_list
    assert [one.name for one in rows] == [
        "h held", "g reset", "i refused", "f stale", "e failing", "d review", "c never", "a fine", "b off"
    ]  # fmt: skip
    shown = text(host.get(LIST))
    for word in ("Held", "Link was reset", "Refused", "Stale", "Failing", "Never fetched", "Fine", "Switched off"):
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


def test_the_page_of_a_refused_feed_says_what_helps_and_takes_a_user_agent(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    why = refusal(403, {})
    FeedState.objects.filter(feed=feed).update(
        refused_since=NOW, failing_since=NOW, failures=3, last_error=why, last_good_at=NOW
    )
    shown = text(host.get(page(feed)))
    assert "The channel refuses to give this calendar to Turnkey." in shown
    assert escape(why) in shown
    assert "fetches in a row failed" not in shown
    FeedState.objects.update(next_fetch_at=NOW + DAY)
    assert host.post(page(feed), typed(flat, user_agent="Kalender/5.0")).status_code == 302
    feed.refresh_from_db()
    assert (feed.user_agent, feed.state.next_fetch_at) == ("Kalender/5.0", NOW)
    answered = host.post(page(feed), typed(flat, user_agent="K\u00fcche"))
    assert "plain ASCII" in text(answered)


def test_the_page_says_how_far_not_modified_is_believed(host: Client, flat: Property) -> None:
    feed = feed_of(flat)
    FeedState.objects.filter(feed=feed).update(refetched_at=NOW - 3 * HOUR, last_good_at=NOW)
    assert "last read 3 hours ago" in text(host.get(page(feed)))
    FeedState.objects.filter(feed=feed).update(disproved="x")
    assert "changed once while the channel said “not modified”" in text(host.get(page(feed)))


def test_the_list_counts_stays_to_come_reviews_and_the_unreadable(host: Client, flat: Property) -> None:
    take(feed_of(flat), sample(13))
    (row,) = host.get(LIST).context["cl"].result_list
    alive = Booking.objects.filter(status="confirmed", check_out__gt=NOW).count()
    assert (row.coming, row.unreadable) == (alive, 3)


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
