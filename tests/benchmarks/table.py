"""One table of all that `make bench` measures: what, figure, goal, met or not.

Every row is named here, whoever measures it: a benchmark that did not run shows as "not measured", and none can be
forgotten. Benchmarks call `record`; `python -m tests.benchmarks.table` prints the table, and with `--save` keeps it
under `docs/reports/`. Goals are of full size. In small sizes rows are recorded beside, to try the way itself; with few
locks and codes ratios are worse.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

FULL: Final = os.environ.get("TURNKEY_FULL_SIZE") == "1"
#: Where rows wait for the table. `make bench` empties the first before it begins.
RECORDED: Final = ROOT / "var" / ("bench" if FULL else "bench-small")
REPORTS: Final = ROOT / "docs" / "reports"


@dataclass(frozen=True)
class Row:
    """Something to measure. `goal` is the most that is allowed, or with `least` the least; None: only looked at."""

    key: str
    what: str
    baseline: str
    goal: float | None = None
    least: bool = False
    unit: str = ""

    def met_by(self, value: float) -> bool | None:
        """Whether a figure meets the goal; None where there is none."""
        if self.goal is None:
            return None
        return value >= self.goal if self.least else value <= self.goal


@dataclass(frozen=True)
class Figure:
    """What was measured for a row, and in `detail` what it was computed from."""

    value: float
    detail: str = ""


MAKESPAN_100: Final = Row(
    "makespan-100",
    "makespan, 20 locks x 25 codes, 100 ms, two workers",
    "Procrastinate, `lock=` per lock, same run",
    1.25,
)
MAKESPAN_300: Final = Row("makespan-300", "makespan at 300 ms", "lower bound: 25 answers one after the other", 1.15)
MAKESPAN_FAULTS: Final = Row(
    "makespan-faults",
    "makespan at 100 ms with 10 % 408 applied, 10 % 408 lost, 10 % 409, 5 % 428",
    "plain Celery task per booking, autoretry",
    0.5,
)
DOUBLES: Final = Row("doubles", "codes twice on a lock under these faults", "none", 0)
REQUESTS: Final = Row(
    "requests-faults", "requests per code under these faults", "1 + faulted answers + 1 look per doubt", 1.02
)
CPU: Final = Row("cpu-a-code", "processor time of the workers a code, 100 ms, no faults", "", 6, unit="ms")
THROUGHPUT: Final = Row(
    "throughput",
    "requests a second, two worker processes",
    "1,000 accounts at 700 requests an hour",
    194,
    least=True,
    unit="/s",
)
SWEEP: Final = Row("growth-sweep", "sweep, 1,000 due among 1,000,000", "1,000 due among 1,000", 1.3)
REVIEWS: Final = Row("growth-reviews", "reviews (slow checks), the same", "the same", 1.3)
DRIFT: Final = Row("growth-drift", "a minute's drift check, the same", "the same", 1.3)
COLLECTING: Final = Row("growth-collecting", "collecting news, the same", "the same", 1.3)
SLICES: Final = Row("growth-slices", "hourly drift slice, a row, at 1,000,000", "at 1,000", 1.3)
LATENCY: Final = Row(
    "latency",
    "booking saved to request leaves, idle, median",
    "publish to start of an empty Celery task, no result",
    6,
)
MEMORY: Final = Row("memory", "memory (RSS) of a worker after 100,000 steps", "after 1,000", 1.1)
IMPORT: Final = Row("import", "first import of 5,000 events, 500 inside the issue-ahead window", "icalendar alone", 2.5)
RENEWED: Final = Row("import-renewed", "5,000 events, UIDs of 3,000 renewed", "icalendar alone", 3.0)
RENEWED_ALL: Final = Row("import-renewed-all", "3,000 events, all UIDs renewed", "icalendar alone", 3.0)
IDENTICAL: Final = Row("import-identical", "import of identical bytes", "icalendar alone", 0.02)
RESTAMPED: Final = Row("import-restamped", "import where only DTSTAMP changed", "icalendar alone", 1.3)
LINEAR: Final = Row("import-growth", "first import of 5,000 events, no codes", "first import of 500", 11)
SCARCITY: Final = {
    (load, faults): Row(
        f"scarcity-{load.partition(' ')[0]}-{'faults' if faults else 'calm'}",
        f"arrivals ready in time under scarcity, {load}, {'usual' if faults else 'no'} faults",
        "exact plan with perfect knowledge",
        0.99,
        least=True,
    )
    for load in ("one arrival a lock", "two arrivals a lock")
    for faults in (False, True)
}
CONNECTIONS: Final = {
    kind: Row(f"connections-{kind.lower()}", f"processor time of an idle message, connections kept, {kind}", "closed")
    for kind in ("PostgreSQL", "SQLite")
}
QUERIES: Final = Row("pages-queries", "most queries of a page, 20,000 stays", "", 36)
BOARD: Final = Row("pages-board", "largest board, 20,000 stays", "", 150, unit="KB")

ROWS: Final[Sequence[Row]] = (
    MAKESPAN_100,
    MAKESPAN_300,
    MAKESPAN_FAULTS,
    DOUBLES,
    REQUESTS,
    CPU,
    THROUGHPUT,
    SWEEP,
    REVIEWS,
    DRIFT,
    COLLECTING,
    SLICES,
    LATENCY,
    MEMORY,
    IMPORT,
    RENEWED,
    RENEWED_ALL,
    IDENTICAL,
    RESTAMPED,
    LINEAR,
    *SCARCITY.values(),
    *CONNECTIONS.values(),
    QUERIES,
    BOARD,
)


def record(row: Row, value: float, detail: str = "") -> None:
    """Keep a figure for the table, and show it."""
    RECORDED.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"value": value, "detail": detail})
    (RECORDED / f"{row.key}.json").write_text(text + "\n", encoding="utf-8")
    print(f"\n{row.what}: {_number(value, row)} (goal: {_goal(row)}; {detail or 'no detail'})", flush=True)


def recorded(folder: Path = RECORDED) -> dict[str, Figure]:
    """The figures that were kept, by the key of their row."""
    return {path.stem: Figure(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))}


def as_markdown(figures: Mapping[str, Figure]) -> str:
    """The table. A row without a figure stays in it."""
    lines = ["| what | baseline | figure | goal | met | from |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        figure = figures.get(row.key)
        if figure is None:
            cells = ("not measured", _goal(row), "?", "")
        else:
            met = {True: "yes", False: "**no**", None: ""}[row.met_by(figure.value)]
            cells = (_number(figure.value, row), _goal(row), met, figure.detail)
        lines.append("| " + " | ".join((row.what, row.baseline, *cells)) + " |")
    return "\n".join(lines) + "\n"


def as_report(figures: Mapping[str, Figure], now: datetime, commit: str) -> str:
    """The table with what it was measured on. `now` in UTC."""
    measured = [row for row in ROWS if row.key in figures]
    judged = [row for row in measured if row.goal is not None]
    met = sum(bool(row.met_by(figures[row.key].value)) for row in judged)
    return (
        f"# `make bench`, {now:%Y-%m-%d}, commit {commit}\n\n"
        f"{len(measured)} of {len(ROWS)} rows were measured; {met} of {len(judged)} goals are met. "
        f"{'Full size' if FULL else 'Small size, while goals are those of full size'}; {machine()}. "
        "What the rows mean, and how to run them: [performance.md](../performance.md).\n\n"
    ) + as_markdown(figures)


def machine() -> str:
    """What a reader must know to compare: cores, processor, Python."""
    info = Path("/proc/cpuinfo")
    named = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    processor = named[0].partition(":")[2].strip() if named else platform.machine()
    return f"{os.cpu_count()} cores ({processor}), Python {platform.python_version()}"


def commit_of_checkout() -> str:
    """The short hash, with `-changed` where files differ from it; `unknown` outside of a checkout."""
    command = ["git", "describe", "--always", "--exclude=*", "--abbrev=8", "--dirty=-changed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def save(text: str, now: datetime, commit: str, folder: Path = REPORTS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"bench-{now:%Y-%m-%d}-{commit}.md"
    path.write_text(text, encoding="utf-8")
    return path


def _number(value: float, row: Row) -> str:
    """With so many digits that one can see on which side of the goal it is."""
    digits = 0 if value >= 100 or value == int(value) else 4 if value < 0.1 else 2 if value < 10 else 1
    while row.goal is not None and digits < 6 and row.met_by(round(value, digits)) != row.met_by(value):
        digits += 1
    return f"{value:,.{digits}f}{' ' if row.unit.isalpha() else ''}{row.unit}"


def _goal(row: Row) -> str:
    if row.goal is None:
        return "none"
    return f"at {'least' if row.least else 'most'} {row.goal:g}{' ' if row.unit.isalpha() else ''}{row.unit}"


def main(arguments: Sequence[str]) -> None:
    now, commit, figures = datetime.now(UTC), commit_of_checkout(), recorded()
    text = as_report(figures, now, commit)
    print(text)
    if "--save" in arguments:
        print(f"Saved as {save(text, now, commit).relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
