"""What runs each minute asks for what is due or changed, and never reads a large table from end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from pins.desired import drift, drift_rounds, grants
from pins.guests import collecting as guests_collecting
from pins.guests import sending as guests_sending
from pins.incidents import slow_checks, sweep_checks
from pins.models import Incident, LockState, Pin
from pins.notify import collecting, outbox
from pins.reconcile import activity, arrivals, sweep
from pins.retention import records
from rentals.models import Lock, LockAccount
from tests.integration.pins.growth.conftest import NOW
from tests.support import many_rows
from tests.support.plans import whole_reads

pytestmark = pytest.mark.postgres

Work = Callable[[datetime], object]
FEW, MANY, DUE = 4_000, 40_000, 40


def wake(now: datetime) -> None:
    sweep.due_locks(now, sweep.ration(now))


def next_slices(now: datetime) -> None:
    for one in drift_rounds.ROUNDS:
        with drift_rounds.next_slice(one, now) as keys:
            assert list(one.differing(keys, now)) == []


def tell_of_incidents(now: datetime) -> None:
    """Of those that are new, have risen, and are over, as many as are due."""
    sweep_checks.check(now)
    collecting.collect(now)
    half = Incident.objects.filter(resolved_at=None, pk__in=Incident.objects.filter(resolved_at=None)[: DUE // 2])
    half.update(resolved_at=now)
    Incident.objects.filter(resolved_at=None).update(severity="urgent")
    collecting.collect(now)


def tell_of_codes(now: datetime) -> None:
    Pin.objects.filter(pk__lte=DUE).update(state="set")
    collecting.collect(now)


def tell_guests(now: datetime) -> None:
    """The link goes to those who arrive within four hours, as far as their code is not on its lock."""
    guests_collecting.collect(now)
    assert len(guests_sending.due(now, 2 * DUE)) == DUE
    Pin.objects.filter(pk__lte=DUE).update(state="set")
    collecting.collect(now)
    guests_collecting.collect(now)


def who_came(now: datetime) -> None:
    """The locks to read, and what the lines of one of them mean."""
    LockAccount.objects.update(reads_activity=True)
    Pin.objects.filter(pk__lte=DUE).update(next_try_at=None)
    assert activity.due(list(LockAccount.objects.values_list("pk", flat=True)), now)
    for lock in Pin.objects.filter(pk__lte=2).values_list("lock", flat=True):
        activity.store(Lock.objects.get(pk=lock), [], now)
        arrivals.judge_lock(lock, now)


def purge(now: datetime) -> None:
    outbox.purge(now)
    records.purge_grants(now)
    records.purge_incidents(now)
    records.purge_looks(now)
    records.purge_guest_pages(now)
    records.purge_activity(now)


WORKS: dict[str, Work] = {
    "wake": wake,
    "sweep checks": sweep_checks.check,
    "slow checks": slow_checks.check,
    "drift": drift.due,
    "orphans": grants.end_orphans,
    "slices": next_slices,
    "incidents": tell_of_incidents,
    "codes": tell_of_codes,
    "guests": tell_guests,
    "who came": who_came,
    "purge": purge,
}


@pytest.fixture(scope="module")
def statements(server: None) -> dict[int, dict[str, list[str]]]:
    """By size of the tables and work, what was asked; and of the larger size what was read from end to end."""
    return {pins: dict(_asked(pins)) for pins in (FEW, MANY)}


@pytest.fixture(scope="module")
def read_whole(server: None, statements: dict[int, dict[str, list[str]]]) -> dict[str, set[tuple[str, str]]]:
    many_rows.fill(MANY, DUE, NOW)
    large = {model._meta.db_table for model in many_rows.LARGE}
    found: dict[str, set[tuple[str, str]]] = {}
    for name, asked in statements[MANY].items():
        found[name] = {(table, sql) for sql in set(asked) for table in whole_reads(sql) & large}
    many_rows.empty()
    return found


def _asked(pins: int) -> Iterator[tuple[str, list[str]]]:
    many_rows.fill(pins, DUE, NOW)
    for name, work in WORKS.items():
        with transaction.atomic():
            _begin()
            with CaptureQueriesContext(connection) as captured:
                work(NOW)
            transaction.set_rollback(True)
        yield name, [_plain(query["sql"]) for query in captured.captured_queries]
    many_rows.empty()


def _begin() -> None:
    """As an hour after the start: what is done once is done, and a round through all codes is under way. And something
    of each kind that a check must resolve, or ask of a lock that is out of reach."""
    drift.look(NOW)
    collecting.collect(NOW)
    lock = Lock.objects.order_by("pk")[0]
    LockState.objects.filter(lock=lock).update(pause_cause="offline")
    for kind in (Incident.Kind.NO_ROOM, Incident.Kind.TOO_MANY_CODES, Incident.Kind.NO_PERMISSION):
        Incident.open(kind, NOW, about=lock)
    for kind in (Incident.Kind.VALUE_TAKEN, Incident.Kind.CHANGED_IN_APP, Incident.Kind.CODE_CHANGED):
        Incident.open(kind, NOW, about=Pin.objects.order_by("pk")[0])


def _plain(sql: str) -> str:
    """Without the wrapping of a cursor on the server."""
    return sql.partition(" FOR ")[2] if sql.startswith("DECLARE") else sql


@pytest.mark.parametrize("name", WORKS)
def test_no_large_table_is_read_from_end_to_end(name: str, read_whole: dict[str, set[tuple[str, str]]]) -> None:
    assert not read_whole[name], "\n".join(f"{table}: {sql[-900:]}" for table, sql in read_whole[name])


@pytest.mark.parametrize("name", WORKS)
def test_ten_times_the_codes_cost_the_same_statements(name: str, statements: dict[int, dict[str, list[str]]]) -> None:
    few, many = (_without_frames(statements[pins][name]) for pins in (FEW, MANY))
    assert len(few) == len(many), "\n".join(sql[:200] for sql in many)


def _without_frames(asked: list[str]) -> list[Any]:
    return [sql for sql in asked if not sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))]
