"""Which open problems have the same cause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from typing import Any

import pytest

from pins.board.root_causes import CONSEQUENCES, EXPLAINS, OWN_REASONS, WAITING, Entry, Known, entries
from pins.models import Incident

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOTICE, WARNING, URGENT = 0, 1, 2
_keys = count(1)


def of_lock(kind: str, lock: int = 1, weight: int = WARNING, **more: Any) -> Known:
    return Known(next(_keys), kind, weight, NOW, lock=lock, account=1, budget="one", **more)


def of_account(kind: str, account: int = 1, budget: str = "one") -> Known:
    return Known(next(_keys), kind, URGENT, NOW, account=account, budget=budget)


def of_code(kind: str, pin: int = 1, lock: int = 1, weight: int = WARNING, **more: Any) -> Known:
    facts: dict[str, Any] = {"account": 1, "budget": "one", "whom": f"stay {pin}", "moment": NOW + pin * HOUR}
    return Known(next(_keys), kind, weight, None if kind == WAITING else NOW, pin=pin, lock=lock, **(facts | more))


def told(found: list[Entry]) -> list[tuple[str, list[str]]]:
    return [(entry.head.kind, [one.whom for one in entry.concerns]) for entry in found]


def test_every_kind_is_a_known_one() -> None:
    assert set(EXPLAINS) | OWN_REASONS | CONSEQUENCES - {WAITING} <= set(Incident.Kind.values)


def test_a_lock_that_is_offline_is_one_entry_with_the_nearest_guest_first() -> None:
    known = [
        of_code("code_late", 3),
        of_code("outcome_unknown", 3),
        of_code("code_late", 2),
        of_code("code_late", 9, weight=URGENT),
        of_lock("lock_offline", weight=NOTICE),
        of_code("code_stays", 1),
    ]
    (entry,) = entries(known)
    assert told([entry]) == [("lock_offline", ["stay 9", "stay 1", "stay 2", "stay 3"])]
    assert entry.weight == URGENT


_OF_ACCOUNTS = ("dead_key", "connection_ended", "connection_fails")


@pytest.mark.parametrize("kind", [kind for kind in EXPLAINS if kind not in (*_OF_ACCOUNTS, "budget_spent")])
def test_the_trouble_of_a_lock_explains_late_codes_there_and_nowhere_else(kind: str) -> None:
    known = [of_lock(kind), of_code("code_late", 1, admitted=False), of_code("code_late", 2, lock=2)]
    assert told(entries(known)) == [(kind, ["stay 1"]), ("code_late", [])]


def test_an_account_speaks_for_all_its_locks_and_a_budget_for_its_whole_group() -> None:
    late = [of_code("code_late", 1, lock=1), of_code("code_late", 2, lock=2, account=2)]
    for kind in _OF_ACCOUNTS:
        assert told(entries([of_account(kind), *late])) == [(kind, ["stay 1"]), ("code_late", [])]
    assert told(entries([of_account("budget_spent", 2), *late])) == [("budget_spent", ["stay 1", "stay 2"])]


def test_too_many_codes_explain_only_a_code_that_is_kept_waiting() -> None:
    known = [of_lock("too_many_codes"), of_code("code_late", 1), of_code("code_late", 2, admitted=False)]
    assert told(entries(known)) == [("too_many_codes", ["stay 2"]), ("code_late", [])]


def test_a_full_keypad_or_none_does_not_explain_that_a_code_stays() -> None:
    for kind in ("no_keypad", "no_room"):
        assert told(entries([of_lock(kind), of_code("code_stays")])) == [(kind, []), ("code_stays", [])]


@pytest.mark.parametrize("own", sorted(OWN_REASONS))
def test_a_code_with_a_reason_of_its_own_stays_an_entry_and_its_cause_speaks(own: str) -> None:
    for known in permutations([of_code("code_late", weight=URGENT), of_code(own), of_lock("lock_offline")]):
        found = entries(known)
        assert told(found) == [(own, []), ("lock_offline", [])]
        assert found[0].weight == URGENT


def test_one_code_has_one_entry_and_the_most_severe_speaks() -> None:
    for known in permutations([of_code("code_late", weight=URGENT), of_code("outcome_unknown"), of_code(WAITING)]):
        assert told(entries(known)) == [("code_late", [])]
    for known in permutations([of_code("code_late"), of_code("outcome_unknown")]):
        assert told(entries(known)) == [("outcome_unknown", [])]


def test_a_changed_code_that_waits_for_its_lock_is_told_beside_the_lock() -> None:
    known = [of_code("code_late"), of_code("code_changed", weight=URGENT), of_lock("lock_offline")]
    assert told(entries(known)) == [("code_changed", []), ("lock_offline", ["stay 1"])]
    assert told(entries(known[:2])) == [("code_changed", [])]


def test_two_causes_of_one_lock_are_two_entries_and_the_nearer_one_speaks() -> None:
    known = [of_lock("no_keypad"), of_lock("lock_offline"), of_code("code_late")]
    assert told(entries(known)) == [("no_keypad", []), ("lock_offline", ["stay 1"])]


def test_a_stay_that_waits_for_two_locks_is_named_at_both_and_once_at_an_account() -> None:
    late = [of_code("code_late", 1, whom="Anna"), of_code("code_late", 2, lock=2, whom="Anna")]
    locks = [of_lock("lock_offline"), of_lock("no_keypad", 2)]
    assert told(entries([*locks, *late])) == [("lock_offline", ["Anna"]), ("no_keypad", ["Anna"])]
    assert told(entries([of_account("dead_key"), *late])) == [("dead_key", ["Anna"])]


def test_a_stay_that_waits_goes_below_its_cause_and_else_stands_first_and_once() -> None:
    mute = [of_code(WAITING, pin, weight=URGENT, whom="Anna") for pin in (1, 2)]
    assert told(entries([of_lock("no_keypad"), *mute])) == [("no_keypad", ["Anna"])]
    assert told(entries([of_account("dead_key"), *mute])) == [("dead_key", ["Anna"])]
    assert told(entries([*mute, of_account("dead_key", 7)])) == [(WAITING, []), ("dead_key", [])]


def test_a_stay_that_waits_is_not_told_twice_beside_a_code_of_its_own() -> None:
    waits = Known(7, WAITING, URGENT, None, whom="Anna", moment=NOW)
    assert told(entries([waits])) == [(WAITING, [])]
    assert told(entries([waits, of_code("value_refused", whom="Anna")])) == [("value_refused", [])]
    below = [of_lock("lock_offline"), of_code("code_late", whom="Anna")]  # the other door needs something else
    assert told(entries([waits, *below])) == [(WAITING, []), ("lock_offline", ["Anna"])]


def test_entries_are_sorted_by_severity_then_by_age() -> None:
    new = Known(1, "feed_held", WARNING, NOW)
    old = Known(2, "stays_overlap", WARNING, NOW - HOUR)
    worst = Known(3, "code_changed", URGENT, NOW, pin=1)
    assert [entry.head for entry in entries([new, old, worst])] == [worst, old, new]
    assert entries([]) == []


def test_equal_keys_of_two_kinds_are_two_things() -> None:
    assert len(entries([Known(1, "feed_held", WARNING, NOW), Known(1, "feed_stale", WARNING, NOW)])) == 2
