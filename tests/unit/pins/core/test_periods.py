from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pins.core.periods import NO_END, NO_START, Period, stay_period
from rentals.local_time import local_moment

WARSAW = "Europe/Warsaw"
NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
APIA = "Pacific/Apia"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        (date(2027, 1, 15), time(15), WARSAW, utc(2027, 1, 15, 14)),
        (date(2027, 7, 15), time(15), WARSAW, utc(2027, 7, 15, 13)),
        # Spring: 02:00 becomes 03:00. The offset before the gap counts.
        (date(2027, 3, 28), time(1, 59, 59), WARSAW, utc(2027, 3, 28, 0, 59, 59)),
        (date(2027, 3, 28), time(2, 30), WARSAW, utc(2027, 3, 28, 1, 30)),
        (date(2027, 3, 28), time(3), WARSAW, utc(2027, 3, 28, 1)),
        (date(2027, 3, 28), time(11), WARSAW, utc(2027, 3, 28, 9)),
        # Autumn: 03:00 becomes 02:00. The first of the two counts.
        (date(2027, 10, 31), time(2, 30), WARSAW, utc(2027, 10, 31, 0, 30)),
        (date(2027, 10, 31), time(3), WARSAW, utc(2027, 10, 31, 2)),
        (date(2027, 3, 14), time(2, 30), NEW_YORK, utc(2027, 3, 14, 7, 30)),
        (date(2027, 3, 14), time(3), NEW_YORK, utc(2027, 3, 14, 7)),
        (date(2027, 11, 7), time(1, 30), NEW_YORK, utc(2027, 11, 7, 5, 30)),
        (date(2027, 11, 7), time(2), NEW_YORK, utc(2027, 11, 7, 7)),
        # Lord Howe moves by half an hour: +10:30 and +11.
        (date(2027, 10, 3), time(2, 15), LORD_HOWE, utc(2027, 10, 2, 15, 45)),
        (date(2027, 10, 3), time(2, 30), LORD_HOWE, utc(2027, 10, 2, 15, 30)),
        (date(2027, 4, 4), time(1, 45), LORD_HOWE, utc(2027, 4, 3, 14, 45)),
        (date(2027, 4, 4), time(2), LORD_HOWE, utc(2027, 4, 3, 15, 30)),
        # Apia left out 30 December 2011 when it crossed the date line.
        (date(2011, 12, 29), time(23, 59), APIA, utc(2011, 12, 30, 9, 59)),
        (date(2011, 12, 30), time(12), APIA, utc(2011, 12, 30, 22)),
        (date(2011, 12, 31), time(0), APIA, utc(2011, 12, 30, 10)),
        (date(2027, 3, 3), time(0), "Asia/Kathmandu", utc(2027, 3, 2, 18, 15)),
        (date(2027, 3, 3), time(15), "UTC", utc(2027, 3, 3, 15)),
    ],
)
def test_wall_times_become_instants(day: date, at: time, zone: str, expected: datetime) -> None:
    moment = local_moment(day, at, zone)
    assert moment == expected
    assert moment.tzinfo is UTC


def test_a_wall_time_in_the_gap_is_what_the_clock_shows_after_it() -> None:
    shown = local_moment(date(2027, 3, 28), time(2, 30), WARSAW).astimezone(ZoneInfo(WARSAW))
    assert shown.time() == time(3, 30)


def test_a_wall_time_that_comes_twice_is_the_first_even_when_marked_as_the_second() -> None:
    marked = time(2, 30, fold=1)
    assert local_moment(date(2027, 10, 31), marked, WARSAW) == utc(2027, 10, 31, 0, 30)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe", "a\x00b", "x" * 1000])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="zone is not known"):
        local_moment(date(2027, 3, 3), time(15), zone)


def test_a_wall_time_with_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone of its own"):
        local_moment(date(2027, 3, 3), time(15, tzinfo=UTC), WARSAW)


def test_moments_beyond_the_calendar_are_refused() -> None:
    with pytest.raises(ValueError, match="calendar"):
        local_moment(date.max, time(23), NEW_YORK)
    with pytest.raises(ValueError, match="calendar"):
        stay_period(
            datetime.max.replace(tzinfo=UTC) - timedelta(days=1), datetime.max.replace(tzinfo=UTC), late_minutes=5
        )
    with pytest.raises(ValueError, match="calendar"):
        Period(datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), utc(2027, 3, 3))


@pytest.mark.parametrize(
    ("check_in", "check_out", "hours"),
    [(date(2027, 3, 27), date(2027, 3, 28), 19), (date(2027, 10, 30), date(2027, 10, 31), 21)],
)
def test_a_night_with_a_clock_change_has_its_true_length(check_in: date, check_out: date, hours: int) -> None:
    stay = stay_period(local_moment(check_in, time(15), WARSAW), local_moment(check_out, time(11), WARSAW))
    assert stay.ends_at - stay.starts_at == timedelta(hours=hours)


def test_buffers_are_elapsed_minutes() -> None:
    stay = stay_period(utc(2027, 3, 28, 1, 30), utc(2027, 3, 30, 9), early_minutes=60, late_minutes=15)
    assert stay == Period(utc(2027, 3, 28, 0, 30), utc(2027, 3, 30, 9, 15))


def test_moments_of_other_zones_are_kept_in_utc() -> None:
    period = Period(datetime(2027, 3, 3, 15, tzinfo=ZoneInfo(WARSAW)), utc(2027, 3, 8))
    assert period.starts_at == utc(2027, 3, 3, 14)
    assert period.starts_at.tzinfo is UTC


def test_both_ends_are_rounded_down_so_that_meeting_stays_still_meet() -> None:
    edge = utc(2027, 3, 8, 10, 0, 0, 999_999)
    first, second = Period(utc(2027, 3, 3), edge), Period(edge, utc(2027, 3, 12))

    assert first.ends_at == second.starts_at == utc(2027, 3, 8, 10)
    assert not first.overlaps(second)


def test_a_period_is_half_open() -> None:
    period = Period(utc(2027, 3, 3), utc(2027, 3, 8))
    assert period.starts_at in period
    assert period.ends_at not in period
    assert period.overlaps(Period(utc(2027, 3, 7), utc(2027, 3, 9)))
    assert not period.overlaps(Period(utc(2027, 3, 1), utc(2027, 3, 3)))


@pytest.mark.parametrize(
    ("check_in", "check_out", "options"),
    [
        (utc(2027, 3, 3), utc(2027, 3, 3), {}),
        (utc(2027, 3, 3), utc(2027, 3, 2), {}),
        (utc(2027, 3, 3), utc(2027, 3, 3, 0, 0, 0, 5), {}),
        (utc(2027, 3, 3), utc(2027, 3, 2), {"late_minutes": 2000}),
        (utc(2027, 3, 3), utc(2027, 3, 8), {"early_minutes": -1}),
        (utc(2027, 3, 3), utc(2027, 3, 8), {"late_minutes": -1}),
        (datetime(2027, 3, 3), utc(2027, 3, 8), {}),
        (utc(2027, 3, 3), datetime(2027, 3, 8), {}),
    ],
)
def test_impossible_stays_are_refused(check_in: datetime, check_out: datetime, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"after its start|zero minutes|aware"):
        stay_period(check_in, check_out, **options)


@settings(deadline=None)
@given(
    day=st.dates(date(1990, 1, 1), date(2060, 1, 1)),
    at=st.times(),
    zone=st.sampled_from([WARSAW, NEW_YORK, LORD_HOWE, APIA, "Africa/Casablanca", "America/Caracas"]),
)
def test_a_moment_shows_its_wall_time_unless_the_clock_skipped_it(day: date, at: time, zone: str) -> None:
    at = at.replace(tzinfo=None)
    moment = local_moment(day, at, zone)
    shown = moment.astimezone(ZoneInfo(zone))
    wanted = datetime.combine(day, at)
    if shown.replace(tzinfo=None) != wanted:
        # Skipped: the clock shows a later time, and no instant at all shows the wanted one.
        assert shown.replace(tzinfo=None) > wanted
        assert (shown - timedelta(days=2)).utcoffset() != shown.utcoffset()
    assert shown.fold == 0 or shown.replace(tzinfo=None) != wanted


def test_what_stands_for_no_beginning_and_no_end_never_changes_because_it_is_stored() -> None:
    assert (utc(1970, 1, 1), utc(9000, 1, 1)) == (NO_START, NO_END)


def test_a_period_becomes_longer_and_never_shorter() -> None:
    period = Period(utc(2027, 3, 3), utc(2027, 3, 8))
    assert period.until(utc(2027, 3, 9)) == Period(utc(2027, 3, 3), utc(2027, 3, 9))
    assert period.until(utc(2027, 3, 7)) == period
