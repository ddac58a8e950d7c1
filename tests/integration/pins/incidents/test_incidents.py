"""Incidents: each cause opens one, before it hurts; it stays one however often it is met, and ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from pins import retention, tasks
from pins.core.pin_state import State
from pins.desired import code_overrides
from pins.incidents import slow_checks, sweep_checks
from pins.models import Delivery, Incident, IncidentNotice, LockState, NotificationChannel, Pin
from pins.models.incident import MOST_SEVERE_FIRST
from pins.notify import collecting, outbox
from pins.reconcile import connectivity
from rentals.models import Booking, Lock, Property
from tests.support.booking_actions import cancel, change, open_incidents
from tests.support.calendars import AIRBNB, calendar, day, event, feed_of, take
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Kind, Severity = Incident.Kind, Incident.Severity


def review() -> dict[str, str]:
    """What is open after sweep and drift check have looked, twice: a second look finds nothing new."""
    for _ in range(2):
        sweep_checks.check(timezone.now())
        slow_checks.check(timezone.now())
    found = list(Incident.objects.filter(resolved_at=None).values_list("kind", "severity"))
    assert len(found) == len(dict(found)), "one open incident per cause; these tests have one subject of each"
    return dict(found)


def met(kind: Incident.Kind) -> int:
    """How many incidents of a kind there ever were."""
    return Incident.objects.filter(kind=kind).count()


def unplug(house: House, lock: Lock) -> None:
    house.cloud.set_connected(lock.device_id, False)


def plug_in(house: House, lock: Lock) -> None:
    house.cloud.set_connected(lock.device_id, True)


# -- the code is not on the lock yet -------------------------------------------------------------------------------


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


# -- in doubt -------------------------------------------------------------------------------------------------------


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


def test_doubt_about_a_guest_of_next_week_is_told_to_nobody(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:timeout_applied", *["GET:busy"] * 200])
    house.stay(house.flat(door), 7 * DAY, DAY)
    house.live(clock, HOUR)
    assert review() == {}


# -- out of reach ---------------------------------------------------------------------------------------------------


def test_an_offline_lock_with_codes_due_is_told_after_a_patience_until_it_answers(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    unplug(house, door)
    booking = house.stay(house.flat(door), 20 * HOUR, DAY)
    house.live(clock, MINUTE)
    assert review() == {}
    house.live(clock, sweep_checks.OFFLINE_PATIENCE - MINUTE)
    assert Kind.LOCK_OFFLINE not in review()
    house.live(clock, MINUTE)
    assert review()[Kind.LOCK_OFFLINE] == Severity.WARNING
    clock.move_to(booking.check_in - 3 * HOUR)
    assert review()[Kind.LOCK_OFFLINE] == Severity.URGENT

    plug_in(house, door)
    house.live(clock, 10 * MINUTE)
    assert open_incidents() == []  # the answer ended it, before any review
    assert review() == {}
    assert LockState.objects.get().offline_since is None
    assert met(Kind.LOCK_OFFLINE) == 1


def test_an_offline_lock_that_nobody_needs_within_a_day_is_no_incident(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    unplug(house, door)
    booking = house.stay(house.flat(door), 20 * DAY, DAY)
    house.live(clock, HOUR)
    review()
    house.live(clock, HOUR)
    assert review() == {}

    clock.move_to(booking.check_in - 24 * HOUR)
    review()
    clock.shift(sweep_checks.OFFLINE_PATIENCE)
    assert review()[Kind.LOCK_OFFLINE] == Severity.WARNING
    cancel(booking)
    assert review() == {}


def test_an_offline_lock_with_every_code_on_it_is_a_notice_until_it_is_seen_again(
    house: House, clock: time_machine.Traveller
) -> None:
    """No run would learn that it is back, since nothing is to be done: the watch asks."""
    door = house.lock()
    house.stay(house.flat(door), 10 * HOUR, DAY)
    house.settle()
    unplug(house, door)
    connectivity.connection_told(door, False)
    review()
    clock.shift(sweep_checks.OFFLINE_PATIENCE)
    assert review() == {Kind.LOCK_OFFLINE: Severity.NOTICE}

    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == set()
    assert review() == {Kind.LOCK_OFFLINE: Severity.NOTICE}
    plug_in(house, door)
    clock.shift(connectivity.UNHURRIED)
    assert connectivity.locks_back_online(timezone.now(), clients=house.client) == {door.pk}
    assert review() == {}


def test_a_lock_without_any_history_may_be_offline_too(house: House, clock: time_machine.Traveller) -> None:
    """Fetched a moment ago and disconnected; the code is issued at check-in, so nothing was tried yet."""
    door = house.lock()
    Lock.objects.update(is_connected=False)
    house.stay(house.flat(door, issue_ahead_days=0), 10 * HOUR, DAY)
    assert not LockState.objects.exists()
    review()
    clock.shift(sweep_checks.OFFLINE_PATIENCE)
    assert review() == {Kind.LOCK_OFFLINE: Severity.NOTICE}


def test_a_lock_that_answers_is_connected(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    Lock.objects.update(is_connected=False)
    house.stay(house.flat(door), 10 * HOUR, DAY)
    house.settle()
    assert Lock.objects.get().is_connected is True


# -- what will hurt later ---------------------------------------------------------------------------------------------


def test_a_lock_without_keypad_is_told_while_guests_are_expected(house: House, clock: time_machine.Traveller) -> None:
    door, spare = house.lock("Door"), house.lock("Spare")
    Lock.objects.update(has_keypad=False)
    flat = house.flat(door)
    house.flat(spare, name="Nobody comes here")
    assert review() == {}
    booking = house.stay(flat, 20 * DAY, DAY)
    house.settle()
    assert review() == {Kind.NO_KEYPAD: Severity.WARNING}
    clock.move_to(booking.check_in - 4 * HOUR)
    assert review() == {Kind.NO_KEYPAD: Severity.URGENT}
    Lock.objects.filter(pk=door.pk).update(has_keypad=True)
    assert review() == {}
    assert met(Kind.NO_KEYPAD) == 1


def test_the_drift_check_tells_it(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    Lock.objects.update(has_keypad=False)
    house.stay(house.flat(door), 2 * DAY, DAY)
    tasks.check_drift.apply(throw=True)
    assert open_incidents() == [Kind.NO_KEYPAD]


@pytest.mark.parametrize("ends", ["moved", "cancelled", "deleted", "switched off"])
def test_overlapping_stays_are_told_until_they_no_longer_overlap(
    house: House, clock: time_machine.Traveller, ends: str
) -> None:
    flat = house.flat(house.lock())
    first = house.stay(flat, 5 * DAY, 3 * DAY)
    house.stay(flat, 8 * DAY, DAY)  # begins when the first ends
    house.stay(house.flat(name="Other flat"), 6 * DAY, DAY)
    house.settle()
    assert review() == {}
    second = house.stay(flat, 7 * DAY, DAY)
    house.settle()
    assert review() == {Kind.STAYS_OVERLAP: Severity.WARNING}
    assert Incident.objects.get().booking == second  # one for the pair, about the one that begins later

    if ends == "moved":
        change(second, check_in=first.check_out + 5 * DAY, check_out=first.check_out + 6 * DAY)
    elif ends == "cancelled":
        cancel(first)
    elif ends == "deleted":
        second.delete()
    else:
        flat.is_active = False
        flat.save()
    house.settle()
    assert review() == {}


def test_overlaps_are_told_within_two_weeks_and_until_they_are_over(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = house.flat(house.lock(), issue_ahead_days=0)
    first, second = house.stay(flat, 20 * DAY, 4 * DAY), house.stay(flat, 20 * DAY, 2 * DAY)
    assert review() == {}
    clock.move_to(first.check_in - slow_checks.HORIZON)
    assert review() == {Kind.STAYS_OVERLAP: Severity.WARNING}
    assert Incident.objects.get().booking == second  # both begin together: the one that was entered later
    clock.move_to(first.check_in - HOUR)
    assert review()[Kind.STAYS_OVERLAP] == Severity.URGENT
    clock.move_to(second.check_out)
    assert Kind.STAYS_OVERLAP not in review()
    assert met(Kind.STAYS_OVERLAP) == 1


def test_a_lock_in_another_time_zone_than_its_property_is_a_notice(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)  # Warsaw
    for harmless in ("", "Europe/Warsaw", "Europe/Berlin", "Central European Standard Time", "../etc/passwd"):
        Lock.objects.update(time_zone=harmless)
        assert review() == {}
    Lock.objects.update(time_zone="Europe/London")
    assert review() == {Kind.ZONE_DIFFERS: Severity.NOTICE}
    Property.objects.filter(pk=flat.pk).update(timezone="Europe/London")
    assert review() == {}
    assert met(Kind.ZONE_DIFFERS) == 1


# -- somebody else's hand -------------------------------------------------------------------------------------------


def set_code(house: House) -> tuple[Lock, Booking, Any]:
    """A code on a lock, and the PIN that the lock has of it."""
    door = house.lock()
    booking = house.stay(house.flat(door), 3 * DAY, 5 * DAY)
    house.settle()
    (remote,) = house.ours(door)
    return door, booking, remote


def list_is_read(house: House, clock: time_machine.Traveller, door: Lock) -> None:
    """For another stay of the lock, whose answer is lost."""
    house.cloud.script(door.device_id, ["POST:timeout_lost"])
    house.stay(house.flat(door, name="Another flat"), 3 * DAY, 2 * DAY, "Marek")
    house.live(clock, 15 * MINUTE)


def edit_in_app(house: House, door: Lock, remote: Any, **fields: object) -> None:
    pins = house.cloud.lock(door.device_id).pins
    pins[remote.id] = replace(remote, body=replace(remote.body, **fields))


def assert_told_and_put_right(house: House, clock: time_machine.Traveller, door: Lock, booking: Booking) -> None:
    house.live(clock, 30 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert review() == {Kind.CHANGED_IN_APP: Severity.WARNING}
    assert Incident.objects.get(kind=Kind.CHANGED_IN_APP).pin == pin_of(booking, door)
    clock.shift(sweep_checks.SHOW_HAND_CHANGES)  # it was put right at once; a person should know of it all the same
    assert Kind.CHANGED_IN_APP not in review()
    assert met(Kind.CHANGED_IN_APP) == 1


def test_a_code_that_somebody_removed_is_told_when_a_list_shows_it(house: House, clock: time_machine.Traveller) -> None:
    door, booking, remote = set_code(house)
    house.cloud.remove_pin(door.device_id, remote.id)
    list_is_read(house, clock, door)
    assert_told_and_put_right(house, clock, door, booking)


def test_a_code_that_somebody_removed_is_told_when_a_change_meets_nothing(
    house: House, clock: time_machine.Traveller
) -> None:
    door, booking, remote = set_code(house)
    house.cloud.remove_pin(door.device_id, remote.id)
    change(booking, check_out=booking.check_out + DAY)
    assert_told_and_put_right(house, clock, door, booking)


def test_a_code_that_is_removed_again_and_again_is_one_incident(house: House, clock: time_machine.Traveller) -> None:
    door, booking, remote = set_code(house)
    for _ in range(3):
        house.cloud.remove_pin(door.device_id, remote.id)
        list_is_read(house, clock, door)
        (remote,) = [pin for pin in house.ours(door) if pin.alias == pin_of(booking, door).alias]
    assert_told_and_put_right(house, clock, door, booking)


@pytest.mark.parametrize(
    "edit",
    [
        lambda remote: {"value": "604173"},
        lambda remote: {"end": remote.body.end - DAY},
        lambda remote: {"week_days": 31},
    ],
    ids=["value", "end", "days"],
)
def test_a_code_that_somebody_edited_is_told_when_it_is_read(
    house: House, clock: time_machine.Traveller, edit: Callable[[Any], dict[str, object]]
) -> None:
    door, booking, remote = set_code(house)
    edit_in_app(house, door, remote, **edit(remote))
    house.cloud.script(door.device_id, ["PUT:timeout_lost"])
    change(booking, check_out=booking.check_out + DAY)
    assert_told_and_put_right(house, clock, door, booking)


def test_a_lost_change_is_no_strangers_hand(house: House, clock: time_machine.Traveller) -> None:
    """Whether it reached the lock or not, and when: all of it was ours."""
    door, booking, _ = set_code(house)
    for step in ("PUT:timeout_lost", "PUT:timeout_applied", "PUT:late", "PUT:drop_late"):
        house.cloud.script(door.device_id, [step])
        change(booking, check_out=Booking.objects.get(pk=booking.pk).check_out + HOUR)
        list_is_read(house, clock, door)
    cancel(booking)
    house.cloud.script(door.device_id, ["DELETE:timeout_applied"])
    list_is_read(house, clock, door)
    assert met(Kind.CHANGED_IN_APP) == 0


def test_a_code_that_the_lock_ended_itself_is_no_strangers_hand(house: House, clock: time_machine.Traveller) -> None:
    door, booking, _ = set_code(house)
    house.stay(Property.objects.get(), 4 * DAY, DAY, "Marek")
    house.settle()
    clock.move_to(booking.check_out + HOUR)
    house.settle()
    assert pin_of(booking, door).state == State.REMOVED
    assert met(Kind.CHANGED_IN_APP) == 0


def test_a_removed_code_that_was_to_go_anyway_is_told_to_nobody(house: House, clock: time_machine.Traveller) -> None:
    door, booking, remote = set_code(house)
    house.cloud.remove_pin(door.device_id, remote.id)
    cancel(booking)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.REMOVED
    assert met(Kind.CHANGED_IN_APP) == 0


# -- still there, refused, out of requests ----------------------------------------------------------------------------


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


def test_a_dead_key_is_one_urgent_incident_until_another_key_works(house: House, clock: time_machine.Traveller) -> None:
    doors = [house.lock(f"Door {n}") for n in range(3)]
    house.cloud.set_key_revoked("demo", True)
    house.stay(house.flat(*doors), 3 * DAY, DAY)
    house.live(clock, HOUR)
    assert review() == {Kind.DEAD_KEY: Severity.URGENT}
    house.cloud.set_key_revoked("demo", False)
    house.live(clock, 20 * MINUTE)
    assert review() == {}
    assert met(Kind.DEAD_KEY) == 1


@pytest.mark.parametrize("trouble", ["403", "404"])
def test_what_a_lock_refused_is_over_when_nothing_is_left_to_do_there(
    house: House, clock: time_machine.Traveller, trouble: str
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, [f"POST:{trouble}"] * 100)
    booking = house.stay(house.flat(door), 3 * DAY, DAY)
    house.live(clock, HOUR)
    kind = {"403": Kind.NO_PERMISSION, "404": Kind.LOCK_UNKNOWN}[trouble]
    assert review() == {kind: Severity.WARNING}
    assert met(kind) == 1
    cancel(booking)
    assert review() == {}


def test_a_budget_that_cannot_reach_a_deadline_within_the_window_is_told_until_it_does(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 3, 3600
    flat = house.flat(house.lock())
    for n in range(3):
        house.stay(flat, 20 * MINUTE + n * DAY, 9 * MINUTE)
    house.settle()
    assert review() == {}  # two are set already, and the third can wait
    house.stay(flat, 30 * MINUTE, 10 * MINUTE, "Marek")
    house.stay(flat, 45 * MINUTE, 10 * MINUTE, "Olga")
    house.settle()
    assert review()[Kind.BUDGET_SPENT] == Severity.URGENT
    assert Incident.objects.get(kind=Kind.BUDGET_SPENT).account == house.account

    house.live(clock, 70 * MINUTE)
    assert Kind.BUDGET_SPENT not in review()
    assert met(Kind.BUDGET_SPENT) == 1


def test_a_budget_that_is_spent_while_nothing_is_due_in_time_is_no_incident(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.TEDEE_RATE_LIMIT, settings.TEDEE_RATE_WINDOW = 5, 3600
    flat = house.flat(house.lock())
    for n in range(8):
        house.stay(flat, 6 * HOUR + n * DAY, HOUR)
    house.settle()
    assert Pin.objects.exclude(state=State.SET).exists()
    assert review() == {}


def test_what_waits_for_an_offline_lock_does_not_wait_for_the_budget(
    house: House, clock: time_machine.Traveller, settings: Settings
) -> None:
    door = house.lock()
    flat = house.flat(door)
    house.stay(flat, 20 * MINUTE, HOUR)
    house.stay(flat, 3 * HOUR, HOUR)
    unplug(house, door)
    house.settle()
    settings.TEDEE_RATE_LIMIT = 1
    assert LockState.objects.get().paused_until is not None
    assert Kind.BUDGET_SPENT not in review()


# -- calendars --------------------------------------------------------------------------------------------------------


def test_a_calendar_that_is_held_for_one_running_stay_speaks_of_no_vanished_stays(
    house: House, clock: time_machine.Traveller
) -> None:
    feed = feed_of(house.flat(house.lock()))
    running = event("a", day(2, 27), day(3, 5))
    take(feed, calendar(running, event("b", day(4, 1), day(4, 5)), prodid=AIRBNB))
    cancelled = running.replace("END:VEVENT", "STATUS:CANCELLED\r\nEND:VEVENT")
    house.settle()
    clock.shift(HOUR)
    take(feed, calendar(cancelled, event("b", day(4, 1), day(4, 5)), prodid=AIRBNB))
    assert review() == {Kind.FEED_HELD: Severity.WARNING}
    assert str(Incident.objects.get()) == "A calendar waits for your decision"


# -- the machinery ----------------------------------------------------------------------------------------------------


def test_an_incident_becomes_more_severe_and_never_less(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    for severity, shown in (
        (Severity.NOTICE, Severity.NOTICE),
        (Severity.URGENT, Severity.URGENT),
        (Severity.WARNING, Severity.URGENT),
        (None, Severity.URGENT),
    ):
        Incident.open(Kind.NO_ROOM, timezone.now(), about=door, severity=severity)
        assert Incident.objects.get().severity == shown
    Incident.resolve(timezone.now(), about=door, kinds=(Kind.NO_ROOM,))
    Incident.open(Kind.NO_ROOM, timezone.now(), about=door)
    assert list(Incident.objects.order_by("pk").values_list("severity", flat=True)) == ["urgent", "warning"]


def test_they_sort_by_severity(house: House, clock: time_machine.Traveller) -> None:
    for severity in ("warning", "notice", "urgent"):
        Incident.open(Kind.NO_ROOM, timezone.now(), about=house.lock(severity), severity=Severity(severity))
    found = Incident.objects.order_by(MOST_SEVERE_FIRST).values_list("severity", flat=True)
    assert list(found) == ["urgent", "warning", "notice"]


def test_what_a_run_ends_during_a_review_is_not_opened_again(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = house.lock()
    house.cloud.script(door.device_id, ["POST:busy"] * 500)
    house.stay(house.flat(door), 20 * HOUR, DAY)
    house.live(clock, HOUR)
    assert review() == {Kind.CODE_LATE: Severity.WARNING}
    look = sweep_checks._unready_codes

    def look_and_then_it_is_set(*args: Any) -> Any:
        found = look(*args)
        house.cloud.desk._scripts.clear()
        house.live(clock, 10 * MINUTE)
        return found

    monkeypatch.setattr(sweep_checks, "_unready_codes", look_and_then_it_is_set)
    sweep_checks.check(timezone.now())
    assert open_incidents() == []
    assert met(Kind.CODE_LATE) == 1


def test_two_reviews_at_once_open_one_incident(house: House, clock: time_machine.Traveller) -> None:
    """The other one opened it after ours had looked."""
    door = house.lock()
    Lock.objects.update(has_keypad=False)
    house.stay(house.flat(door), 2 * DAY, DAY)
    Incident.open(Kind.NO_KEYPAD, timezone.now(), about=door)
    rival = Incident(kind=Kind.NO_KEYPAD, subject=f"lock:{door.pk}", lock=door, opened_at=timezone.now())
    sweep_checks._open([rival])
    assert open_incidents() == [Kind.NO_KEYPAD]


@pytest.mark.django_db(transaction=True)  # keys are checked when a transaction ends
def test_a_subject_that_was_deleted_meanwhile_stops_nothing() -> None:
    gone = Incident(kind=Kind.STAYS_OVERLAP, subject="booking:999", booking_id=999, opened_at=timezone.now())
    sweep_checks._open([gone])
    assert not Incident.objects.exists()


def test_a_review_costs_the_same_however_much_there_is(
    house: House, clock: time_machine.Traveller, django_assert_max_num_queries: Any
) -> None:
    def more(count: int) -> None:
        for n in range(count):
            door = house.lock(f"Door {n}")
            flat = house.flat(door, name=f"Flat {n}")
            Lock.objects.filter(pk=door.pk).update(has_keypad=False, time_zone="Asia/Tokyo", is_connected=False)
            house.stay(flat, HOUR, DAY)
            house.stay(flat, 2 * HOUR, DAY)
        sweep_checks.check(timezone.now())

    def look() -> None:
        clock.shift(20 * MINUTE)
        for _ in range(2):  # the first one opens
            with django_assert_max_num_queries(18):
                sweep_checks.check(timezone.now())
            with django_assert_max_num_queries(10):
                slow_checks.check(timezone.now())
        assert open_incidents().count(Kind.LOCK_OFFLINE) == Lock.objects.count()
        with django_assert_max_num_queries(8):  # nothing new: it reads, and writes nothing
            sweep_checks.check(timezone.now())
        with django_assert_max_num_queries(4):
            slow_checks.check(timezone.now())

    more(2)
    look()
    more(12)
    look()


def test_nothing_is_written_where_nothing_changed(house: House, clock: time_machine.Traveller) -> None:
    """On SQLite every write waits for all others."""
    door = house.lock()
    unplug(house, door)
    house.stay(house.flat(door, name="Flat"), 20 * HOUR, DAY)
    house.live(clock, 15 * MINUTE)
    review()
    house.live(clock, 20 * MINUTE)
    assert len(review()) == 2
    with CaptureQueriesContext(connection) as said:
        review()
    assert [query["sql"] for query in said if not query["sql"].startswith("SELECT")] == []


# -- what is long over ---------------------------------------------------------------------------------------------


def test_what_was_resolved_long_ago_is_forgotten_with_its_messages(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a PIN live and go with it: they say since when a guest's code stands."""
    monkeypatch.setattr(retention, "BATCH", 2)
    door = house.lock("Front door")
    flat = house.flat(door)
    stay = house.stay(flat, HOUR, 300 * DAY)
    house.settle()
    channel = NotificationChannel.objects.create(name="Anna", target="anna@example.com")
    subjects: list[tuple[Incident.Kind, Any]] = [
        (Kind.LOCK_OFFLINE, door),
        (Kind.DEAD_KEY, house.account),
        (Kind.FEED_STALE, feed_of(flat, AIRBNB)),
        (Kind.STAYS_OVERLAP, stay),
        (Kind.NO_ROOM, door),
    ]
    for kind, about in [*subjects, (Kind.CODE_CHANGED, pin_of(stay, door))]:
        Incident.open(kind, timezone.now(), about=about)
        Incident.resolve(timezone.now(), about=about, kinds=(kind,))
    clock.shift(DAY)
    Incident.open(Kind.ZONE_DIFFERS, timezone.now(), about=door)  # as old, and open
    collecting.collect(timezone.now())
    for incident in Incident.objects.all():  # of one that is switched off they may be as old
        Delivery.objects.create(
            channel=channel,
            key=f"x{incident.pk}",
            event="test",
            incident=incident,
            happened_at=timezone.now(),
            expires_at=timezone.now(),
        )
    clock.shift(119 * DAY - SECOND)
    assert retention.purge_incidents(timezone.now()) == 0
    clock.shift(SECOND)
    assert retention.purge_incidents(timezone.now()) == len(subjects)
    assert set(Incident.objects.values_list("kind", flat=True)) == {Kind.CODE_CHANGED, Kind.ZONE_DIFFERS}
    left = Delivery.objects.exclude(incident=None).filter(event="test").values_list("incident__kind", flat=True)
    assert set(left) == {Kind.CODE_CHANGED, Kind.ZONE_DIFFERS}
    assert not Delivery.objects.filter(incident=None).exists()
    assert IncidentNotice.objects.count() == 2


def test_the_nightly_task_forgets_them(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock("Front door")
    Incident.open(Kind.NO_ROOM, timezone.now(), about=door)
    Incident.resolve(timezone.now(), about=door, kinds=(Kind.NO_ROOM,))
    clock.shift(121 * DAY)
    tasks.purge()
    assert not Incident.objects.exists()


def test_many_messages_are_deleted_in_small_steps(
    house: House, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    channel = NotificationChannel.objects.create(name="Anna", target="anna@example.com")
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(channel=channel, key=str(n), event="test", state="sent", happened_at=now, expires_at=now, ended_at=now)
        for n in range(5)
    )
    clock.shift(30 * DAY)
    with CaptureQueriesContext(connection) as queries:
        assert outbox.purge(timezone.now()) == 5
    assert sum(one["sql"].startswith("DELETE") for one in queries.captured_queries) == 3
    assert not Delivery.objects.exists()
