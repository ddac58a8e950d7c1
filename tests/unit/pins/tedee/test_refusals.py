from __future__ import annotations

import pytest

from pins.simulator.rules import BodyRefusedError, read_body, value_problems
from pins.tedee.refusals import what_is_named
from tests.support.facts import NOW


@pytest.mark.parametrize(
    ("message", "about"),
    [
        ("Alias cannot be longer than 20 characters.", "alias"),
        ("The length of 'Alias' must be 20 characters or fewer.", "alias"),
        ("Pin alias is too long.", "alias"),
        ("The alias of the pin has forbidden characters.", "alias"),
        ("The pin's name is already used.", "alias"),
        ("pin_alias", "alias"),
        ("Pin length must be in range 5-8.", "value"),
        ("Pin value does not meet validation requirements.", "value"),
        ("pin must contain at least 3 different digits", "value"),
        ("The code is too simple", "value"),
        ("It can contain only numeric characters", "value"),
        ("startDate cannot be in the past.", "period"),
        ("Pin start date must be before its end date.", "period"),
        ("The start of the pin must be a date.", "period"),
        ("dayStartTime is not a time.", "period"),
        ("weekDays must be a number from 1 to 127.", "period"),
        ("The pin and its alias are not valid.", ""),
        ("Pin 12345 has no endDate.", ""),
        ("The request was invalidated by an update.", ""),
        ("Something went wrong.", ""),
        ("", ""),
    ],
)
def test_one_message(message: str, about: str) -> None:
    assert what_is_named({"errorMessages": [message]}) == about


@pytest.mark.parametrize(
    ("body", "about"),
    [
        ({"errorMessages": ["Alias is too long.", "alias has spaces"]}, "alias"),
        ({"errorMessages": ["Alias is too long.", "Pin is too short."]}, ""),
        ({"errorMessages": ["endDate is past.", "Pin is too short."]}, ""),
        ({"errorMessages": "Alias is too long."}, "alias"),
        ({"errorMessages": [None, 5, {"alias": 1}]}, ""),
        ({"errorMessages": None}, ""),
        ({"title": "One or more validation errors occurred.", "errors": {"Alias": ["too long"]}}, "alias"),
        ({"errors": {"StartDate": ["x"], "EndDate": ["y"]}}, "period"),
        ({"errors": {"Pin": ["739105"]}}, "value"),
        ({"errors": ["alias"]}, ""),
        ({}, ""),
        (None, ""),
        ([], ""),
        ("alias", ""),
    ],
)
def test_a_whole_body(body: object, about: str) -> None:
    assert what_is_named(body) == about


@pytest.mark.parametrize("value", ["", "1234", "123456789", "12a45", "11122", "12345"])
def test_the_simulators_words_about_values_are_understood(value: str) -> None:
    for message in value_problems(value):
        assert what_is_named({"errorMessages": [message]}) == "value"


@pytest.mark.parametrize(
    ("body", "about"),
    [
        (b'{"alias": "abcdef", "pin": "739105"}', "alias"),
        (b'{"alias": "a", "pin": "739105", "startDate": "2020-01-01T00:00:00.000Z"}', "period"),
        (b'{"alias": "a", "pin": "739105", "endDate": "soon"}', "period"),
    ],
)
def test_the_simulators_other_words_are_understood(body: bytes, about: str) -> None:
    with pytest.raises(BodyRefusedError) as refused:
        read_body(body, now=NOW, reject_past_start=True, max_alias=5)

    assert what_is_named({"errorMessages": list(refused.value.messages)}) == about
