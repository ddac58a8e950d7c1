"""Incidents about one code: late, in doubt, or still there for somebody who was cancelled."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from pins.core.pin_state import State
from pins.desired import code_overrides
from pins.incidents import sweep_checks
from pins.models import AccessGrant, Incident
from tests.support.booking_actions import cancel, change
from tests.support.house import House, pin_of
from tests.support.incidents import met, open_after_sweep, plug_in, review, unplug

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def test_a_late_code_is_a_warning_a_day_before_and_urgent_four_hours_before_and_one_incident(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:busy"] * 500)
    booking = house.stay(house.flat(door), 26 * HOUR, DAY)
    house.live(clock, HOUR)
    assert review() == {}  # 25 hours to go
    clock.move_to(booking.check_in - 24 * HOUR)
    assert review() == {Kind.CODE_LATE: Severity.WARNING}
    opened_at = Incident.objects.get().opened_at
    clock.move_to(booking.check_in - 4 * HOUR - SECOND)
    assert review() == {Kind.CODE_LATE: Severity.WARNING}
    clock.move_to(booking.check_in - 4 * HOUR)
    assert review() == {Kind.CODE_LATE: Severity.URGENT}
    assert Incident.objects.get().opened_at == opened_at

    house.cloud.desk._scripts.clear()
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert review() == {}
    assert met(Kind.CODE_LATE) == 1


def test_both_stages_can_be_set(house: House, clock: time_machine.Traveller, settings: Settings) -> None:
    settings.CODE_WARN_HOURS, settings.CODE_URGENT_HOURS = 72, 48
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:busy"] * 500)
    booking = house.stay(house.flat(door), 4 * DAY, DAY)
    house.live(clock, HOUR)
    stages = []
    for left in (73, 72, 49, 48):
        clock.move_to(booking.check_in - left * HOUR)
        stages.append(review().get(Kind.CODE_LATE))
    assert stages == [None, Severity.WARNING, Severity.WARNING, Severity.URGENT]


def test_an_extension_presses_when_the_old_end_comes_near(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 3 * DAY)
    house.settle()
    house.cloud.script(door.device_id, ["PUT:busy"] * 500)
    old_end = booking.check_out
    change(booking, check_out=old_end + DAY)
    house.live(clock, HOUR)
    stages = []
    for left in (25, 24, 4):
        clock.move_to(old_end - left * HOUR)
        stages.append(review().get(Kind.CODE_LATE))
    assert stages == [None, Severity.WARNING, Severity.URGENT]


def test_a_code_whose_time_has_not_come_is_not_late(house: House, clock: time_machine.Traveller) -> None:
    """The property issues codes at check-in, not before."""
    door = house.lock()
    booking = house.stay(house.flat(door, issue_ahead_days=0), 5 * HOUR, DAY)
    code_overrides.ensure_grant(booking.pk, timezone.now())
    house.settle()
    clock.shift(2 * HOUR)
    assert pin_of(booking, door).state == State.SCHEDULED
    assert review() == {}
    clock.move_to(booking.check_in + sweep_checks.PATIENCE)  # nothing of ours ran
    assert review() == {Kind.CODE_LATE: Severity.URGENT}


@pytest.mark.parametrize("ends", ["look", "cancellation"])
def test_an_unknown_outcome_is_told_when_a_guest_is_due_until_a_look_tells(
    house: House, clock: time_machine.Traveller, ends: str
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:timeout_applied", *["GET:busy"] * 200])
    booking = house.stay(house.flat(door), 6 * HOUR, DAY)
    house.live(clock, 5 * MINUTE)
    assert pin_of(booking, door).state == State.IN_DOUBT
    assert review() == {}  # patience
    house.live(clock, 10 * MINUTE)
    assert review() == {Kind.OUTCOME_UNKNOWN: Severity.WARNING, Kind.CODE_LATE: Severity.WARNING}
    clock.move_to(booking.check_in - 3 * HOUR)
    assert review()[Kind.OUTCOME_UNKNOWN] == Severity.URGENT

    if ends == "look":
        house.cloud.desk._scripts.clear()
        house.live(clock, 10 * MINUTE)
        assert pin_of(booking, door).state == State.SET
    else:
        cancel(booking)
    assert review() == {}
    assert met(Kind.OUTCOME_UNKNOWN) == 1


def test_doubt_about_a_guest_of_next_week_is_no_incident(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:timeout_applied", *["GET:busy"] * 200])
    house.stay(house.flat(door), 7 * DAY, DAY)
    house.live(clock, HOUR)
    assert review() == {}


def test_a_code_that_still_works_for_somebody_who_was_cancelled_is_urgent(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, 3 * DAY)
    house.settle()
    unplug(house, door)
    cancel(booking)
    clock.shift(15 * MINUTE)
    assert review() == {Kind.CODE_STAYS: Severity.WARNING}
    clock.move_to(booking.check_in)
    assert review()[Kind.CODE_STAYS] == Severity.URGENT
    plug_in(house, door)
    house.live(clock, 10 * MINUTE)
    assert review() == {}
    assert met(Kind.CODE_STAYS) == 1


def test_a_code_that_is_late_is_an_incident_until_it_is_there(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.cloud.set_connected(door.device_id, False)
    booking = house.stay(house.flat(door), 3 * HOUR, DAY)
    house.live(clock, 15 * MINUTE)
    sweep_checks.check(timezone.now())
    sweep_checks.check(timezone.now())
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.CODE_LATE

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_code_that_stays_after_check_out_is_an_incident_until_it_is_gone(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, HOUR)
    house.settle()
    house.cloud.set_connected(door.device_id, False)
    clock.move_to(booking.check_out)
    house.live(clock, 15 * MINUTE)
    sweep_checks.check(timezone.now())
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.CODE_STAYS

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 2 * HOUR)
    sweep_checks.check(timezone.now())
    assert house.ours(door) == []
    assert not Incident.objects.filter(resolved_at=None).exists()


def test_a_code_that_still_has_old_times_when_the_guest_is_near_is_an_incident(
    house: House, clock: time_machine.Traveller
) -> None:
    """It is on the lock, but does not open the door when the guest arrives."""
    door = house.lock()
    booking = house.stay(house.flat(door), 10 * DAY, 5 * DAY)
    house.settle()
    house.cloud.set_connected(door.device_id, False)
    change(booking, check_in=timezone.now() + 2 * HOUR, check_out=timezone.now() + DAY)
    house.live(clock, 5 * MINUTE)
    assert open_after_sweep() == []  # patience
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.CHANGING
    assert open_after_sweep() == [Incident.Kind.CODE_LATE]

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert open_after_sweep() == []


def test_a_value_that_is_taken_is_an_incident_until_the_stay_is_cancelled(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    AccessGrant.objects.update(disclosed_at=timezone.now())
    house.cloud.add_foreign_pin(door.device_id, value=AccessGrant.objects.get().code)
    house.live(clock, 10 * MINUTE)
    assert open_after_sweep() == [Incident.Kind.VALUE_TAKEN]
    cancel(booking)
    house.live(clock, 10 * MINUTE)
    assert open_after_sweep() == []


def test_a_code_that_may_be_on_the_lock_after_a_cancellation_is_an_incident_until_it_is_confirmedly_gone(
    house: House, clock: time_machine.Traveller
) -> None:
    """The answer to the POST was lost, and the lock cannot be looked at, so no id is known."""
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 5 * DAY)
    house.cloud.script(door.device_id, ["POST:timeout_applied", "GET:offline"])
    house.run(door)
    house.cloud.set_connected(door.device_id, False)
    cancel(booking)
    house.live(clock, 15 * MINUTE)
    assert pin_of(booking, door).remote_id is None
    assert open_after_sweep() == [Incident.Kind.CODE_STAYS]

    house.cloud.set_connected(door.device_id, True)
    house.live(clock, 10 * MINUTE)
    assert house.ours(door) == []
    assert open_after_sweep() == []
