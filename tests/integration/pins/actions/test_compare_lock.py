"""“Compare now” on a lock's page: its own list is read once, as any other request is, and what differs is put right."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from pins.core.budget import Purpose
from pins.core.pin_state import State
from pins.models import AccessGrant, LockState, Pin
from pins.reconcile import request_budget
from tests.support.booking_actions import requests_sent
from tests.support.house import House, pin_of
from tests.support.people import operator, viewer

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def compare(host: Client, lock_id: int) -> str:
    answer: Any = host.post(f"/locks/{lock_id}/compare/")
    assert answer.status_code == 302
    return str(list(get_messages(answer.wsgi_request))[-1].message)


def test_one_list_is_read_and_what_a_hand_removed_is_set_again(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    first, second = house.stay(flat, DAY, 2 * DAY), house.stay(flat, 4 * DAY, 2 * DAY)
    house.settle()
    (lost,) = [pin for pin in house.ours(door) if pin.id == pin_of(first, door).remote_id]
    house.cloud.remove_pin(door.device_id, lost.id)
    house.cloud.add_foreign_pin(door.device_id, "Cleaner")
    assert "is being read" in compare(host, door.pk)
    assert pin_of(first, door).state == State.SET  # the one of the two that is needed later is marked
    assert pin_of(second, door).state == State.IN_DOUBT
    house.settle()
    # The list and the id say that it is gone. After such a surprise the lock is compared, and as that is its first
    # comparison, the code of the next two days is read.
    assert requests_sent() == ["post", "post", "list", "get", "post", "list", "get"]
    assert {pin.value for pin in house.ours(door)} == {pin_of(one, door).grant.code for one in (first, second)}
    state = LockState.objects.get(lock=door)
    assert (state.foreign_pins, state.looked_at) == (1, timezone.now())
    page = host.get(f"/locks/{door.pk}/").content.decode()
    assert "was last read Mon 1 Mar 2027" in page
    assert "1 code of other people" in page


@pytest.mark.parametrize("observe_only", [False, True])
def test_other_peoples_codes_are_shown_by_their_names(
    host: Client, house: House, caplog: pytest.LogCaptureFixture, observe_only: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 2 * DAY)
    house.settle()
    pin = pin_of(booking, door)
    (ours,) = house.ours(door)
    house.cloud.add_foreign_pin(door.device_id, "<b>Zyxwold</b>\x00 &\n his\u202e cat")
    house.cloud.add_foreign_pin(door.device_id, "\u200b")
    house.cloud.add_foreign_pin(door.device_id, f"Typed by hand #{pin.grant.reference.lower()}")  # a surplus of ours
    house.account.observe_only = observe_only
    house.account.save()
    compare(host, door.pk)
    house.run(door)
    state = LockState.objects.get(lock=door)
    assert (state.foreign_pins, state.foreign_names) == (2, ["<b>Zyxwold</b> & his cat", ""])
    page = host.get(f"/locks/{door.pk}/").content.decode()
    theirs = page[page.index("Other people's") :]
    assert "Mon 1 Mar 2027" in theirs
    assert "2 codes of other people. Turnkey never touches them." in theirs
    assert "&lt;b&gt;Zyxwold&lt;/b&gt; &amp; his cat" in theirs
    assert "Without a name" in theirs
    assert "Zyxwold" not in caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert ours.alias not in theirs


def test_a_forgotten_code_of_ours_is_told_apart_without_the_guests_name(host: Client, house: House) -> None:
    door = house.lock()
    flat = house.flat(door)
    forgotten, kept = house.stay(flat, DAY, 2 * DAY), house.stay(flat, 4 * DAY, 2 * DAY)
    house.settle()
    reference = pin_of(forgotten, door).grant.reference
    (ours,) = [pin for pin in house.ours(door) if pin.alias == pin_of(forgotten, door).alias]
    Pin.objects.filter(grant__booking=forgotten).delete()  # as if a backup without this stay had been restored
    AccessGrant.objects.filter(booking=forgotten).delete()
    assert pin_of(kept, door).state == State.SET
    compare(host, door.pk)
    house.run(door)
    page = host.get(f"/locks/{door.pk}/").content.decode()
    assert f"Made by Turnkey, but no longer known here (#{reference})" in page
    assert ours.alias not in page
    assert LockState.objects.get(lock=door).foreign_names == [
        f"Made by Turnkey, but no longer known here (#{reference})"
    ]


def test_no_more_than_120_names_are_kept(host: Client, house: House) -> None:
    door = house.lock()
    house.cloud.lock(door.device_id).capacity = 200
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    for number in range(123):
        house.cloud.add_foreign_pin(door.device_id, f"Tenant {number}")
    compare(host, door.pk)
    house.settle()
    state = LockState.objects.get(lock=door)
    assert (state.foreign_pins, len(state.foreign_names)) == (123, 120)
    page = host.get(f"/locks/{door.pk}/").content.decode()
    assert "123 codes of other people" in page
    assert "<li>3 more</li>" in page


def test_names_go_with_the_device_and_are_missed_until_the_next_look(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    LockState.objects.update(foreign_pins=2, foreign_names=[], looked_at=timezone.now())  # read by an older version
    page = host.get(f"/locks/{door.pk}/").content.decode()
    assert "2 codes of other people" in page
    assert "2 more" not in page
    LockState.objects.update(foreign_names=["Cleaner", "Owner"])
    assert "Cleaner" in host.get(f"/locks/{door.pk}/").content.decode()
    door.device_id = house.cloud.add_lock("Replaced").id
    door.save()
    house.settle()
    assert "Cleaner" not in host.get(f"/locks/{door.pk}/").content.decode()
    assert "Cleaner" not in LockState.objects.get(lock=door).foreign_names


def test_pressed_twice_it_is_one_request(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, DAY)
    house.settle()
    for _ in range(2):
        compare(host, door.pk)
    house.settle()
    assert requests_sent() == ["post", "list"]
    assert Pin.objects.get().state == State.SET


def test_it_waits_for_the_lease_and_for_the_budget(
    host: Client, house: House, clock: time_machine.Traveller, settings: Any
) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, 20 * DAY)
    house.settle()
    settings.TEDEE_RATE_LIMIT = 20
    while (
        request_budget.spend(house.account.budget_key, Purpose.ARRIVAL, timezone.now() + 9 * DAY, timezone.now())
        is None
    ):
        pass
    compare(host, door.pk)
    LockState.objects.filter(lock=door).update(lease_until=timezone.now() + timedelta(seconds=30))
    house.run(door)
    assert requests_sent() == ["post"]
    clock.shift(timedelta(seconds=31))
    house.run(door)
    assert requests_sent() == ["post"]
    clock.shift(timedelta(hours=1, minutes=5))
    house.settle()
    assert requests_sent() == ["post", "list"]


@pytest.mark.parametrize("planned", [False, True])
def test_a_lock_without_a_code_of_ours(host: Client, house: House, planned: bool) -> None:
    door = house.lock()
    flat = house.flat(door, issue_ahead_days=30)
    if planned:  # a code whose time has not come is a code of ours: the list tells that it is not there yet
        booking = house.stay(flat, 20 * DAY, DAY)
        house.settle()
        flat.issue_ahead_days = 5
        flat.save()
        Pin.objects.filter(grant__booking=booking).update(remote_id=None, applied_known=False)
        assert "is being read" in compare(host, door.pk)
        house.settle()
        assert "list" in requests_sent()
    else:
        assert compare(host, door.pk) == (
            "There is nothing to compare: Turnkey has no code on this lock, and none is due there."
        )
        assert "was never read yet" in host.get(f"/locks/{door.pk}/").content.decode()


def test_a_lock_that_rests_is_left_alone_and_no_guest_seems_shut_out(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    house.settle()
    soon = timezone.now() + timedelta(minutes=4)
    LockState.objects.filter(lock=door).update(paused_until=soon, pause_cause="offline")
    assert "The lock is offline. Next try" in compare(host, door.pk)
    assert pin_of(booking, door).state == State.SET


def test_a_request_under_way_is_not_disturbed(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, DAY)
    house.cloud.script(door.device_id, ["408", "GET:408"])
    house.run(door)
    before = pin_of(booking, door)
    assert before.op == "post"
    compare(host, door.pk)
    after = pin_of(booking, door)
    assert (after.op, after.op_token, after.must_look) == (before.op, before.op_token, before.must_look)


def test_a_viewer_cannot_ask(client: Client, house: House) -> None:
    door = house.lock()
    client.force_login(viewer())
    assert "Compare now" not in client.get(f"/locks/{door.pk}/").content.decode()
    assert client.post(f"/locks/{door.pk}/compare/").status_code == 403
    client.force_login(operator())
    assert client.get(f"/locks/{door.pk}/compare/").status_code == 405
    assert client.post("/locks/99999/compare/").status_code == 404


def test_the_history_of_a_lock_names_the_person_who_pressed_a_button(host: Client, house: House) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 2 * DAY)
    host.post(f"/locks/{door.pk}/try-again/")
    house.settle()
    compare(host, door.pk)
    page = host.get(f"/admin/rentals/lock/{door.pk}/history/").content.decode()
    for line in ("Try again now: it is being tried again now.", "Compare now: the lock&#x27;s own list is being read."):
        assert page.count(line) == 1
    assert page.count("operator") >= 2
    assert pin_of(booking, door).grant.code not in page


def test_a_button_of_a_lock_that_did_nothing_leaves_no_line(host: Client, house: House) -> None:
    door = house.lock()
    for name in ("try-again", "compare"):
        host.post(f"/locks/{door.pk}/{name}/")
    assert not LogEntry.objects.exists()


def test_the_history_of_an_observed_lock_says_that_nothing_was_changed(host: Client, house: House) -> None:
    door = house.lock()
    house.stay(house.flat(door), DAY, 2 * DAY)
    house.account.observe_only = True
    house.account.save()
    host.post(f"/locks/{door.pk}/try-again/")
    assert "Try again now: Turnkey only observes this lock" in str(LogEntry.objects.get())
