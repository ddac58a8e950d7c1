"""Three workers and two beats on one PostgreSQL and one Redis, started with the commands of docker-compose.yml."""

from __future__ import annotations

import os
import re
import signal
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from config.beat_lease import LEASE
from config.processes import this_process
from config.queues import DOORS, SLOW
from tests.chaos import proofs
from tests.support.processes import Child, Stack

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.real_processes,
    pytest.mark.postgres,
    pytest.mark.timeout(1800),
]

LOCKS = 12
SWEEP_SECONDS = 2
#: How long the ticks may fail to come while the leading beat is dead or asleep.
TAKES_OVER_WITHIN = 30.0
_SWEEP_SENT = re.compile(r"Sending due task turnkey: sweep")
CELERY = ("-m", "celery", "-A", "config")


def test_codes_come_whichever_worker_and_whichever_beat_dies(postgres_database_url: str, tmp_path: Path) -> None:
    simulator = ["--locks", str(LOCKS), "--latency", "0.3-0.9", "--late-seconds", "5"]
    settings = {"SWEEP_SECONDS": str(SWEEP_SECONDS)}
    with Stack(tmp_path, postgres_database_url, simulator=simulator, settings=settings) as stack:
        first = stack.beat
        others = [
            stack.start_further("worker-2", *CELERY, "worker", "-Q", DOORS, "-n", "second@%h"),
            stack.start_further("worker-3", *CELERY, "worker", "-Q", SLOW, "-n", "third@%h"),
        ]
        for other in others:
            stack.wait_for(f"{other.name} is ready", partial(other.said, r"\bready\."), 90)
        second = stack.start_further("beat-2", *CELERY, "beat")
        stack.wait_for("the second beat stands by", lambda: second.said("beat_stands_by"), 90)
        flats = _settle_in(stack)

        # One sends, and the other nothing.
        watched = 5 * SWEEP_SECONDS
        before, begun = _sweeps(first), time.monotonic()
        _book(stack, flats, day=1)
        proofs.wait_until_right(stack, "every stay has its code")
        stack.wait_for("some ticks pass", lambda: time.monotonic() - begun >= watched, 2 * watched)
        ticks, took = _sweeps(first) - before, time.monotonic() - begun
        assert abs(ticks - took / SWEEP_SECONDS) <= 2
        assert _sweeps(second) == 0

        # Asleep, as on a machine that hangs: only its silence tells.
        assert first.pid is not None
        os.kill(first.pid, signal.SIGSTOP)
        asleep = _seconds_until_ticks(stack, second)
        _book(stack, flats, day=5)
        proofs.wait_until_right(stack, "new stays have their codes while the first beat sleeps")
        sent_by_first = _sweeps(first)
        os.kill(first.pid, signal.SIGCONT)
        stack.wait_for("the first beat knows that it leads no more", lambda: first.said("beat_lost_its_lease"), 30)
        assert _sweeps(first) == sent_by_first, "it sent a tick that the other had sent"

        # Killed, and the first one takes over again: on the same machine it sees that the process is gone.
        second.kill()
        killed = _seconds_until_ticks(stack, first)

        # A worker dies in the middle of its requests. Nobody starts it again: the other one does its work.
        _book(stack, flats, day=9)
        stack.wait_for(
            "devices are at work", lambda: sum(lock["occupied"] for lock in stack.locks()) >= LOCKS // 3, 60, every=0.01
        )
        stack.worker.kill()
        begun = time.monotonic()
        proofs.wait_until_right(stack, "the other worker does what the dead one left")
        inherited = time.monotonic() - begun
        story = proofs.assert_never_wrong(stack, [])
        assert all(other.runs for other in others)
    assert asleep <= TAKES_OVER_WITHIN
    assert killed <= (LEASE.total_seconds() / 2 if this_process() else TAKES_OVER_WITHIN)
    proofs.write_figures(
        "many-machines",
        [
            f"3 workers, 2 beats, {LOCKS} locks, {3 * LOCKS} bookings, PostgreSQL",
            f"sweeps sent in {took:.1f} s: {ticks} (one each {SWEEP_SECONDS} s), by the standby: 0",
            f"a beat falls asleep (SIGSTOP): the other ticks {asleep:.1f} s later",
            f"a beat is killed on the same machine: the other ticks {killed:.1f} s later",
            f"a worker is killed in the act: all right {inherited:.1f} s later (a lease lives 60 s)",
            *proofs.told(story),
        ],
    )


def _settle_in(stack: Stack) -> list[int]:
    locks = stack.locks()
    flats = [{"name": f"Flat {lock['id']}", "doors": [lock["id"]]} for lock in locks]
    return list(stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats).values())


def _book(stack: Stack, flats: list[int], *, day: int) -> None:
    check_in = proofs.whole_now() + timedelta(days=day)
    stay = {"guest": "Anna", "check_in": check_in.isoformat(), "check_out": (check_in + timedelta(days=2)).isoformat()}
    stack.desk.ask("book", stays=[{"flat": flat, **stay} for flat in flats])


def _sweeps(beat: Child) -> int:
    """How many sweeps this beat has sent, by its own log."""
    return len(_SWEEP_SENT.findall(beat.log.read_text(errors="replace")))


def _seconds_until_ticks(stack: Stack, beat: Child) -> float:
    """Wait until this beat sends its next sweep."""
    before, begun = _sweeps(beat), time.monotonic()
    stack.wait_for(f"{beat.name} sends a sweep", lambda: _sweeps(beat) > before, 4 * TAKES_OVER_WITHIN)
    return time.monotonic() - begun
