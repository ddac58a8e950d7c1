"""What the admin's lists and pages answer: who comes without a code, what is around a property, what was done."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pins.actions import stays
from pins.core.pin_state import State
from pins.models import AccessGrant, LockState, Pin
from rentals.models import Booking
from rentals.stay_forms import FORMS
from tests.support.booking_actions import cancel, change
from tests.support.house import House
from tests.support.imports import feed_of
from tests.support.pages import text
from tests.support.people import staff

pytestmark = pytest.mark.django_db

BOOKINGS, PROPERTIES, LOCKS = "/admin/rentals/booking/", "/admin/rentals/property/", "/admin/rentals/lock/"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def shown(host: Client, **asked: str) -> set[str]:
    return {one.guest_name for one in host.get(BOOKINGS, asked).context["cl"].result_list}


def cost(host: Client, address: str) -> int:
    host.get(address)
    with CaptureQueriesContext(connection) as asked:
        host.get(address)
    return len(asked)


def test_who_arrives_without_a_confirmed_code(host: Client, house: House) -> None:
    door, dead = house.lock("Door"), house.lock("Dead")
    good, bad, bare = house.flat(door, name="Good"), house.flat(door, dead, name="Bad"), house.flat(name="Bare")
    for flat, begins, name in (
        (good, 3 * HOUR, "ready"),
        (bad, 3 * HOUR, "half"),
        (bad, 2 * DAY, "later"),
        (bad, 5 * DAY, "far"),
        (bare, 3 * HOUR, "doorless"),
        (bad, -HOUR, "waits outside"),
        (bad, -3 * DAY, "over"),
    ):
        house.stay(flat, begins, DAY, name)
    cancel(house.stay(bad, 3 * HOUR, DAY, "cancelled"))
    change(house.stay(bad, 3 * HOUR, DAY, "tentative"), status="tentative")
    LockState.objects.update_or_create(lock=dead, defaults={"paused_until": timezone.now() + DAY})
    house.run(door)
    assert shown(host, unconfirmed="24h") == {"half", "doorless", "waits outside"}
    assert shown(host, unconfirmed="3d") == {"half", "doorless", "waits outside", "later"}
    everybody = {"ready", "half", "later", "far", "doorless", "waits outside", "cancelled", "tentative"}
    assert shown(host) == shown(host, unconfirmed="nonsense") == everybody
    # A code that is being changed is not confirmed as it should be.
    booking = Booking.objects.get(guest_name="ready")
    change(booking, check_out=booking.check_out + HOUR)
    assert Pin.objects.get(grant__booking=booking).state == State.CHANGING
    assert "ready" in shown(host, unconfirmed="24h")


def test_a_property_page_shows_who_comes_next_and_how_their_codes_are(host: Client, house: House) -> None:
    door = house.lock("Side door")
    flat = house.flat(door, name="River & room")
    feed = feed_of(flat, name="Airbnb river")
    for number in range(12):
        house.stay(flat, timedelta(days=2 + 2 * number), DAY, f"Guest{number:02}")
    cancel(house.stay(flat, DAY, HOUR, "Cancelled"))
    house.stay(flat, -3 * DAY, DAY, "Former")
    house.settle()
    page = text(host.get(f"{PROPERTIES}{flat.pk}/change/"))
    panel = page[page.index('id="stays"') : page.index('id="around"')]
    assert re.findall(r"<strong>(\w+)</strong>", panel) == [f"Guest{number:02}" for number in range(10)]
    assert panel.count("Ready on 1 lock") == 10
    assert "All bookings of this property" in panel
    assert AccessGrant.objects.first().code not in page  # type: ignore[union-attr]
    assert f'href="/admin/rentals/calendarfeed/{feed.pk}/change/">Airbnb river</a>' in page
    assert "Never fetched" in page
    assert f'href="/admin/rentals/lock/{door.pk}/change/">Side door</a>' in page
    assert 'href="/timeline/?q=River%20%26%20room">Open in the console</a>' in page
    assert text(host.get("/timeline/?q=River%20%26%20room")).count("Guest") > 1


def test_what_a_person_may_not_see_is_not_on_the_property_page(client: Client, house: House) -> None:
    flat = house.flat(house.lock("Secret door"))
    feed_of(flat, name="Secret calendar")
    house.stay(flat, DAY, DAY, "Secret guest")
    client.force_login(staff("bookkeeper", "view_property"))
    page = text(client.get(f"{PROPERTIES}{flat.pk}/change/"))
    assert "Secret guest" not in page
    assert "Secret calendar" not in page
    assert "Open in the console" not in page


def test_an_empty_property_page_says_what_is_missing(host: Client, house: House) -> None:
    page = text(host.get(f"{PROPERTIES}{house.flat().pk}/change/"))
    assert "Nobody is in, and nobody is to come." in page
    assert "none, so guests get no code." in page
    assert "Add one." in page
    assert "Next stays" not in text(host.get(f"{PROPERTIES}add/"))


def test_pages_ask_as_much_for_many_stays_as_for_few(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    addresses = [
        f"{PROPERTIES}{flat.pk}/change/",
        PROPERTIES,
        LOCKS,
        f"{LOCKS}{door.pk}/change/",
        f"{BOOKINGS}?unconfirmed=3d",
        f"{BOOKINGS}?unconfirmed=24h",
    ]

    def furnish(first: int, last: int) -> None:
        for number in range(first, last):
            flat.locks.add(house.lock(f"Lock {number}"))
            house.flat(door, name=f"Flat {number}")
            house.stay(flat, timedelta(hours=2 + number), HOUR, f"Guest{number}")
            feed_of(flat, name=f"Feed {number}")

    furnish(0, 2)
    few = [cost(host, one) for one in addresses]
    furnish(2, 8)
    assert [cost(host, one) for one in addresses] == few


def test_admin_and_console_lead_to_each_other(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door, name="<River>")
    booking = house.stay(flat, DAY, DAY)
    assert f'<a href="/stays/{booking.pk}/">Open in the console</a>' in text(
        host.get(f"{BOOKINGS}{booking.pk}/change/")
    )
    assert f'href="/admin/rentals/booking/{booking.pk}/change/"' in text(host.get(f"/stays/{booking.pk}/"))
    page = text(host.get(f"{LOCKS}{door.pk}/change/"))
    assert f'<a href="/locks/{door.pk}/">Open in the console</a>' in page
    assert f'<a href="/admin/rentals/property/{flat.pk}/change/">&lt;River&gt;</a>' in page
    assert f'href="/admin/rentals/lock/{door.pk}/change/"' in text(host.get(f"/locks/{door.pk}/"))
    assert "Open in the console" not in text(host.get(f"{BOOKINGS}add/"))
    assert "Open in the console" not in text(host.get(f"{LOCKS}add/"))


def test_who_sees_no_stays_is_not_sent_to_the_console(client: Client, house: House) -> None:
    door = house.lock()
    client.force_login(staff("technician", "change_lock", "view_lock"))
    assert "Open in the console" not in text(client.get(f"{LOCKS}{door.pk}/change/"))


def test_the_history_of_a_stay_says_what_was_done_in_words(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    booking = house.stay(flat, 2 * DAY, DAY)
    house.settle()
    seen = f"{booking.check_in.isoformat()} {booking.check_out.isoformat()}"
    host.post(f"/stays/{booking.pk}/late_check_out/", {"seen": seen, "hours": "1"})
    host.post(f"{BOOKINGS}{booking.pk}/new-code/")
    host.post(f"/stays/{booking.pk}/revoke/")
    form = {
        "property": str(flat.pk),
        "guest_name": "Anna Nowak-Secret",
        "status": "cancelled",
        "arrival_date": "2027-03-03",
        "arrival_time": "10:00",
        "departure_date": "2027-03-06",
        "departure_time": "12:00",
        "own_code": "",
    }
    assert host.post(f"{BOOKINGS}{booking.pk}/change/", form).status_code == 302
    page = text(host.get(f"{BOOKINGS}{booking.pk}/history/"))
    assert "(times of Europe/Warsaw)" in page
    assert "Mon 1 Mar 2027, 10:00" in page  # 09:00 UTC
    assert "Late check-out: the stay now ends Thu 4 Mar 2027, 11:00 CET instead of Thu 4 Mar 2027, 10:00 CET." in page
    assert "New code: a new code was chosen and goes onto 1 lock." in page
    assert "Revoke: the code is revoked" in page
    assert "Changed the departure from Thu 4 Mar 2027, 11:00 CET to Sat 6 Mar 2027, 12:00 CET" in page
    assert "the status from confirmed to cancelled" in page
    assert "the guest&#x27;s name." in page
    assert "Secret" not in re.sub(r"<title>.*?</h1>|<div class=\"breadcrumbs\".*?</div>", "", page, flags=re.DOTALL)


def test_every_action_has_words_for_the_history() -> None:
    for name in (*stays.ACTIONS, *FORMS):
        assert stays.history_line(name, stays.Outcome(25, "done."))[0].isupper()
