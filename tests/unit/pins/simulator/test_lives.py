"""How many pins lived at once, computed from the journal after a run."""

from __future__ import annotations

import json
from datetime import timedelta

from pins.simulator.journal import PinChange
from pins.simulator.lives import living, most_living
from tests.support.small_cloud import ALIAS, CODE, PINS, START, SmallCloud


def test_the_pins_of_one_alias_are_counted_over_time() -> None:
    small = SmallCloud(alias_shape="no_hash")
    small.create(endDate="2027-03-01T13:00:00.000Z")
    small.forward(60)
    small.create("314159")
    small.cloud.add_foreign_pin(10001, ALIAS)
    small.forward(60)
    small.client.delete(f"{PINS}/2")
    small.forward(3600)
    small.cloud.advance()
    changes = small.cloud.journal.changes
    assert living(changes) == {
        (10001, ALIAS): [
            (START, 1),
            (START + timedelta(seconds=60), 2),
            (START + timedelta(seconds=120), 1),
            (START + timedelta(hours=1), 0),
        ]
    }
    assert most_living(changes) == {(10001, ALIAS): 2}
    assert most_living(changes, lambda change: change.value_tag)[10001, small.cloud.journal.tag(CODE)] == 1


def test_a_pin_that_a_person_renames_is_still_counted() -> None:
    small = SmallCloud()
    small.create()
    small.cloud.change_pin(10001, 1, alias="Anna")
    small.create("314159")
    assert most_living(small.cloud.journal.changes) == {(10001, ALIAS): 2}


def test_an_update_moves_a_pin_from_one_name_to_another() -> None:
    small = SmallCloud(id_reuse=True)
    small.create()
    small.client.put(f"{PINS}/1", json={"alias": "New", "pin": CODE})
    small.client.delete(f"{PINS}/1")
    small.create()
    counts = {name: [count for _, count in line] for (_, name), line in living(small.cloud.journal.changes).items()}
    assert counts == {ALIAS: [1, 0, 1], "New": [1, 0]}
    assert len({change.uid for change in small.cloud.journal.changes}) == 2


def test_a_lock_that_leaves_the_account_takes_its_pins_with_it() -> None:
    small = SmallCloud()
    small.create()
    small.forward(60)
    small.cloud.readd_lock(10001)
    assert living(small.cloud.journal.changes)[10001, ALIAS][-1] == (START + timedelta(seconds=60), 0)


def test_the_journal_of_a_process_can_be_counted_too() -> None:
    small = SmallCloud()
    small.create(endDate="2027-03-08T10:00:00.000Z")
    small.cloud.add_foreign_pin(10001)
    told = json.loads(json.dumps(small.cloud.journal.as_json()))["changes"]
    assert [PinChange.from_json(record) for record in told] == list(small.cloud.journal.changes)
