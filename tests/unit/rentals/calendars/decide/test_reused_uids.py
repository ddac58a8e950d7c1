"""Exports that give a stay's UID to another stay, and days that another guest took."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from rentals.calendars.decide.known import Known
from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.decide.rebooked import Rebooked
from rentals.calendars.decide.reused_uids import NumberedRows, UnnamedEvents
from rentals.calendars.events import UNNAMED, Guest, Verdict

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def item(uid: str, first: int, last: int, **facts: Any) -> Known:
    days = date(2027, 3, first), date(2027, 3, last)
    begins = datetime(2027, 3, first, 15, tzinfo=UTC)
    usual = {"holds_stay": True, **facts}
    return Known(first, Key(uid, "", ""), Verdict.STAY, *days, begins, begins + timedelta(days=last - first), **usual)


def came(uid: str, first: int, last: int, name: str = "", code: str = "", verdict: Verdict = Verdict.STAY) -> Arrival:
    days = date(2027, 3, first), date(2027, 3, last)
    return Arrival(Key(uid, "", ""), verdict, "", "", *days, guest=Guest(name=name, reservation_code=code))


def moved(known: list[Known], *arrivals: Arrival) -> list[str]:
    rows = NumberedRows(known, arrivals)
    return [one.key.uid for one in arrivals if rows.moved_down(one)]


FOUR = [item("1", 2, 4), item("2", 6, 8), item("3", 10, 12), item("4", 14, 16)]


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([came("1", 2, 4), came("2", 6, 8), came("3", 10, 12), came("4", 14, 16)], []),
        # The first stay left: all others moved up by one.
        ([came("1", 6, 8), came("2", 10, 12), came("3", 14, 16)], ["1", "2", "3"]),
        # The second one left: the first is as it was.
        ([came("1", 2, 4), came("2", 10, 12), came("3", 14, 16)], ["2", "3"]),
        # A new stay came before them: they moved down, and the last has a new row.
        ([came("1", 1, 2), came("2", 2, 4), came("3", 6, 8), came("4", 10, 12), came("5", 14, 16)], list("12345")),
        # A single one may have moved to days that were free.
        ([came("1", 6, 8), came("3", 10, 12), came("4", 14, 16)], []),
        # Days that their own row still has are not another row's former days.
        ([came("1", 6, 8), came("2", 6, 8), came("3", 10, 12), came("4", 14, 16)], []),
        ([came("1", 6, 8), came("2", 6, 8), came("3", 14, 16), came("4", 14, 16)], []),
        ([came("1", 6, 8, verdict=Verdict.BLOCK), came("2", 10, 12, verdict=Verdict.BLOCK)], []),
        ([came("1", 6, 8, "Anna"), came("2", 10, 12, "Ben")], []),  # names tell by themselves
    ],
)
def test_rows_that_are_numbered(arrivals: list[Arrival], expected: list[str]) -> None:
    assert moved(FOUR, *arrivals) == expected


def test_names_and_codes_tell_who_moved() -> None:
    named = [item("1", 2, 4, name="Anna"), item("2", 6, 8, name="Anna"), item("3", 10, 12, name="Anna")]
    assert moved(named, came("1", 6, 8, "Anna"), came("2", 10, 12, "Anna")) == []  # each says who it is
    people = [item("1", 2, 4, name="Anna"), item("2", 6, 8, name="Ben"), item("3", 10, 12, name="Cleo")]
    assert moved(people, came("1", 6, 8, "Ben"), came("2", 10, 12, "Cleo")) == ["1", "2"]
    assert moved(people, came("1", 6, 8, "Dan"), came("2", 10, 12, "Eve")) == []
    coded = [item("1", 2, 4, code="A"), item("2", 6, 8, code="B"), item("3", 10, 12, code="C")]
    assert moved(coded, came("1", 6, 8, code="A"), came("2", 10, 12, code="B")) == []
    assert moved(coded, came("1", 6, 8, code="B"), came("2", 10, 12, code="C")) == ["1", "2"]
    assert moved(coded, came("1", 6, 8, code="X"), came("2", 10, 12, code="Y")) == []
    free = [item("1", 2, 4, holds_stay=False), *FOUR[1:]]
    assert moved(free, came("1", 6, 8), came("2", 10, 12), came("3", 14, 16)) == ["2", "3"]


def test_events_without_a_uid_on_the_same_days_are_told_apart_by_their_names() -> None:
    uid = f"{UNNAMED}1"
    both = UnnamedEvents([came(uid, 2, 4, "Anna Roe"), came(uid, 2, 4, "Ben Coe"), came("x", 2, 4, "Cleo")])
    anna = item(uid, 2, 4, name="Anna Roe")
    assert both.is_another(anna, came(uid, 2, 4, "Ben Coe"))
    assert not both.is_another(anna, came(uid, 2, 4, "ANNA ROE"))
    assert not both.is_another(item(uid, 2, 4, name="Dan"), came(uid, 2, 4, "Ben Coe"))  # Dan is not listed beside
    assert not both.is_another(item("x", 2, 4, name="Ben Coe"), came("x", 2, 4, "Cleo"))
    assert not UnnamedEvents([]).is_another(anna, came(uid, 2, 4, "Ben Coe"))


FREE, KEPT = item("1", 10, 12, seen_free=True), item("2", 20, 22)
AGAIN, SAME = came("new", 10, 12), came("2", 20, 22)


def test_days_that_were_free_and_are_taken_again_by_a_new_row() -> None:
    assert Rebooked([FREE, KEPT], [AGAIN, SAME], NOW).is_another(FREE, AGAIN)


@pytest.mark.parametrize(
    ("one", "other", "arrivals", "now"),
    [
        (item("1", 10, 12), KEPT, [AGAIN, SAME], NOW),  # never seen free
        (item("1", 10, 12, seen_free=True, holds_stay=False), KEPT, [AGAIN, SAME], NOW),
        (FREE, KEPT, [AGAIN, SAME], NOW + timedelta(days=10)),  # it has begun
        (item("1", 10, 12, seen_free=True, name="Anna"), KEPT, [AGAIN, SAME], NOW),
        (FREE, KEPT, [came("new", 10, 12, "Anna"), SAME], NOW),
        (FREE, KEPT, [came("new", 10, 12, code="HM1"), SAME], NOW),
        (FREE, KEPT, [came("new", 10, 13), SAME], NOW),
        (FREE, KEPT, [came("new", 10, 12, verdict=Verdict.BLOCK), SAME], NOW),
        (FREE, KEPT, [came("2", 10, 12)], NOW),  # no new row
        (FREE, KEPT, [came(f"{UNNAMED}1", 10, 12), SAME], NOW),
        (FREE, KEPT, [AGAIN], NOW),  # no other row shows that UIDs are kept
        (FREE, item("2", 20, 22, gone=True), [AGAIN, SAME], NOW),
        (FREE, item("2", 20, 22, seen_free=True), [AGAIN, SAME], NOW),
        (FREE, item(f"{UNNAMED}2", 20, 22), [AGAIN, came(f"{UNNAMED}2", 20, 22)], NOW),
    ],
)
def test_without_one_of_the_signs_it_is_the_same_stay(
    one: Known, other: Known, arrivals: list[Arrival], now: datetime
) -> None:
    assert not Rebooked([one, other], arrivals, now).is_another(one, arrivals[0])


def test_a_channel_that_renews_another_rows_uid_may_have_renewed_this_one() -> None:
    renewed = item("3", 24, 26)
    arrivals = [AGAIN, SAME, came("fresh", 24, 26)]
    assert not Rebooked([FREE, KEPT, renewed], arrivals, NOW).is_another(FREE, AGAIN)
    assert Rebooked([FREE, KEPT, renewed], [AGAIN, SAME, came("fresh", 24, 27)], NOW).is_another(FREE, AGAIN)
    # A second row on the days of one that is still listed is no new name for it.
    assert Rebooked([FREE, KEPT], [AGAIN, SAME, came("fresh", 20, 22)], NOW).is_another(FREE, AGAIN)
