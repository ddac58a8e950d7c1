"""Whose clock the board shows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pins.board.clocks import Clock, clock

NOW = datetime(2027, 3, 1, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zones", "shown"),
    [
        (["Europe/Warsaw"], Clock("10:05 CET", is_local=False)),
        (["Europe/Warsaw", "Europe/Berlin"], Clock("10:05 CET", is_local=False)),  # one time by one name
        (["UTC"], Clock("09:05 UTC", is_local=False)),
        (["Europe/Warsaw", "Europe/London"], Clock("09:05 UTC", is_local=True)),
        (["Europe/Warsaw", "Africa/Lagos"], Clock("09:05 UTC", is_local=True)),  # one time, but two names
        ([], Clock("09:05 UTC", is_local=True)),
    ],
)
def test_the_time_of_all_properties_or_none(zones: list[str], shown: Clock) -> None:
    assert clock(NOW, [ZoneInfo(name) for name in zones]) == shown
