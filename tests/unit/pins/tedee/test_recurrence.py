"""Weekdays and daily hours of a PIN: built, sent, and read in every shape that they may come back in."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from pins.tedee.fields import UnreadableError
from pins.tedee.messages import PinBody, Recurrence, RemotePin

TEN, SIX = time(10), time(18)
OFFICE = Recurrence(31, TEN, SIX)


def read(**extra: object) -> Recurrence | None:
    return RemotePin.from_json({"id": 1, "alias": "a", "pin": "192837", **extra}).recurrence


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((0,), "1 to 127"),
        ((128,), "1 to 127"),
        ((-1,), "1 to 127"),
        ((31, TEN), "a start and an end"),
        ((31, None, TEN), "a start and an end"),
        ((127,), "no recurrence"),
        ((), "no recurrence"),
        ((31, TEN.replace(tzinfo=UTC), SIX), "plain times"),
    ],
)
def test_what_is_no_recurrence_cannot_be_built(arguments: tuple[object, ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Recurrence(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((127, None, None), None),
        ((127, time(0), time(23, 59)), None),
        ((31, time(0), time(0)), Recurrence(31)),
        ((31, None, time(23, 59, 59)), Recurrence(31)),
        ((127, TEN, SIX), Recurrence(127, TEN, SIX)),
        ((127, TEN, None), Recurrence(127, TEN, time(0))),
    ],
)
def test_a_wish_is_made_plain(arguments: tuple[int, time | None, time | None], expected: Recurrence | None) -> None:
    assert Recurrence.of(*arguments) == expected


def test_a_wish_with_impossible_weekdays_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 127"):
        Recurrence.of(0, TEN, SIX)


def test_only_what_restricts_is_sent_in_a_create_and_all_in_an_update() -> None:
    body = PinBody("Cleaner", "739105", recurrence=OFFICE)
    hours = {"dayStartTime": "2021-10-01T10:00:00.000Z", "dayEndTime": "2021-10-01T18:00:00.000Z"}

    assert body.to_json() == {"alias": "Cleaner", "pin": "739105", **hours, "weekDays": 31}
    assert body.to_put_json() == {
        "alias": "Cleaner",
        "pin": "739105",
        "startDate": None,
        "endDate": None,
        **hours,
        "weekDays": 31,
    }


@pytest.mark.parametrize(
    ("recurrence", "sent"),
    [
        (Recurrence(48), {"weekDays": 48}),
        (
            Recurrence(day_start=time(0), day_end=time(6, 30)),
            {"dayStartTime": "2021-10-01T00:00:00.000Z", "dayEndTime": "2021-10-01T06:30:00.000Z"},
        ),
        (None, {}),
    ],
)
def test_weekdays_alone_and_hours_alone(recurrence: Recurrence | None, sent: dict[str, object]) -> None:
    body = PinBody("a", "739105", datetime(2027, 3, 3, 14, tzinfo=UTC), None, recurrence)
    expected = {"alias": "a", "pin": "739105", "startDate": "2027-03-03T14:00:00.000Z", **sent}

    assert body.to_json() == expected
    empty = dict.fromkeys(("endDate", "dayStartTime", "dayEndTime", "weekDays"))
    assert body.to_put_json() == {**empty, **expected}


WHOLE_DAYS: list[tuple[object, object]] = [
    (None, None),
    ("", ""),
    ("2021-10-01T00:00:00.000Z", "2021-10-01T23:59:00.000Z"),
    ("2021-10-01T00:00:00Z", "2021-10-01T23:59:59.999Z"),
    ("2021-10-01T00:00:00.000Z", "2021-10-01T23:59:59.9999999Z"),
    ("2021-10-01T00:00:00", "2021-10-02T00:00:00"),
    ("2021-10-01T00:00Z", "2021-10-01T24:00Z"),
    ("2021-10-01T00:00:00.000Z", "2021-10-01T24:00:00.000Z"),
    ("00:00:00", "24:00:00"),
    ("00:00", "23:59"),
    ("00:00:00", "1.00:00:00"),
    ("2021-10-01T00:00:00.000Z", None),
    (None, "2021-10-01T23:59:00.000Z"),
]


@pytest.mark.parametrize(("start", "end"), WHOLE_DAYS)
@pytest.mark.parametrize("weekdays", [None, 0, 127, "127"])
def test_all_day_on_every_day_is_no_recurrence(weekdays: object, start: object, end: object) -> None:
    assert read(weekDays=weekdays, dayStartTime=start, dayEndTime=end) is None


@pytest.mark.parametrize(("start", "end"), WHOLE_DAYS)
@pytest.mark.parametrize("weekdays", [48, "48"])
def test_all_day_on_some_days_is_weekdays_alone(weekdays: object, start: object, end: object) -> None:
    assert read(weekDays=weekdays, dayStartTime=start, dayEndTime=end) == Recurrence(48)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2021-10-01T10:00:00.000Z", "2021-12-31T18:00:00.000Z"),
        ("2027-03-03T10:00Z", "2027-03-03T18:00Z"),
        ("2021-10-01T12:00:00+02:00", "2021-10-01T18:00:00"),
        ("10:00:00", "18:00:00"),
        ("10:00", "18:00:00.000Z"),
    ],
)
def test_hours_are_utc_times_of_day_whatever_the_date(start: str, end: str) -> None:
    assert read(dayStartTime=start, dayEndTime=end, weekDays=31) == OFFICE
    assert read(dayStartTime=start, dayEndTime=end) == Recurrence(127, TEN, SIX)


def test_a_missing_end_of_the_hours_is_midnight() -> None:
    assert read(dayStartTime="2021-10-01T10:00:00.000Z") == Recurrence(127, TEN, time(0))
    assert read(dayEndTime="2021-10-01T18:00:00.000Z") == Recurrence(127, time(0), SIX)


@pytest.mark.parametrize("recurrence", [OFFICE, Recurrence(1), Recurrence(127, time(22), time(6)), None])
def test_what_is_sent_reads_back_the_same(recurrence: Recurrence | None) -> None:
    body = PinBody("a", "192837", recurrence=recurrence)
    for fields in (body.to_json(), body.to_put_json()):
        assert RemotePin.from_json({"id": 1, **fields}).recurrence == recurrence


@pytest.mark.parametrize(
    "fields",
    [
        {"weekDays": 128},
        {"weekDays": -1},
        {"weekDays": "Monday"},
        {"weekDays": True},
        {"weekDays": [1]},
        {"dayStartTime": "ten"},
        {"dayEndTime": 10},
    ],
)
def test_a_recurrence_that_cannot_be_read_is_not_none(fields: dict[str, object]) -> None:
    with pytest.raises(UnreadableError):
        read(**fields)
