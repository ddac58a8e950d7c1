"""What the story says when a calendar changes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pins.stack.calendar_news import FeedSeen, StaySeen, differences

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

HOUR = timedelta(hours=1)


def test_stays_that_left_a_calendar_are_no_new_identities() -> None:
    stays = {1: StaySeen("3-8 Mar", "confirmed")}
    listed = FeedSeen("Airbnb", stays, frozenset({"a"}))
    left = FeedSeen("Airbnb", stays, frozenset())
    assert list(differences(listed, left)) == []
    assert list(differences(left, listed)) == []
    assert any("new UIDs" in said for said in differences(listed, FeedSeen("Airbnb", stays, frozenset({"b"}))))


def test_a_great_number_of_stays_is_told_in_one_short_line() -> None:
    stays = {number: StaySeen(f"{number} Mar", "confirmed") for number in range(5000)}
    (said,) = differences(FeedSeen("", {}), FeedSeen("Big", stays))
    assert said.startswith("5000 stays arrived: 0 Mar, 1 Mar")
    assert said.endswith("and 4990 more")
    assert len(said) < 200
