"""Whether two descriptions may speak of one guest: codes, names, and the trace that is left of a deleted one."""

from __future__ import annotations

import pytest

from rentals.calendars.decide.identity import (
    bare_words,
    codes_conflict,
    is_traced,
    is_traced_by_code,
    plain_name,
    same_code,
    trace_of,
)

TRACE = trace_of("Anna Nowak", "HM1")


@pytest.mark.parametrize(
    ("one", "other", "same", "conflict"),
    [
        ("HM1", "HM1", True, False),
        ("HM1", "hm1", True, False),
        ("HM1", "HM2", False, True),
        ("HM1", "", False, False),
        ("", "HM1", False, False),
        ("", "", False, False),  # nothing in common
    ],
)
def test_reservation_codes(one: str, other: str, same: bool, conflict: bool) -> None:
    assert (same_code(one, other), codes_conflict(one, other)) == (same, conflict)


def test_names_are_compared_without_case_accents_and_punctuation() -> None:
    assert plain_name("  Ann\u00e1  O'Neil-ROE. ") == "anna o neil roe"
    assert bare_words("\u00c5se (2)") == ["Ase", "2"]
    assert plain_name("...") == ""


def test_a_trace_is_twelve_bits_of_each_and_knows_its_guest_again() -> None:
    assert [len(half) for half in TRACE.split("-")] == [3, 3]
    assert trace_of("anna n\u00f3wak", " hm1 ") == TRACE
    assert trace_of("", "") == "-"
    assert (trace_of("Anna Nowak", "")[-1], trace_of("", "HM1")[0]) == ("-", "-")


@pytest.mark.parametrize(
    ("trace", "name", "code", "by_code", "by_either"),
    [
        (TRACE, "Anna Nowak", "HM1", True, True),
        (TRACE, "Ben Roe", "hm1", True, True),  # the code tells, whatever the name
        (TRACE, "Anna Nowak", "HM2", False, False),
        (TRACE, "Anna Nowak", "", None, True),
        (TRACE, "Ben Roe", "", None, False),
        (TRACE, "", "", None, None),
        (trace_of("Anna Nowak", ""), "Anna Nowak", "HM1", None, True),
        (trace_of("", "HM1"), "Anna Nowak", "", None, None),
        (trace_of("", ""), "Anna Nowak", "HM1", None, None),
        ("", "Anna Nowak", "HM1", None, None),  # kept before there were traces
    ],
)
def test_who_left_a_trace(trace: str, name: str, code: str, by_code: bool | None, by_either: bool | None) -> None:
    assert is_traced_by_code(trace, code) is by_code
    assert is_traced(trace, name, code) is by_either
