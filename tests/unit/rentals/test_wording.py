"""Days as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from rentals import numbers
from rentals.wording import ago, ahead, brief, span

TODAY = date(2027, 3, 1)


@pytest.mark.parametrize(
    ("starts", "ends", "said"),
    [
        (date(2027, 3, 12), date(2027, 3, 22), "12 to 22 Mar"),
        (date(2027, 3, 30), date(2027, 4, 4), "30 Mar to 4 Apr"),
        (date(2027, 3, 12), date(2027, 3, 12), "12 Mar"),
        (date(2026, 3, 12), date(2026, 3, 12), "12 Mar 2026"),
        (date(2028, 3, 12), date(2028, 3, 22), "12 to 22 Mar 2028"),
        (date(2028, 3, 30), date(2028, 4, 4), "30 Mar to 4 Apr 2028"),
        (date(2026, 12, 30), date(2027, 1, 2), "30 Dec 2026 to 2 Jan 2027"),
        (date(2027, 12, 30), date(2028, 12, 30), "30 Dec 2027 to 30 Dec 2028"),
    ],
)
def test_a_span_is_short_and_never_leaves_the_year_open(starts: date, ends: date, said: str) -> None:
    assert span(starts, ends, TODAY) == said


def test_days_and_lengths_are_said_as_the_language_says_them() -> None:
    """By Django's catalogs and ours: names in small letters, and the word beside “ago” in its own case."""
    zone = ZoneInfo("Europe/Warsaw")
    at, now = datetime(2027, 3, 1, 10, tzinfo=UTC), datetime(2027, 3, 1, 9, tzinfo=UTC)
    assert (brief(at, now, zone), ahead(at, now)) == ("Mon 1 Mar, 11:00 CET", "in 1 hour")
    with translation.override("pl"):
        assert (brief(at, now, zone), ahead(at, now)) == ("pon 1 mar, 11:00 CET", "za 1 godzinę")
        assert span(date(2027, 3, 30), date(2027, 4, 4), TODAY) == "30 mar \u2013 4 kwi"
        assert numbers.hours(1) == "1 godz."
    assert (ago(now, at), ago(at, now), ahead(now, at)) == ("1 hour ago", "just now", "in a moment")
