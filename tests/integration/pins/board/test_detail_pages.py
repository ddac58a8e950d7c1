"""The page of one stay and of one lock."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from pins.models import AccountState, LockState, Pin
from rentals.models import CalendarFeed, FeedState, Lock
from tests.integration.conftest import START
from tests.support.board_pages import words
from tests.support.house import House, pin_of
from tests.support.incidents import review

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_look_that_is_due_soon_is_not_called_the_end_of_a_code(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, 2 * DAY)
    house.settle()
    said = re.search(r"Comes off the lock [^.]+", words(host.get(f"/stays/{booking.pk}/")))
    assert said
    pin = pin_of(booking, door)
    pin.next_try_at = timezone.now() + timedelta(seconds=30)
    pin.save()
    assert said[0] in words(host.get(f"/stays/{booking.pk}/"))


def test_a_code_of_others_with_digits_of_ours_is_named_with_its_guest(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * HOUR, 2 * DAY)
    house.settle()
    house.cloud.add_foreign_pin(door.device_id, alias="<b>Gate</b>")
    LockState.objects.update(audit_at=timezone.now())
    house.settle()
    assert "has digits that Turnkey sent" not in words(host.get(f"/locks/{door.pk}/"))
    Pin.objects.filter(pk=pin_of(booking, door).pk).update(twins=[[30, "<b>Gate</b>"], [31, ""]])
    page = host.get(f"/locks/{door.pk}/").content.decode()
    assert "<b>Gate</b>" not in page
    said = " ".join(page.split())
    assert "“&lt;b&gt;Gate&lt;/b&gt;” has digits that Turnkey sent for Anna Nowak, Flat, and other times." in said
    assert "“Without a name” has digits that Turnkey sent" in said


def test_a_lock_that_is_offline_says_what_to_do(host: Client, house: House) -> None:
    door = house.lock()
    house.flat(door)
    assert "Check the bridge" not in words(host.get(f"/locks/{door.pk}/"))
    door.is_connected = False
    door.save()
    assert "The lock is offline. Check the bridge and its Wi-Fi" in words(host.get(f"/locks/{door.pk}/"))


def test_a_lock_that_just_refused_as_offline_is_nowhere_called_connected(host: Client, house: House) -> None:
    """What Tedee said of its connection is older than what the request met with."""
    flat = house.flat(door := house.lock())
    Lock.objects.update(is_connected=True)
    house.cloud.set_connected(door.device_id, False)
    house.stay(flat, 3 * HOUR, DAY)
    house.settle()
    page = words(host.get(f"/locks/{door.pk}/"))
    assert "Device ! Offline The lock is offline. Next try" in page
    assert "Connected no" in page
    assert "Door offline" in words(host.get("/"))


def test_a_calendar_that_was_not_read_is_not_said_to_be_read(host: Client, house: House) -> None:
    feed = CalendarFeed.objects.create(property=house.flat(), name="Airbnb", url="https://cal.test/a.ics")
    assert "1 calendar is read regularly." in words(host.get("/"))
    FeedState.objects.filter(feed=feed).update(failures=1, last_error="no_host")
    assert "1 calendar is read regularly, 1 could not be read the last time." in words(host.get("/"))


def test_a_lock_page_tells_ours_from_what_is_missing(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 3 * HOUR, DAY, "Anna")
    house.settle()
    house.stay(flat, 2 * DAY, DAY, "Ben")
    house.stay(flat, 60 * DAY, DAY, "Later")
    page = words(host.get(f"/locks/{door.pk}/"))
    assert "Set, Anna: Done" in page
    assert page.index("Expected, not there yet") < page.index("Ben") < page.index("Ours") < page.index("Anna")
    assert "Later" not in page


def test_a_lock_says_how_full_its_battery_is_and_when_that_was_read(host: Client, house: House) -> None:
    door = house.lock()
    house.flat(door)
    page = f"/locks/{door.pk}/"
    assert "Battery unknown" in words(host.get(page))
    assert "Last news from Tedee not yet" in words(host.get(page))
    Lock.objects.update(battery_level=64)
    AccountState.objects.update_or_create(account=house.account, defaults={"listed_at": START - HOUR})
    assert "Battery 64 % Keypad" in words(host.get(page))
    assert "Last news from Tedee Mon 1 Mar, 08:00 UTC" in words(host.get(page))
    Lock.objects.update(battery_level=19)
    assert "Battery 19 % (low) Keypad" in words(host.get(page))
    Lock.objects.update(is_connected=False)
    assert "Battery 19 % (low), last known" in words(host.get(page))


def test_a_low_battery_is_to_fix_on_the_lock_and_an_ending_key_on_the_account(host: Client, house: House) -> None:
    door = house.lock("Front door")
    Lock.objects.update(battery_level=9)
    AccountState.objects.update_or_create(account=house.account, defaults={"key_valid_to": START + DAY})
    review()
    board = host.get("/")
    said = words(board)
    assert "Front door" in said
    assert "The battery of the lock is low" in said
    assert "Charge or change the battery; the page of the lock says how full it is." in said
    assert "The access key expires soon" in said
    assert f"/locks/{door.pk}/" in board.content.decode()
    assert f"/admin/rentals/lockaccount/{house.account.pk}/change/" in board.content.decode()
