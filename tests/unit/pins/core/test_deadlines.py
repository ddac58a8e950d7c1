"""By when the next step must be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings

from pins.core.deadlines import deadline
from pins.core.pin_state import Desired, Observed, PinView
from pins.tedee.messages import Recurrence
from tests.support.facts import NOW, SET, WISH, views

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PERMANENT = replace(WISH, content=replace(WISH.content, ends_at=None))
NIGHTS = replace(WISH, content=replace(WISH.content, recurrence=Recurrence(31, time(9), time(17))))


@settings(deadline=None, max_examples=200)
@given(views)
def test_every_pin_has_a_deadline_in_utc(view: PinView) -> None:
    assert deadline(view, NOW).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("desired", "observed", "expected"),
    [
        (WISH, Observed(), NOW + HOUR),  # a new code: the arrival
        (replace(WISH, content=replace(WISH.content, ends_at=NOW + 3 * DAY)), SET, NOW + 2 * DAY),  # extended: old end
        (replace(WISH, content=replace(WISH.content, ends_at=NOW + DAY)), SET, NOW + DAY),  # shortened: new end
        (replace(WISH, content=replace(WISH.content, ends_at=NOW)), SET, NOW),  # shortened to this moment
        (PERMANENT, Observed(), NOW + HOUR),
        (PERMANENT, SET, NOW + 2 * DAY),  # it stays: the old end
        (WISH, replace(SET, applied=PERMANENT.content), NOW + 2 * DAY),  # it stays no longer: the new end
        (PERMANENT, replace(SET, applied=PERMANENT.content), NOW + HOUR),
        (NIGHTS, SET, NOW + HOUR),  # other hours: the arrival
        (replace(WISH, content=replace(WISH.content, starts_at=None)), Observed(), NOW),
        (replace(PERMANENT, wanted=False), replace(SET, applied=PERMANENT.content), NOW + HOUR),
        (replace(WISH, wanted=False), SET, NOW + HOUR),  # cancelled before it begins
        (replace(WISH, admitted=False), SET, NOW),  # a nearer arrival waits for the room
    ],
)
def test_deadlines(desired: Desired, observed: Observed, expected: datetime) -> None:
    assert deadline(PinView(desired, observed), NOW) == expected


def test_an_ordinary_removal_hurts_nobody_for_a_day() -> None:
    after = NOW + 2 * DAY + MINUTE
    assert deadline(PinView(WISH, SET), after) == NOW + 3 * DAY
    cancelled = replace(WISH, wanted=False)
    assert deadline(PinView(cancelled, SET), NOW + 2 * HOUR) == NOW + 2 * HOUR  # the guest could be inside
