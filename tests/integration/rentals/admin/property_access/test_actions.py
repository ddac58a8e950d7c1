"""Restricted people: what they do by address, and stays that moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from pins.models import AccessGrant, Pin, PinReveal
from rentals.models import (
    Booking,
    FeedItem,
    LockAccount,
)
from tests.support.feed_pages import ACTIONS as FEED_ACTIONS
from tests.support.pages import text
from tests.support.restricted import HIDDEN, Village, assert_nothing_hidden

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


# -- actions by address -----------------------------------------------------------------------------------------------


def test_actions_about_others_find_nothing(client: Client, village: Village) -> None:
    user = User.objects.get(username="keeper")
    assert user.has_perm("pins.reveal_code")
    before = list(Pin.objects.order_by("pk").values_list("desired_rev", "state", "wanted"))
    for stay in village.other.bookings.all():
        for action in ("try_again", "new_code", "revoke", "looks_right", "follow_calendar"):
            assert client.post(f"/stays/{stay.pk}/{action}/").status_code == 404
            assert client.post(f"/admin/rentals/booking/{stay.pk}/{action.replace('_', '-')}/").status_code == 404
        assert client.post(f"/admin/rentals/booking/{stay.pk}/reveal/").status_code == 404
        assert client.get(f"/stays/{stay.pk}/").status_code == 404
    for feed in village.other.feeds.all():
        for action in FEED_ACTIONS:
            assert client.post(f"/admin/rentals/calendarfeed/{feed.pk}/{action}/").status_code == 404
    for calendar in village.other.published_calendars.all():
        assert client.post(f"/admin/rentals/publishedcalendar/{calendar.pk}/new-link/").status_code == 404
    for lock in village.other.locks.exclude(pk=village.entrance.pk):
        assert client.get(f"/locks/{lock.pk}/").status_code == 404
        assert client.post(f"/locks/{lock.pk}/try-again/").status_code == 404
    for account in LockAccount.objects.all():
        assert client.post(f"/admin/rentals/lockaccount/{account.pk}/fetch-locks/").status_code in (403, 404)
    assert list(Pin.objects.order_by("pk").values_list("desired_rev", "state", "wanted")) == before
    assert not PinReveal.objects.filter(user=user).exists()


def test_actions_about_the_own_ones_are_done(client: Client, village: Village) -> None:
    stay = village.own.bookings.get(guest_name="Anna Nowak")
    assert_nothing_hidden(client, f"/admin/rentals/booking/{stay.pk}/reveal/", posted=True)
    for action in ("try_again", "new_code", "revoke"):
        assert_nothing_hidden(client, f"/stays/{stay.pk}/{action}/", posted=True)
    assert AccessGrant.objects.get(booking=stay).revoked_at == NOW
    assert_nothing_hidden(client, f"/locks/{village.entrance.pk}/try-again/", posted=True)
    feed = village.own.feeds.get()
    items = list(feed.items.values_list("pk", flat=True))
    for action in ("fetch", "preview", "approve", "dismiss", "decide", "push", "new-address"):
        sent = {"item": items, "decision": "stay"}
        assert_nothing_hidden(client, f"/admin/rentals/calendarfeed/{feed.pk}/{action}/", sent, posted=True)


# -- stays that moved --------------------------------------------------------------------------------------------------


def test_a_stay_that_moved_here_tells_nothing_of_where_it_was(client: Client, village: Village) -> None:
    stay = village.other.bookings.get(guest_name=f"{HIDDEN}elda Nowak")
    Booking.objects.filter(pk=stay.pk).update(guest_name="Moved")
    AccessGrant.objects.filter(booking=stay).update(holder_name="Moved")
    FeedItem.objects.filter(booking=stay).update(feed=village.other.feeds.get())
    moved = Booking.objects.get(pk=stay.pk)
    moved.property = village.own
    moved.save()
    assert Pin.objects.filter(grant__booking=moved, lock__name=f"{HIDDEN} door").exists()
    Pin.objects.filter(grant__booking=moved).update(alias="Moved")
    for page in (f"/stays/{moved.pk}/", f"/admin/rentals/booking/{moved.pk}/change/", "/", "/admin/pins/pin/"):
        assert "Moved" in text(assert_nothing_hidden(client, page))


def test_a_stay_that_left_takes_its_guest_along(client: Client, village: Village) -> None:
    """The calendar of the own property still lists it."""
    stay = village.own.bookings.get(guest_name="Anna Nowak")
    stay.property, stay.guest_name = village.other, f"{HIDDEN}or"
    stay.save()
    feed = village.own.feeds.get()
    assert_nothing_hidden(client, f"/admin/rentals/calendarfeed/{feed.pk}/change/")
    assert_nothing_hidden(client, "/admin/rentals/feeditem/")
    items = list(feed.items.filter(booking=stay).values_list("pk", flat=True))
    sent = {"item": items, "confirmed": "yes"}
    assert_nothing_hidden(client, f"/admin/rentals/calendarfeed/{feed.pk}/approve/", sent, posted=True)
    stay.refresh_from_db()
    assert stay.status == Booking.Status.CONFIRMED
