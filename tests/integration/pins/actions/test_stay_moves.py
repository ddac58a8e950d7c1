"""Late check-out, longer and shorter stays: what comes of it on the lock and in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.test import Client

from pins.models import AccessGrant, PinAttempt
from rentals.models import Booking, Property
from tests.support.booking_actions import change, requests_sent
from tests.support.calendars import airbnb, day
from tests.support.house import House
from tests.support.imports import feed_of, take
from tests.support.pages import told
from tests.support.people import viewer

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def stay_in(flat: Property, arrives: int = 3, leaves: int = 8, **fields: object) -> Booking:
    """A stay of March 2027 at the property's times: 15:00 to 11:00 in Warsaw."""
    return Booking.objects.create(
        **{
            "property": flat,
            "guest_name": "Anna Nowak",
            "check_in": flat.check_in_on(day(3, arrives)),
            "check_out": flat.check_out_on(day(3, leaves)),
            "follows_property_times": True,
            **fields,
        }
    )


def seen(booking: Booking) -> str:
    return f"{booking.check_in.isoformat()} {booking.check_out.isoformat()}"


def press(host: Client, booking: Booking, action: str, **typed: str) -> Any:
    return host.post(f"/stays/{booking.pk}/{action}/", {"seen": seen(booking), **typed})


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 422
    found: dict[str, list[str]] = response.context["refused"].errors
    return found


def ends(booking: Booking) -> datetime:
    return Booking.objects.get(pk=booking.pk).check_out


def test_an_hour_more_is_one_request_and_the_same_code(host: Client, house: House, flat: Property) -> None:
    booking = stay_in(flat)
    house.settle()
    code = AccessGrant.objects.get().code
    answer = press(host, booking, "late_check_out", hours="1")
    assert answer.status_code == 302
    assert told(answer) == (
        "success: The stay now ends Mon 8 Mar 2027, 12:00 CET instead of Mon 8 Mar 2027, 11:00 CET. "
        "The same code will work from Wed 3 Mar 2027, 15:00 CET until Mon 8 Mar 2027, 12:00 CET. "
        "1 lock is being updated."
    )
    house.settle()
    assert requests_sent() == ["post", "put"]
    (pin,) = house.ours(flat.locks.get())
    assert (pin.value, pin.body.end) == (code, datetime(2027, 3, 8, 11, tzinfo=UTC))
    line = LogEntry.objects.get()
    assert (line.user.get_username(), line.object_id) == ("operator", str(booking.pk))
    assert line.change_message == (
        "Late check-out: the stay now ends Mon 8 Mar 2027, 12:00 CET instead of Mon 8 Mar 2027, 11:00 CET."
    )


def test_a_stay_with_a_late_check_out_has_times_of_its_own_until_it_is_taken_back(host: Client, flat: Property) -> None:
    booking = stay_in(flat)
    press(host, booking, "late_check_out", until="13:30")
    booking.refresh_from_db()
    assert (booking.check_out, booking.follows_property_times) == (datetime(2027, 3, 8, 12, 30, tzinfo=UTC), False)
    press(host, booking, "late_check_out", until="11:00")
    booking.refresh_from_db()
    assert (booking.check_out, booking.follows_property_times) == (datetime(2027, 3, 8, 10, tzinfo=UTC), True)


def test_a_press_that_arrives_twice_counts_once(host: Client, flat: Property) -> None:
    booking = stay_in(flat)
    for _ in range(2):
        answer = press(host, booking, "late_check_out", hours="2")
    assert told(answer).endswith("warning: Nothing was changed, the stay already has these dates.")
    assert ends(booking) == booking.check_out + 2 * HOUR
    assert LogEntry.objects.count() == 1


def test_an_outdated_page_moves_nothing_that_its_reader_has_not_seen(host: Client, flat: Property) -> None:
    booking = stay_in(flat)
    change(booking, check_out=booking.check_out + 2 * DAY)
    for typed in ({"hours": "1"}, {"until": "13:00"}):
        answer = press(host, booking, "late_check_out", **typed)
        assert "The stay was changed meanwhile" in errors(answer)["__all__"][0]
        assert "Wed 10 Mar 2027, 11:00 CET" in answer.content.decode()
    assert ends(booking) == booking.check_out + 2 * DAY
    # The page that says so shows the stay as it is now: choosing again works.
    fresh = answer.context["refused"].initial["seen"]
    assert host.post(f"/stays/{booking.pk}/late_check_out/", {"seen": fresh, "hours": "1"}).status_code == 302
    assert ends(booking) == booking.check_out + 2 * DAY + HOUR


def test_a_guest_who_asks_when_the_code_is_gone_gets_the_same_one_again(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = stay_in(flat, arrives=1, leaves=2)
    house.settle()
    code = AccessGrant.objects.get().code
    clock.move_to(booking.check_out + timedelta(minutes=10))
    house.settle()
    assert house.ours(flat.locks.get()) == []
    answer = press(host, booking, "late_check_out", hours="1")
    assert "The same code will work until Tue 2 Mar 2027, 12:00 CET. 1 lock is being updated." in told(answer)
    house.settle()
    (pin,) = house.ours(flat.locks.get())
    assert (pin.value, pin.body.end) == (code, booking.check_out + HOUR)


def test_another_day_keeps_the_time_of_day_over_a_clock_change(host: Client, house: House, flat: Property) -> None:
    booking = stay_in(flat, arrives=3, leaves=27)
    house.settle()
    answer = press(host, booking, "change_days", arrival="2027-03-03", departure="2027-03-29")
    assert "until Mon 29 Mar 2027, 11:00 CEST" in told(answer)
    booking.refresh_from_db()
    assert (booking.check_out, booking.follows_property_times) == (datetime(2027, 3, 29, 9, tzinfo=UTC), True)
    house.settle()
    assert requests_sent() == ["post", "put"]


def test_both_ends_of_a_stay_to_come_move_at_once(host: Client, house: House, flat: Property) -> None:
    booking = stay_in(flat)
    house.settle()
    code = AccessGrant.objects.get().code
    answer = press(host, booking, "change_days", arrival="2027-03-05", departure="2027-03-07")
    assert "now begins Fri 5 Mar 2027, 15:00 CET instead of Wed 3 Mar" in told(answer)
    assert "and now ends Sun 7 Mar" in told(answer)
    house.settle()
    assert requests_sent() == ["post", "put"]
    (pin,) = house.ours(flat.locks.get())
    assert (pin.value, pin.body.start) == (code, flat.check_in_on(day(3, 5)))


def test_a_stay_that_began_keeps_its_arrival(
    host: Client, house: House, flat: Property, clock: time_machine.Traveller
) -> None:
    booking = stay_in(flat, arrives=1)
    clock.move_to(booking.check_in + DAY)
    page = host.get(f"/stays/{booking.pk}/").content.decode()
    assert 'name="departure"' in page
    assert 'name="arrival"' not in page
    press(host, booking, "change_days", arrival="2027-02-01", departure="2027-03-05")
    booking.refresh_from_db()
    assert (booking.arrival_date, booking.departure_date) == (day(3, 1), day(3, 5))


def test_an_overlap_is_warned_of_and_not_refused(host: Client, flat: Property) -> None:
    booking, following = stay_in(flat), stay_in(flat, arrives=8, leaves=10, guest_name="Ben")
    answer = press(host, booking, "late_check_out", until="16:00")
    assert "warning: Overlaps with another stay here: Ben, 8 Mar to 10 Mar 2027" in told(answer)
    assert ends(booking) > following.check_in


@pytest.mark.parametrize(
    ("action", "typed", "field", "message"),
    [
        ("late_check_out", {"until": "noon"}, "until", "Enter a time such as 13:30."),
        ("late_check_out", {}, "until", "Enter a time such as 13:30."),
        ("late_check_out", {"hours": "99"}, "hours", "99 is not one of the available choices"),
        ("change_days", {"arrival": "2027-03-03", "departure": "soon"}, "departure", "Enter a day such as 2027-03-08"),
        ("change_days", {"arrival": "2027-03-03", "departure": ""}, "departure", "Choose a day."),
        ("change_days", {"arrival": "2027-03-03", "departure": "2072-03-09"}, "", ""),
        ("change_days", {"arrival": "2027-03-03", "departure": "0027-03-09"}, "departure", "Check the year"),
        ("change_days", {"arrival": "2027-02-27", "departure": "2027-03-08"}, "arrival", "That day is past."),
        ("change_days", {"arrival": "2027-03-09", "departure": "2027-03-08"}, "departure", "before the arrival"),
        ("change_days", {"arrival": "2027-03-08", "departure": "2027-03-08"}, "departure", "before or when it begins"),
    ],
)
def test_an_impossible_time_is_explained_beside_the_field_and_kept(
    host: Client, flat: Property, action: str, typed: dict[str, str], field: str, message: str
) -> None:
    booking = stay_in(flat)
    answer = press(host, booking, action, **typed)
    if not field:  # allowed, with a warning
        assert "Is the year right?" in told(answer)
        return
    assert message in errors(answer)[field][0]
    assert ends(booking) == booking.check_out
    page = answer.content.decode()
    assert message in page or field == "hours"
    assert all(f'value="{value}"' in page for name, value in typed.items() if value and name != "hours")
    assert not LogEntry.objects.exists()
    assert f'hx-get="/stays/{booking.pk}/"' in page  # the part that renews itself asks the page, not the action


@pytest.mark.parametrize("nonsense", ["", "yesterday", "2027-03-03 2027-03-08", "x" * 999, "9999-12-31T23:59:59+00:00"])
def test_a_forged_seen_changes_nothing(host: Client, flat: Property, nonsense: str) -> None:
    booking = stay_in(flat)
    for action, typed in (("late_check_out", {"hours": "1"}), ("change_days", {"arrival": "2027-03-03"})):
        answer = host.post(f"/stays/{booking.pk}/{action}/", {"seen": nonsense, "departure": "2027-03-09", **typed})
        assert answer.status_code == 422
    assert ends(booking) == booking.check_out


def test_times_that_are_past_are_refused(host: Client, flat: Property, clock: time_machine.Traveller) -> None:
    booking = stay_in(flat, arrives=1, leaves=2)
    clock.move_to(booking.check_out + timedelta(minutes=90))
    assert "12:00 CET is past already" in errors(press(host, booking, "late_check_out", hours="1"))["until"][0]
    assert "is past already" in errors(press(host, booking, "late_check_out", until="12:15"))["until"][0]
    assert [one for one, _ in host.get(f"/stays/{booking.pk}/").context["forms"]["late_check_out"].choices()] == [2]


def test_a_check_out_before_the_check_in_is_refused(host: Client, flat: Property) -> None:
    begins = datetime(2027, 3, 2, 20, tzinfo=UTC)
    booking = stay_in(flat, check_in=begins, check_out=begins + HOUR, follows_property_times=False)
    answer = press(host, booking, "late_check_out", until="09:00")
    assert errors(answer)["until"][0] == (
        "Tue 2 Mar 2027, 09:00 CET is not after the check-in, Tue 2 Mar 2027, 21:00 CET. Enter a later time."
    )


def test_a_time_that_the_clocks_skip_is_explained(host: Client, flat: Property) -> None:
    booking = stay_in(flat, arrives=3, leaves=28)
    answer = press(host, booking, "late_check_out", until="02:30")
    assert "The clocks skip 02:30 on the day of the departure" in told(answer)


def test_a_persons_time_wins_over_the_calendar_and_says_so(host: Client, house: House, flat: Property) -> None:
    feed = feed_of(flat)
    listed = [airbnb("one@airbnb.com", day(3, 3), day(3, 8), "HMABCDEFGH")]
    take(feed, listed)
    booking = Booking.objects.get()
    answer = press(host, booking, "late_check_out", hours="1")
    assert "It came from a calendar; what you set stays, whatever the calendar says." in told(answer)
    assert "You set the departure to Mon 8 Mar 2027, 12:00 CET" in host.get(f"/stays/{booking.pk}/").content.decode()
    take(feed, [airbnb("one@airbnb.com", day(3, 3), day(3, 9), "HMABCDEFGH")])
    assert ends(booking) == booking.check_out + HOUR
    booking.refresh_from_db()
    back = press(host, booking, "change_days", arrival="2027-03-03", departure="2027-03-09")
    assert "It came from a calendar" in told(back).splitlines()[-1]  # 12:00 still differs


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "tentative"}, "It gets a code as soon as it is confirmed."),
        (
            {"check_in": datetime(2027, 9, 1, tzinfo=UTC), "check_out": datetime(2027, 9, 4, tzinfo=UTC)},
            "It gets its code when",
        ),
    ],
)
def test_a_stay_without_a_code_says_so(host: Client, flat: Property, fields: dict[str, Any], said: str) -> None:
    answer = press(host, stay_in(flat, **fields), "late_check_out", hours="1")
    assert said in told(answer)
    assert not PinAttempt.objects.exists()


def test_a_revoked_code_stays_revoked(host: Client, house: House, flat: Property) -> None:
    booking = stay_in(flat)
    house.settle()
    host.post(f"/stays/{booking.pk}/revoke/")
    house.settle()
    assert "Its code stays revoked." in told(press(host, booking, "late_check_out", hours="1"))
    assert "The code works" not in host.get(f"/stays/{booking.pk}/").content.decode()
    assert "The code works" not in host.get(f"/admin/rentals/booking/{booking.pk}/change/").content.decode()
    house.settle()
    assert house.ours(flat.locks.get()) == []


def test_a_cancelled_stay_is_not_moved(host: Client, flat: Property) -> None:
    booking = stay_in(flat, status="cancelled")
    answer = press(host, booking, "late_check_out", hours="1")
    assert "The booking is cancelled" in errors(answer)["__all__"][0]
    assert "late_check_out" not in host.get(f"/stays/{booking.pk}/").content.decode()


def test_a_viewer_moves_nothing(client: Client, flat: Property) -> None:
    client.force_login(viewer())
    booking = stay_in(flat)
    assert "late_check_out" not in client.get(f"/stays/{booking.pk}/").content.decode()
    for action in ("late_check_out", "change_days"):
        assert press(client, booking, action, hours="1").status_code == 403
        assert client.post(f"/admin/rentals/booking/{booking.pk}/{action.replace('_', '-')}/").status_code == 403
    assert ends(booking) == booking.check_out


def test_the_admin_adds_hours_by_one_press_too(host: Client, house: House, flat: Property) -> None:
    booking = stay_in(flat)
    house.settle()
    page = host.get(f"/admin/rentals/booking/{booking.pk}/change/").content.decode()
    assert "Leave 2 h later, at 13:00" in page
    address = f"/admin/rentals/booking/{booking.pk}/late-check-out/"
    answer = host.post(address, {"seen": seen(booking), "hours": "2"})
    assert "The same code will work" in told(answer)
    assert ends(booking) == booking.check_out + 2 * HOUR
    answer = host.post(address, {"seen": seen(booking), "until": "13:15"})
    assert "error" in told(answer)
    assert "The stay was changed meanwhile" in told(answer)
    assert LogEntry.objects.count() == 1
