"""`make mutants`: change the deciding code in small ways and see whether a test notices.

make mutants                                   # ten mutants of each module
make mutants ARGS="core/retry -n 40 --seed 7"  # some modules, more mutants, others
make mutants ARGS="core/retry --number 12"     # one mutant again
make mutants ARGS="--save"                     # keep the table and the survivors in docs/reports
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.mutants import reach, results
from tests.mutants.mutating import Mutant, mutants
from tests.mutants.reach import FOLDER, Reach
from tests.mutants.results import Fate, Judged
from tests.mutants.running import Changed, Child, Chosen, read_libraries, run_pytest
from tests.mutants.suites import Suite, chosen, text_of
from tests.support import migrated
from tests.support.paths import ROOT

#: A process needs so long before its first test, on a busy machine.
_START_SECONDS = 60
#: A mutant may make tests so much slower before it counts as endless.
_SLOWER = 10


@dataclass(frozen=True)
class Trial:
    """A mutant, and the tests that judge it with their seconds."""

    mutant: Mutant
    judges: dict[str, float]
    left_out: int

    def fate(self, status: int, *, timed_out: bool) -> Fate:
        if timed_out:
            return Fate.TIMEOUT
        return Fate.SURVIVED if status == 0 else Fate.KILLED


def sample(path: str, number: int, seed: int) -> list[Mutant]:
    """So many mutants of a module; a larger sample holds the smaller one."""
    found = mutants(path, text_of(path))
    random.Random(f"{seed} {path}").shuffle(found)
    return found[:number]


def trial_of(mutant: Mutant, reaches: Sequence[Reach], most_seconds: float) -> Trial:
    """The fastest tests that reach the mutant, together no longer than that, but at least one."""
    every = reach.judges(reaches, mutant.path, mutant.lines, in_function=mutant.in_function)
    judges: dict[str, float] = {}
    for test, seconds in sorted(every.items(), key=lambda item: item[1]):
        if not judges or sum(judges.values()) + seconds <= most_seconds:
            judges[test] = seconds
    return Trial(mutant, judges, len(every) - len(judges))


def work(trial: Trial) -> int:
    """Run the judges with the mutant in place of its module."""
    sys.meta_path.insert(0, Changed(trial.mutant.path, trial.mutant.text))
    files = sorted({str(ROOT / test.partition("::")[0]) for test in trial.judges})
    return run_pytest(["-x", "--tb=short", *files], [Chosen(trial.judges)])


def judge_all(trials: Sequence[Trial], processes: int) -> Iterator[Judged]:
    """Run trials side by side; each comes out when it is done."""
    waiting, running = list(reversed(trials)), dict[int, tuple[Trial, Child]]()
    while waiting or running:
        while waiting and len(running) < processes:
            trial = waiting.pop()
            place = next(number for number in range(processes) if number not in running)
            seconds = _START_SECONDS + _SLOWER * sum(trial.judges.values())
            running[place] = trial, Child(lambda trial=trial: work(trial), FOLDER / f"trial-{place}.txt", seconds)  # type: ignore[misc]
        for place, (trial, child) in list(running.items()):
            status = child.status()
            if status is not None:
                del running[place]
                fate = trial.fate(status, timed_out=child.timed_out)
                yield Judged(trial.mutant, fate, len(trial.judges), trial.left_out)
        time.sleep(0.05)


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def prepare(options: argparse.Namespace) -> tuple[list[Judged], list[Trial]]:
    """What needs no test run, and what does."""
    known, reaches = results.equivalents(), dict[Suite, list[Reach]]()
    settled: list[Judged] = []
    trials: list[Trial] = []
    for path, suite in chosen(options.modules):
        if suite not in reaches:
            reaches[suite] = reach.recorded(suite, say, options.tests)
        if options.number is not None:
            drawn = [one for one in mutants(path, text_of(path)) if one.number in options.number]
        else:
            drawn = sample(path, options.sample, options.seed)
        for mutant in drawn:
            if (mutant.path, *mutant.change) in known:
                settled.append(Judged(mutant, Fate.EQUIVALENT))
                continue
            trial = trial_of(mutant, reaches[suite], options.most_seconds)
            if trial.judges:
                trials.append(trial)
            else:
                settled.append(Judged(mutant, Fate.UNREACHED))
    return settled, trials


def main() -> int:
    options = _options()
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault(migrated.FOLDER, str(FOLDER))
    (FOLDER / "migrated.sqlite3").unlink(missing_ok=True)  # of an earlier state of the migrations
    read_libraries()
    judged, trials = prepare(options)
    if options.record_only:
        return 0
    for index, one in enumerate(judge_all(trials, options.processes)):
        judged.append(one)
        say(f"{index + 1} of {len(trials)}: {one.fate}, {one.mutant.path} number {one.mutant.number}")
        if one.fate is Fate.SURVIVED:
            print(one.mutant.diff, flush=True)
    page = _page(options, judged)
    print(f"\n{page}")
    if options.save:
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        report = ROOT / "docs" / "reports" / f"mutants-{day}.md"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(page, encoding="utf-8")
    return 0


def _page(options: argparse.Namespace, judged: list[Judged]) -> str:
    what = (
        f"{options.sample} mutants of each module, seed {options.seed}" if options.number is None else "Chosen mutants"
    )
    return f"# Mutants\n\n{what}.\n\n{results.table(judged)}\n\n## Survivors\n\n{results.survivors(judged)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="*", help="parts of module paths, such as core/retry; all if none is named")
    parser.add_argument("-n", "--sample", type=int, default=10, help="mutants of each module (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (%(default)s)")
    parser.add_argument("--number", type=int, nargs="+", help="only these mutants, by number")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="side by side (%(default)s)")
    parser.add_argument("--most-seconds", type=float, default=30, help="of tests for one mutant (%(default)s)")
    parser.add_argument("--tests", nargs="+", default=[""], help="only test files with this in their path judge")
    parser.add_argument("--record-only", action="store_true", help="only record what the tests reach")
    parser.add_argument("--save", action="store_true", help="keep the result in docs/reports")
    options = parser.parse_args()
    try:
        list(chosen(options.modules))
    except ValueError as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    sys.exit(main())
