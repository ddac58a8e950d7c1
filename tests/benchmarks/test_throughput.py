"""How many requests a second two worker processes send, from a cloud that answers at once.

A thousand accounts at 700 requests an hour are 194 a second. PostgreSQL, broker and simulated cloud share the cores
with the workers. Counted by the cloud's journal, from the moment at which a tenth of all requests has arrived to that
at which nine tenths have: neither the start nor the end, where locks run out of work, is part of it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.benchmarks import table
from tests.benchmarks.stays import furnish, many_stays, wait_until_settled
from tests.benchmarks.test_makespan import seconds_of
from tests.chaos import proofs
from tests.support.processes import Stack

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.real_processes,
    pytest.mark.postgres,
    pytest.mark.timeout(1800),
]

#: Of codes no more than the issue-ahead window of 30 days has, one a day.
ACCOUNTS, LOCKS, CODES = (10, 600, 28) if table.FULL else (2, 10, 20)


def test_requests_a_second(postgres_database_url: str, tmp_path: Path) -> None:
    settings = {"SWEEP_SECONDS": "15", "LATE_SECONDS": "600"}
    with Stack(tmp_path, postgres_database_url, simulator=["--locks", str(LOCKS)], settings=settings) as stack:
        workers = [stack.worker, stack.start_worker("worker-2")]
        flats = furnish(stack, ACCOUNTS)
        before = sum(map(seconds_of, workers))
        stack.desk.ask("book_in_bulk", stays=many_stays(flats, CODES))
        wait_until_settled(stack, 900)
        used = sum(map(seconds_of, workers)) - before
        requests = proofs.Story.of(stack).requests
        assert sum(len(lock["pins"]) for lock in stack.locks()) == LOCKS * CODES
    sent = [one for one in requests if one["method"] == "POST" and one["status"] < 300]
    assert len(sent) == LOCKS * CODES, "each code is set once"
    arrived = sorted(datetime.fromisoformat(one["at"]).timestamp() for one in requests)
    steady = arrived[len(arrived) // 10 : len(arrived) * 9 // 10]
    table.record(
        table.THROUGHPUT,
        (len(steady) - 1) / (steady[-1] - steady[0]),
        f"{len(requests):,} requests for {LOCKS * CODES:,} codes of {ACCOUNTS} accounts, {len(steady):,} of them in "
        f"{steady[-1] - steady[0]:.1f} s; {1000 * used / len(sent):.1f} ms of the workers' processor time a code",
    )
