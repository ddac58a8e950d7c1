"""How long many codes take, beside what others would write, in one run on one machine.

Twenty locks get 25 codes each, from a cloud that takes 100 or 300 ms to answer. Two workers each: ours, Procrastinate's
(a queue in PostgreSQL with a lock per door), and plain Celery's. The clock runs from the commit of all bookings to the
last answer of the cloud, by the cloud's own journal. Medians of three.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.benchmarks import table
from tests.chaos import proofs
from tests.support.paths import ROOT
from tests.support.processes import Child, Stack
from tests.support.worker_processes import cpu_seconds

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.real_processes,
    pytest.mark.postgres,
    pytest.mark.timeout(1800),
]

LOCKS, CODES, ROUNDS = (20, 25, 3) if table.FULL else (4, 5, 1)
LATENCIES = (0.1, 0.3) if table.FULL else (0.1,)
FAULTS = "timeout_applied=0.1,timeout_lost=0.1,busy=0.1,offline=0.05,writes_only"
WORKERS = 2


@dataclass(frozen=True)
class Taken:
    """One round of one side."""

    seconds: float
    requests: int
    faults: int
    doubts: int  # faults after which nobody knows whether the change was applied
    applied: int  # of these, those that were
    doubles: int
    cpu: float  # of its workers, in seconds

    @property
    def cpu_per_code(self) -> float:
        return 1000 * self.cpu / (LOCKS * CODES)


@pytest.fixture
def database_url(postgres_url: str) -> Iterator[str]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS makespan WITH (FORCE)")
        connection.execute("CREATE DATABASE makespan")
    yield postgres_url.rpartition("/")[0] + "/makespan"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE makespan WITH (FORCE)")


@contextmanager
def running(folder: Path, database_url: str, *, latency: float, faults: str = "") -> Iterator[Stack]:
    """The cloud with locks enough for each side to have fresh ones in every round, and our two workers."""
    options = ["--locks", str(LOCKS * ROUNDS * 2), "--latency", str(latency), "--seed", "7"]
    options += ["--faults", faults] if faults else []
    settings = {"SWEEP_SECONDS": "15", "LATE_SECONDS": "600"}
    with Stack(folder, database_url, simulator=options, settings=settings) as stack:
        stack.start_worker("worker-2")
        yield stack


def seconds_of(child: Child) -> float:
    """Processor time that a process has used."""
    assert child.pid is not None
    return cpu_seconds(child.pid)


class Ours:
    def __init__(self, stack: Stack, devices: list[int]) -> None:
        self._stack = stack
        self.workers = [child for child in stack.children if child.name.startswith("worker")]
        named = {lock["id"]: lock for lock in stack.locks()}
        flats = [{"name": f"Flat {device}", "doors": [device]} for device in devices]
        locks = [named[device] for device in devices]
        self._flats = stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats)

    def begin(self, devices: list[int]) -> float:
        first = proofs.whole_now() + timedelta(days=1)
        stays = []
        for device in devices:
            for number in range(CODES):
                check_in = first + timedelta(days=number)
                stay = {"flat": self._flats[f"Flat {device}"], "guest": "Anna", "check_in": check_in.isoformat()}
                stays.append(stay | {"check_out": (check_in + timedelta(hours=20)).isoformat()})
        return float(self._stack.desk.ask("book_together", stays=stays))


class Baseline:
    """Workers of a module of `tests.benchmarks.baselines`."""

    def __init__(self, stack: Stack, module: str, worker: list[str], further: dict[str, str]) -> None:
        self._stack, self._module = stack, f"tests.benchmarks.baselines.{module}"
        self._settings = further | {
            "BENCH_API_URL": stack.environment()["TEDEE_API_URL"],
            "BENCH_KEY": stack.key,
            "BENCH_CODES": str(CODES),
        }
        self._call("schema") if module == "queue_in_postgres" else None
        names = [f"{module}-{number}" for number in range(1, WORKERS + 1)]
        self.workers = [
            stack.start_further(name, *(part.format(name=name) for part in worker), settings=self._settings)
            for name in names
        ]

    def begin(self, devices: list[int]) -> float:
        return float(self._call(*map(str, devices)))

    def _call(self, *arguments: str) -> str:
        command = [sys.executable, "-m", self._module, *arguments]
        environment = self._stack.environment() | self._settings
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        return done.stdout


def measure(stack: Stack, side: Ours | Baseline, devices: list[int]) -> Taken:
    """One round. Every lock must hold all its codes at the end."""
    before = sum(map(seconds_of, side.workers))
    begun = side.begin(devices)

    def all_there() -> list[dict[str, Any]] | None:
        held = {lock["id"]: len(lock["pins"]) for lock in stack.locks() if lock["id"] in devices}
        return story() if all(count >= CODES for count in held.values()) else None

    def story() -> list[dict[str, Any]]:
        return [request for request in proofs.Story.of(stack).requests if request["lock_id"] in devices]

    stack.wait_for("all codes are there", all_there, 600, every=0.05)
    # A lost answer is looked after, and a plain task tries again: wait until nothing more comes.
    quiet = len(story())
    while (grown := stack.wait_for("it is quiet", story, 60, every=0.5)) and len(grown) > quiet:
        quiet = len(grown)
    requests = story()
    cpu = sum(map(seconds_of, side.workers)) - before
    last = max(datetime.fromisoformat(one["answered_at"]) for one in requests if one["method"] == "POST")
    codes = Counter((lock["id"], pin["pin"]) for lock in stack.locks() if lock["id"] in devices for pin in lock["pins"])
    held = Counter(lock["id"] for lock in stack.locks() if lock["id"] in devices for _ in lock["pins"])
    doubles = sum(max(0, count - CODES) for count in held.values()) + sum(n - 1 for n in codes.values())
    faults = [one for one in requests if one["fault"] is not None]
    doubts = [one for one in faults if one["fault"] in proofs.DOUBTS]
    applied = sum(one["applied"] for one in doubts)
    return Taken(last.timestamp() - begun, len(requests), len(faults), len(doubts), applied, doubles, cpu)


def rounds(stack: Stack, *sides: Ours | Baseline, devices: list[list[int]]) -> list[list[Taken]]:
    """The sides take turns, so that whatever slows the machine slows all of them."""
    taken: list[list[Taken]] = [[] for _ in sides]
    for number in range(ROUNDS):
        for place, side in enumerate(sides):
            share = devices[place][number * LOCKS : (number + 1) * LOCKS]
            taken[place].append(measure(stack, side, share))
    return taken


def median(taken: list[Taken], name: str) -> float:
    return statistics.median(float(getattr(one, name)) for one in taken)


def halves(stack: Stack) -> list[list[int]]:
    ids = [lock["id"] for lock in stack.locks()]
    return [ids[: len(ids) // 2], ids[len(ids) // 2 :]]


def queue_in_postgres(stack: Stack, database_url: str) -> Baseline:
    app = "tests.benchmarks.baselines.queue_in_postgres.app"
    worker = ["-m", "procrastinate", "--app", app, "worker", "--concurrency", str(LOCKS // WORKERS), "-p", "0.1"]
    return Baseline(stack, "queue_in_postgres", worker, {"BENCH_DATABASE": database_url, "PYTHONPATH": str(ROOT)})


def task_per_booking(stack: Stack) -> Baseline:
    app = "tests.benchmarks.baselines.task_per_booking"
    worker = ["-m", "celery", "-A", app, "worker", "--pool", "threads", "-c", str(LOCKS // WORKERS), "-Q", "plain"]
    worker += ["--without-mingle", "--without-gossip", "-n", "{name}@%h"]
    broker = stack.environment()["REDIS_URL"].replace("unix://", "redis+socket://")
    return Baseline(stack, "task_per_booking", worker, {"BENCH_BROKER": broker})


@pytest.mark.parametrize("latency", LATENCIES, ids=lambda latency: f"{1000 * latency:.0f}ms")
def test_without_faults(database_url: str, tmp_path: Path, latency: float) -> None:
    with running(tmp_path, database_url, latency=latency) as stack:
        devices = halves(stack)
        ours, theirs = rounds(stack, Ours(stack, devices[0]), queue_in_postgres(stack, database_url), devices=devices)
    bound = CODES * latency
    assert [one.doubles for one in ours] == [0] * ROUNDS
    assert all(one.requests == LOCKS * CODES for one in ours[1:]), "each code costs one request"
    seconds, theirs_took = median(ours, "seconds"), median(theirs, "seconds")
    cpu = f"{median(ours, 'cpu_per_code'):.1f} and {median(theirs, 'cpu_per_code'):.1f} ms of processor time a code"
    took = f"{seconds:.2f} s, the queue in PostgreSQL {theirs_took:.2f} s, lower bound {bound:.2f} s; {cpu}"
    if latency == 0.1:
        table.record(table.MAKESPAN_100, seconds / theirs_took, took)
        table.record(table.CPU, median(ours, "cpu_per_code"), took)
    else:
        table.record(table.MAKESPAN_300, seconds / bound, took)


def test_with_faults(database_url: str, tmp_path: Path) -> None:
    with running(tmp_path, database_url, latency=0.1, faults=FAULTS) as stack:
        devices = halves(stack)
        ours, theirs = rounds(stack, Ours(stack, devices[0]), task_per_booking(stack), devices=devices)
    assert [one.doubles for one in ours] == [0] * ROUNDS
    seconds, theirs_took = median(ours, "seconds"), median(theirs, "seconds")
    doubles = sum(one.doubles for one in ours), sum(one.doubles for one in theirs)
    table.record(
        table.MAKESPAN_FAULTS,
        seconds / theirs_took,
        f"{seconds:.2f} s, a task per booking {theirs_took:.2f} s; {median(ours, 'cpu_per_code'):.1f} ms of processor "
        f"time a code",
    )
    table.record(table.DOUBLES, doubles[0], f"a task per booking {doubles[1]}")
    sent, codes = sum(one.requests for one in ours), LOCKS * CODES * ROUNDS
    faults, doubts, applied = (sum(getattr(one, name) for one in ours) for name in ("faults", "doubts", "applied"))
    table.record(
        table.REQUESTS,
        sent / (codes + faults + doubts),
        f"{sent} requests, {codes} codes, {faults} faulted answers, {doubts} doubts; where a lost answer was a success "
        f"({applied}) none need follow: {sent / (codes + faults + doubts - applied):.3f} of what is needed at least",
    )
