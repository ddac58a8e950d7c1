"""An item of the last import beside an event: time in common, and what speaks for another guest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rentals.calendars.decide.known import Known, is_other_by_days, is_other_guest, overlaps
from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.events import Guest, Verdict

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = Key("a", "", "")
ONE = Known(1, KEY, Verdict.STAY, date(2027, 3, 10), date(2027, 3, 11), NOW, NOW + 5 * HOUR)


def came(begins: int = 0, ends: int = 5, *, name: str = "", code: str = "", verdict: Verdict = Verdict.STAY) -> Arrival:
    guest = Guest(name=name, reservation_code=code)
    return Arrival(KEY, verdict, "", "", starts_at=NOW + begins * HOUR, ends_at=NOW + ends * HOUR, guest=guest)


@pytest.mark.parametrize(
    ("begins", "ends", "common"),
    [(0, 5, True), (1, 2, True), (-1, 6, True), (4, 6, True), (5, 6, False), (-1, 0, False), (-1, 1, True)],
)
def test_times_that_only_meet_have_nothing_in_common(begins: int, ends: int, common: bool) -> None:
    assert overlaps(ONE, came(begins, ends)) is common


def test_where_a_time_is_not_known_nothing_is_in_common() -> None:
    assert not overlaps(replace(ONE, begins_at=None), came())
    assert not overlaps(replace(ONE, ends_at=None), came())
    assert not overlaps(ONE, replace(came(), starts_at=None))
    assert not overlaps(ONE, replace(came(), ends_at=None))


def test_a_stay_begins_and_ends_at_its_moments() -> None:
    assert (ONE.begun(NOW), ONE.begun(NOW - HOUR)) == (True, False)
    assert (ONE.ended(NOW + 5 * HOUR), ONE.ended(NOW + 4 * HOUR)) == (True, False)
    unknown = replace(ONE, begins_at=None, ends_at=None)
    assert (unknown.begun(NOW), unknown.ended(NOW)) == (False, False)


@pytest.mark.parametrize(
    ("known", "event", "guest", "by_days"),
    [
        (("", ""), ("", ""), False, False),
        (("", "HM1"), ("", "HM2"), True, True),
        (("", "HM1"), ("", ""), False, False),
        (("Anna Roe", ""), ("Roe, Anna", ""), False, False),
        (("Anna Roe", ""), ("Ben Coe", ""), True, True),
        (("Anna Roe", ""), ("A. Roe", ""), True, True),
        (("Anna Roe", ""), ("", ""), False, True),  # it names the guest no more
        (("", ""), ("Anna Roe", ""), False, False),
        (("Anna Roe", "HM1"), ("Ben Coe", "HM1"), True, True),
    ],
)
def test_another_guest(known: tuple[str, str], event: tuple[str, str], guest: bool, by_days: bool) -> None:
    one = replace(ONE, name=known[0], code=known[1])
    arrival = came(name=event[0], code=event[1])
    assert (is_other_guest(one, arrival), is_other_by_days(one, arrival)) == (guest, by_days)
    block = replace(arrival, verdict=Verdict.BLOCK)
    assert is_other_by_days(one, block) is guest  # closed days name nobody


def test_on_days_that_were_given_up_a_first_name_is_another_guests() -> None:
    gone = replace(ONE, gone=True)
    assert is_other_by_days(gone, came(name="Anna Roe"))
    assert not is_other_by_days(gone, came())
    assert not is_other_by_days(replace(gone, name="Anna Roe"), came(name="Anna Roe"))


def test_who_has_neither_name_nor_code_is_nameless() -> None:
    assert ONE.is_nameless
    assert replace(ONE, name="...").is_nameless
    assert not replace(ONE, name="Anna").is_nameless
    assert not replace(ONE, code="HM1").is_nameless
