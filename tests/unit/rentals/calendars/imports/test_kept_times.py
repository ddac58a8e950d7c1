"""Times that a calendar lost, and that an event keeps from its item."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rentals.calendars.decide.known import Known
from rentals.calendars.decide.placing import Arrival, Key
from rentals.calendars.events import Verdict
from rentals.calendars.imports.kept_times import keep_end, keep_start
from rentals.models import FeedItem

HOUR = timedelta(hours=1)
NOW = datetime(2027, 3, 10, 23, 30, tzinfo=UTC)
FIRST, SECOND, NEXT, LAST = (date(2027, 3, number) for number in (10, 11, 12, 14))
#: Check-in in Honolulu on the first day and on the second.
TODAY, TOMORROW = datetime(2027, 3, 11, 1, tzinfo=UTC), datetime(2027, 3, 12, 1, tzinfo=UTC)
ENDS = datetime(2027, 3, 14, 21, tzinfo=UTC)
ONE_NIGHT = datetime(2027, 3, 12, 21, tzinfo=UTC)
KEY = Key("a", "", "")


def item(**facts: object) -> FeedItem:
    days = {"starts_on": FIRST, "starts_at": TODAY, "ends_on": LAST, "ends_at": ENDS, "whole_days": True}
    return FeedItem(**days | facts)


def known(begins_at: datetime | None) -> Known:
    return Known(1, KEY, Verdict.STAY, FIRST, LAST, begins_at, ENDS)


WHOLE = Arrival(KEY, Verdict.STAY, "why", "CLOSED", FIRST, LAST, TODAY, ENDS, whole_days=True)
ENDLESS = replace(WHOLE, ends_on=SECOND, ends_at=ONE_NIGHT, whole_days=False, end_assumed=True)
CUT_OFF = replace(WHOLE, starts_on=SECOND, starts_at=TOMORROW)


@pytest.mark.parametrize("whole_days", [True, False])
def test_an_event_that_lost_its_end_keeps_all_of_the_end_it_had(whole_days: bool) -> None:
    kept = keep_end(ENDLESS, item(whole_days=whole_days))
    assert kept == replace(WHOLE, whole_days=whole_days, end_assumed=True)


@pytest.mark.parametrize(
    ("arrival", "held"),
    [
        (replace(ENDLESS, end_assumed=False), item()),  # it says a shorter end
        (ENDLESS, item(starts_on=NEXT)),  # other days: the end was theirs
        (ENDLESS, item(ends_at=None, ends_on=None)),  # it never had an end
    ],
    ids=["says an end", "another start", "never an end"],
)
def test_any_other_event_ends_as_it_says(arrival: Arrival, held: FeedItem) -> None:
    assert keep_end(arrival, held) is arrival


def test_a_stay_that_began_by_the_channels_clock_alone_keeps_its_start() -> None:
    """The guest arrives today: the channel's "today" is tomorrow already, and it left the arrival day out."""
    assert keep_start(CUT_OFF, item(), known(NOW), NOW) == WHOLE
    assert keep_start(CUT_OFF, item(starts_at=NOW + timedelta(seconds=1)), known(NOW), NOW).starts_on == FIRST


@pytest.mark.parametrize(
    ("arrival", "held", "one"),
    [
        (CUT_OFF, item(), known(NOW + HOUR)),  # by nobody's clock: it was moved to other days
        (CUT_OFF, item(), known(None)),
        (CUT_OFF, item(starts_at=NOW), known(NOW)),  # by the property's clock: the stay keeps its check-in by itself
        (CUT_OFF, item(starts_at=NOW - HOUR), known(NOW - HOUR)),
        (CUT_OFF, item(starts_at=None, starts_on=None), known(NOW)),
        (replace(CUT_OFF, starts_at=None, starts_on=None), item(), known(NOW)),
        (replace(CUT_OFF, starts_at=TODAY - HOUR, starts_on=FIRST), item(), known(NOW)),  # it begins earlier
        (replace(CUT_OFF, starts_at=TODAY), item(), known(NOW)),  # the same moment is another day in a corrected zone
    ],
    ids=["to come", "unknown", "now", "begun", "no start held", "no start said", "earlier", "the same moment"],
)
def test_any_other_event_starts_as_it_says(arrival: Arrival, held: FeedItem, one: Known) -> None:
    assert keep_start(arrival, held, one, NOW) is arrival
