"""What came of an action is said in the reader's language, and noted in the history in English."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from pins.actions import departures, stays
from tests.support.house import House

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def test_a_date_is_said_in_the_active_language_and_noted_in_english(house: House) -> None:
    stay = house.stay(house.flat(house.lock()), -HOUR, 50 * HOUR)
    house.settle()
    with translation.override("pl"):
        result = departures.check_out_now(stay, timezone.now())
    assert result.done
    assert "pon 1 mar 2027" in result.text
    assert stays.history_line("check_out_now", result).startswith("Check out now: the stay ended Mon 1 Mar 2027, ")
