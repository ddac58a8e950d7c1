"""What a channel may hear of: names that are stored and sent, and what people choose from."""

from __future__ import annotations

import re

import pytest

from pins.core.notification_events import (
    ABOUT_INCIDENTS,
    CHOICES,
    CHOSEN_BY_DEFAULT,
    WITH_CODE,
    Event,
    Severity,
    severity,
)


def test_names_in_webhooks_and_stored_choices_never_change() -> None:
    assert [one.value for one in Event] == [
        "incident.opened",
        "incident.resolved",
        "code.ready",
        "code.changed",
        "stay.cancelled",
        "stay.left_early",
        "stay.nobody_came",
        "summary.daily",
        "test",
    ]
    assert [one.value for one in Severity] == ["urgent", "ordinary"]


def test_everything_but_the_summary_and_a_test_is_chosen_from() -> None:
    assert [value for value, _ in CHOICES] == [one for one in Event if one not in (Event.SUMMARY, Event.TEST)]
    assert CHOSEN_BY_DEFAULT == ("incident.opened", "incident.resolved")
    assert set(CHOSEN_BY_DEFAULT) == ABOUT_INCIDENTS


def test_a_choice_is_said_in_words() -> None:
    for _, label in CHOICES:
        assert re.fullmatch(r"[A-Z][a-z]* .*[a-z)]", label), label


def test_only_news_of_a_code_carry_it() -> None:
    assert {"code.ready", "code.changed"} == WITH_CODE


@pytest.mark.parametrize(("said", "told"), [("urgent", "urgent"), ("warning", "ordinary"), ("", "ordinary")])
def test_only_what_is_urgent_on_the_board_presses(said: str, told: str) -> None:
    assert severity(said) == told
