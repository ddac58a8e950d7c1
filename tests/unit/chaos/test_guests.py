"""The ledger of the host under fire: it says what is lost, and nothing of which the host was not told."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.chaos.fire.guests import Guests, Stay
from tests.chaos.fire.run import Options

BEGINS = datetime(2027, 3, 1, 12, tzinfo=UTC)
STAY = Stay(BEGINS, BEGINS + timedelta(days=1))


def row(stay: Stay) -> dict[str, Any]:
    moments = {"check_in": stay.check_in.isoformat(), "check_out": stay.check_out.isoformat()}
    return {**moments, "confirmed": stay.confirmed}


def lost(stay: Stay, there: Stay | None = None) -> list[str]:
    guests = Guests(random.Random(1), [1], ledger={7: stay})
    return list(guests.lost({7: row(there)} if there is not None else {}))


def test_what_is_as_it_was_entered_is_not_lost() -> None:
    assert lost(STAY, STAY) == []


@pytest.mark.parametrize(
    "other",
    [
        replace(STAY, confirmed=False),
        replace(STAY, check_out=STAY.check_out + timedelta(minutes=1)),
        replace(STAY, check_in=STAY.check_in - timedelta(minutes=1)),
    ],
)
def test_a_stay_that_differs_or_is_not_there_is_lost(other: Stay) -> None:
    assert len(lost(STAY, other)) == 1
    assert len(lost(STAY)) == 1


def test_of_a_change_in_doubt_only_the_stay_itself_can_be_lost() -> None:
    unsure = replace(STAY, sure=False)
    assert lost(unsure, replace(STAY, confirmed=False)) == []
    assert len(lost(unsure)) == 1


def test_a_change_in_doubt_is_never_changed_again() -> None:
    guests = Guests(random.Random(1), [1])
    guests.booked(guests.arrivals(3), [1, 2, 3])
    guests.in_doubt(dict(guests.ledger))
    assert guests.change() is None
    assert guests.refused == 1


def test_the_same_seed_brings_the_same_guests() -> None:
    flats = list(range(9))
    one, other, third = (
        [stay["flat"] for stay in Guests(random.Random(seed), flats).arrivals(50)] for seed in (1, 1, 2)
    )
    assert one == other != third


def test_a_kind_of_fault_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"no fault sunshine; there are .*redis_asleep"):
        Options("sqlite", 1, 60, kinds=("sunshine",)).chosen()
    assert len({fault.lane for fault in Options("sqlite", 1, 60).chosen()}) == 2
