"""Edges of single codes and bookings: old verdicts, stale wishes, odd lists, impossible times."""

from __future__ import annotations

import logging
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db.models.signals import post_save
from django.utils import timezone

from pins.core.pin_state import Blocked, State
from pins.core.plan import START_MARGIN
from pins.desired import code_overrides, drift, grants
from pins.incidents import sweep_checks
from pins.models import AccessGrant, Incident, Pin, PinAttempt
from rentals.models import Booking, Property
from tests.support.booking_actions import cancel, change, open_incidents, requests_sent
from tests.support.house import House, pin_of

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def tell_the_guests() -> None:
    AccessGrant.objects.update(disclosed_at=timezone.now())


@pytest.mark.parametrize("answer", ["busy", "offline"])
def test_a_value_that_was_taken_once_is_judged_anew_for_an_edited_stay(
    house: House, clock: time_machine.Traveller, answer: str
) -> None:
    """A 409 or 428 says nothing of the value; the 406 before it concerned the stay as it was."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    tell_the_guests()
    foreign = house.cloud.add_foreign_pin(door.device_id, value=AccessGrant.objects.get().code)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).blocked == Blocked.VALUE_TAKEN

    house.cloud.remove_pin(door.device_id, foreign.id)
    house.cloud.script(door.device_id, [f"POST:{answer}"])
    change(booking, check_out=booking.check_out + HOUR)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert open_incidents() == []


@pytest.mark.parametrize("answer", ["busy", "offline"])
def test_a_new_value_is_not_condemned_by_the_refusal_of_the_old_one(
    house: House, clock: time_machine.Traveller, answer: str
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    tell_the_guests()
    house.cloud.script(door.device_id, ["POST:400"])
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).blocked == Blocked.VALUE_REFUSED

    grant = AccessGrant.objects.get()
    code_overrides.revoke(grant.pk, timezone.now())
    code_overrides.set_code(grant.pk, "482915", timezone.now())
    house.cloud.script(door.device_id, [f"POST:{answer}"])
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert [pin.value for pin in house.ours(door)] == ["482915"]


def test_a_start_moved_to_the_present_equals_an_earlier_one_only_once_it_is_past(
    clock: time_machine.Traveller,
) -> None:
    house = House(reject_past_start=True)
    door = house.lock()
    booking = house.stay(house.flat(door), -HOUR, 20 * DAY)
    house.settle()
    clock.shift(2 * START_MARGIN)
    change(booking, check_in=booking.check_in - HOUR)
    house.live(clock, HOUR)
    assert requests_sent() == ["post", "post"]  # the guest can enter: a start still earlier changes nothing

    for days in (10, 5):
        start = timezone.now() + days * DAY
        change(booking, check_in=start)
        house.live(clock, MINUTE)
        assert [pin.body.start for pin in house.ours(door)] == [start]


def test_a_booking_cancelled_while_another_is_brought_up_to_date_stays_cancelled(
    house: House, clock: time_machine.Traveller
) -> None:
    """The save of a property has a list of bookings; each of them counts as it is when its turn comes."""
    door = house.lock()
    flat = house.flat(door)
    stays = [house.stay(flat, DAY, DAY), house.stay(flat, 3 * DAY, DAY)]
    house.settle()
    for stay in stays:
        Booking.objects.filter(pk=stay.pk).update(check_out=stay.check_out + HOUR)

    def cancel_the_second(**_: Any) -> None:
        post_save.disconnect(cancel_the_second, sender=AccessGrant)
        cancel(stays[1])

    post_save.connect(cancel_the_second, sender=AccessGrant)
    try:
        grants.sync_bookings([stay.pk for stay in stays])
    finally:
        post_save.disconnect(cancel_the_second, sender=AccessGrant)

    assert not pin_of(stays[1], door).wanted
    assert not AccessGrant.objects.get(booking=stays[1]).wanted
    assert AccessGrant.objects.get(booking=stays[0]).ends_at == stays[0].check_out + HOUR


@pytest.mark.parametrize("fault", ["unknown zone", "less than a second"])
@pytest.mark.parametrize("had_a_code", [False, True])
def test_a_booking_that_cannot_be_read_stops_no_other(
    house: House, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture, fault: str, had_a_code: bool
) -> None:
    """Bulk writes check nothing. The unreadable booking comes first in the order of work."""
    door = house.lock()
    bad = house.flat(door, name="Bad")
    begins = timezone.now() + DAY
    (unreadable,) = Booking.objects.bulk_create([Booking(property=bad, check_in=begins, check_out=begins + DAY)])
    if had_a_code:
        grants.sync_bookings([unreadable.pk])
    if fault == "unknown zone":
        Property.objects.filter(pk=bad.pk).update(timezone="Nowhere/None")
    else:
        Booking.objects.update(check_out=begins + timedelta(milliseconds=500))
    good = Booking(property=house.flat(door, name="Good"), check_in=begins, check_out=begins + DAY)
    Booking.objects.bulk_create([good])

    with caplog.at_level(logging.ERROR, logger="pins.desired.drift"):
        drift.repair(timezone.now())
    house.settle()
    assert pin_of(good, door).state == State.SET
    assert [getattr(record, "booking_id", None) for record in caplog.records] == [unreadable.pk]


@pytest.mark.parametrize(
    ("check_in", "check_out", "complaint"),
    [
        ("2027-03-05T14:00:00", "2027-03-06T11:00:00+00:00", "need a time zone"),
        ("2027-03-05T14:00:00+00:00", "2027-03-06T11:00:00", "need a time zone"),
        ("2027-03-05T14:00:00.100+00:00", "2027-03-05T14:00:00.900+00:00", "by a second at least"),
    ],
)
def test_a_stay_that_no_lock_could_follow_is_refused_when_it_is_saved(
    house: House, check_in: str, check_out: str, complaint: str
) -> None:
    flat = house.flat(house.lock())
    with pytest.raises(ValueError, match=complaint):
        Booking.objects.create(
            property=flat, check_in=datetime.fromisoformat(check_in), check_out=datetime.fromisoformat(check_out)
        )
    assert not Booking.objects.exists()


def test_a_time_zone_that_does_not_exist_is_refused_when_the_property_is_saved(house: House) -> None:
    flat = house.flat(house.lock())
    flat.timezone = "Europe/Atlantis"
    with pytest.raises(ValidationError, match="“Europe/Atlantis” is not a time zone"):
        flat.save()
    assert Property.objects.get().timezone == "Europe/Warsaw"


def test_a_stay_within_one_day_keeps_its_times_when_the_house_turns_to_overnight_stays(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    flat = house.flat(door, check_in_time=time(10), check_out_time=time(18))
    day = timezone.now().date() + DAY
    within_a_day, overnight = (
        Booking.objects.create(
            property=flat,
            check_in=flat.check_in_on(day),
            check_out=flat.check_out_on(until),
            follows_property_times=True,
        )
        for until in (day, day + DAY)
    )
    flat.check_in_time, flat.check_out_time = time(15), time(11)
    flat.save()
    house.settle()

    unmoved = Booking.objects.get(pk=within_a_day.pk)
    assert (unmoved.check_in, unmoved.check_out) == (within_a_day.check_in, within_a_day.check_out)
    moved = Booking.objects.get(pk=overnight.pk)
    assert (moved.check_in, moved.check_out) == (flat.check_in_on(day), flat.check_out_on(day + DAY))
    assert pin_of(within_a_day, door).state == pin_of(overnight, door).state == State.SET


def test_a_lock_that_is_switched_off_or_on_is_followed_without_the_drift_check(
    house: House, clock: time_machine.Traveller
) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    house.stay(house.flat(door, cellar), DAY, DAY)
    house.settle()
    door.is_active = False
    door.save()
    house.settle()
    assert (len(house.ours(door)), len(house.ours(cellar))) == (0, 1)

    door.is_active = True
    door.save()
    house.settle()
    assert (len(house.ours(door)), len(house.ours(cellar))) == (1, 1)


def test_a_code_that_was_never_sent_is_free_for_another_stay_as_soon_as_its_own_is_cancelled(
    house: House, clock: time_machine.Traveller
) -> None:
    flat = house.flat(house.lock())
    first, second = (house.stay(flat, 60 * DAY, DAY) for _ in range(2))
    first_id, second_id = (code_overrides.ensure_grant(stay.pk, timezone.now()) for stay in (first, second))
    assert first_id is not None
    assert second_id is not None
    code_overrides.set_code(first_id, "482915", timezone.now())
    with pytest.raises(code_overrides.CodeTakenError):
        code_overrides.set_code(second_id, "482915", timezone.now())

    cancel(first)
    code_overrides.set_code(second_id, "482915", timezone.now())
    assert AccessGrant.objects.get(booking=second).code == "482915"


def test_two_of_ours_with_different_values_on_one_list_end_as_the_right_one(
    house: House, clock: time_machine.Traveller
) -> None:
    """A restored backup left a PIN with our reference and a value of old; it comes first on the list."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    grant = AccessGrant.objects.get()
    house.cloud.add_foreign_pin(door.device_id, alias=f"Anna 01-02 Mar #{grant.reference}", value="730519")
    house.cloud.script(door.device_id, ["POST:timeout_applied"])
    house.live(clock, HOUR)

    (remote,) = house.cloud.pins(door.device_id)
    assert (remote.value, remote.body.start, remote.body.end) == (grant.code, grant.starts_at, grant.ends_at)
    assert pin_of(booking, door).state == State.SET


def test_a_404_about_one_too_many_is_believed_only_when_the_list_confirms_it(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    house.settle()
    grant = AccessGrant.objects.get()
    house.cloud.add_foreign_pin(door.device_id, alias=f"Anna 01-02 Mar #{grant.reference}", value="730519")
    Pin.objects.update(must_look=True, next_try_at=timezone.now())
    house.cloud.script(door.device_id, ["DELETE:404"])
    house.live(clock, HOUR)

    assert requests_sent() == ["post", "list", "delete", "list", "delete"]
    assert [pin.value for pin in house.ours(door)] == [grant.code]
    assert pin_of(booking, door).state == State.SET


def test_a_lock_that_was_added_again_lifts_the_blocks_of_its_codes(house: House, clock: time_machine.Traveller) -> None:
    """The foreign code with the same digits did not come along."""
    door = house.lock()
    booking = house.stay(house.flat(door), 2 * DAY, 5 * DAY)
    tell_the_guests()
    house.cloud.add_foreign_pin(door.device_id, value=AccessGrant.objects.get().code)
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.BLOCKED

    door.device_id = house.cloud.readd_lock(door.device_id)
    door.save()
    house.live(clock, 10 * MINUTE)
    assert pin_of(booking, door).state == State.SET
    assert len(house.ours(door)) == 1
    assert open_incidents() == []


def test_an_early_departure_is_due_at_once_and_comes_before_an_arrival(
    house: House, clock: time_machine.Traveller
) -> None:
    door = house.lock()
    flat = house.flat(door)
    leaving = house.stay(flat, -DAY, 5 * DAY)
    house.settle()
    house.stay(flat, 30 * MINUTE, DAY)
    change(leaving, check_out=timezone.now() - MINUTE)
    deadline = pin_of(leaving, door).deadline_at
    assert deadline is not None
    assert deadline <= timezone.now()

    house.settle()
    assert requests_sent() == ["post", "delete", "post"]


def test_a_removal_that_is_refused_rests_and_is_told(clock: time_machine.Traveller) -> None:
    """The same DELETE was repeated without any pause until the account had no requests left."""
    house = House(expiry_lag=7 * 86400.0)
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    house.cloud.script(door.device_id, ["DELETE:400"] * 50)
    clock.move_to(booking.check_out + MINUTE)
    house.live(clock, HOUR)

    assert len(requests_sent()) < 15
    sweep_checks.check(timezone.now())
    assert open_incidents() == [Incident.Kind.CODE_STAYS]


@pytest.mark.parametrize(
    "steps", [["POST:404"] * 3, ["POST:timeout_lost", "GET:404", "GET:404"]], ids=["to a POST", "to the list"]
)
def test_a_404_that_is_about_the_lock_rests_the_lock_with_an_incident_until_it_works_again(
    house: House, clock: time_machine.Traveller, steps: list[str]
) -> None:
    door, cellar = house.lock("Door"), house.lock("Cellar")
    flat = house.flat(door, cellar)
    for n in range(4):
        house.stay(flat, (n + 1) * DAY, DAY)
    house.cloud.script(door.device_id, steps)
    house.settle()
    clock.shift(SECOND)
    house.settle()
    assert Incident.objects.get(resolved_at=None).kind == Incident.Kind.LOCK_UNKNOWN
    assert PinAttempt.objects.filter(pin__lock=door).count() == 2  # not one for each stay
    assert len(house.ours(cellar)) == 4

    house.live(clock, HOUR)
    assert len(house.ours(door)) == 4
    assert open_incidents() == []
