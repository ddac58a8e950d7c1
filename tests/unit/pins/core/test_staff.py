"""Who works in a flat, and when its doors open for them: hours, weekdays, and gaps between stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pins.core.staff import (
    OPEN_GAP,
    OVER_MIDNIGHT,
    Mode,
    Part,
    Place,
    Span,
    Terms,
    following_days,
    gaps,
    refusals,
    wishes,
)
from pins.tedee.messages import Recurrence

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOCKS = frozenset({1, 2})
WARSAW = "Europe/Warsaw"
SCHEDULE = Terms(Mode.SCHEDULE)
TURNOVER = Terms(Mode.TURNOVER)


def place(*stays: tuple[datetime, datetime], zone: str = WARSAW) -> Place:
    return Place(7, zone, 30 * DAY, stays, LOCKS)


def stay(begins: float, ends: float) -> tuple[datetime, datetime]:
    """In hours from now."""
    return NOW + begins * HOUR, NOW + ends * HOUR


# -- fixed hours -------------------------------------------------------------------------------------------------------


def test_monday_to_friday_from_8_to_16_is_said_as_the_documents_say_it() -> None:
    (wish,) = wishes(replace(SCHEDULE, weekdays=31, day_start=time(8), day_end=time(16)), (), LOCKS, NOW)
    assert (wish.part, wish.span, wish.lock_ids) == (Part.HOURS, Span(None, None), LOCKS)
    assert wish.recurrence == Recurrence(31, time(8), time(16))


def test_an_access_without_limits_is_permanent() -> None:
    (wish,) = wishes(SCHEDULE, (), LOCKS, NOW)
    assert (wish.span, wish.recurrence, wish.issue_at) == (Span(None, None), None, None)


def test_days_without_hours_are_whole_days_and_a_period_is_kept() -> None:
    (wish,) = wishes(replace(SCHEDULE, weekdays=48, valid_from=NOW, valid_until=NOW + DAY), (), LOCKS, NOW)
    assert wish.recurrence == Recurrence(48)
    assert wish.span == Span(NOW, NOW + DAY)


def test_what_is_over_asks_for_nothing() -> None:
    assert wishes(replace(SCHEDULE, valid_until=NOW), (), LOCKS, NOW) == ()
    assert wishes(SCHEDULE, (), frozenset(), NOW) == ()


def test_until_midnight_ends_with_the_last_minute_of_the_day() -> None:
    (wish,) = wishes(replace(SCHEDULE, day_start=time(18), day_end=time(0)), (), LOCKS, NOW)
    assert wish.recurrence == Recurrence(127, time(18), time(23, 59))


def test_a_window_over_midnight_is_refused_with_the_reason_and_asks_for_nothing() -> None:
    night = replace(SCHEDULE, day_start=time(22), day_end=time(6))
    assert refusals(night) == (("day_end", OVER_MIDNIGHT),)
    assert wishes(night, (), LOCKS, NOW) == ()


def test_a_window_over_midnight_becomes_two_codes_where_the_person_agrees() -> None:
    night = replace(SCHEDULE, weekdays=64 + 16, day_start=time(22), day_end=time(6), two_codes=True)
    evening, morning = wishes(night, (), LOCKS, NOW)
    assert evening.recurrence == Recurrence(64 + 16, time(22), time(23, 59))
    assert morning.recurrence == Recurrence(1 + 32, time(0), time(6)), "Sunday's night ends on Monday"
    assert evening.key != morning.key


@given(st.integers(1, 127))
def test_every_day_has_one_that_follows(weekdays: int) -> None:
    days = [day for day in range(7) if weekdays >> day & 1]
    assert following_days(weekdays) == sum(1 << (day + 1) % 7 for day in days)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"weekdays": 0}, "weekdays"),
        ({"day_start": time(8)}, "day_end"),
        ({"day_end": time(8)}, "day_start"),
        ({"day_start": time(8), "day_end": time(8)}, "day_end"),
        ({"valid_from": NOW, "valid_until": NOW}, "valid_until"),
        ({"mode": Mode.TURNOVER, "day_start": time(22), "day_end": time(6), "two_codes": True}, "day_end"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_field(changes: dict[str, object], field: str) -> None:
    terms = replace(SCHEDULE, **changes)  # type: ignore[arg-type]
    assert [name for name, _ in refusals(terms)] == [field]
    assert wishes(terms, (place(stay(-5, 1), stay(5, 9)),), LOCKS, NOW) == ()


# -- gaps --------------------------------------------------------------------------------------------------------------


def test_a_gap_is_between_check_out_and_the_next_check_in() -> None:
    (wish,) = wishes(TURNOVER, [place(stay(-20, 2), stay(6, 30))], frozenset(), NOW)
    assert (wish.part, wish.property_id, wish.lock_ids) == (Part.GAP, 7, LOCKS)
    assert wish.span == Span(NOW + 2 * HOUR, NOW + 6 * HOUR)
    assert wish.issue_at == NOW + 2 * HOUR - 30 * DAY
    assert wish.recurrence is None


def test_margins_make_it_shorter_or_longer() -> None:
    terms = replace(TURNOVER, after_check_out=-HOUR / 2, before_check_in=HOUR)
    (wish,) = wishes(terms, [place(stay(-20, 2), stay(6, 30))], frozenset(), NOW)
    assert wish.span == Span(NOW + 1.5 * HOUR, NOW + 5 * HOUR)


def test_a_gap_that_is_over_or_too_short_is_passed_over() -> None:
    stays = (stay(-60, -50), stay(-40, 2), stay(2, 10), stay(10.5, 20), stay(24, 30))
    (wish,) = wishes(replace(TURNOVER, after_check_out=HOUR), [place(*stays)], frozenset(), NOW)
    assert wish.span == Span(NOW + 21 * HOUR, NOW + 24 * HOUR)


def test_after_the_last_known_guest_there_is_some_time() -> None:
    (wish,) = wishes(TURNOVER, [place(stay(-20, 2))], frozenset(), NOW)
    assert wish.span == Span(NOW + 2 * HOUR, NOW + 2 * HOUR + OPEN_GAP)
    assert wishes(TURNOVER, [place()], frozenset(), NOW) == ()


def test_a_window_of_the_day_of_change_is_a_period_without_hours() -> None:
    """Instants leave nothing to the clock of the lock."""
    terms = replace(TURNOVER, day_start=time(11), day_end=time(15))
    (wish,) = wishes(terms, [place(stay(-20, 1), stay(6, 30))], frozenset(), NOW)
    assert wish.span == Span(NOW + 1 * HOUR, NOW + 5 * HOUR), "11:00 to 15:00 in Warsaw"
    assert wish.recurrence is None


def test_a_gap_of_several_days_opens_at_the_hours_of_each() -> None:
    terms = replace(TURNOVER, weekdays=31, day_start=time(11), day_end=time(15))
    (wish,) = wishes(terms, [place(stay(-20, 3), stay(3 + 72, 99))], frozenset(), NOW)
    assert wish.span == Span(NOW + 3 * HOUR, NOW + 75 * HOUR)
    assert wish.recurrence == Recurrence(31, time(11), time(15))


def test_a_gap_without_a_window_is_passed_over() -> None:
    terms = replace(TURNOVER, weekdays=4)  # Wednesday
    wish = wishes(terms, [place(stay(-20, 1), stay(6, 30), stay(40, 62), stay(64, 90))], frozenset(), NOW)[0]
    assert wish.span == Span(NOW + 38 * HOUR, NOW + 40 * HOUR), "Wednesday 00:00 in Warsaw"


def test_the_window_follows_the_clock_on_the_wall_when_the_clocks_change() -> None:
    """On 28 March 2027 Warsaw's clocks go forward."""
    terms = replace(TURNOVER, day_start=time(11), day_end=time(15))
    for day, starts in ((27, 10), (28, 9)):
        leaves = datetime(2027, 3, day, 8, tzinfo=UTC)
        stays = ((leaves - 2 * DAY, leaves), (leaves + 8 * HOUR, leaves + DAY))
        (wish,) = wishes(terms, [place(*stays)], frozenset(), leaves)
        assert wish.span.starts_at == datetime(2027, 3, day, starts, tzinfo=UTC)


def test_shared_locks_open_at_fixed_hours_instead() -> None:
    terms = replace(TURNOVER, weekdays=31, day_start=time(9), day_end=time(17))
    shared, gap = wishes(terms, [place(stay(-20, 1), stay(6, 30))], frozenset({9}), NOW)
    assert (shared.part, shared.lock_ids) == (Part.SHARED, frozenset({9}))
    assert shared.recurrence == Recurrence(31, time(9), time(17))
    assert (gap.part, gap.lock_ids) == (Part.GAP, LOCKS)


_MOMENTS = st.integers(-14 * 48, 14 * 48).map(lambda halves: NOW + halves * HOUR / 2)
_STAYS = st.lists(
    st.tuples(_MOMENTS, st.integers(1, 7 * 48)).map(lambda one: (one[0], one[0] + one[1] * HOUR / 2)), max_size=12
)
_TIMES = st.integers(0, 47).map(lambda halves: time(halves // 2, halves % 2 * 30))
_TERMS = st.builds(
    Terms,
    st.just(Mode.TURNOVER),
    weekdays=st.integers(1, 127),
    day_start=st.none() | _TIMES,
    day_end=st.none() | _TIMES,
    after_check_out=st.integers(-4, 8).map(lambda halves: halves * HOUR / 2),
    before_check_in=st.integers(-4, 8).map(lambda halves: halves * HOUR / 2),
    valid_from=st.none() | _MOMENTS,
    valid_until=st.none() | _MOMENTS,
)


@given(_STAYS, _TERMS, st.sampled_from([WARSAW, "America/New_York", "Pacific/Kiritimati"]))
def test_no_turnover_code_works_during_a_stay_beyond_the_margins(
    stays: list[tuple[datetime, datetime]], terms: Terms, zone: str
) -> None:
    early, late = max(timedelta(0), -terms.after_check_out), max(timedelta(0), -terms.before_check_in)
    for wish in wishes(terms, [place(*stays, zone=zone)], frozenset(), NOW):
        starts_at, ends_at = wish.span.starts_at, wish.span.ends_at
        assert starts_at is not None
        assert ends_at is not None
        assert starts_at < ends_at
        assert ends_at > NOW
        for check_in, check_out in stays:
            assert not (starts_at < check_out - early and check_in + late < ends_at)
        assert terms.valid_from is None or starts_at >= terms.valid_from
        assert terms.valid_until is None or ends_at <= terms.valid_until
        assert terms.day_start is None or terms.day_start <= _wall(starts_at, zone)


def _wall(moment: datetime, zone: str) -> time:
    return moment.astimezone(ZoneInfo(zone)).time()


@given(_STAYS, _TERMS)
def test_gaps_lie_in_order_and_apart(stays: list[tuple[datetime, datetime]], terms: Terms) -> None:
    found = gaps(stays, replace(terms, after_check_out=timedelta(0), before_check_in=timedelta(0)))
    assert all(one.ends_at < other.starts_at for one, other in pairwise(found))
    assert len(found) >= bool(stays)
