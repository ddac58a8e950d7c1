"""How slow a client may be."""

from __future__ import annotations

import pytest

from config.web.pace import LEAST, WINDOW, Pace


def looks(pace: Pace, per_second: int, seconds: int, *, is_waiting: bool = True, begin: int = 1) -> list[int]:
    """The seconds at which a client that moves so much is too slow."""
    found = []
    for now in range(begin, begin + seconds):
        pace.moved += per_second
        if pace.is_too_slow(float(now), is_waiting=is_waiting):
            found.append(now)
    return found


def test_a_byte_a_second_is_too_slow_after_one_window() -> None:
    assert looks(Pace(0.0), 1, int(WINDOW) + 5)[0] == int(WINDOW)


@pytest.mark.parametrize("per_second", [int(LEAST // WINDOW), 100_000])
def test_a_slow_line_has_as_long_as_it_needs(per_second: int) -> None:
    assert looks(Pace(0.0), per_second, 3600) == []


def test_a_client_that_becomes_slow_is_found_in_the_next_window() -> None:
    pace = Pace(0.0)
    assert looks(pace, 100_000, int(WINDOW)) == []
    assert looks(pace, 1, int(WINDOW), begin=int(WINDOW) + 1) == [2 * int(WINDOW)]


def test_time_in_which_we_work_or_nothing_is_under_way_does_not_count() -> None:
    pace = Pace(0.0)
    assert looks(pace, 0, 600, is_waiting=False) == []
    assert looks(pace, 1, int(WINDOW) - 1, begin=601) == []
