"""Too few requests for all: the codes of arrivals must be ready in time for at least 99 in a hundred of those for whom
a plan with perfect knowledge has them ready.

`make bench` takes 2,000 locks and the 700 requests an hour of one account; in the test suite both are smaller in
proportion. Figures go to `var/figures/`.
"""

from __future__ import annotations

import math
import os

import pytest
import time_machine
from pytest_django import Settings

from tests.benchmarks.change_over import Saturday, Size
from tests.support.paths import FIGURES

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

FULL = os.environ.get("TURNKEY_FULL_SIZE") == "1"
#: One arrival on each lock can be done; where each lock is the entrance of two flats, not all of them can.
SIZES = {
    "one arrival a lock": Size(2000, 1, 700) if FULL else Size(40, 1, 14),
    "two arrivals a lock": Size(1000, 2, 350) if FULL else Size(20, 2, 7),
}
STANDARD_FAULTS = "timeout_applied=0.1,timeout_lost=0.1,busy=0.1,offline=0.05"
SHARE_OF_THE_PLAN = 0.99


@pytest.mark.parametrize("faults", ["", STANDARD_FAULTS], ids=["no faults", "usual faults"])
@pytest.mark.parametrize("load", list(SIZES))
def test_arrivals_are_ready_as_in_a_plan_with_perfect_knowledge(
    clock: time_machine.Traveller, settings: Settings, load: str, faults: str
) -> None:
    settings.SWEEP_SECONDS = 15 if FULL else 60
    figures = Saturday(clock, SIZES[load], faults, seed=1).live()
    share, plan = figures.in_time / figures.arrivals, figures.planned / figures.arrivals
    line = (
        f"change-over, {SIZES[load].locks} locks, {load}, {'usual' if faults else 'no'} faults: in time {share:.3f} of "
        f"{figures.arrivals}, the plan {plan:.3f}, ratio {figures.ratio:.3f}; {figures.requests} requests in "
        f"{figures.runs} runs"
    )
    FIGURES.mkdir(parents=True, exist_ok=True)
    name = f"scarcity-{'-'.join(load.split())}-{'faults' if faults else 'calm'}{'-full' if FULL else ''}.txt"
    (FIGURES / name).write_text(line + "\n", encoding="utf-8")
    print(line)
    assert figures.in_time >= math.floor(SHARE_OF_THE_PLAN * figures.planned)  # of 40 guests, one is more than that
