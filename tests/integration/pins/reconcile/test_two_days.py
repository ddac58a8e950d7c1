"""Two simulated days on a cloud that keeps its documents' word in one or several ways less, while every fifth request
is a timeout: see `tests.support.two_days`.

A usual run takes mixes in which each difference stands once. `TURNKEY_DIFFERENCES=alone` and `=pairs` take each by
itself and every pair, `TURNKEY_PROOFS=full` 20 locks and 100 bookings in place of a few.
"""

from __future__ import annotations

import os
from datetime import timedelta
from itertools import combinations

import pytest
import time_machine
from pytest_django import Settings

from pins.core.audit import UNSEEN_AGAIN
from pins.models import Incident
from tests.support.differences import DIFFERENCES
from tests.support.paths import FIGURES
from tests.support.two_days import FULL, LANDS_AFTER, SMALL, START, Figures, TwoDays, within_the_ceiling

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(3600)]

MIXES = (
    ("lists lag a minute and a half", "aliases are cut", "errors have no body", "updates merge"),
    ("lists show nothing", "aliases lose the number sign", "errors are problems", "seconds and hours read otherwise"),
    ("lists leave some out", "aliases lose spaces", "ids are text", "ids are used again"),
    ("lists have no version", "aliases become capitals", "ended codes stay a while"),
    (
        "the version is stuck",
        "aliases are cut to ten",
        "starts in the past are refused",
        "the key may not write at times",
    ),
    ("the version jumps", "long aliases are refused", "a hand in the app"),
    ("lists lag an hour",),
)
#: A lost creation is given up, and searched for twice more; the last search may meet some timeouts, and it is put off
#: when a further creation on the lock gets lost.
LONGEST_DOUBLE = timedelta(seconds=2 * LANDS_AFTER) + UNSEEN_AGAIN[-1] + timedelta(minutes=45)
CHOICES: dict[str, list[tuple[str, ...]]] = {
    "alone": [(name,) for name in DIFFERENCES],
    "pairs": list(combinations(DIFFERENCES, 2)),
    "": list(MIXES),
}
CASES = CHOICES[os.environ.get("TURNKEY_DIFFERENCES", "")]
SIZE = FULL if os.environ.get("TURNKEY_PROOFS") == "full" else SMALL


def test_each_difference_is_in_a_mix() -> None:
    assert {name for mix in MIXES for name in mix} == set(DIFFERENCES)


@pytest.mark.parametrize("names", CASES, ids=" and ".join)
def test_nobody_is_locked_out_untold_and_codes_stay_few(names: tuple[str, ...], settings: Settings) -> None:
    differences = [DIFFERENCES[name] for name in names]
    settings.LATE_SECONDS = int(2 * LANDS_AFTER)
    settings.TEDEE_RATE_LIMIT = 1_000_000  # scarcity has tests of its own
    settings.AUDIT_SECONDS = min(one.audit_seconds for one in differences)
    with time_machine.travel(START, tick=False) as clock:
        figures = TwoDays(clock, SIZE, seed=7, differences=differences).live()
    write_down(names, figures)
    assert figures.wrong == ()
    assert figures.untold == ()
    assert within_the_ceiling(figures), figures
    if not any(one.hides for one in differences):
        assert figures.longest_double <= LONGEST_DOUBLE
    told, expected = set(figures.incidents), {kind for one in differences for kind in one.tells}
    assert expected <= told
    assert Incident.Kind.CHANGED_IN_APP in expected or Incident.Kind.CHANGED_IN_APP not in told


def write_down(names: tuple[str, ...], figures: Figures) -> None:
    """One line for each case; several workers may write."""
    facts = (
        f"{figures.requests} requests",
        f"{figures.posts} creations sent",
        f"codes of one guest at most {figures.most_living}, doubled for {figures.longest_double}",
        f"unaccounted at most {figures.most_in_an_hour} in an hour, {figures.most_in_a_day} in a day",
        f"incidents: {', '.join(figures.incidents) or 'none'}",
        f"wrong at the end: {len(figures.wrong)}",
    )
    line = f"{' + '.join(names)}: {'; '.join(facts)}\n"
    FIGURES.mkdir(parents=True, exist_ok=True)
    with (FIGURES / "two_days.txt").open("a", encoding="utf-8") as file:
        file.write(line)
