"""The booking form: wall times, clock changes, and wrong input explained."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from pins.core.pin_state import State
from pins.models import AccessGrant, Pin
from rentals.models import Booking
from tests.support.booking_pages import ADD, CODE, LIST, as_shown, errors, page, stay_in, typed
from tests.support.house import House
from tests.support.pages import text, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

DAY = timedelta(days=1)


def test_empty_times_mean_the_propertys_times_and_follow_them(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    response = host.post(ADD, typed(flat))
    assert response.status_code == 302
    booking = Booking.objects.get()
    assert booking.follows_property_times
    assert (booking.check_in, booking.check_out) == (
        datetime(2027, 3, 3, 14, tzinfo=UTC),
        datetime(2027, 3, 8, 10, tzinfo=UTC),
    )
    house.settle()
    assert Pin.objects.get().state == State.SET


def test_own_times_are_wall_times_of_the_property(host: Client, house: House) -> None:
    flat = house.flat(house.lock(), timezone="America/New_York")
    host.post(ADD, typed(flat, arrival_time="22:30", departure_time="09:15"))
    booking = Booking.objects.get()
    assert not booking.follows_property_times
    assert booking.check_in == datetime(2027, 3, 4, 3, 30, tzinfo=UTC)
    assert booking.check_out == datetime(2027, 3, 8, 14, 15, tzinfo=UTC)
    shown = as_shown(host, booking)
    assert (shown["arrival_date"], shown["arrival_time"], shown["departure_time"]) == ("2027-03-03", "22:30", "09:15")
    assert "America/New_York time" in text(host.get(page(booking)))


def test_one_given_time_makes_both_the_bookings_own(host: Client, house: House) -> None:
    host.post(ADD, typed(house.flat(house.lock()), arrival_time="18:00"))
    booking = Booking.objects.get()
    assert not booking.follows_property_times
    assert booking.check_out == datetime(2027, 3, 8, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "instant", "message"),
    [
        ("2027-03-28", "02:30", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), "The clocks skip 02:30"),
        ("2027-10-31", "02:30", datetime(2027, 10, 31, 0, 30, tzinfo=UTC), "twice on the day of the arrival"),
        ("2027-03-27", "15:00", datetime(2027, 3, 27, 14, tzinfo=UTC), ""),
        ("2027-03-29", "15:00", datetime(2027, 3, 29, 13, tzinfo=UTC), ""),
    ],
)
def test_times_are_right_at_both_clock_changes(
    host: Client, house: House, day: str, at: str, instant: datetime, message: str
) -> None:
    response = host.post(
        ADD, typed(house.flat(house.lock()), arrival_date=day, arrival_time=at, departure_date="2027-11-05")
    )
    assert Booking.objects.get().check_in == instant
    if message:
        assert message in told(response)
    else:
        assert "clocks" not in told(response)


def test_saving_an_untouched_page_moves_nothing_to_the_second(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    second_half_past_two = datetime(2027, 10, 31, 1, 30, 7, tzinfo=UTC)  # 02:30:07 CET, the second one that night
    booking = house.stay(flat, second_half_past_two, 3 * DAY)
    host.post(page(booking), {**as_shown(host, booking), "guest_name": "Bea"})
    booking.refresh_from_db()
    assert (booking.guest_name, booking.check_in) == ("Bea", second_half_past_two)
    assert booking.check_out == second_half_past_two + 3 * DAY


def test_moved_to_a_property_in_another_zone_the_wall_times_stay(host: Client, house: House) -> None:
    booking = stay_in(house.flat(house.lock()))
    other = house.flat(house.lock("Other"), name="Hut", timezone="Pacific/Auckland")
    host.post(page(booking), {**as_shown(host, booking), "property": str(other.pk)})
    booking.refresh_from_db()
    assert booking.check_in.astimezone(other.zone).strftime("%d %H:%M") == "03 15:00"


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"departure_date": "2027-03-01"}, "departure_date", "before the arrival"),
        ({"departure_date": "2027-03-03"}, "departure_date", "would end at 11:00"),
        ({"arrival_date": "nonsense"}, "arrival_date", "Enter a day such as"),
        ({"arrival_date": "20277-03-03"}, "arrival_date", "Enter a day such as"),
        ({"arrival_date": "9999-12-31"}, "arrival_date", "between 2000 and 2099"),
        ({"departure_date": "0001-01-01"}, "departure_date", "between 2000 and 2099"),
        ({"arrival_date": ""}, "arrival_date", "Choose a day"),
        ({"arrival_time": "half past"}, "arrival_time", "Enter a time such as 15:00"),
        ({"property": ""}, "property", "Choose a property"),
        ({"property": "999999999999999999999"}, "property", "valid choice"),
        ({"status": "maybe"}, "status", "valid choice"),
        ({"own_code": "12345"}, "own_code", "must not only rise"),
        ({"own_code": "11111111111111111111111111"}, "own_code", "at most 20"),
        ({"own_code": "12a45"}, "own_code", "only the digits"),
        ({"own_code": CODE, "status": "tentative"}, "own_code", "Only a confirmed stay"),
        ({"own_code": CODE, "arrival_date": "2027-02-01", "departure_date": "2027-02-03"}, "own_code", "is over"),
    ],
)
def test_wrong_input_is_explained_and_what_was_typed_stays_except_the_code(
    host: Client, house: House, changes: dict[str, str], field: str, message: str
) -> None:
    flat = house.flat(house.lock())
    response = host.post(ADD, typed(flat, **changes))
    assert message in " ".join(errors(response)[field])
    assert 'value="Anna Nowak"' in text(response)
    if field not in ("own_code", "property", "status"):
        assert f'value="{changes[field]}"' in text(response) or not changes[field]
    if code := changes.get("own_code"):
        assert code not in text(response)
    assert not Booking.objects.exists()


def test_a_stay_may_begin_and_end_on_one_day_with_times(host: Client, house: House) -> None:
    response = host.post(
        ADD,
        typed(house.flat(house.lock()), departure_date="2027-03-03", arrival_time="09:00", departure_time="17:00"),
    )
    assert response.status_code == 302


def test_a_running_stay_can_be_extended(host: Client, house: House) -> None:
    door = house.lock()
    booking = stay_in(house.flat(door), days=-2)
    house.settle()
    code = AccessGrant.objects.get().code
    response = host.post(page(booking), {**as_shown(host, booking), "departure_date": "2027-03-06"})
    assert response.status_code == 302
    house.settle()
    (remote,) = house.ours(door)
    assert (remote.value, remote.body.end) == (code, datetime(2027, 3, 6, 10, tzinfo=UTC))


def test_a_host_is_warned_and_not_stopped(host: Client, house: House) -> None:
    flat = house.flat(house.lock())
    stay_in(flat)
    assert "Overlaps with another stay here: Anna Nowak, 3 Mar to 8 Mar 2027" in told(host.post(ADD, typed(flat)))
    bare = house.flat(name="Bare")
    assert "This property has no locks" in told(host.post(ADD, typed(bare)))
    closed = house.flat(house.lock("C"), name="Closed", is_active=False)
    assert "is switched off, so this stay gets no code" in told(host.post(ADD, typed(closed)))
    past = typed(flat, arrival_date="2027-01-03", departure_date="2027-01-05")
    assert "This stay is over" in told(host.post(ADD, past))
    later = typed(flat, arrival_date="2027-06-10", departure_date="2027-06-12")
    assert "The code will be put on the locks on Tue 11 May 2027, 15:00 CEST" in told(host.post(ADD, later))
    mute = house.lock("Mute")
    mute.has_keypad = mute.has_bridge = False
    mute.save()
    deaf = told(host.post(ADD, typed(house.flat(mute, name="Deaf"))))
    assert "“Mute” has no keypad" in deaf
    assert "“Mute” has no bridge" in deaf
    host.get(LIST)  # shows the messages, and so clears them
    assert "warning" not in told(host.post(ADD, typed(flat, status="cancelled")))
