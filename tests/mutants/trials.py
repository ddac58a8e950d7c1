"""Which mutants are judged, by which tests, and within how many seconds."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants import reach
from tests.mutants.mutating import Mutant, mutants
from tests.mutants.reach import Reach
from tests.mutants.results import Fate, Judged
from tests.mutants.running import Changed, Chosen, run_pytest
from tests.mutants.suites import Suite, text_of
from tests.support.paths import ROOT

#: A process needs so long before its first test, on a busy machine.
START_SECONDS: Final = 60
#: A mutant may make tests so much slower before it counts as endless.
SLOWER: Final = 10


@dataclass(frozen=True)
class Trial:
    """A mutant, and the tests that judge it with their seconds. `left_out`: so many reach it, too, but are too slow."""

    mutant: Mutant
    suite: Suite
    judges: dict[str, float]
    left_out: int

    @property
    def seconds(self) -> float:
        """A process that takes longer is endless."""
        return START_SECONDS + SLOWER * sum(self.judges.values())

    def fate(self, status: int, *, timed_out: bool) -> Fate:
        if timed_out:
            return Fate.TIMEOUT
        return Fate.SURVIVED if status == 0 else Fate.KILLED

    def judged(self, fate: Fate) -> Judged:
        return Judged(self.mutant, fate, len(self.judges), self.left_out)

    def run(self) -> int:
        """Run the judges with the mutant in place of its module. For a process of its own."""
        sys.meta_path.insert(0, Changed(self.mutant.path, self.mutant.text))
        files = sorted({str(ROOT / test.partition("::")[0]) for test in self.judges})
        return run_pytest(["-x", "--tb=short", *files], [Chosen(self.judges)])


def sample(path: str, number: int, seed: int) -> list[Mutant]:
    """So many mutants of a module; a larger sample holds the smaller one."""
    found = mutants(path, text_of(path))
    random.Random(f"{seed} {path}").shuffle(found)
    return found[:number]


def trial_of(mutant: Mutant, suite: Suite, reaches: Sequence[Reach], most_seconds: float) -> Trial:
    """Tests that reach the mutant, together no longer than that, but at least one: first those of a file that is named
    after the module, then the fastest."""
    every = reach.judges(reaches, mutant.path, mutant.lines, in_function=mutant.in_function)
    judges: dict[str, float] = {}
    named = f"/test_{Path(mutant.path).stem}"
    for test, seconds in sorted(every.items(), key=lambda item: (named not in item[0], item[1])):
        if not judges or sum(judges.values()) + seconds <= most_seconds:
            judges[test] = seconds
    return Trial(mutant, suite, judges, len(every) - len(judges))
