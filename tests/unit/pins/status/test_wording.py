"""Every state has a word and a sign, and every cause a sentence that a layman reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from pins.core.pin_state import Blocked, State
from pins.status import wording
from pins.status.wording import Standing
from pins.tedee.errors import Cause
from rentals.wording import Tone, brief, clock_time, counted, soon

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
WARSAW = ZoneInfo("Europe/Warsaw")


def standing(state: State, trouble: str = "", **changes: object) -> Standing:
    facts = {"wanted": True, "admitted": True, "issue_at": NOW - HOUR, "ends_at": NOW + HOUR, **changes}
    return Standing(state=state, trouble=trouble, **facts)  # type: ignore[arg-type]


def test_every_combination_has_a_word_and_only_a_code_that_opens_is_ready() -> None:
    for state, wanted, admitted, over, early, trouble in product(
        State, (True, False), (True, False), (True, False), (True, False), ("", *Cause, "budget", "crash")
    ):
        badge = wording.badge(
            standing(
                state,
                trouble,
                wanted=wanted,
                admitted=admitted,
                ends_at=NOW - HOUR if over else NOW + HOUR,
                issue_at=NOW + HOUR if early else NOW - HOUR,
            ),
            NOW,
        )
        assert badge.label
        assert badge.tone.sign
        if badge.tone is Tone.READY:
            assert state is State.SET
            assert wanted
            assert not over


@pytest.mark.parametrize(
    ("facts", "label"),
    [
        (standing(State.SET), "Ready"),
        (standing(State.SET, ends_at=NOW), "Being removed"),
        (standing(State.SCHEDULED, issue_at=NOW + HOUR), "Planned"),
        (standing(State.SCHEDULED), "On its way"),
        (standing(State.SETTING, "offline"), "Trying again"),
        (standing(State.SETTING, "unauthorized"), "Needs you"),
        (standing(State.BLOCKED), "Needs you"),
        (standing(State.IN_DOUBT, "timeout"), "Checking"),
        (standing(State.CHANGING), "Being changed"),
        (standing(State.SCHEDULED, admitted=False), "Waits for room"),
        (standing(State.REMOVED, wanted=False), "Removed"),
    ],
)
def test_states_are_called_as_people_call_them(facts: Standing, label: str) -> None:
    assert wording.badge(facts, NOW).label == label


def test_every_cause_and_block_has_a_sentence() -> None:
    for cause in (*Cause, "budget", "crash", "unheard of"):
        assert wording.reason(cause).endswith(".")
    for cause in wording.MUST_ACT:
        assert wording.remedy(cause)
    for blocked in Blocked:
        assert "press" in wording.blocked_reason(blocked).lower()
    assert wording.reason("offline", "14:05 CET") == "The lock is offline (since 14:05 CET)."
    assert "since" not in wording.reason("pin_exists", "14:05 CET")


def test_the_two_half_past_twos_of_an_autumn_night_read_differently() -> None:
    first, second = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert clock_time(first, WARSAW) == "02:30 CEST"
    assert clock_time(second, WARSAW) == "02:30 CET"


def test_moments_as_people_say_them() -> None:
    assert soon(NOW, NOW, WARSAW) == "now"
    assert soon(NOW + HOUR, NOW, WARSAW) == "11:00 CET"
    assert soon(NOW + 24 * HOUR, NOW, WARSAW) == "Tue 2 Mar 2027, 10:00 CET"
    assert brief(NOW, NOW, WARSAW) == "Mon 1 Mar, 10:00 CET"
    assert brief(NOW + 9000 * HOUR, NOW, WARSAW) == "Fri 10 Mar 2028, 10:00 CET"
    assert (counted(1, "lock"), counted(2, "lock")) == ("1 lock", "2 locks")
