"""What happens to the machines while guests come and go. Each fault is a generator: what it does before the `yield`
begins it, what it yields says what it did, and what comes after ends it. Faults of the cloud are in `cloud_faults`.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from tests.chaos.fire.judge import RESTORED
from tests.chaos.fire.machines import NotHere
from tests.chaos.fire.scene import Scene
from tests.support.processes import Child

Lane = Literal["machines", "cloud"]
Blowing = Callable[[Scene], Iterator[str]]


@dataclass(frozen=True)
class Fault:
    """One kind. `seconds`: least and most time that it lasts. One of each lane at a time."""

    name: str
    lane: Lane
    seconds: tuple[float, float]
    blow: Blowing


ALL: Final[dict[str, Fault]] = {}


def fault(lane: Lane, least: float, most: float, name: str = "") -> Callable[[Blowing], Blowing]:
    """Enter a generator among the faults, under its own name unless given."""

    def enter(blow: Blowing) -> Blowing:
        known = name or blow.__name__
        ALL[known] = Fault(known, lane, (least, most), blow)
        return blow

    return enter


# -- processes ----------------------------------------------------------------------------------------------------


@fault("machines", 0.5, 3)
def worker_killed(scene: Scene) -> Iterator[str]:
    worker = scene.rng.choice(scene.workers)
    worker.kill()
    yield f"kill -9 {worker.name}"
    worker.start()


@fault("machines", 0.5, 3)
def all_workers_killed(scene: Scene) -> Iterator[str]:
    for worker in scene.workers:
        worker.kill()
    yield f"kill -9 of {len(scene.workers)} workers"
    for worker in scene.workers:
        worker.start()


@fault("machines", 1, 5)
def beat_killed(scene: Scene) -> Iterator[str]:
    beat = scene.rng.choice(scene.beats)
    beat.kill()
    yield f"kill -9 {beat.name}"
    beat.start()


@fault("machines", 3, 10)
def worker_asleep(scene: Scene) -> Iterator[str]:
    """SIGSTOP: everything that it had begun goes on later, as after a machine was suspended."""
    worker = scene.rng.choice(scene.workers)
    with _asleep(worker):
        yield f"SIGSTOP {worker.name}"


@contextmanager
def _asleep(child: Child) -> Iterator[None]:
    pid = child.pid
    if pid is None or not child.runs:
        yield
        return
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


# -- the broker ---------------------------------------------------------------------------------------------------


@fault("machines", 0.5, 1)
def redis_flushed(scene: Scene) -> Iterator[str]:
    scene.stack.flush_redis()
    yield "FLUSHALL"


@fault("machines", 1, 6)
def redis_restarted(scene: Scene) -> Iterator[str]:
    scene.stack.redis.kill()
    yield "the broker was killed, and an empty one started"
    scene.stack.redis.start()


@fault("machines", 2, 8)
def redis_asleep(scene: Scene) -> Iterator[str]:
    with scene.stack.redis.asleep():
        yield "SIGSTOP of the broker"


# -- the database -------------------------------------------------------------------------------------------------


@fault("machines", 1, 5)
def database_stopped(scene: Scene) -> Iterator[str]:
    scene.database.stop_at_once()
    try:
        yield "pg_ctl stop -m immediate"
    finally:
        scene.database.revive()


@fault("machines", 2, 6)
def connections_used_up(scene: Scene) -> Iterator[str]:
    with scene.database.use_all_connections() as detail:
        yield detail


@fault("machines", 2, 6)
def database_slow(scene: Scene) -> Iterator[str]:
    """Writers wait for seconds, again and again. The lock ends by itself: the front desk waits for it too."""
    seconds = [scene.rng.uniform(1, 3) for _ in range(2)]
    holding = threading.Thread(target=lambda: [scene.database.hold(each) for each in seconds], daemon=True)
    holding.start()
    yield f"writers waited {' and '.join(f'{each:.1f}' for each in seconds)} s"
    holding.join()


@fault("machines", 10, 14)
def transaction_hangs(scene: Scene) -> Iterator[str]:
    with scene.database.hang() as detail:
        yield detail


@fault("machines", 2, 5)
def disk_full(scene: Scene) -> Iterator[str]:
    scene.database.fill_disk()
    try:
        yield "not a byte is left for the database"
    finally:
        scene.database.revive()


@fault("machines", 0, 0, RESTORED)
def backup_restored(scene: Scene) -> Iterator[str]:
    """Codes that the backup does not know are on the locks. A person releases the accounts at once."""
    scene.bring_back()
    scene.insist("release")
    yield "an older backup was restored into the database, and the accounts were released"


# -- the clock ----------------------------------------------------------------------------------------------------


@fault("machines", 3, 8)
def clock_ahead(scene: Scene) -> Iterator[str]:
    scene.clock.step(1)
    try:
        yield "the clock of all our processes stood a day ahead"
    finally:
        scene.clock.step(0)


@fault("machines", 3, 8)
def clock_behind(scene: Scene) -> Iterator[str]:
    scene.clock.step(-1)
    try:
        yield "the clock of all our processes stood a day behind"
    finally:
        scene.clock.step(0)


__all__ = ["ALL", "Fault", "Lane", "NotHere", "fault"]
