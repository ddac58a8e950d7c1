"""The judge of runs under fire is judged: a history that breaks an invariant is caught, and no other one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pins.simulator.journal import PinChange, RequestRecord
from tests.chaos.fire import history as kept
from tests.chaos.fire import judge
from tests.chaos.fire.history import Blow, Code, Ending, History, Rules, Wish

START = datetime(2027, 3, 1, 12, tzinfo=UTC)
RULES = Rules(limit=4, window=60.0, look=30.0)
LOCK = 10001
ANNA, BEN = "7F3K2Q", "9B2M4X"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def request(seq: int, seconds: float, lasts: float = 1.0, **fields: object) -> RequestRecord:
    usual: dict[str, object] = {
        "key": "demo",
        "method": "POST",
        "path": f"/my/lock/{LOCK}/pin",
        "lock_id": LOCK,
        "pin_id": None,
        "status": 201,
        "fault": None,
        "applied": True,
        "alias": f"Anna #{ANNA}",
        "value_tag": "a",
        "delivery": "answer",
    }
    return RequestRecord(seq=seq, at=at(seconds), answered_at=at(seconds + lasts), **usual | fields)  # type: ignore[arg-type]


def change(seq: int, seconds: float, action: str = "created", uid: int = 1, **fields: object) -> PinChange:
    usual: dict[str, object] = {
        "lock_id": LOCK,
        "serial_number": "1",
        "pin_id": uid,
        "alias": f"Anna #{ANNA}",
        "alias_sent": f"Anna #{ANNA}",
        "foreign": False,
        "value_tag": "a",
        "start": at(0),
        "end": at(10_000),
        "request_seq": seq - 1,
        "late": False,
    }
    return PinChange(seq=seq, at=at(seconds), action=action, uid=uid, **usual | fields)  # type: ignore[arg-type]


def broken(history: History) -> list[str]:
    return [one.invariant for one in judge.judge(history)]


CODE = Code(LOCK, ANNA, "a", at(0), at(100))
QUIET = History(
    RULES,
    (request(1, 0), request(3, 10, method="DELETE", pin_id=1, status=204, alias=None)),
    (change(2, 1), change(4, 11, "deleted")),
    (),
    (),
    Ending(wished=(CODE,), found=(CODE,), known=frozenset({ANNA}), foreign_before=("x",), foreign_after=("x",)),
)


def test_a_quiet_history_breaks_nothing() -> None:
    assert broken(QUIET) == []
    assert judge.told(QUIET, judge.judge(QUIET)) == ""


# -- two codes of one guest -----------------------------------------------------------------------------------------


def twice(lasts: float, *blows: Blow, ends: bool = True) -> History:
    changes = [change(2, 0), change(4, 5, uid=2), *([change(6, 5 + lasts, "deleted", uid=1)] if ends else [])]
    last = request(7, 5 + lasts, method="GET", lock_id=None, alias=None)
    return replace(QUIET, requests=(last,), changes=tuple(changes), blows=blows)


@pytest.mark.parametrize(("lasts", "found"), [(29.0, []), (31.0, ["twice"])])
def test_two_codes_of_a_guest_may_last_a_look(lasts: float, found: list[str]) -> None:
    assert broken(twice(lasts)) == found


def test_two_codes_that_never_end_are_caught() -> None:
    assert broken(twice(31, ends=False)) == ["twice"]


def test_time_in_which_a_fault_was_under_way_does_not_count() -> None:
    overlapping = (Blow("redis_asleep", at(0), at(20)), Blow("cloud_fails", at(10), at(25)))
    assert broken(twice(45, *overlapping)) == []
    assert broken(twice(51, *overlapping)) == ["twice"]
    assert broken(twice(31, Blow("redis_asleep", at(100), at(200)))) == ["twice"]
    assert judge.doubled(twice(45, *overlapping))[0].seconds == pytest.approx(25)


def test_codes_of_two_guests_or_on_two_locks_are_no_pair() -> None:
    others = (change(4, 5, uid=2, alias_sent=f"Ben #{BEN}"), change(6, 5, uid=3, lock_id=LOCK + 1))
    last = request(7, 500, method="GET", lock_id=None, alias=None)
    assert broken(replace(QUIET, requests=(last,), changes=(change(2, 0), *others))) == []


def test_a_name_changed_by_hand_hides_no_second_code() -> None:
    history = twice(31)
    renamed = change(5, 6, "updated", uid=2, alias="Somebody", request_seq=None)
    assert broken(replace(history, changes=(*history.changes[:2], renamed, *history.changes[2:]))) == ["twice"]


# -- codes of guests who are there ----------------------------------------------------------------------------------


def removed(*wishes: Wish, blows: tuple[Blow, ...] = (), **fields: Any) -> list[str]:
    """Verdicts on a code that we remove at second 11."""
    gone = change(4, 11, "deleted", **fields)
    return broken(replace(QUIET, changes=(change(2, 1), gone), wishes=wishes, blows=blows))


HERE = Wish(at(0), ANNA, at(-100), at(500))


def test_the_only_code_of_a_guest_who_is_there_must_stay() -> None:
    assert removed(HERE) == ["taken"]
    assert removed(replace(HERE, check_out=at(10))) == []
    assert removed(replace(HERE, check_in=at(12))) == []
    assert removed(HERE, request_seq=None) == []  # a person's hand, which is put right
    assert removed(replace(HERE, reference=BEN)) == []


def test_what_the_host_heard_of_later_may_have_held_already() -> None:
    cancelled = Wish(at(20), ANNA, None, None)
    assert removed(HERE, cancelled) == []
    assert removed(HERE, replace(cancelled, at=at(200))) == ["taken"]
    assert removed(HERE, Wish(at(20), ANNA, at(-100), at(900))) == ["taken"]


def test_one_of_two_codes_may_go_and_a_wrong_clock_knows_no_better() -> None:
    history = replace(QUIET, changes=(change(1, 0, uid=2), *QUIET.changes), wishes=(HERE,))
    assert broken(history) == []
    assert removed(HERE, blows=(Blow("clock_ahead", at(5), at(9)),)) == []
    assert removed(HERE, blows=(Blow("redis_asleep", at(5), at(9)),)) == ["taken"]


# -- conflicts, foreign codes, the budget ---------------------------------------------------------------------------


def test_two_requests_at_once_on_one_lock_are_a_conflict() -> None:
    assert broken(replace(QUIET, requests=(request(1, 0, 2.0), request(3, 1)))) == ["conflict"]
    assert broken(replace(QUIET, requests=(request(1, 0, 2.0), request(3, 1, lock_id=LOCK + 1)))) == []
    # A short one in between hides nothing.
    three = (request(1, 0, 9.0), request(3, 1, 1.0), request(5, 5))
    assert broken(replace(QUIET, requests=three)) == ["conflict", "conflict"]


@pytest.mark.parametrize(("fault", "found"), [(None, ["conflict"]), ("collision", ["conflict"]), ("busy", [])])
def test_a_lock_that_was_busy_by_nobody_else_is_a_conflict(fault: str | None, found: list[str]) -> None:
    assert broken(replace(QUIET, requests=(request(1, 0, status=409, fault=fault),))) == found


@pytest.mark.parametrize("action", ["updated", "deleted"])
def test_a_foreign_code_that_we_touched_is_caught(action: str) -> None:
    theirs = change(2, 0, foreign=True, request_seq=None)
    by_us, by_hand = change(4, 5, action, foreign=True), change(4, 5, action, foreign=True, request_seq=None)
    assert broken(replace(QUIET, changes=(theirs, by_us))) == ["foreign"]
    assert broken(replace(QUIET, changes=(theirs, by_hand))) == []


def test_a_foreign_code_that_is_gone_is_caught() -> None:
    assert broken(replace(QUIET, ending=replace(QUIET.ending, foreign_after=()))) == ["foreign"]


def many(count: int, apart: float) -> tuple[RequestRecord, ...]:
    return tuple(request(number, number * apart, 0.1) for number in range(count))


def test_more_requests_than_allowed_are_caught_wherever_the_window_begins() -> None:
    assert broken(replace(QUIET, requests=many(5, 10))) == ["budget"]
    assert broken(replace(QUIET, requests=many(5, 15))) == []
    refused = tuple(replace(one, status=401) for one in many(5, 10))
    assert broken(replace(QUIET, requests=refused)) == []


def test_a_request_that_the_cloud_counts_as_one_too_many_is_caught() -> None:
    assert broken(replace(QUIET, requests=(request(1, 0, status=429),))) == ["budget"]
    assert broken(replace(QUIET, requests=(request(1, 0, status=429, fault="status_429"),))) == []


def test_what_was_under_way_may_arrive_in_a_later_window() -> None:
    rules = replace(RULES, under_way=2)
    assert broken(replace(QUIET, rules=rules, requests=many(6, 10))) == []
    assert broken(replace(QUIET, rules=rules, requests=many(7, 9))) == ["budget"]
    one_too_many = replace(many(5, 10)[-1], status=429)
    assert broken(replace(QUIET, rules=rules, requests=(*many(4, 10), one_too_many))) == []


def test_after_a_restore_half_of_the_limit_may_have_been_sent_unseen() -> None:
    restored = (Blow(judge.RESTORED, at(5), at(6)),)
    assert broken(replace(QUIET, requests=many(6, 10), blows=restored)) == []
    assert broken(replace(QUIET, requests=many(7, 9), blows=restored)) == ["budget"]


# -- at rest ------------------------------------------------------------------------------------------------------


def at_rest(**fields: object) -> list[str]:
    return broken(replace(QUIET, ending=replace(QUIET.ending, **fields)))  # type: ignore[arg-type]


def test_a_code_that_is_missing_is_caught_unless_a_person_is_told() -> None:
    assert at_rest(found=()) == ["end"]
    assert at_rest(found=(), told=frozenset({ANNA})) == []
    assert at_rest(found=(), told=frozenset({BEN})) == ["end"]


@pytest.mark.parametrize(
    "other", [replace(CODE, mark="b"), replace(CODE, ends=at(99)), replace(CODE, starts=at(1)), replace(CODE, lock=2)]
)
def test_a_code_with_other_digits_another_period_or_at_another_door_is_caught(other: Code) -> None:
    assert at_rest(found=(other,)) == ["end", "end"]


def test_a_code_that_should_not_be_there_is_caught() -> None:
    surplus = replace(CODE, reference=BEN)
    assert at_rest(found=(CODE, surplus)) == ["end"]
    assert at_rest(found=(CODE, CODE)) == ["end"]
    assert at_rest(found=(CODE, surplus), strays=frozenset({LOCK})) == []
    assert at_rest(found=(CODE, surplus), strays=frozenset({LOCK + 1})) == ["end"]
    # What the database knows is no stray.
    assert at_rest(found=(CODE, surplus), strays=frozenset({LOCK}), known=frozenset({ANNA, BEN})) == ["end"]


def test_a_code_that_a_person_renamed_is_not_ours_any_more_where_the_database_does_not_know_it() -> None:
    renamed = replace(CODE, reference=BEN)
    assert at_rest(found=(CODE, renamed), renamed=frozenset({BEN})) == []
    assert at_rest(found=(CODE, renamed), renamed=frozenset({ANNA})) == ["end"]
    assert at_rest(found=(CODE, renamed), renamed=frozenset({BEN}), known=frozenset({ANNA, BEN})) == ["end"]


def test_what_is_not_settled_or_lost_is_caught() -> None:
    assert at_rest(unsettled=("stay 1",)) == ["end"]
    assert at_rest(open_attempts=1) == ["end"]
    assert at_rest(lost=("stay 2 is not there",)) == ["lost"]


# -- what is shown and kept -----------------------------------------------------------------------------------------


def test_the_minimal_history_is_of_that_lock_and_guest_with_the_faults_around() -> None:
    history = twice(31)
    others = (change(8, 6, uid=7, alias_sent=f"Ben #{BEN}"), change(9, 6, uid=8, lock_id=LOCK + 1))
    blows = (Blow("redis_asleep", at(3), at(4), "SIGSTOP"), Blow("cloud_fails", at(500), at(501)))
    history = replace(history, changes=(*history.changes, *others), blows=blows)
    (one,) = judge.judge(history)
    lines = judge.around(history, one)
    assert sum("pin 1 " in line for line in lines) == 2
    assert sum("pin 2 " in line for line in lines) == 1
    assert not any(BEN in line or "cloud_fails" in line for line in lines)
    assert any("redis_asleep" in line and "SIGSTOP" in line for line in lines)


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    blow = Blow("redis_asleep", at(3), at(4), "SIGSTOP", healed=at(9))
    history = replace(
        twice(31),
        blows=(blow,),
        wishes=(HERE, Wish(at(9), BEN, None, None)),
        ending=replace(QUIET.ending, strays=frozenset({LOCK})),
    )
    kept.write(tmp_path / "folder" / "history.jsonl", history)
    assert kept.read(tmp_path / "folder" / "history.jsonl") == history
    assert blow.recovery == 5
