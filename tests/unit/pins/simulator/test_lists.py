"""Lists of pins that lag, lie, or have no usable version."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from pins.simulator.history import KEPT_LISTS, ListHistory
from tests.support.small_cloud import ALIAS, PINS, START, SmallCloud


def test_a_list_that_lags_shows_the_pins_and_the_version_of_that_moment() -> None:
    small = SmallCloud(list_lag=60)
    small.create()
    assert small.listed() == {"listVersion": 1, "pins": []}
    assert small.read()["alias"] == ALIAS
    small.forward(59)
    assert small.ids() == []
    small.client.put(f"{PINS}/1", json={"alias": "Renamed", "pin": "314159"})
    small.forward(1)
    assert small.listed() == {"listVersion": 2, "pins": [{"id": 1, "alias": ALIAS}]}
    assert small.client.get(PINS, params={"listVersion": 2}).status_code == 304
    small.forward(59)
    assert small.listed(listVersion=2) == {"listVersion": 3, "pins": [{"id": 1, "alias": "Renamed"}]}
    small.client.delete(f"{PINS}/1")
    assert small.ids() == [1]
    assert small.client.get(f"{PINS}/1").status_code == 404
    small.forward(60)
    assert small.listed() == {"listVersion": 4, "pins": []}


def test_the_lag_can_begin_and_end_while_the_cloud_runs() -> None:
    small = SmallCloud()
    small.create()
    small.forward(10)
    small.create("314159")
    small.cloud.settings = replace(small.cloud.settings, list_lag=5.0)
    assert small.ids() == [1]
    small.cloud.settings = replace(small.cloud.settings, list_lag=0.0)
    assert small.ids() == [1, 2]


def test_a_lagging_list_keeps_an_ended_pin_for_a_while() -> None:
    small = SmallCloud(list_lag=60)
    small.create(endDate="2027-03-01T12:10:00.000Z")
    small.forward(630)
    assert small.ids() == [1]
    small.forward(30)
    assert small.ids() == []


def test_the_oldest_lists_are_forgotten() -> None:
    history = ListHistory()
    assert history.at(START) is None
    for version in range(KEPT_LISTS + 10):
        history.note(START, version, ())
    oldest = history.at(START.replace(year=2000))
    assert oldest is not None
    assert oldest.version == 10


def test_a_list_may_show_nothing_under_its_true_version() -> None:
    small = SmallCloud(list_shows="nothing")
    small.create()
    assert small.listed(listVersion=2) == {"listVersion": 2, "pins": []}
    assert small.read()["alias"] == ALIAS


def test_a_list_may_leave_out_a_third_and_each_time_another() -> None:
    def story() -> list[list[int]]:
        small = SmallCloud(list_shows="omits")
        rng = random.Random(1)
        for _ in range(30):
            small.cloud.add_foreign_pin(10001, value=f"48{rng.randrange(1000, 9999)}")
        return [small.ids() for _ in range(20)]

    lists = story()
    assert lists == story()
    assert len({tuple(ids) for ids in lists}) == 20
    assert 0.55 < sum(map(len, lists)) / 600 < 0.78
    assert {pin_id for ids in lists for pin_id in ids} == set(range(1, 31))


def test_a_list_may_have_no_version() -> None:
    small = SmallCloud(list_version="absent")
    small.create()
    assert small.listed(listVersion=99) == {"pins": [{"id": 1, "alias": ALIAS}]}
    assert small.listed(listVersion="new")["pins"]


def test_a_stuck_version_hides_changes_from_who_knows_it() -> None:
    small = SmallCloud()
    small.create()
    small.cloud.settings = replace(small.cloud.settings, list_version="stuck")
    small.client.delete(f"{PINS}/1")
    assert small.client.get(PINS, params={"listVersion": 2}).status_code == 304
    assert small.listed() == {"listVersion": 2, "pins": []}


def test_a_version_may_jump() -> None:
    small = SmallCloud(list_version="jumps")
    seen = [small.listed()["listVersion"]]
    for number in range(10):
        small.create(f"4815{number:02d}")
        seen.append(small.listed()["listVersion"])
    assert all(after - before > 1 for before, after in pairwise(seen))
    assert len({after - before for before, after in pairwise(seen)}) > 1


@pytest.mark.parametrize("empty_is_null", [True, False])
def test_an_empty_list_may_be_null(empty_is_null: bool) -> None:
    small = SmallCloud(pins_null_when_empty=empty_is_null)
    assert small.listed()["pins"] == (None if empty_is_null else [])
    small.create()
    assert small.ids() == [1]
