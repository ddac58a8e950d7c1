"""The sentences of the demo."""

from __future__ import annotations

from datetime import date

import pytest

from pins.stack.story import PinSeen, Storyteller, days, effort


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2027, 3, 3), date(2027, 3, 8), "3-8 Mar"),
        (date(2027, 2, 28), date(2027, 3, 3), "28 Feb-3 Mar"),
        (date(2026, 12, 30), date(2027, 1, 2), "30 Dec 2026-2 Jan 2027"),
    ],
)
def test_days_are_as_short_as_they_can_be(first: date, last: date, text: str) -> None:
    assert days(first, last) == text


def pin(state: str, *attempts: tuple[int, str, str], over: bool = False, wanted: bool = True) -> PinSeen:
    return PinSeen("3-8 Mar, Anna at Attic", "Front door", state, wanted, over, attempts)


def test_a_stay_is_told_from_code_to_check_out() -> None:
    teller = Storyteller({})
    failed, done = (1, "post", "busy"), (2, "post", "")
    assert teller.tell({1: pin("scheduled")}) == []
    assert teller.tell({1: pin("setting", failed)}) == []
    assert teller.tell({1: pin("set", failed, done)}) == [
        "Stay 3-8 Mar, Anna at Attic: code set on Front door (2 tries, lock was busy)"
    ]
    assert teller.tell({1: pin("set", failed, done)}) == []
    gone = pin("removed", failed, done, (3, "delete", ""), over=True)
    assert teller.tell({1: gone}) == ["Stay 3-8 Mar, Anna at Attic: code removed from Front door after check-out"]


def test_a_change_and_a_cancellation_are_told_as_such() -> None:
    teller = Storyteller({1: pin("set", (1, "post", ""))})
    assert teller.tell({1: pin("changing", (1, "post", ""))}) == []
    (changed,) = teller.tell({1: pin("set", (1, "post", ""), (2, "put", ""))})
    assert "code updated on Front door" in changed
    (gone,) = teller.tell({1: pin("removed", (1, "post", ""), (2, "put", ""), (3, "delete", ""), wanted=False)})
    assert gone.endswith("removed from Front door because the stay changed")


def test_doubt_is_told_once() -> None:
    teller = Storyteller({})
    assert len(teller.tell({1: pin("in_doubt", (1, "post", "timeout"))})) == 1
    assert teller.tell({1: pin("in_doubt", (1, "post", "timeout"), (2, "list", "busy"))}) == []


def test_a_stay_that_never_had_a_code_ends_without_a_word() -> None:
    assert Storyteller({}).tell({1: pin("removed", over=True)}) == []


def test_what_the_last_start_did_is_not_told_again() -> None:
    assert Storyteller({1: pin("set", (1, "post", "busy"))}).tell({1: pin("set", (1, "post", "busy"))}) == []


def test_reasons_are_counted_and_unknown_ones_left_out() -> None:
    assert effort([(1, "post", "busy"), (2, "post", "busy"), (3, "list", ""), (4, "post", "")]) == (
        " (3 tries, lock was busy 2 times)"
    )
    assert effort([(1, "post", "crash")]) == ""
    assert effort([(1, "list", "timeout")]) == " (no answer in time)"
