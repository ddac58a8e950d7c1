"""What runs each minute, where as much is due among very many codes as among few: times as ratios, on PostgreSQL.

`make bench` compares 1,000 due codes among a million with the same among a thousand; the ordinary suite takes 20,000.
Both databases are there at once and take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import psycopg
import pytest
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django.plugin import DjangoDbBlocker

from pins.desired import drift, drift_rounds
from pins.incidents import slow_checks, sweep_checks
from pins.models import Pin
from pins.notify import collecting
from pins.reconcile import sweep
from tests.benchmarks import table
from tests.support import many_rows
from tests.support.postgres import as_default_database

pytestmark = [pytest.mark.benchmark, pytest.mark.postgres, pytest.mark.slow, pytest.mark.timeout(3600)]

DUE = 1_000
SIZES = (DUE, 1_000_000 if table.FULL else 20_000)
TURNS = 9 if table.FULL else 3
NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Work:
    """What is measured. `act` returns how many rows it saw, where the time is meant for each of them."""

    row: table.Row
    act: Callable[[datetime], int | None]
    prepare: Callable[[datetime], object] = lambda now: None


def _sweep(now: datetime) -> None:
    sweep.due_locks(now, sweep.ration(now))
    sweep_checks.check(now)


def _due_drift(now: datetime) -> None:
    assert drift.due(now) == []


def _slices(now: datetime) -> int:
    seen = 0
    for one in drift_rounds.ROUNDS:
        with drift_rounds.next_slice(one, now) as keys:
            assert list(one.differing(keys, now)) == []
            seen += len(keys)
    return seen


def _news(now: datetime) -> None:
    """An incident about each code that is due was told, and now all of them are on their locks: so many ends, and so
    many codes that are ready."""
    sweep_checks.check(now)
    collecting.collect(now)
    Pin.objects.filter(pk__lte=DUE).update(state="set")
    sweep_checks.check(now)


WORKS = (
    Work(table.SWEEP, _sweep),
    Work(table.REVIEWS, slow_checks.check),
    Work(table.DRIFT, _due_drift),
    Work(table.COLLECTING, collecting.collect, _news),
    Work(table.SLICES, _slices),
)


@pytest.fixture
def sides(
    postgres_url: str, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[list[BaseDatabaseWrapper]]:
    """A database of each size."""
    with django_db_blocker.unblock(), ExitStack() as stack:
        found: list[BaseDatabaseWrapper] = []
        for pins in SIZES:
            name = f"growth_{pins}"
            url = postgres_url.rpartition("/")[0] + f"/{name}"
            found.append(stack.enter_context(as_default_database(url)))
            with psycopg.connect(postgres_url, autocommit=True) as server:  # before anybody is connected
                for setting in ("max_parallel_workers_per_gather = 0", "random_page_cost = 1.1"):
                    server.execute(f"ALTER DATABASE {name} SET {setting}")  # as docker-compose.yml, docs/operations.md
            begin = time.monotonic()
            many_rows.fill(pins, DUE, NOW)
            print(f"\n{pins:,} codes were made in {time.monotonic() - begin:.0f} s")
        yield found


def test_what_is_due_costs_the_same_among_many(sides: list[BaseDatabaseWrapper]) -> None:
    for work in WORKS:
        times: tuple[list[float], ...] = tuple([] for _ in sides)
        for turn in range(TURNS + 1):
            for side, taken in zip(sides, times, strict=True):
                seconds = _seconds(side, work)
                if turn:  # the first one fills caches
                    taken.append(seconds)
        few, many = (median(taken) for taken in times)
        unit = f"{few * 1e6:.0f} and {many * 1e6:.0f} µs" if few < 0.001 else f"{few * 1e3:.0f} and {many * 1e3:.0f} ms"
        table.record(work.row, many / few, f"{unit}; among {SIZES[0]:,} and {SIZES[1]:,}, medians of {TURNS}")


def _seconds(side: BaseDatabaseWrapper, work: Work) -> float:
    connections["default"] = side
    with transaction.atomic():
        work.prepare(NOW)
        begin = time.perf_counter()
        seen = work.act(NOW)
        seconds = time.perf_counter() - begin
        transaction.set_rollback(True)
    return seconds / seen if seen else seconds
