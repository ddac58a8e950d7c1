"""Whose clock the board shows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pins.board.clocks import Clock, clock

WARSAW, UTC_ZONE = ZoneInfo("Europe/Warsaw"), ZoneInfo("UTC")
NOW = datetime(2027, 3, 1, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zones", "shown"),
    [
        (["Europe/Warsaw"], Clock("10:05 CET", is_local=False, zone=WARSAW)),
        (["Europe/Berlin", "Europe/Warsaw"], Clock("10:05 CET", is_local=False, zone=WARSAW)),  # one time by one name
        (["UTC"], Clock("09:05 UTC", is_local=False, zone=UTC_ZONE)),
        (["Europe/Warsaw", "Europe/London"], Clock("09:05 UTC", is_local=True, zone=UTC_ZONE)),
        (["Europe/Warsaw", "Africa/Lagos"], Clock("09:05 UTC", is_local=True, zone=UTC_ZONE)),  # two names
        ([], Clock("09:05 UTC", is_local=True, zone=UTC_ZONE)),
    ],
)
def test_the_time_of_all_properties_or_none(zones: list[str], shown: Clock) -> None:
    assert clock(NOW, [ZoneInfo(name) for name in zones]) == shown
