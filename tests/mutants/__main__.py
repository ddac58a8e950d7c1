"""`make mutants`: change the deciding code in small ways and see whether a test notices.

make mutants                                   # ten mutants of each module
make mutants ARGS="core/retry -n 40 --seed 7"  # some modules, more mutants, others
make mutants ARGS="core/retry --number 12"     # one mutant again
make mutants ARGS="--save"                     # keep the table and the survivors in docs/reports
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from tests.mutants import reach, results
from tests.mutants.in_place import first_look
from tests.mutants.mutating import mutants
from tests.mutants.reach import FOLDER, Reach
from tests.mutants.results import Fate, Judged
from tests.mutants.running import Job, read_libraries, side_by_side
from tests.mutants.suites import Suite, chosen, text_of
from tests.mutants.trials import Trial, sample, trial_of
from tests.support import migrated
from tests.support.paths import ROOT


def judge_all(trials: Sequence[Trial], processes: int) -> Iterator[Judged]:
    """Each comes out when it is judged: in place where that shows a failing test, else with its module imported."""
    again = list(trials)
    for suite in dict.fromkeys(trial.suite for trial in trials):
        inside = [trial for trial in trials if trial.suite is suite and trial.mutant.in_function]
        for number, fate in first_look(inside, processes, FOLDER / "look.txt"):
            if fate is not None:
                again.remove(inside[number])
                yield inside[number].judged(fate)
    jobs = [Job(trial, trial.run, trial.seconds) for trial in again]
    for trial, status, _, timed_out in side_by_side(jobs, processes, FOLDER / "trial.txt"):
        yield trial.judged(trial.fate(status, timed_out=timed_out))


def say(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True)


def prepare(options: argparse.Namespace) -> tuple[list[Judged], list[Trial]]:
    """What needs no test run, and what does."""
    known, reaches = results.equivalents(), dict[Suite, list[Reach]]()
    settled: list[Judged] = []
    trials: list[Trial] = []
    for path, suite in chosen(options.modules):
        if suite not in reaches:
            reaches[suite] = reach.recorded(suite, say, options.tests, options.processes)
        if options.number is not None:
            drawn = [one for one in mutants(path, text_of(path)) if one.number in options.number]
        else:
            drawn = sample(path, options.sample, options.seed)
        for mutant in drawn:
            if (mutant.path, *mutant.change) in known:
                settled.append(Judged(mutant, Fate.EQUIVALENT))
                continue
            trial = trial_of(mutant, suite, reaches[suite], options.most_seconds)
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
