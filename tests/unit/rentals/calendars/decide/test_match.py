"""Which event is which stay: each way to know one again, and what must not pass for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rentals.calendars.decide.identity import trace_of
from rentals.calendars.decide.known import Known
from rentals.calendars.decide.match import Matching, match
from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.events import UNNAMED, Guest, Verdict

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
TODAY = date(2027, 3, 10)


def at(day: int, hour: int) -> datetime:
    return datetime.combine(date(2027, 3, day), time(hour), tzinfo=UTC)


def item(number: int, first: int, last: int, **facts: Any) -> Known:
    """An item with a stay, under the UID of its number; check-in at three, check-out at eleven."""
    usual = Known(
        id=number,
        key=Key(f"uid-{number}", "", ""),
        verdict=Verdict.STAY,
        starts_on=date(2027, 3, first),
        ends_on=date(2027, 3, last),
        begins_at=at(first, 15),
        ends_at=at(last, 11),
        until=date(2027, 3, last),
        holds_stay=True,
    )
    return replace(usual, **facts)


def event(
    uid: str, first: int, last: int, *, name: str = "", code: str = "", verdict: Verdict = Verdict.STAY
) -> Arrival:
    return Arrival(
        key=Key(uid, "", ""),
        verdict=verdict,
        reason="",
        summary="",
        starts_on=date(2027, 3, first),
        ends_on=date(2027, 3, last),
        starts_at=at(first, 15),
        ends_at=at(last, 11),
        guest=Guest(name=name, reservation_code=code),
    )


def matched(known: list[Known], *arrivals: Arrival) -> Matching:
    return match(known, arrivals, now=NOW, today=TODAY)


def pairs(known: list[Known], *arrivals: Arrival) -> dict[str, int]:
    """The UIDs that came, each with the item that it belongs to."""
    return {came.key.uid: one.id for one, came in matched(known, *arrivals).pairs}


NO_UID = f"{UNNAMED}abc"
TRACE = trace_of("Anna Roe", "HM1")

#: What is known under `uid-1`, and an event with the same UID that is the same stay.
SAME_UID_SAME_STAY = [
    (item(1, 20, 24), event("uid-1", 20, 24)),
    (item(1, 20, 24), event("uid-1", 26, 30)),  # moved before it began
    (item(1, 8, 14), event("uid-1", 9, 16)),  # in progress, and some of it stays
    (item(1, 8, 14, name="Anna Roe"), event("uid-1", 8, 20, name="Ben Coe")),  # nobody else arrived that day
    (item(1, 20, 24, name="Anna Roe"), event("uid-1", 20, 24, name="Ben Coe")),  # a corrected name
    (item(1, 20, 24, name="Anna Roe"), event("uid-1", 25, 28, name="A. Roe")),
    (item(1, 20, 24, code="HM1"), event("uid-1", 20, 24, verdict=Verdict.QUARANTINED, code="HM2")),
    (item(1, 20, 24, code="HM1"), event("uid-1", 27, 29, code="hm1")),
    (item(1, 20, 24), event("uid-1", 20, 24, verdict=Verdict.CANCELLED)),
    (item(1, 20, 24, decided=True), event("uid-1", 20, 24, verdict=Verdict.BLOCK)),
    (item(1, 20, 24, holds_stay=False), event("uid-1", 20, 24, verdict=Verdict.MARKER)),
    (item(1, 2, 4, holds_stay=False, name="Anna Roe"), event("uid-1", 20, 24, name="Ben Coe")),
    (item(1, 20, 24, gone=True), event("uid-1", 20, 24)),
    (item(1, 20, 24, gone=True, name="Anna Roe"), event("uid-1", 20, 24, name="A. Roe")),
    (item(1, 20, 24, gone=True, name="Anna Roe"), event("uid-1", 27, 29, name="Roe, Anna")),
    (item(1, 20, 24, gone=True, code="HM1"), event("uid-1", 27, 29, code="HM1")),
    (item(1, 20, 24, gone=True), event("uid-1", 27, 29, verdict=Verdict.CANCELLED)),
    (item(1, 20, 24, forgotten=True, trace=TRACE), event("uid-1", 20, 24, code="HM1")),
    (item(1, 20, 24, key=Key(NO_UID, "", "")), event(NO_UID, 20, 24)),
]

#: The same UID, which the channel has given to somebody else.
SAME_UID_OTHER_STAY = [
    (item(1, 20, 24, code="HM1"), event("uid-1", 20, 24, code="HM2")),
    (item(1, 8, 14), event("uid-1", 20, 24)),  # who is in the house does not arrive once more
    (item(1, 8, 14), event("uid-1", 14, 18)),
    (item(1, 8, 14, name="Anna Roe"), event("uid-1", 9, 14, name="Ben Coe", verdict=Verdict.CANCELLED)),
    (item(1, 20, 24, name="Anna Roe"), event("uid-1", 20, 26, name="Ben Coe")),
    (item(1, 20, 24), event("uid-1", 20, 24, verdict=Verdict.BLOCK)),
    (item(1, 20, 24), event("uid-1", 20, 24, verdict=Verdict.MARKER)),
    (item(1, 20, 24, gone=True), event("uid-1", 27, 29)),
    (item(1, 20, 24, gone=True), event("uid-1", 20, 25)),
    (item(1, 20, 24, gone=True, name="Anna Roe"), event("uid-1", 20, 24, name="Ben Coe")),
    (item(1, 20, 24, forgotten=True, trace=TRACE), event("uid-1", 20, 24, code="HM2")),
    (item(1, 20, 24, key=Key(NO_UID, "", ""), name="Anna Roe"), event(NO_UID, 20, 24, name="Ben Coe")),
]


@pytest.mark.parametrize(("one", "came"), SAME_UID_SAME_STAY)
def test_a_uid_names_the_same_stay(one: Known, came: Arrival) -> None:
    found = matched([one], came)
    assert (found.pairs, found.fresh, found.missing, found.displaced) == ([(one, came)], [], [], [])


@pytest.mark.parametrize(("one", "came"), SAME_UID_OTHER_STAY)
def test_a_uid_that_the_channel_uses_for_somebody_else(one: Known, came: Arrival) -> None:
    found = matched([one], came)
    assert (found.pairs, found.fresh, found.missing, found.displaced) == ([], [came], [one], [one])


#: Under a new UID, the same stay.
NEW_UID_SAME_STAY = [
    # by its code
    (item(1, 20, 24, code="HM1"), event("new", 20, 24, code="hm1")),
    (item(1, 20, 24, code="HM1"), event("new", 26, 29, code="HM1", name="Somebody")),
    (item(1, 8, 14, code="HM1"), event("new", 9, 16, code="HM1")),
    (item(1, 20, 24, code="HM1", gone=True), event("new", 26, 29, code="HM1")),
    (item(1, 20, 24, code="HM1"), event("new", 20, 24, code="HM1", verdict=Verdict.CANCELLED)),
    # in progress, and its first days are cut off
    (item(1, 8, 14), event("new", 10, 14)),
    (item(1, 8, 14), event("new", 11, 14)),
    (item(1, 8, 14), event("new", 8, 14, verdict=Verdict.TENTATIVE)),
    (item(1, 8, 14, code="HM1"), event("new", 10, 14)),
    (item(1, 8, 14, name="Anna Roe"), event("new", 10, 14)),
    (item(1, 8, 14, holds_stay=False, verdict=Verdict.REVIEW), event("new", 10, 14)),
    (item(1, 8, 14, holds_stay=False, verdict=Verdict.REVIEW), event("new", 11, 14)),
    (item(1, 10, 14, holds_stay=False, verdict=Verdict.REVIEW, begins_at=at(10, 8)), event("new", 11, 14)),
    (item(1, 8, 14, holds_stay=False, decided=True, verdict=Verdict.BLOCK), event("new", 10, 14)),
    # in progress, and longer elsewhere
    (item(1, 8, 12, until=date(2027, 3, 15)), event("new", 10, 15)),
    (item(1, 8, 12, until=date(2027, 3, 15)), event("new", 11, 15)),
    # by its days
    (item(1, 20, 24), event("new", 20, 24)),
    (item(1, 20, 24, name="Anna Roe"), event("new", 20, 24, name="ROE, Anna")),
    (item(1, 20, 24), event("new", 20, 24, verdict=Verdict.REVIEW)),
    (item(1, 20, 24, verdict=Verdict.BLOCK), event("new", 20, 24)),  # whatever it says, it holds a stay
    (item(1, 20, 24, verdict=Verdict.BLOCK, holds_stay=False), event("new", 20, 24, verdict=Verdict.BLOCK)),
    (item(1, 20, 24, verdict=Verdict.BLOCK, holds_stay=False, decided=True), event("new", 20, 24)),
    (item(1, 20, 24, forgotten=True, trace=TRACE), event("new", 20, 24, name="Anna Roe")),
    (item(1, 20, 24, forgotten=True, trace=TRACE), event("new", 20, 24, code="HM1", name="Somebody")),
    (item(1, 20, 24, forgotten=True), event("new", 20, 24, name="Somebody")),  # the channel may have renewed all UIDs
    # in the house, for another number of nights
    (item(1, 8, 14, name="Anna Roe"), event("new", 8, 20, name="Anna Roe")),
    (item(1, 8, 14, name="Anna Roe"), event("new", 8, 12, name="Anna Roe")),
]

#: Under a new UID, somebody else.
NEW_UID_OTHER_STAY = [
    (item(1, 8, 14, code="HM1"), event("new", 20, 24, code="HM1")),  # it began: that is another stay
    (item(1, 20, 24, code="HM1"), event("new", 26, 29, code="HM1", verdict=Verdict.BLOCK)),
    (item(1, 8, 14, code="HM1"), event("new", 10, 14, code="HM2")),
    (item(1, 8, 14, code="HM1"), event("new", 8, 14, code="HM2")),
    (item(1, 8, 14, name="Anna Roe"), event("new", 10, 14, name="Ben Coe")),
    (item(1, 8, 14), event("new", 12, 14)),  # neither today nor tomorrow
    (item(1, 8, 14), event("new", 7, 14)),
    (item(1, 8, 14), event("new", 10, 14, verdict=Verdict.BLOCK)),
    (item(1, 8, 14, gone=True, until=None), event("new", 10, 14)),
    (item(1, 8, 14, holds_stay=False, verdict=Verdict.BLOCK), event("new", 10, 14)),
    (item(1, 10, 14), event("new", 11, 14)),  # it begins this afternoon
    (item(1, 8, 10, until=None), event("new", 9, 10)),  # it ended this morning
    (item(1, 8, 14, forgotten=True, trace=TRACE, until=None), event("new", 10, 14, name="Ben Coe")),
    (item(1, 8, 12, until=date(2027, 3, 15)), event("new", 12, 15)),
    (item(1, 8, 12, until=date(2027, 3, 15)), event("new", 7, 15)),
    (item(1, 8, 11, until=date(2027, 3, 15)), event("new", 11, 15)),
    (item(1, 8, 13, until=date(2027, 3, 15)), event("new", 12, 15)),
    (item(1, 8, 12, until=date(2027, 3, 15), code="HM1"), event("new", 10, 15, code="HM2")),
    (item(1, 8, 12, until=date(2027, 3, 15), holds_stay=False), event("new", 10, 15)),
    (item(1, 8, 12, until=date(2027, 3, 15)), event("new", 10, 15, verdict=Verdict.MARKER)),
    (item(1, 10, 13, until=date(2027, 3, 15)), event("new", 11, 15)),
    (item(1, 20, 24, code="HM1"), event("new", 20, 24, code="HM2")),
    (item(1, 20, 24, name="Anna Roe"), event("new", 20, 24, name="A. Roe")),
    (item(1, 20, 24, name="Anna Roe"), event("new", 20, 24)),
    (item(1, 20, 24, gone=True), event("new", 20, 24)),
    (item(1, 20, 24), event("new", 20, 25)),
    (item(1, 20, 24), event("new", 20, 24, verdict=Verdict.BLOCK)),
    (item(1, 20, 24, verdict=Verdict.BLOCK, holds_stay=False), event("new", 20, 24)),
    (item(1, 20, 24, forgotten=True, trace=TRACE), event("new", 20, 24, name="Ben Coe")),
    (item(1, 20, 24, forgotten=True, trace=TRACE), event("new", 20, 24, name="Anna Roe", code="HM2")),
    (item(1, 8, 14), event("new", 8, 20)),
    (item(1, 8, 14, name="Anna Roe"), event("new", 9, 20, name="Anna Roe")),
    (item(1, 8, 14, name="Anna Roe", holds_stay=False), event("new", 8, 20, name="Anna Roe")),
    (item(1, 8, 14, name="Anna Roe", code="HM1"), event("new", 8, 20, name="Anna Roe", code="HM2")),
    (item(1, 20, 24, name="Anna Roe"), event("new", 20, 26, name="Anna Roe")),
    # a day that could not be read
    (item(1, 8, 12, starts_on=None, until=date(2027, 3, 15)), event("new", 10, 15)),
    (item(1, 8, 12, ends_on=None, until=date(2027, 3, 15)), event("new", 10, 15)),
    (item(1, 8, 12, until=date(2027, 3, 15)), replace(event("new", 10, 15), starts_on=None)),
    (item(1, 8, 14, starts_on=None, until=None), event("new", 10, 14)),
    (item(1, 8, 14, until=None), replace(event("new", 10, 14), starts_on=None)),
    (item(1, 20, 24, starts_on=None, ends_on=None), replace(event("new", 20, 24), starts_on=None, ends_on=None)),
]


@pytest.mark.parametrize(("one", "came"), NEW_UID_SAME_STAY)
def test_a_stay_is_known_again_under_a_new_uid(one: Known, came: Arrival) -> None:
    found = matched([one], came)
    assert (found.pairs, found.fresh, found.missing, found.displaced) == ([(one, came)], [], [], [])


@pytest.mark.parametrize(("one", "came"), NEW_UID_OTHER_STAY)
def test_somebody_else_under_a_new_uid(one: Known, came: Arrival) -> None:
    found = matched([one], came)
    assert (found.pairs, found.fresh, found.missing, found.displaced) == ([], [came], [one], [])


def test_of_several_items_the_same_days_come_first_then_what_was_not_given_up_then_the_oldest() -> None:
    first, second, third = (item(number, 20 + number, 28, code="HM1") for number in (1, 2, 3))
    assert pairs([first, second, third], event("new", 22, 28, code="HM1")) == {"new": 2}
    assert pairs([first, second, third], event("new", 25, 29, code="HM1")) == {"new": 1}
    assert pairs([third, second], event("new", 25, 29, code="HM1")) == {"new": 2}
    assert pairs([replace(first, gone=True), second, third], event("new", 25, 29, code="HM1")) == {"new": 2}
    assert pairs([replace(first, gone=True), second], event("new", 21, 28, code="HM1")) == {"new": 1}


def test_an_item_belongs_to_one_event_and_of_two_with_one_code_the_live_one_is_the_stay() -> None:
    one = item(1, 20, 24, code="HM1")
    dead, live = event("dead", 20, 24, code="HM1", verdict=Verdict.CANCELLED), event("live", 21, 25, code="HM1")
    assert pairs([one], dead, live) == {"live": 1}
    assert matched([one], dead, live).fresh == [dead]
    assert pairs([one, item(2, 26, 28, code="HM1")], dead, live) == {"live": 1, "dead": 2}


def test_items_without_a_code_are_not_one_by_their_missing_code() -> None:
    assert pairs([item(1, 20, 24)], event("new", 26, 29)) == {}


def test_a_displaced_item_may_be_known_again_under_another_uid() -> None:
    one = item(1, 20, 24, code="HM1")
    other, moved = event("uid-1", 26, 29, code="HM2"), event("new", 20, 24, code="HM1")
    found = matched([one], other, moved)
    assert (found.pairs, found.fresh, found.missing, found.displaced) == ([(one, moved)], [other], [], [one])


def test_where_other_guests_kept_their_uids_a_new_one_is_no_forgotten_guest() -> None:
    forgotten = item(1, 20, 24, forgotten=True)
    neighbour, same = item(2, 26, 29, name="Ben Coe"), event("uid-2", 26, 29, name="Ben Coe")
    named, nameless = event("new", 20, 24, name="Cleo Doe"), event("new", 20, 24)
    assert pairs([forgotten, neighbour], same, named) == {"uid-2": 2}
    assert pairs([forgotten, neighbour], same, event("new", 20, 24, code="HM9")) == {"uid-2": 2}
    assert pairs([forgotten, neighbour], same, nameless) == {"uid-2": 2, "new": 1}
    # A nameless neighbour, or one that is forgotten as well, does not show whether guests keep their UIDs.
    for silent in (replace(neighbour, name=""), replace(neighbour, forgotten=True)):
        assert pairs([forgotten, silent], event("uid-2", 26, 29), named) == {"uid-2": 2, "new": 1}


def test_a_stay_in_progress_keeps_its_row_although_the_rows_behind_it_are_numbered_anew() -> None:
    rows = [item(1, 8, 14), item(2, 15, 17), item(3, 18, 20)]
    assert pairs(rows, event("uid-1", 8, 13), event("uid-2", 8, 14), event("uid-3", 15, 17))["uid-1"] == 1
    to_come = [item(1, 11, 14), *rows[1:]]
    assert pairs(to_come, event("uid-1", 11, 13), event("uid-2", 11, 14), event("uid-3", 15, 17))["uid-2"] == 1


def test_days_that_were_free_and_are_taken_again_are_another_guests() -> None:
    free, kept = item(1, 20, 24, seen_free=True), item(2, 26, 29)
    again, same = event("new", 20, 24), event("uid-2", 26, 29)
    found = matched([free, kept], same, again)
    assert (found.rebooked, found.fresh, found.missing) == ([(free, again)], [again], [free])
    assert matched([replace(free, seen_free=False), kept], same, again).rebooked == []
    assert pairs([free], again) == {"new": 1}  # a single row proves nothing


LETTERS = st.sampled_from(["", "Anna Roe", "Ben Coe", "A. Roe"])
CODES = st.sampled_from(["", "HM1", "HM2"])


@st.composite
def items(draw: st.DrawFn) -> list[Known]:
    count = draw(st.integers(0, 5))
    found = []
    for number in range(1, count + 1):
        first = draw(st.integers(1, 26))
        known = item(number, first, first + draw(st.integers(1, 4)), name=draw(LETTERS), code=draw(CODES))
        found.append(replace(known, gone=draw(st.booleans()), until=draw(st.none() | st.just(known.until))))
    return found


@st.composite
def events(draw: st.DrawFn) -> list[Arrival]:
    numbers = draw(st.lists(st.integers(1, 8), unique=True, max_size=6))
    found = []
    for number in numbers:
        first = draw(st.integers(1, 26))
        days = first, first + draw(st.integers(1, 4))
        verdict = draw(st.sampled_from(Verdict))
        found.append(event(f"uid-{number}", *days, name=draw(LETTERS), code=draw(CODES), verdict=verdict))
    return found


@settings(deadline=None, max_examples=60)
@given(items(), events())
def test_every_item_and_every_event_has_exactly_one_place(known: list[Known], arrivals: list[Arrival]) -> None:
    found = matched(known, *arrivals)
    placed = [one.id for one, _ in found.pairs] + [one.id for one in found.missing]
    assert sorted(placed) == [one.id for one in known]
    came = [arrival.key for _, arrival in found.pairs] + [arrival.key for arrival in found.fresh]
    assert sorted(came) == sorted(arrival.key for arrival in arrivals)
    assert all(one in found.missing and arrival in found.fresh for one, arrival in found.rebooked)


@settings(deadline=None, max_examples=30)
@given(items())
def test_a_calendar_that_says_the_same_again_changes_nothing(known: list[Known]) -> None:
    again = []
    for one in known:
        assert one.starts_on is not None
        assert one.ends_on is not None
        again.append(event(one.key.uid, one.starts_on.day, one.ends_on.day, name=one.name, code=one.code))
    found = matched(known, *again)
    assert [(one.key, came.key) for one, came in found.pairs] == [(one.key, one.key) for one in known]
    assert (found.missing, found.displaced) == ([], [])
