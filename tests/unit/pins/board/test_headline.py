"""The sentence that the board says first."""

from __future__ import annotations

import pytest

from pins.board.headline import Doubts, Headline, headline
from rentals.wording import Tone

READY, BUSY, WAITING, TROUBLE, ACT, OVER = (
    Tone.READY,
    Tone.BUSY,
    Tone.WAITING,
    Tone.TROUBLE,
    Tone.ACT,
    Tone.OVER,
)
LATE_ONE = "The guest who arrives in the next 24 hours cannot get in yet"
ALL_TWO = "Both guests who arrive in the next 24 hours can get in"
LOCKED_OUT = "every guest who left is locked out."


@pytest.mark.parametrize(
    ("arrivals", "outside", "staying", "words", "tone"),
    [
        ([], 0, 0, f"Nobody arrives in the next 24 hours, and {LOCKED_OUT}", READY),
        ([READY], 0, 0, f"The guest who arrives in the next 24 hours can get in, and {LOCKED_OUT}", READY),
        ([READY] * 3, 0, 0, f"All 3 guests who arrive in the next 24 hours can get in, and {LOCKED_OUT}", READY),
        ([BUSY], 0, 0, f"The guest who arrives in the next 24 hours cannot get in yet, but {LOCKED_OUT}", BUSY),
        ([WAITING], 0, 0, f"The guest who arrives in the next 24 hours cannot get in yet, but {LOCKED_OUT}", BUSY),
        (
            [READY, TROUBLE, BUSY],
            0,
            0,
            f"2 of 3 guests who arrive in the next 24 hours cannot get in yet, but {LOCKED_OUT}",
            TROUBLE,
        ),
        (
            [READY, TROUBLE, ACT],
            0,
            0,
            f"2 of 3 guests who arrive in the next 24 hours cannot get in yet, but {LOCKED_OUT}",
            ACT,
        ),
        # A code that was revoked for a guest who still arrives: a person took it away, a person should know.
        (
            [OVER, READY],
            0,
            0,
            f"1 of 2 guests who arrive in the next 24 hours cannot get in yet, but {LOCKED_OUT}",
            ACT,
        ),
        (
            [READY],
            0,
            1,
            "The guest who arrives in the next 24 hours can get in, but the code of a guest who left may still work.",
            ACT,
        ),
        (
            [BUSY],
            0,
            2,
            f"{LATE_ONE}, and the codes of 2 guests who left may still work.",
            ACT,
        ),
        (
            [],
            1,
            0,
            f"A guest who is due may stand before a closed door. Nobody arrives in the next 24 hours, and {LOCKED_OUT}",
            ACT,
        ),
        (
            [READY, READY],
            2,
            0,
            f"2 guests who are due may stand before a closed door. {ALL_TWO}, and {LOCKED_OUT}",
            ACT,
        ),
    ],
)
def test_the_answer(arrivals: list[Tone], outside: int, staying: int, words: str, tone: Tone) -> None:
    said = headline(arrivals, outside, staying)
    assert (said.words, said.tone) == (words, tone)
    assert said.words.endswith(".")


def test_a_newcomer_is_promised_nothing_but_hears_of_a_code_left_over() -> None:
    assert headline([], 0, 0, is_new=True) == Headline("Nobody is expected: there is no booking yet.", Tone.WAITING)
    assert "may still work" in headline([], 0, 1, is_new=True).words


@pytest.mark.parametrize(
    ("doubts", "said", "tone"),
    [
        (Doubts(undecided=1), "1 calendar row may be a stay", TROUBLE),
        (Doubts(undecided=2, urgent=True), "2 calendar rows may be stays", ACT),
        (Doubts(unconfirmed=1), "1 stay without a code is not confirmed", TROUBLE),
        (Doubts(held=2), "2 stays left their calendars", TROUBLE),
        (Doubts(review=1, unread=1), "1 stay needs a review, 1 calendar cannot be read in full", TROUBLE),
        (Doubts(lock_off=1), "1 stay has a lock that is switched off", TROUBLE),
    ],
)
@pytest.mark.parametrize("arrivals", [[], [READY], [READY, READY], [READY, BUSY]])
def test_while_something_is_not_certain_nobody_is_promised_to_get_in(
    arrivals: list[Tone], doubts: Doubts, said: str, tone: Tone
) -> None:
    found = headline(arrivals, 0, 0, doubts=doubts)
    assert found.words.endswith(f"Not certain: {said}.")
    assert found.tone is tone
    assert "can get in" not in found.words
    assert ("known to arrive" in found.words) == (BUSY not in arrivals)
    assert headline(arrivals, 0, 0, doubts=doubts, is_new=True).tone is tone
