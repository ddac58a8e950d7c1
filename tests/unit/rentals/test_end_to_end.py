"""Which stay is the next one of the same guest. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rentals.end_to_end import Stay, following, is_same_guest

ZONE = ZoneInfo("Europe/Amsterdam")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OUT = datetime(2027, 5, 10, 9, tzinfo=UTC)  # 11:00 on the clock of the zone
FIRST = Stay(1, "Odalys Brink", OUT - 7 * DAY, OUT)


def later(pk: int = 2, name: str = "Odalys Brink", *, after: timedelta = 4 * HOUR, lasts: timedelta = 7 * DAY) -> Stay:
    return Stay(pk, name, OUT + after, OUT + after + lasts)


class TestSameGuest:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Odalys Brink", "Odalys Brink"),
            ("Odalys Brink", "BRINK, Odalys"),
            ("Zo\u00eb D\u00fcrr", "Zoe Durr"),
            ("Odalys", "Odalys Brink"),
            ("\u674e\u660e", "\u674e\u660e"),
        ],
    )
    def test_it_may_be_one_person(self, one: str, other: str) -> None:
        assert is_same_guest(one, other)
        assert is_same_guest(other, one)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Odalys Brink", "Jan Kowalski"),
            ("Odalys Brink", ""),
            ("", ""),
            *((word, word) for word in ("Guest", "Gast", "guest 2", "Reserved", "Busy", "Belegt", "Owner", "Airbnb")),
            *((word, word) for word in ("Booking.com guest", "Not available", "-", "12", "Cleaning", "TBA")),
            ("Guest", "Odalys Brink"),
        ],
    )
    def test_nobody_can_say_so(self, one: str, other: str) -> None:
        assert not is_same_guest(one, other)
        assert not is_same_guest(other, one)


class TestFollowing:
    @pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=1), 4 * HOUR, 12 * HOUR])
    def test_a_stay_that_begins_on_the_day_of_departure_follows(self, after: timedelta) -> None:
        found = later(after=after)
        assert following(FIRST, [found, FIRST], ZONE) == found

    @pytest.mark.parametrize("after", [-HOUR, 14 * HOUR, DAY, -8 * DAY])
    def test_one_that_overlaps_or_begins_on_another_day_does_not(self, after: timedelta) -> None:
        assert following(FIRST, [later(after=after)], ZONE) is None

    def test_the_first_of_several_follows(self) -> None:
        assert following(FIRST, [later(3, after=6 * HOUR), later(2)], ZONE) == later(2)

    @pytest.mark.parametrize(
        ("other", "follows"),
        [
            (Stay(9, "Jan Kowalski", OUT, OUT + 4 * HOUR), False),
            (Stay(9, "", OUT + HOUR, OUT + 2 * HOUR), False),
            (Stay(9, "Jan Kowalski", OUT - 9 * DAY, OUT + HOUR), False),
            (Stay(9, "Jan Kowalski", OUT + HOUR, OUT + 9 * DAY), False),
            (Stay(9, "O. Odalys Brink", OUT + HOUR, OUT + 2 * HOUR), True),  # the guest's own, a shorter stop
            (Stay(9, "Jan Kowalski", OUT - 3 * DAY, OUT), True),
            (
                Stay(9, "Jan Kowalski", OUT + 4 * HOUR, OUT + 9 * DAY),
                True,
            ),  # an overlap, told as such
        ],
    )
    def test_nobody_elses_stay_lies_between(self, other: Stay, follows: bool) -> None:
        assert (following(FIRST, [other, later()], ZONE) is not None) is follows

    @pytest.mark.parametrize(("zone", "follows"), [("Europe/Amsterdam", True), ("Pacific/Auckland", False)])
    def test_the_day_is_that_of_the_property(self, zone: str, follows: bool) -> None:
        """11:00 and 15:00 in Amsterdam lie on both sides of midnight in Auckland."""
        assert (following(FIRST, [later()], ZoneInfo(zone)) is not None) is follows

    @pytest.mark.parametrize("day", [datetime(2027, 3, 28, tzinfo=UTC), datetime(2027, 10, 31, tzinfo=UTC)])
    def test_a_clock_change_between_both_changes_nothing(self, day: datetime) -> None:
        """Out before the change, in after it, on one local day of 23 or 25 hours."""
        out, come = day.replace(hour=0, minute=15), day.replace(hour=21)
        first, second = Stay(1, "Odalys Brink", out - DAY, out), Stay(2, "Odalys Brink", come, come + DAY)
        assert following(first, [second], ZONE) == second

    @given(
        starts=st.lists(st.integers(0, 60), min_size=2, max_size=9),
        names=st.lists(st.sampled_from(["Odalys Brink", "Brink Odalys", "Jan Kowalski", ""]), min_size=9, max_size=9),
    )
    def test_whoever_follows_leaves_no_room_for_a_stranger(self, starts: list[int], names: list[str]) -> None:
        stays = [
            Stay(place, names[place], OUT + start * 4 * HOUR, OUT + (start + 1 + place % 5) * 4 * HOUR)
            for place, start in enumerate(starts)
        ]
        for stay in stays:
            found = following(stay, stays, ZONE)
            if found is None:
                continue
            assert is_same_guest(stay.guest_name, found.guest_name)
            assert timedelta(0) <= found.check_in - stay.check_out < DAY + HOUR
            for one in stays:
                inside = one.check_in < found.check_in and one.check_out > stay.check_out
                assert not inside or is_same_guest(stay.guest_name, one.guest_name)
