"""A minute under fire on each database: what `make chaos` does for as long as you like. `docs/chaos.md` explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import proofs
from tests.chaos.fire import history, judge, report
from tests.chaos.fire.machines import NotHere
from tests.chaos.fire.run import Options, run

pytestmark = [pytest.mark.chaos, pytest.mark.real_processes, pytest.mark.timeout(1800)]

#: Each goes through other kinds of faults in its minute. `CHAOS_SEED` explores others.
SEEDS = {"sqlite": 1, "postgres": 2}


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_minute_under_fire_breaks_no_promise(database: str, tmp_path: Path) -> None:
    options = Options(database, int(proofs.seed_of_faults(SEEDS[database])), seconds=60)
    try:
        outcome = run(options, tmp_path)
    except NotHere as missing:
        pytest.skip(str(missing))  # `TURNKEY_REQUIRE_ALL=1` fails where the other tests of PostgreSQL find no server
    history.write(tmp_path / "history.jsonl", outcome.history)
    proofs.write_figures(f"under-fire-{database}", [*report.summary(outcome), *report.table([outcome])])
    assert not outcome.breaks, judge.told(outcome.history, outcome.breaks)
    assert all(blow.healed is not None for blow in outcome.blows)
    # A run in which little happened proves little.
    assert len(outcome.blows) >= 5
    assert len(outcome.history.changes) >= 100
