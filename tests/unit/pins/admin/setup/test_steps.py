"""The steps of the first run, judged from facts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pins.admin.setup.known import Account, Calendar, Door, Facts, Flat, Stay
from pins.admin.setup.steps import Key, State, Step, current, is_complete, judge
from pins.core.foreign_writers import Writer

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
ACCOUNT = Account(1, "Office", observe_only=True, accepted=True, may_write=True)
DOOR = Door(1, "Front door", 1, has_keypad=True, has_bridge=True, looked=True)
FLAT = Flat(1, "Garden", frozenset({1}))
STAY = Stay(1, "Europe/Warsaw", frozenset({1}), NOW, worked_out=True, ready=False)
#: Everything is there, and the last step is next.
ALL = Facts(NOW, (ACCOUNT,), (DOOR,), (FLAT,), (), STAY, works=True)


def step(facts: Facts, key: Key) -> Step:
    return next(one for one in judge(facts) if one.key is key)


def next_of(facts: Facts) -> Key | None:
    found = current(judge(facts))
    return found.key if found is not None else None


def changed(**fields: Any) -> Facts:
    return replace(ALL, **fields)


def account(**fields: Any) -> Facts:
    return changed(accounts=(replace(ACCOUNT, **fields),))


def door(**fields: Any) -> Facts:
    return changed(doors=(replace(DOOR, **fields),))


def stay(**fields: Any) -> Facts:
    return changed(stay=replace(STAY, **fields))


@pytest.mark.parametrize(
    ("facts", "key", "state"),
    [
        (Facts(NOW), Key.ACCOUNT, State.OPEN),
        (account(accepted=False), Key.KEY, State.OPEN),
        (account(refused=True), Key.KEY, State.TROUBLE),
        (account(may_write=False), Key.KEY, State.TROUBLE),
        (account(by_login=True, connected=False), Key.KEY, State.TROUBLE),
        (account(by_login=True, refused=True), Key.KEY, State.TROUBLE),
        (account(by_login=True, may_write=False), Key.KEY, State.TROUBLE),
        (account(by_login=True, accepted=False), Key.KEY, State.OPEN),
        (changed(doors=()), Key.LOCKS, State.TROUBLE),
        (door(has_keypad=False), Key.LOCKS, State.TROUBLE),
        (door(has_bridge=False), Key.LOCKS, State.TROUBLE),
        (door(is_active=False), Key.LOCKS, State.TROUBLE),
        (changed(flats=()), Key.FLATS, State.OPEN),
        (changed(flats=(Flat(1, "Garden", frozenset()),)), Key.FLATS, State.OPEN),
        (changed(stay=None), Key.CALENDAR, State.OPEN),
        (changed(stay=None, calendars=(Calendar(1, "Airbnb", False, False),)), Key.CALENDAR, State.OPEN),
        (changed(stay=None, calendars=(Calendar(1, "Airbnb", True, False, "Gone."),)), Key.CALENDAR, State.TROUBLE),
        (changed(stay=None, calendars=(Calendar(1, "Airbnb", True, True),)), Key.STAY, State.OPEN),
        (changed(works=None), Key.WATCH, State.WAITING),
        (changed(works=False), Key.WATCH, State.TROUBLE),
        (stay(worked_out=False), Key.WATCH, State.WAITING),
        (door(looked=False), Key.WATCH, State.WAITING),
        (door(looked=False, trouble="It is offline."), Key.WATCH, State.TROUBLE),
        (ALL, Key.BEGIN, State.OPEN),
        (account(observe_only=False), Key.BEGIN, State.WAITING),
        (
            replace(stay(must_act="Needs you"), accounts=(replace(ACCOUNT, observe_only=False),)),
            Key.BEGIN,
            State.TROUBLE,
        ),
    ],
)
def test_the_next_step_is_the_first_that_reality_has_not_done(facts: Facts, key: Key, state: State) -> None:
    found = current(judge(facts))
    assert found is not None
    assert (found.key, found.state) == (key, state)
    assert found.text
    assert found.remedy or state is State.WAITING
    assert not is_complete(facts, judge(facts))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ends_at": NOW + timedelta(days=14)}, "Without that it would end on 15 Mar 2027."),
        ({"ends_at": NOW + timedelta(days=14), "not_renewed": True}, "could not be renewed the last time"),
    ],
)
def test_a_login_says_how_long_it_lives(fields: dict[str, Any], said: str) -> None:
    found = step(account(by_login=True, **fields), Key.KEY)
    assert (found.state, found.text) == (State.DONE, "Tedee accepts the connection.")
    assert "it may read locks and change codes" in found.notes[0]
    assert said in found.notes[1]


def test_where_accounts_can_log_in_that_is_said_first() -> None:
    assert "Log in at Tedee" in step(Facts(NOW, may_log_in=True), Key.ACCOUNT).remedy
    assert "Log in at Tedee" not in step(Facts(NOW), Key.ACCOUNT).remedy


def test_a_confirmed_code_ends_the_first_run_and_nothing_else_does() -> None:
    done = stay(ready=True)
    assert next_of(done) is None
    assert is_complete(done, judge(done))
    assert next_of(account(observe_only=False)) is Key.BEGIN


def test_a_long_used_installation_is_over_it_whatever_its_season() -> None:
    quiet = changed(stay=None, is_old=True)
    assert next_of(quiet) is Key.CALENDAR
    assert is_complete(quiet, judge(quiet))


def test_without_a_calendar_a_booking_by_hand_goes_on() -> None:
    assert step(ALL, Key.CALENDAR).state is State.SKIPPED


def test_a_key_tells_what_it_may_do_and_how_long_it_lives() -> None:
    notes = " ".join(step(account(ends_at=NOW + timedelta(days=400)), Key.KEY).notes)
    assert "may read locks and change codes" in notes
    assert "ends on 4 Apr 2028." in notes
    assert "soon" not in notes
    unknown = " ".join(step(account(may_write=None), Key.KEY).notes)
    assert "Tedee does not say whether it may change codes" in unknown
    assert "Tedee does not say when the key ends" in unknown
    assert "That is soon" in " ".join(step(account(ends_at=NOW + timedelta(days=3)), Key.KEY).notes)


def test_other_systems_on_a_lock_are_pointed_out_and_people_are_not() -> None:
    two = door(writers=((Writer.AIRBNB, 2), (Writer.PERSON, 1)))
    for key in (Key.LOCKS, Key.WATCH, Key.BEGIN):
        (said,) = step(two, key).warnings
        assert said.startswith("Front door: 2 codes by Airbnb, it seems.")
        assert "Disconnect the lock" in said


def test_a_code_whose_time_has_not_come_says_when() -> None:
    later = replace(stay(goes_on_at=NOW + timedelta(days=90)), accounts=(replace(ACCOUNT, observe_only=False),))
    assert "Sun 30 May 2027" in step(later, Key.BEGIN).text
    assert "Sun 30 May 2027" in " ".join(step(later, Key.STAY).notes)


_ids = st.frozensets(st.integers(1, 3), max_size=3)
_maybe = st.sampled_from([None, False, True])
_facts = st.builds(
    Facts,
    st.just(NOW),
    st.lists(
        st.builds(Account, st.integers(1, 2), st.just("Office"), st.booleans(), st.booleans(), st.booleans(), _maybe),
        max_size=2,
    ).map(tuple),
    st.lists(
        st.builds(
            Door,
            st.integers(1, 3),
            st.just("Door"),
            st.integers(1, 2),
            st.booleans(),
            _maybe,
            _maybe,
            _maybe,
            st.booleans(),
        ),
        max_size=3,
        unique_by=lambda one: one.id,
    ).map(tuple),
    st.lists(st.builds(Flat, st.integers(1, 2), st.just("Flat"), _ids), max_size=2).map(tuple),
    st.lists(st.builds(Calendar, st.just(1), st.just("Feed"), st.booleans(), st.booleans()), max_size=1).map(tuple),
    st.none() | st.builds(Stay, st.just(1), st.just("UTC"), _ids, st.just(NOW), st.booleans(), st.booleans()),
    _maybe,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first example, on a busy machine
@given(_facts)
def test_whatever_is_there_each_step_has_its_words_and_none_says_done_without_a_confirmed_code(facts: Facts) -> None:
    steps = judge(facts)
    assert [one.key for one in steps] == list(Key)
    assert all(one.text for one in steps)
    ready = facts.stay is not None and facts.stay.ready
    assert steps[-1].is_done == ready
    if current(steps) is None:
        assert ready
