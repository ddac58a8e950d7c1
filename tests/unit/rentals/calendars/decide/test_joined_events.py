"""Items of Booking.com that swallow their neighbours, by days alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from rentals.calendars.decide.joined_events import Elsewhere, Held, split_grown
from rentals.calendars.decide.placing import Key
from rentals.calendars.events import Event


def event(first: int, last: int, uid: str = "new") -> Event:
    return Event(uid=uid, starts=date(2027, 3, first), ends=date(2027, 3, last), summary="CLOSED - Not available")


def held(first: int, last: int, *, uid: str = "old", begun: bool = False) -> Held:
    return Held(uid, date(2027, 3, first), date(2027, 3, last), begun)


def pieces(
    events: list[Event], stays: list[Held], longer: list[Held] | None = None, elsewhere: Elsewhere | None = None
) -> list[tuple[int, int, bool]]:
    split = split_grown(events, stays, longer or [], elsewhere or Elsewhere())
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


AN_INSTANT = datetime(2027, 3, 10, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    "whole",
    [
        replace(event(10, 18), status="CANCELLED"),
        replace(event(10, 18), starts=AN_INSTANT),
        replace(event(10, 18), ends=datetime(2027, 3, 18, 10, tzinfo=UTC)),
    ],
)
def test_what_is_cancelled_or_has_times_is_not_cut(whole: Event) -> None:
    assert split_grown([whole], [held(10, 14)]).events == (whole,)
    assert split_grown([whole], [], (), all_of(held(10, 14))).events == (whole,)


def test_an_event_that_only_catches_up_with_a_longer_stay_is_not_cut() -> None:
    assert pieces([event(10, 18)], [held(10, 14)], [held(10, 18)]) == [(10, 18, False)]
    assert pieces([event(12, 18)], [held(10, 14, begun=True)], [held(10, 18, begun=True)]) == [(12, 18, False)]
    assert pieces([event(10, 18)], [held(10, 14)], [held(10, 17)]) == [(10, 14, False), (14, 18, True)]


def test_a_running_stay_that_is_listed_by_itself_without_its_first_days_is_no_part_of_another() -> None:
    both = [event(9, 18), event(12, 14, "x")]
    assert pieces(both, [held(10, 14, begun=True)]) == [(9, 18, False), (12, 14, False)]
    # Not begun, it would have been listed from its first day on: the other event is another stay.
    assert pieces(both, [held(10, 14)])[0] == (9, 10, True)
    # One that begins on the check-out day, or has the same end and begins before the stay, is another as well.
    for other in (event(14, 16, "x"), event(8, 14, "x")):
        assert pieces([event(9, 18), other], [held(10, 14, begun=True)])[0] == (9, 10, True)


def test_of_stays_that_overlap_the_latest_item_counts() -> None:
    old, new = replace(held(10, 14), order=1), replace(held(12, 16), order=2)
    assert pieces([event(10, 20)], [old, new]) == [(10, 12, True), (12, 16, False), (16, 20, True)]
    assert pieces([event(10, 20)], [replace(old, order=3), new]) == [(10, 14, False), (14, 20, True)]
    touching = [replace(held(14, 18), order=2), replace(held(10, 14), order=1)]
    assert pieces([event(10, 20)], touching) == [(10, 14, False), (14, 18, False), (18, 20, True)]


def test_a_rest_that_was_cut_before_and_should_be_looked_at_stays_so() -> None:
    rest = replace(held(14, 18), piece=True, marked=True)
    assert pieces([event(10, 18)], [held(10, 14), rest]) == [(10, 14, False), (14, 18, True)]
    grown = replace(held(14, 18, uid="new"), piece=True)
    assert pieces([event(10, 18)], [grown]) == [(10, 14, True), (14, 18, False)]  # a rest has no earlier arrival


def all_of(*stays: Held, **facts: object) -> Elsewhere:
    return Elsewhere(stays, joins=lambda _: True, **{"longest_rest": 30, **facts})  # type: ignore[arg-type]


OTHER = held(14, 18, uid="")


@pytest.mark.parametrize(
    ("whole", "known", "elsewhere", "expected"),
    [
        (event(10, 20), [], all_of(OTHER), [(10, 14, True), (14, 18, False), (18, 20, True)]),
        (event(10, 20), [held(10, 14)], all_of(OTHER), [(10, 14, False), (14, 18, False), (18, 20, True)]),
        (event(10, 20), [], Elsewhere([OTHER], longest_rest=30), [(10, 20, False)]),  # the channel does not join
        (event(14, 18), [], all_of(OTHER), [(14, 18, False)]),  # an echo of it
        (event(10, 20), [], all_of(held(14, 21, uid="")), [(10, 20, False)]),
        (event(10, 20), [], all_of(held(9, 14, uid="")), [(10, 20, False)]),
        (event(10, 20), [held(12, 16)], all_of(OTHER), [(10, 12, True), (12, 16, False), (16, 20, True)]),
        (event(10, 20), [], all_of(OTHER, longest_rest=6), [(10, 14, True), (14, 18, False), (18, 20, True)]),
        (event(10, 20), [], all_of(OTHER, longest_rest=5), [(10, 20, False)]),  # closed days rather than a stay
        # A guest of this calendar is in the house: nothing cuts that stay.
        (event(10, 20), [held(9, 12, uid="new", begun=True)], all_of(OTHER), [(10, 12, False), (12, 20, True)]),
        (
            event(10, 20),
            [held(9, 10, uid="new", begun=True)],
            all_of(OTHER),
            [(10, 14, True), (14, 18, False), (18, 20, True)],
        ),
    ],
)
def test_stays_that_only_others_know_cut_what_the_channel_joined(
    whole: Event, known: list[Held], elsewhere: Elsewhere, expected: list[tuple[int, int, bool]]
) -> None:
    assert pieces([whole], known, elsewhere=elsewhere) == expected


def test_a_stay_elsewhere_that_is_listed_by_itself_is_no_part_of_the_other() -> None:
    both = [event(10, 20), event(14, 18, "x")]
    assert pieces(both, [], elsewhere=all_of(OTHER)) == [(10, 20, False), (14, 18, False)]


RUNNING = held(8, 12, uid="", begun=True)


@pytest.mark.parametrize(
    ("elsewhere", "cut"),
    [
        (all_of(RUNNING, cut_off_by=date(2027, 3, 10)), True),
        (all_of(RUNNING, cut_off_by=date(2027, 3, 9)), False),  # a row that begins later lost no beginning
        (all_of(replace(RUNNING, begun=False), cut_off_by=date(2027, 3, 10)), False),
        (all_of(held(8, 10, uid="", begun=True), cut_off_by=date(2027, 3, 10)), False),  # it only touches
        (all_of(RUNNING, held(14, 18, uid=""), cut_off_by=date(2027, 3, 10)), True),
        (all_of(RUNNING, held(18, 24, uid=""), cut_off_by=date(2027, 3, 10)), False),  # an overbooking
    ],
)
def test_a_row_may_begin_with_the_rest_of_a_running_stay(elsewhere: Elsewhere, cut: bool) -> None:
    assert ((10, 12, False) in pieces([event(10, 20)], [], elsewhere=elsewhere)) is cut


def test_the_rest_keeps_the_key_of_an_event_that_was_known_whole() -> None:
    known = [Key("new", "", "")]
    split = split_grown([event(10, 20)], [], (), all_of(OTHER, keys=known))
    assert [(one.starts.day, one.part) for one in split.events] == [
        (10, ""),
        (14, "from 2027-03-14"),
        (18, "from 2027-03-18"),
    ]
    assert split.remainders == {Key("new", "", ""), Key("new", "", "from 2027-03-18")}
    fresh = split_grown([event(10, 20)], [], (), all_of(OTHER))
    assert [one.part for one in fresh.events] == ["from 2027-03-10", "from 2027-03-14", "from 2027-03-18"]
    filled = split_grown([event(14, 22)], [], (), all_of(OTHER, held(18, 22, uid=""), keys=known))
    assert [one.part for one in filled.events] == ["", "from 2027-03-18"]  # nothing is left: the first has it
    behind = split_grown([event(14, 20)], [], (), all_of(OTHER, keys=known))
    assert [one.part for one in behind.events] == ["from 2027-03-14", ""]  # the only rest comes last
    own = split_grown([event(10, 20)], [held(10, 14, uid="new")], (), all_of(OTHER, keys=known))
    assert own.events[0].part == "from 2027-03-10"  # its own stay is inside
