"""The simulated cloud's own idea of a valid PIN and a valid body."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product

import pytest

from pins.simulator.rules import BodyRefusedError, PinBody, read_body, read_instant, value_problems

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
OTHER_BAD_VALUES = ("13579", "97531", "02468", True, ["4", "8"])


def body(**fields: object) -> bytes:
    return json.dumps({"alias": "Guest", "pin": "481516"} | fields).encode()


def read(raw: bytes) -> PinBody:
    return read_body(raw, now=NOW)


@pytest.mark.parametrize(("length", "accepted"), [(5, 98_136), (6, 996_780)])
def test_accepts_exactly_the_values_that_the_rules_leave(length: int, accepted: int) -> None:
    values = ("".join(digits) for digits in product("0123456789", repeat=length))
    assert sum(not value_problems(value) for value in values) == accepted


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "     ",
        481516,
        "4815",
        "481516234",
        "4815a6",
        "+48151",
        "٤٨١٥١٦",
        "48 516",
        "111112",
        "12345",
        "54321",
        *OTHER_BAD_VALUES,
    ],
)
def test_refuses_values_that_break_a_rule(value: object) -> None:
    assert value_problems(value)
    with pytest.raises(BodyRefusedError):
        read(body(pin=value))


@pytest.mark.parametrize("value", ["67890", "11123", "12344", "90817263"])
def test_accepts_values_that_only_look_simple(value: str) -> None:
    assert value_problems(value) == []


def test_reads_a_whole_body() -> None:
    checked = read(
        body(
            startDate="2027-03-03T14:00:00.000Z",
            endDate="2027-03-08T10:00:00.250Z",
            dayStartTime=None,
            dayEndTime=None,
            weekDays=48,
        )
    )
    assert checked == PinBody(
        "Guest",
        "481516",
        datetime(2027, 3, 3, 14, tzinfo=UTC),
        datetime(2027, 3, 8, 10, 0, 0, 250_000, tzinfo=UTC),
        week_days=48,
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"[]",
        b"[" * 60_000,
        b'{"alias": "Guest"}',
        b'{"pin": "481516"}',
        body(alias=""),
        body(alias=7),
        body(startdate="2027-03-03T14:00:00.000Z"),
        body(startDate="2027-03-03T14:00:00Z"),
        body(startDate="2027-03-03T14:00:00.000+01:00"),
        body(startDate="2027-03-03 14:00"),
        body(startDate="2027-02-30T14:00:00.000Z"),
        body(endDate=1_804_000_000),
        body(startDate="2027-03-03T14:00:00.000Z", endDate="2027-03-03T14:00:00.000Z"),
        body(startDate="2027-03-03T14:00:00.000Z", endDate="2027-03-02T14:00:00.000Z"),
        body(weekDays=0),
        body(weekDays=128),
        body(weekDays=True),
        body(weekDays="48"),
    ],
)
def test_refuses_bodies_that_break_a_rule(raw: bytes) -> None:
    with pytest.raises(BodyRefusedError):
        read(raw)


def test_refusal_lists_every_broken_rule_and_no_value() -> None:
    with pytest.raises(BodyRefusedError) as refused:
        read(body(alias="", pin="12345", weekDays=999))
    assert len(refused.value.messages) == 3
    assert "12345" not in str(refused.value)


def test_past_start_and_long_alias_are_refused_only_when_asked() -> None:
    past = body(startDate="2027-02-28T14:00:00.000Z", alias="x" * 31)
    assert read(past).alias == "x" * 31
    with pytest.raises(BodyRefusedError, match="past"):
        read_body(past, now=NOW, reject_past_start=True)
    with pytest.raises(BodyRefusedError, match="30 characters"):
        read_body(past, now=NOW, max_alias=30)


def test_value_is_not_in_the_repr_of_a_body() -> None:
    assert "481516" not in repr(read(body()))


def test_reads_only_the_documented_form_of_a_moment() -> None:
    assert read_instant("2027-03-03T14:00:00.001Z") == datetime(2027, 3, 3, 14, 0, 0, 1000, tzinfo=UTC)
    assert read_instant(None) is None
    with pytest.raises(ValueError, match="ISO 8601"):
        read_instant("٢٠٢٧-03-03T14:00:00.000Z")
