"""Turnovers: the gaps between stays."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rentals.published.turnovers import Stay, turnovers

WARSAW = ZoneInfo("Europe/Warsaw")
HOUR = timedelta(hours=1)


def at(day: int, hour: int) -> datetime:
    return datetime(2027, 3, day, hour, tzinfo=UTC)


def stay(key: int, first: datetime, last: datetime) -> Stay:
    return Stay(check_in=first, check_out=last, key=key)


def test_a_turnover_lasts_from_check_out_to_the_next_check_in() -> None:
    (one,) = turnovers([stay(1, at(1, 14), at(4, 10)), stay(2, at(6, 14), at(9, 10))], WARSAW)
    assert (one.starts_at, one.ends_at, one.length) == (at(4, 10), at(6, 14), 52 * HOUR)
    assert (one.leaves.key, one.arrives.key) == (1, 2)
    assert not one.same_day
    assert not one.overlaps


def test_no_turnover_before_the_first_guest_or_after_the_last() -> None:
    assert turnovers([], WARSAW) == ()
    assert turnovers([stay(1, at(1, 14), at(4, 10))], WARSAW) == ()


def test_who_arrives_on_the_day_of_a_check_out_is_flagged() -> None:
    (one,) = turnovers([stay(1, at(1, 14), at(4, 10)), stay(2, at(4, 14), at(9, 10))], WARSAW)
    assert one.same_day
    assert one.length == 4 * HOUR


def test_the_day_is_the_propertys_and_not_utcs() -> None:
    leaves, arrives = stay(1, at(1, 14), at(4, 22)), stay(2, at(4, 23), at(9, 10))
    (in_warsaw,) = turnovers([leaves, arrives], WARSAW)  # 23:00 on the 4th, 00:00 on the 5th
    (in_utc,) = turnovers([leaves, arrives], UTC)
    assert (in_warsaw.same_day, in_utc.same_day) == (False, True)


def test_a_gap_of_nothing_is_a_turnover_and_no_overlap() -> None:
    (one,) = turnovers([stay(1, at(1, 14), at(4, 12)), stay(2, at(4, 12), at(9, 10))], WARSAW)
    assert one.length == timedelta(0)
    assert one.same_day
    assert not one.overlaps


def test_an_arrival_before_the_check_out_is_flagged_as_an_overlap() -> None:
    (one,) = turnovers([stay(1, at(1, 14), at(6, 10)), stay(2, at(4, 14), at(9, 10))], WARSAW)
    assert one.overlaps
    assert one.length == -44 * HOUR


def test_a_stay_inside_a_longer_one_does_not_empty_the_property() -> None:
    long, inside, later = stay(1, at(1, 14), at(10, 10)), stay(2, at(3, 14), at(5, 10)), stay(3, at(12, 14), at(15, 10))
    first, second = turnovers([later, inside, long], WARSAW)
    assert first.overlaps
    assert (second.leaves.key, second.arrives.key, second.overlaps) == (1, 3, False)


MOMENTS = st.integers(0, 2000).map(lambda hours: at(1, 0) + hours * HOUR)
STAYS = st.lists(st.tuples(MOMENTS, st.integers(1, 300)), max_size=12).map(
    lambda parts: [stay(key, first, first + hours * HOUR) for key, (first, hours) in enumerate(parts)]
)


@given(STAYS, st.randoms(use_true_random=False))
def test_each_arrival_but_the_first_has_one_and_the_order_of_the_stays_does_not_matter(
    stays: list[Stay], chance: random.Random
) -> None:
    shuffled = list(stays)
    chance.shuffle(shuffled)
    found = turnovers(shuffled, WARSAW)
    assert found == turnovers(stays, WARSAW)
    assert len({one.arrives.key for one in found}) == len(found) == max(len(stays) - 1, 0)


@given(STAYS)
def test_nobody_is_in_the_property_during_a_turnover(stays: list[Stay]) -> None:
    for one in turnovers(stays, WARSAW):
        if not one.overlaps:
            assert not [stay for stay in stays if stay.check_in < one.ends_at and stay.check_out > one.starts_at]
