"""Lists that lag behind for longer than a lost write can land, and versions that do not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.audit import UNSEEN_AGAIN
from pins.models import Incident, LockState
from rentals.models import Booking, Lock, Property
from tests.support.house import House
from tests.support.reconciling import assert_one_right_pin

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(clock: time_machine.Traveller) -> House:
    return House(audits=True)


def furnished(house: House, clock: time_machine.Traveller) -> tuple[Lock, Property]:
    """A lock that shows the code of an earlier stay, so that its lists have proved themselves."""
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, DAY, DAY, name="Earlier")
    house.live(clock, 2 * HOUR)
    return door, flat


@pytest.mark.parametrize("lag", [90, 20 * 60, 60 * 60], ids=["a minute and a half", "twenty minutes", "an hour"])
@pytest.mark.parametrize("cancelled", [False, True], ids=["wanted", "cancelled"])
def test_a_second_code_does_not_stay_until_the_daily_comparison(
    house: House, clock: time_machine.Traveller, lag: int, cancelled: bool
) -> None:
    """A creation is lost and applied; lists do not show it for longer than it could land late."""
    door, flat = furnished(house, clock)
    house.cloud.settings = replace(house.cloud.settings, list_lag=float(lag))
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    booking = house.stay(flat, 3 * DAY, 2 * DAY)
    if cancelled:
        house.settle()
        booking.status = Booking.Status.CANCELLED
        booking.save()
    house.live(clock, 10 * MINUTE + UNSEEN_AGAIN[-1] + MINUTE)

    if cancelled:
        assert len(house.cloud.pins(door.device_id)) == 1  # the earlier stay's
    else:
        assert_one_right_pin(house, booking, door)
    assert not Incident.objects.filter(kind=Incident.Kind.CHANGED_IN_APP).exists()


def test_a_version_that_does_not_count_is_never_named(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    """Otherwise “not changed” is all that anybody hears of a hand in the app, until the weekly whole list."""
    settings.AUDIT_SECONDS = 3600
    house.cloud.settings = replace(house.cloud.settings, list_version="stuck")
    door = house.lock()
    booking = house.stay(house.flat(door), DAY, 5 * DAY)
    house.live(clock, 3 * HOUR)
    (remote,) = house.ours(door)
    house.cloud.remove_pin(door.device_id, remote.id)
    house.live(clock, HOUR + MINUTE)
    assert_one_right_pin(house, booking, door)

    (remote,) = house.ours(door)
    house.cloud.change_pin(door.device_id, remote.id, week_days=3)
    house.live(clock, HOUR + MINUTE)
    assert_one_right_pin(house, booking, door)
    assert timezone.now() < booking.check_in


def test_a_version_is_named_once_it_rose_with_a_change_of_ours(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.AUDIT_SECONDS = 3600
    door, flat = furnished(house, clock)
    house.live(clock, 3 * HOUR)
    assert LockState.objects.get(lock=door).version_counts is None
    assert house.statuses()[304] == 0

    house.stay(flat, 3 * DAY, 2 * DAY)
    house.live(clock, 4 * HOUR)
    assert LockState.objects.get(lock=door).version_counts
    assert house.statuses()[304] >= 2


def test_a_list_that_hid_everything_is_read_again_in_full(house: House, clock: time_machine.Traveller) -> None:
    """Its version stays the same when it is honest again, and then “not changed” would hide a second code for a day."""
    door, flat = furnished(house, clock)
    usual = house.cloud.settings
    house.cloud.settings = replace(usual, list_shows="nothing")
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    booking = house.stay(flat, 3 * DAY, 2 * DAY)
    house.live(clock, 4 * HOUR)
    assert len(house.cloud.pins(door.device_id)) == 3, "the earlier stay's code, and two of this one"

    house.cloud.settings = usual
    LockState.objects.update(audit_at=timezone.now())
    house.live(clock, MINUTE)
    assert_one_right_pin(house, booking, door)
