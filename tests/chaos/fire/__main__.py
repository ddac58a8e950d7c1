"""`make chaos`: runs under fire. History and logs go to `var/chaos/`, with `--report` figures to `docs/reports/`.

Ends with status 1 when an invariant broke; its minimal history is printed.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.chaos.fire import faults, history, judge, report
from tests.chaos.fire.machines import NotHere
from tests.chaos.fire.run import Options, Outcome, run
from tests.support import migrated
from tests.support.paths import ROOT

DATABASES: Final = ("sqlite", "postgres")


def main() -> int:
    parser = ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="may be repeated (default: the clock's)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of faults; coming to rest is extra (default 10)")
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--rest", type=float, default=900.0, help="seconds to come to rest, at most (default 900)")
    parser.add_argument("--workers", type=int, default=3, choices=(2, 3, 4))
    parser.add_argument("--kinds", default="", help=f"only these, with commas: {', '.join(sorted(faults.ALL))}")
    parser.add_argument("--report", action="store_true", help="keep the figures in docs/reports/")
    parser.add_argument("--judge", type=Path, metavar="FILE", help="judge a history that was kept; run nothing")
    asked = parser.parse_args()
    if asked.judge is not None:
        kept = history.read(asked.judge)
        breaks = judge.judge(kept)
        print(judge.told(kept, breaks) or "Nothing is broken.")
        return bool(breaks)
    names = DATABASES if asked.database == "both" else (asked.database,)
    seeds = asked.seed or [int(datetime.now(UTC).timestamp())]
    kinds = tuple(name.strip() for name in asked.kinds.split(",") if name.strip())
    outcomes: list[Outcome] = []
    for name in names:
        for seed in seeds:
            options = Options(name, seed, asked.minutes * 60, asked.rest, workers=asked.workers, kinds=kinds)
            try:
                options.chosen()
                outcomes.append(_one(options))
            except ValueError as wrong:
                parser.error(str(wrong))
            except NotHere as missing:
                print(f"NOT TESTED: {missing}", file=sys.stderr)
    print("\n".join(report.table(outcomes)))
    if asked.report and outcomes:
        _keep(outcomes)
    return any(outcome.breaks for outcome in outcomes)


def _one(options: Options) -> Outcome:
    print(f"{options.database}, seed {options.seed}, {options.seconds:.0f} s", flush=True)
    folder = ROOT / "var" / "chaos" / f"{options.database}-{options.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    with tempfile.TemporaryDirectory(prefix="turnkey-fire-") as shared:
        os.environ[migrated.FOLDER] = shared
        outcome = run(options, folder)
    file = folder / "history.jsonl"
    history.write(file, outcome.history)
    print("\n".join(f"  {line}" for line in report.summary(outcome)))
    for name, why in outcome.skipped.items():
        print(f"  NOT INJECTED: {name}: {why}", file=sys.stderr)
    print(judge.told(outcome.history, outcome.breaks))
    print(f"  the history: {file.relative_to(ROOT)}", flush=True)
    return outcome


def _keep(outcomes: list[Outcome]) -> None:
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    folder = ROOT / "docs" / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"chaos-{day}.md"
    file.write_text(report.page(outcomes, day))
    print(f"  the figures: {file.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
