"""Items of Booking.com that swallow their neighbours, by days alone."""

from __future__ import annotations

from datetime import date

from rentals.calendars.decide.joined_events import Held, split_grown
from rentals.calendars.events import Event


def event(first: int, last: int, uid: str = "new") -> Event:
    return Event(uid=uid, starts=date(2027, 3, first), ends=date(2027, 3, last), summary="CLOSED - Not available")


def held(first: int, last: int, *, uid: str = "old", begun: bool = False) -> Held:
    return Held(uid, date(2027, 3, first), date(2027, 3, last), begun)


def pieces(events: list[Event], stays: list[Held]) -> list[tuple[int, int, bool]]:
    split = split_grown(events, stays)
    new = {key.part for key in split.remainders}
    return [(one.starts.day, one.ends.day, one.part in new and bool(one.part)) for one in split.events]


def test_what_grows_over_a_check_out_keeps_the_stay_and_leaves_a_rest() -> None:
    assert pieces([event(10, 18)], [held(10, 14)]) == [(10, 14, False), (14, 18, True)]
    assert pieces([event(10, 18)], [held(10, 14, uid="new")]) == [(10, 14, False), (14, 18, True)]


def test_stays_inside_and_the_gaps_between_them() -> None:
    found = pieces([event(8, 25)], [held(10, 14), held(16, 20)])
    assert found == [(8, 10, True), (10, 14, False), (14, 16, True), (16, 20, False), (20, 25, True)]


def test_two_stays_that_touch_and_fill_the_item_leave_nothing() -> None:
    assert pieces([event(10, 18)], [held(10, 14), held(14, 18)]) == [(10, 14, False), (14, 18, False)]


def test_a_running_stay_may_have_lost_its_beginning() -> None:
    assert pieces([event(12, 18)], [held(10, 14, begun=True)]) == [(12, 14, False), (14, 18, True)]
    assert pieces([event(12, 14)], [held(10, 14, begun=True)]) == [(12, 14, False)]


def test_an_earlier_beginning_is_another_guest_unless_the_uid_says_otherwise() -> None:
    assert pieces([event(10, 18)], [held(14, 18)]) == [(10, 14, True), (14, 18, False)]
    assert pieces([event(10, 18)], [held(14, 18, uid="new")]) == [(10, 18, False)]


def test_what_is_listed_by_itself_as_well_is_no_part_of_the_other() -> None:
    assert pieces([event(10, 18), event(10, 14, "x")], [held(10, 14)]) == [(10, 18, False), (10, 14, False)]


def test_shrinking_and_moving_are_no_growth() -> None:
    assert pieces([event(10, 12)], [held(10, 14)]) == [(10, 12, False)]
    assert pieces([event(12, 13)], [held(10, 14)]) == [(12, 13, False)]
    assert pieces([event(20, 24)], [held(10, 14)]) == [(20, 24, False)]
