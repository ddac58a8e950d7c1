"""The broker goes away for seconds while a task runs: the worker must live on.

Guards the versions of Celery and kombu: Celery 5.7.0 ends its worker in this situation.
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chaos import proofs
from tests.support.processes import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.real_processes, pytest.mark.timeout(1800)]
#: The account's first code is read once, sooner or later.
READ_BACK = Counter(GET=1)

OPERATION_SECONDS = 3


#: In seconds: back before the task ends, and after it ended.
OUTAGES = (1, 5)


def test_a_worker_outlives_the_loss_of_redis_in_the_middle_of_a_task(sqlite_url: str, tmp_path: Path) -> None:
    locks_needed = 2 * len(OUTAGES)
    options = ["--locks", str(locks_needed), "--latency", str(OPERATION_SECONDS)]
    with Stack(tmp_path, sqlite_url, simulator=options) as stack:
        locks = stack.locks()
        doors = [lock["id"] for lock in locks]
        flats = [{"name": f"Flat {door}", "doors": [door]} for door in doors]
        ids = list(stack.desk.ask("furnish", key=stack.key, locks=locks, flats=flats).values())
        pid = stack.worker.pid

        for number, outage in enumerate(OUTAGES):
            _book(stack, ids[2 * number])
            stack.wait_for("a task is under way", lambda: any(lock["occupied"] for lock in stack.locks()), 60)
            begun = time.monotonic()
            stack.cut_redis(seconds=outage)
            proofs.wait_until_right(stack, "the pin of the interrupted task is set")
            _book(stack, ids[2 * number + 1])
            proofs.wait_until_right(stack, "the same worker goes on with other work")
            goes_on_after = time.monotonic() - begun

            assert stack.worker.runs
            assert stack.worker.pid == pid
            story = proofs.assert_never_wrong(stack, [])
            made = {"POST": 2 * (number + 1)}
            assert story.by_method - READ_BACK == made, "the answer that came during the outage was lost"
            proofs.write_figures(
                f"redis-blinks-{outage}s",
                [
                    f"Redis killed for {outage} s while a request of {OPERATION_SECONDS} s was under way",
                    f"worker {pid} lives on; both pins set {goes_on_after:.1f} s after the cut",
                    f"{len(story.requests)} requests since the start",
                ],
            )


def _book(stack: Stack, flat: int) -> None:
    check_in = proofs.whole_now() + timedelta(days=1)
    stay = {"flat": flat, "guest": "Anna", "check_in": check_in.isoformat()}
    stack.desk.ask("book", stays=[{**stay, "check_out": (check_in + timedelta(days=3)).isoformat()}])
