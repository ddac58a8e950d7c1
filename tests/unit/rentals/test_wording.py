"""Days as people read them."""

from __future__ import annotations

from datetime import date

import pytest

from rentals.wording import span

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
