"""What should be on the locks: grants follow bookings, properties and locks."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db.models.signals import post_save
from django.utils import timezone

from pins.core.pin_state import State
from pins.desired import claims, code_overrides, grants
from pins.models import AccessGrant
from rentals.models import Booking, Property
from tests.support.booking_actions import cancel, open_incidents
from tests.support.house import House, pin_of
from tests.support.reconciling import assert_one_right_pin, tell_the_guests

pytestmark = pytest.mark.django_db

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


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


def test_a_lock_that_was_added_again_gets_its_codes_back(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    flat = house.flat(door)
    staying, cancelled = house.stay(flat, 2 * DAY, 2 * DAY), house.stay(flat, 6 * DAY, 2 * DAY)
    house.settle()
    cancelled.status = Booking.Status.CANCELLED
    cancelled.save()
    house.settle()

    door.device_id = house.cloud.readd_lock(door.device_id)
    door.save()
    house.live(clock, HOUR)

    assert_one_right_pin(house, staying, door)
    assert len(house.cloud.pins(door.device_id)) == 1
    assert pin_of(cancelled, door).state == State.REMOVED


def test_values_of_a_grant_are_not_used_again_for_ninety_days(house: House, clock: time_machine.Traveller) -> None:
    door = house.lock()
    booking = house.stay(house.flat(door), HOUR, DAY)
    house.settle()
    code = AccessGrant.objects.get().code
    clock.move_to(booking.check_out)
    house.settle()
    assert code in claims.taken_on([door.pk], timezone.now())
    clock.shift(91 * DAY)
    assert code not in claims.taken_on([door.pk], timezone.now())
